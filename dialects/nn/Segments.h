// What more than one level of IR asks of the parts that an operation is cut into.
#ifndef DIALECTS_NN_SEGMENTS_H
#define DIALECTS_NN_SEGMENTS_H

#include "llvm/ADT/SmallVector.h"
#include <algorithm>
#include <cstdint>

namespace lathe::nn {

/// Multiply-adds that a thread is worth: smaller parts are not cut.
inline constexpr int64_t kThreadWorth = 1 << 18;

/// Covers `width` pixels by tiles of at most `most` pixels whose widths differ by at most one; equal widths are neighbours.
inline llvm::SmallVector<int64_t> balancedSegments(int64_t width, int64_t most) {
  most = std::max<int64_t>(most, 1);
  int64_t count = (width + most - 1) / most;
  if (count == 0)
    return {};
  llvm::SmallVector<int64_t> segments(width % count, width / count + 1);
  segments.append(count - width % count, width / count);
  return segments;
}

} // namespace lathe::nn

#endif // DIALECTS_NN_SEGMENTS_H
