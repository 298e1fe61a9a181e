// The iteration space of an nn.reduce on buffers, and how it is cut: which dimension is the lanes of vectors, which outputs share loads, what threads
// share. Depends on types and target only.
#ifndef PASSES_MEMREF_TO_LOOPS_REDUCESPACE_H
#define PASSES_MEMREF_TO_LOOPS_REDUCESPACE_H

#include "dialects/nn/NNDialect.h"
#include <optional>

namespace lathe::passes {

struct ReduceSpace {
  struct Dim {
    int64_t extent = 1;                 // kDynamic for the batch
    llvm::SmallVector<int64_t> strides; // in elements, of each input and then the output
  };

  /// Extents of 1 are dropped, neighbours that all operands go through as through one are merged. Failure, with an error, for buffers that kernels
  /// cannot have.
  static mlir::FailureOr<ReduceSpace> analyse(nn::ReduceOp op, int64_t lanes, int64_t registers);

  // Together all parallel dimensions; each is outside of the reduced ones.
  llvm::SmallVector<Dim> shared; // threads share them; the batch, if there is one, is the first
  std::optional<Dim> line;       // neighbouring outputs, contiguous: they are the lanes of vectors
  std::optional<Dim> rows;       // outputs that read some of the same elements
  // The reduced ones, from the outermost to the innermost.
  llvm::SmallVector<Dim> reduced;
  bool lanesAreReduced = false; // neighbours along the innermost reduced dimension are the lanes of vectors

  int64_t lanes = 1;       // of a vector; 1 if no dimension is contiguous
  int64_t rowsPerTile = 1; // outputs along `rows` that are computed together
  int64_t vectors = 1;     // vectors along `line` that are computed together
  mlir::Value batch;       // a buffer whose leading extent is the batch, or null
};

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_REDUCESPACE_H
