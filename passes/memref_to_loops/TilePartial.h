// Reductions of what an iteration of a kernel has just written (nn.partial), from the near caches.
#ifndef PASSES_MEMREF_TO_LOOPS_TILEPARTIAL_H
#define PASSES_MEMREF_TO_LOOPS_TILEPARTIAL_H

#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/PartialOp.h"

namespace lathe::passes {

class PartialTiler {
public:
  /// Interleaved chains per reduction: they hide the latency of an addition.
  static constexpr int64_t kChains = 4;
  using Values = llvm::SmallVector<mlir::Value>;
  /// A pixel, a vector of channels, into one of the chains, of which it returns the next value.
  using Include = llvm::function_ref<mlir::Value(mlir::Value pixel, mlir::Value chain)>;
  /// Emits code that includes each pixel of a part in one of `chains`, and returns what they become.
  using Visit = llvm::function_ref<Values(Values chains, Include include)>;

  /// Of the nn.partial that read what `op` writes; they are removed.
  explicit PartialTiler(nn::WindowedOpInterface op);
  bool empty() const { return ops.empty(); }
  /// The values of part number `part`, of `count` pixels, of an image's block of channels: `b` is the builder of `index`, which `visit` emits with too.
  void compute(nn::IndexBuilder &index, mlir::ImplicitLocOpBuilder &b, mlir::Value image, mlir::Value block, mlir::Value part, mlir::Value count, Visit visit);
  void erase();

private:
  llvm::SmallVector<nn::PartialOp> ops;
};

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_TILEPARTIAL_H
