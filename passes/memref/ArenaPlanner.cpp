// Greedy placement: buffers are placed one after the other, each into a gap that fits between those placed before it that live at the same time. The
// order decides how well this works, and whether the first or the smallest gap is better; none is best for every network, so that a few are tried and
// the smallest block wins:
//   - by size: large buffers first, small ones fill the gaps (mostly the best one on residual networks);
//   - by size times lifetime;
//   - by first step, as an allocator at run time would do it.
// Finding the optimum is NP-hard. On networks these reach the lower bound or miss it by a few per cent.
#include "passes/memref/ArenaPlanner.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace lathe::passes {
namespace {

bool liveTogether(const ArenaInterval &a, const ArenaInterval &b) { return a.first <= b.last && b.first <= a.last; }

enum class Fit { smallest, first };

/// Places in the given order; returns the size of the block. `sizes` are rounded up.
int64_t place(const std::vector<ArenaInterval> &intervals, const std::vector<int64_t> &sizes, const std::vector<size_t> &order, Fit fit,
              std::vector<int64_t> &offsets) {
  int64_t total = 0;
  std::vector<size_t> byOffset; // those placed so far
  for (size_t i : order) {
    int64_t best = -1, bestGap = 0, at = 0;
    for (size_t p : byOffset) {
      if (!liveTogether(intervals[i], intervals[p]))
        continue;
      int64_t gap = offsets[p] - at;
      if (gap >= sizes[i] && (best < 0 || (fit == Fit::smallest && gap < bestGap))) {
        best = at;
        bestGap = gap;
      }
      at = std::max(at, offsets[p] + sizes[p]);
    }
    offsets[i] = best >= 0 ? best : at;
    total = std::max(total, offsets[i] + sizes[i]);
    byOffset.insert(std::upper_bound(byOffset.begin(), byOffset.end(), i, [&](size_t a, size_t b) { return offsets[a] < offsets[b]; }), i);
  }
  return total;
}

/// The most bytes that are live at one step. Only the first steps of intervals can be maxima.
int64_t mostLive(const std::vector<ArenaInterval> &intervals, const std::vector<int64_t> &sizes) {
  struct Event {
    int64_t step;
    int64_t change;
  };
  std::vector<Event> events;
  for (size_t i = 0; i < intervals.size(); ++i) {
    events.push_back({intervals[i].first, sizes[i]});
    if (intervals[i].last < std::numeric_limits<int64_t>::max())
      events.push_back({intervals[i].last + 1, -sizes[i]});
  }
  std::sort(events.begin(), events.end(), [](const Event &a, const Event &b) { return a.step != b.step ? a.step < b.step : a.change < b.change; });
  int64_t live = 0, most = 0;
  for (const Event &e : events)
    most = std::max(most, live += e.change);
  return most;
}

} // namespace

std::optional<ArenaPlan> planArena(const std::vector<ArenaInterval> &intervals, int64_t alignment) {
  if (alignment <= 0 || (alignment & (alignment - 1)) != 0)
    return std::nullopt;
  std::vector<int64_t> sizes;
  int64_t sum = 0; // no offset can exceed it
  for (const ArenaInterval &i : intervals) {
    int64_t rounded;
    if (i.bytes < 0 || i.last < i.first || __builtin_add_overflow(i.bytes, alignment - 1, &rounded))
      return std::nullopt;
    rounded &= ~(alignment - 1);
    if (__builtin_add_overflow(sum, rounded, &sum))
      return std::nullopt;
    sizes.push_back(rounded);
  }

  auto area = [&](size_t i) { return static_cast<double>(sizes[i]) * (static_cast<double>(intervals[i].last) - static_cast<double>(intervals[i].first) + 1); };
  std::vector<size_t> bySize(intervals.size());
  std::iota(bySize.begin(), bySize.end(), size_t(0));
  std::vector<size_t> byArea = bySize, byStart = bySize;
  // The index breaks ties, so that the plan is the same everywhere.
  std::sort(bySize.begin(), bySize.end(), [&](size_t a, size_t b) { return std::tuple(-sizes[a], a) < std::tuple(-sizes[b], b); });
  std::sort(byArea.begin(), byArea.end(), [&](size_t a, size_t b) { return std::tuple(-area(a), a) < std::tuple(-area(b), b); });
  std::sort(byStart.begin(), byStart.end(),
            [&](size_t a, size_t b) { return std::tuple(intervals[a].first, -sizes[a], a) < std::tuple(intervals[b].first, -sizes[b], b); });

  ArenaPlan plan;
  plan.bytes = std::numeric_limits<int64_t>::max();
  for (const std::vector<size_t> &order : {bySize, byArea, byStart})
    for (Fit fit : {Fit::smallest, Fit::first}) {
      std::vector<int64_t> offsets(intervals.size());
      if (int64_t bytes = place(intervals, sizes, order, fit, offsets); bytes < plan.bytes) {
        plan.bytes = bytes;
        plan.offsets = std::move(offsets);
      }
    }
  plan.liveBytes = mostLive(intervals, sizes);
  return plan;
}

std::optional<std::pair<size_t, size_t>> findArenaConflict(const std::vector<ArenaInterval> &intervals, const ArenaPlan &plan) {
  for (size_t i = 0; i < intervals.size(); ++i) {
    if (plan.offsets[i] < 0 || plan.offsets[i] > plan.bytes - intervals[i].bytes)
      return std::pair(i, i);
    for (size_t j = 0; j < i; ++j) {
      bool apartInTime = intervals[i].last < intervals[j].first || intervals[j].last < intervals[i].first;
      bool apartInMemory = intervals[i].bytes == 0 || intervals[j].bytes == 0 || plan.offsets[i] + intervals[i].bytes <= plan.offsets[j] ||
                           plan.offsets[j] + intervals[j].bytes <= plan.offsets[i];
      if (!apartInTime && !apartInMemory)
        return std::pair(j, i);
    }
  }
  return std::nullopt;
}

} // namespace lathe::passes
