// What a tiling fetches ahead (`prefetch`), as ranges that tiles share by their position in the operation.
#ifndef DIALECTS_NN_PREFETCHRANGES_H
#define DIALECTS_NN_PREFETCHRANGES_H

#include "dialects/nn/NNDialect.h"

#include <cmath>

namespace lathe::nn {

inline constexpr int64_t kCacheLineBytes = 64;

struct PrefetchRange {
  int64_t from = 0, to = 0; // cache lines from the first of the operation's weights
  /// Lines that each of `iterations` iterations of each of `shares` shares fetches. A little less than all of the range is as good as all, and twice as many
  /// instructions are not.
  int64_t linesBy(double shares, double iterations) const {
    return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(static_cast<double>(to - from) / shares / iterations - 0.2)));
  }
  /// Whether that would be the same line more than twice.
  bool isSparse(double shares, double iterations) const { return static_cast<double>(to - from) < 0.5 * shares * iterations; }
};

/// The operation's own weights, and those of later operations, apart: a tile fetches at its own position in each, so that of what a thread needs of them most
/// comes into its own cache. Together where one of them is little.
inline llvm::SmallVector<PrefetchRange, 2> prefetchRanges(TilingAttr tiling, mlir::MemRefType weights) {
  llvm::SmallVector<PrefetchRange, 2> ranges;
  llvm::ArrayRef<int64_t> all = tiling.getPrefetch();
  if (all.empty())
    return ranges;
  constexpr int64_t kLittle = 4; // of the whole, one in so many
  int64_t own = weights.getNumElements() * weights.getElementTypeBitWidth() / 8 / kCacheLineBytes;
  if (kLittle * std::min(own - all[0], all[1] - own) < all[1] - all[0])
    return {{all[0], all[1]}};
  for (PrefetchRange range : {PrefetchRange{all[0], std::min(all[1], own)}, PrefetchRange{std::max(all[0], own), all[1]}})
    if (range.from < range.to)
      ranges.push_back(range);
  return ranges;
}

} // namespace lathe::nn

#endif // DIALECTS_NN_PREFETCHRANGES_H
