// Offsets in one memory block for buffers with known lifetimes. No MLIR: tested on its own with random lifetimes.
#ifndef PASSES_MEMREF_ARENAPLANNER_H
#define PASSES_MEMREF_ARENAPLANNER_H

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace lathe::passes {

/// A buffer that holds data from step `first` to step `last`, both included.
struct ArenaInterval {
  int64_t first = 0, last = 0;
  int64_t bytes = 0;
};

struct ArenaPlan {
  std::vector<int64_t> offsets; // one per interval
  int64_t bytes = 0;            // of the block
  int64_t liveBytes = 0;        // the most that is needed at one step: no plan can be smaller
};

/// A plan whose offsets and size are multiples of `alignment`; nothing if a size is negative, a lifetime ends before it begins, the alignment is not a
/// power of two, or the sum of the sizes does not fit into 63 bits. The result depends on the arguments only.
std::optional<ArenaPlan> planArena(const std::vector<ArenaInterval> &intervals, int64_t alignment);

/// Two intervals that are live at one step and share memory under `plan`, or one that is not inside the block (twice its index): a plan that is wrong.
/// Written without the planner's own code.
std::optional<std::pair<size_t, size_t>> findArenaConflict(const std::vector<ArenaInterval> &intervals, const ArenaPlan &plan);

} // namespace lathe::passes

#endif // PASSES_MEMREF_ARENAPLANNER_H
