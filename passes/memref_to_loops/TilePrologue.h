// The elementwise operation before a pointwise convolution, computed a line at a time into the thread's scratch memory (lathe-fuse-prologue).
#ifndef PASSES_MEMREF_TO_LOOPS_TILEPROLOGUE_H
#define PASSES_MEMREF_TO_LOOPS_TILEPROLOGUE_H

#include "dialects/nn/IndexBuilder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace lathe::passes {

class PrologueTiler : nn::IndexBuilder {
public:
  /// Of the operation that fills `line`, of which `rows` rows are computed together.
  PrologueTiler(mlir::linalg::LinalgOp op, mlir::memref::AllocaOp line, int64_t rows);

  /// The line, in the shape and with the indices of the whole, but that all images and lines are at one place.
  mlir::Value buffer() { return view; }
  /// Computes the line of `image` that begins at `outer`, the position in all spatial dimensions but the last.
  void compute(mlir::OpBuilder::InsertPoint at, mlir::Value image, llvm::ArrayRef<mlir::Value> outer);
  /// Removes the operation and its buffer.
  void erase();

private:
  struct Input {
    mlir::Value flat;
    mlir::Type element;
    llvm::SmallVector<int64_t> coefficients; // of the loops [image, block, spatial..., lane] in the address
    bool changesAlongLine() const { return coefficients[coefficients.size() - 2] != 0; }
  };
  mlir::Value load(const Input &input, mlir::Value at);

  mlir::linalg::LinalgOp op;
  mlir::memref::AllocaOp whole;
  int64_t blocks, pixels, lanes, blockStride;
  llvm::SmallVector<Input> inputs;
  mlir::Value scratch, view;
};

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_TILEPROLOGUE_H
