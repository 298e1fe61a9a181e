// The loops of a linalg operation on buffers and where each of its operands is read or written in them, in a form that is easy to reorder: every access
// is one linear address, an affine expression of the loops.
#ifndef PASSES_MEMREF_TO_LOOPS_GENERICNEST_H
#define PASSES_MEMREF_TO_LOOPS_GENERICNEST_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lathe::passes {

struct GenericNest {
  struct Loop {
    int64_t extent = 0; // kDynamic for the batch
    bool parallel = true;
  };
  struct Access {
    mlir::Value operand;                // a buffer, or a scalar that is the same everywhere
    mlir::AffineExpr address;           // in elements, of `loops`; null for a scalar operand
    llvm::SmallVector<int64_t> strides; // of `loops`, if the address is a sum of multiples of them
    bool linear = false;
  };

  /// Loops of extent 1 are dropped. Failure, with an error, if the operation has shapes that kernels cannot have.
  static mlir::FailureOr<GenericNest> analyse(mlir::linalg::LinalgOp op);

  /// Puts parallel loops in the order in which the output lies in memory, and reductions inside.
  void orderForContiguousWrites();
  /// Merges neighbouring loops that all operands go through as through one, from the innermost outwards, until `enough` iterations are covered; no
  /// merged loop gets more than `limit`.
  void mergeNeighbours(int64_t enough, int64_t limit);
  /// The first of the loops that are not shared among threads: the reductions, the innermost parallel loop, and loops around it as long as that makes
  /// fewer than `enough` iterations, and no more than `limit`. With `whole` the innermost parallel loop is one of them even if there is no other.
  int64_t firstInner(int64_t enough, int64_t limit, bool whole) const;
  /// Splits an innermost loop of more than `limit` iterations into equal pieces of at least `enough`, a multiple of `lanes`, if there are such.
  void splitInnermost(int64_t limit, int64_t enough, int64_t lanes);
  /// Whether neighbouring iterations of the innermost loop are the lanes of vectors: contiguous or the same element in every operand.
  bool isVectorisable() const;

  llvm::SmallVector<Loop> loops;
  llvm::SmallVector<Access> inputs;
  Access output;
  mlir::Value batch; // operand whose dimension `batchDim` is the dynamic extent
  int64_t batchDim = 0;
  llvm::SmallVector<int64_t> loopOf; // position of each of the operation's loops in `loops`, -1 if dropped; empty after loops were merged or split

private:
  /// Replaces loop i of the addresses by expression i of `replacements`, which is of `count` loops.
  void substitute(llvm::ArrayRef<mlir::AffineExpr> replacements, int64_t count);
  llvm::SmallVector<Access *> accesses();

  mlir::Block *body = nullptr;
};

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_GENERICNEST_H
