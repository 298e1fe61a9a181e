// The loops of a linalg operation on buffers and where each of its operands is read or written in them, in a form that is easy to reorder: every access
// is one linear address, an affine expression of the loops.
#ifndef PASSES_MEMREF_TO_LOOPS_GENERICNEST_H
#define PASSES_MEMREF_TO_LOOPS_GENERICNEST_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace lathe::passes {

/// Iterations of the innermost loop from which on the address arithmetic of the outer ones does not count.
constexpr int64_t kLine = 512;
/// Longer lines are split where that is exact, so that threads have something to share.
constexpr int64_t kLongLine = 8192;

struct GenericNest {
  struct Loop {
    int64_t extent = 0; // kDynamic for the batch
    bool parallel = true;
  };
  struct Access {
    mlir::Value operand;                // a buffer, or a scalar that is the same everywhere
    mlir::AffineExpr address;           // in elements, of `loops`; null for a scalar operand
    llvm::SmallVector<int64_t> strides; // of `loops`: the address is a sum of multiples of those that are not in `divided`, and of what divides
    llvm::SmallVector<bool> divided;    // of `loops`: whether the address has it in a quotient or remainder
    bool isLinear() const { return !llvm::is_contained(divided, true); }
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
  /// Replaces each loop l of which an address has l floordiv K or l mod K by two, l = K * a + b. If K does not divide its extent (of one loop at most), the
  /// last iteration of `a` has `partial->rest` iterations of `b`. False if there is no such loop, or if reads of all K would leave the operands.
  bool splitQuotients();
  /// Replaces loop l by two, l = piece * a + b; `piece` divides its extent.
  void split(int64_t loop, int64_t piece);
  /// Splits an innermost loop of more than `limit` iterations into equal pieces of at least `enough`, a multiple of `lanes`, if there are such.
  void splitInnermost(int64_t limit, int64_t enough, int64_t lanes);
  /// Whether neighbouring iterations of the innermost loop are the lanes of vectors: contiguous or the same element in every operand, or with `pick` a few
  /// elements apart in inputs.
  bool isVectorisable(bool pick) const;
  /// Whether the body is the same operations at vector type: no indices in it.
  bool hasVectorForm() const;

  llvm::SmallVector<Loop> loops;
  llvm::SmallVector<Access> inputs;
  Access output;
  struct Partial {
    int64_t outer, inner, rest;
  };
  std::optional<Partial> partial; // of a loop that was split with a remainder
  mlir::Value batch;              // operand whose dimension `batchDim` is the dynamic extent
  int64_t batchDim = 0;
  llvm::SmallVector<int64_t> loopOf; // position of each of the operation's loops in `loops`, -1 if dropped; empty after loops were merged or split

private:
  /// Replaces loop i of the addresses by expression i of `replacements`, which is of `count` loops.
  void substitute(llvm::ArrayRef<mlir::AffineExpr> replacements, int64_t count);
  llvm::SmallVector<Access *> accesses();
  bool splitQuotient();
  /// Whether all iterations up to K of the split loop read inside the operands.
  bool readsInside() const;

  mlir::Block *body = nullptr;
};

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_GENERICNEST_H
