// What a register tile fetches of weights that are needed later, while its multiply-adds run (docs/rationale/CostModel.md, "Weights that come from memory").
#ifndef PASSES_LOOPS_WEIGHTFETCHER_H
#define PASSES_LOOPS_WEIGHTFETCHER_H

#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/PrefetchRanges.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace lathe::passes {

class WeightFetcher : public nn::IndexBuilder {
protected:
  template <typename T> using SmallVector = llvm::SmallVector<T>;
  template <typename T> using ArrayRef = llvm::ArrayRef<T>;
  using Value = mlir::Value;

  explicit WeightFetcher(nn::MicroKernelOp op)
      : IndexBuilder(op), op(op), spatial(op.getWindow().size()), last(spatial - 1),
        blockedOutput(mlir::cast<mlir::MemRefType>(op.getInit().getType()).getRank() == spatial + 3) {}

  /// What a tile fetches of weights that are needed later: its pixels' share of a range of them, `lines` cache lines in each iteration of the innermost loop,
  /// or of the one around it, so that they come while the multiply-adds run. Behind the weights of a kernel lie those of the kernel that runs next.
  /// Prefetches never fault.
  struct Prefetch {
    int64_t lines, line; // per iteration; elements of a line
    Value begin;         // address of the tile's share
  };

  /// Those of a loop of so many iterations. `sparse`: only those, or all but those, that it would fetch several times.
  SmallVector<Prefetch> prefetches(int64_t iterations, std::optional<bool> sparse = std::nullopt, int64_t innermost = 0) {
    SmallVector<Prefetch> result;
    auto weightsType = mlir::cast<mlir::MemRefType>(op.getWeights().getType()), out = mlir::cast<mlir::MemRefType>(op.getInit().getType());
    for (nn::PrefetchRange range : nn::prefetchRanges(op.getTiling(), weightsType)) {
      int64_t pixels = 1, line = nn::kCacheLineBytes * 8 / out.getElementTypeBitWidth();
      Value pixel = constant(0);
      for (int64_t d = 0; d < spatial; ++d) {
        int64_t extent = blockedOutput ? out.getDimSize(2 + d) : out.getRank() == 3 ? out.getDimSize(1) : 1;
        pixels *= extent;
        pixel = add(mul(pixel, extent), d < last ? op.getRows()[d] : op.getColumn());
      }
      int64_t shares = pixels * weightsType.getDimSize(0);
      double tiles = static_cast<double>(shares) / op.getTiling().getSegments().front();
      if (sparse && range.isSparse(tiles, innermost) != *sparse)
        continue;
      int64_t lines = range.linesBy(tiles, iterations);
      Value first = mlir::arith::DivUIOp::create(b, mul(add(mul(op.getGroup(), pixels), pixel), range.to - range.from), constant(shares));
      result.push_back({lines, line, mul(add(first, range.from), line)});
    }
    return result;
  }

  /// Where iteration `number / steps` begins to fetch.
  SmallVector<Value> fetchAddresses(ArrayRef<Prefetch> prefetches, Value number, int64_t steps) {
    return llvm::map_to_vector(prefetches, [&](const Prefetch &p) { return add(p.begin, mul(number, p.lines * p.line / steps)); });
  }

  /// The part of step `j` of `steps` of an iteration.
  void fetch(ArrayRef<Prefetch> prefetches, ArrayRef<Value> addresses, int64_t j, int64_t steps) {
    for (auto [p, at] : llvm::zip(prefetches, addresses))
      for (int64_t i = j * p.lines / steps; i < (j + 1) * p.lines / steps; ++i)
        mlir::memref::PrefetchOp::create(b, weights, add(at, i * p.line), /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }

  nn::MicroKernelOp op;
  int64_t spatial, last; // dimensions, and the last of them
  bool blockedOutput;
  Value weights; // flat
};

} // namespace lathe::passes

#endif // PASSES_LOOPS_WEIGHTFETCHER_H
