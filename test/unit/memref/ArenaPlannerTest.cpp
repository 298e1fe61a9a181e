// The planner against a step-by-step replay of the program that its plan is for: each buffer fills its bytes when it begins and finds them unchanged
// when it ends. The replay shares no code with the planner or with findArenaConflict.
#include "passes/memref/ArenaPlanner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

using lathe::passes::ArenaInterval;
using lathe::passes::ArenaPlan;
using lathe::passes::findArenaConflict;
using lathe::passes::planArena;

namespace {

using Intervals = std::vector<ArenaInterval>;

/// Runs the program on a real block of memory; true if no buffer was overwritten while it was live.
bool replay(const Intervals &intervals, const ArenaPlan &plan) {
  std::vector<int> memory(plan.bytes, -1);
  int64_t lastStep = 0;
  for (const ArenaInterval &i : intervals)
    lastStep = std::max(lastStep, i.last);
  for (int64_t step = 0; step <= lastStep; ++step) {
    for (size_t b = 0; b < intervals.size(); ++b)
      if (intervals[b].first == step)
        std::fill_n(memory.begin() + plan.offsets[b], intervals[b].bytes, static_cast<int>(b));
    for (size_t b = 0; b < intervals.size(); ++b)
      if (intervals[b].first <= step && step <= intervals[b].last)
        for (int64_t i = 0; i < intervals[b].bytes; ++i)
          if (memory[plan.offsets[b] + i] != static_cast<int>(b))
            return false;
  }
  return true;
}

/// The most live bytes, counted step by step with sizes rounded to the alignment.
int64_t liveBytes(const Intervals &intervals, int64_t alignment) {
  int64_t most = 0;
  for (const ArenaInterval &at : intervals) {
    int64_t live = 0;
    for (const ArenaInterval &i : intervals)
      if (i.first <= at.first && at.first <= i.last)
        live += (i.bytes + alignment - 1) / alignment * alignment;
    most = std::max(most, live);
  }
  return most;
}

ArenaPlan plan(const Intervals &intervals, int64_t alignment = 64) {
  std::optional<ArenaPlan> p = planArena(intervals, alignment);
  EXPECT_TRUE(p.has_value());
  return p.value_or(ArenaPlan());
}

Intervals randomIntervals(std::mt19937 &random, size_t count, int64_t steps, int64_t maxBytes) {
  auto draw = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  Intervals intervals;
  for (size_t i = 0; i < count; ++i) {
    int64_t first = draw(0, steps);
    // Mostly short lives, some long ones, as in networks with skip connections.
    int64_t length = draw(0, 9) == 0 ? draw(0, steps) : draw(0, 3);
    intervals.push_back({first, std::min(steps, first + length), draw(0, 3) == 0 ? maxBytes : draw(0, maxBytes)});
  }
  return intervals;
}

TEST(ArenaPlanner, RandomLifetimesNeverOverlap) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    Intervals intervals = randomIntervals(random, 1 + round % 40, 1 + round % 25, 700);
    ArenaPlan p = plan(intervals);
    EXPECT_TRUE(replay(intervals, p)) << "round " << round;
    EXPECT_FALSE(findArenaConflict(intervals, p)) << "round " << round;
    EXPECT_EQ(p.bytes % 64, 0);
    for (int64_t offset : p.offsets)
      EXPECT_EQ(offset % 64, 0);
  }
}

TEST(ArenaPlanner, LiveBytesIsALowerBoundAndNear) {
  std::mt19937 random(2);
  double worst = 1, sum = 0;
  constexpr int rounds = 200;
  for (int round = 0; round < rounds; ++round) {
    Intervals intervals = randomIntervals(random, 60, 60, 100000);
    ArenaPlan p = plan(intervals);
    EXPECT_EQ(p.liveBytes, liveBytes(intervals, 64));
    ASSERT_GE(p.bytes, p.liveBytes);
    double ratio = static_cast<double>(p.bytes) / static_cast<double>(p.liveBytes);
    worst = std::max(worst, ratio);
    sum += ratio;
  }
  EXPECT_LT(worst, 1.35);
  EXPECT_LT(sum / rounds, 1.08);
}

TEST(ArenaPlanner, AChainNeedsTwoBuffers) {
  Intervals intervals;
  for (int64_t i = 0; i < 50; ++i)
    intervals.push_back({i, i + 1, 640});
  EXPECT_EQ(plan(intervals).bytes, 1280);
}

// Found by search: with the first gap that fits, every order of placement ends at 33 * 64; with the smallest, one reaches the bound.
TEST(ArenaPlanner, TriesTheSmallestGap) {
  Intervals intervals{{5, 7, 640}, {3, 6, 192}, {2, 2, 320}, {1, 2, 768}, {3, 5, 640}, {2, 4, 128}, {4, 7, 64}, {1, 3, 512}};
  EXPECT_EQ(plan(intervals).bytes, 27 * 64);
}

// And with the smallest gap every order ends at 23 * 64.
TEST(ArenaPlanner, TriesTheFirstGap) {
  Intervals intervals{{0, 2, 192}, {0, 3, 192}, {0, 1, 256}, {2, 5, 512}, {3, 4, 576}, {1, 2, 192}, {6, 6, 768}};
  EXPECT_EQ(plan(intervals).bytes, 20 * 64);
}

TEST(ArenaPlanner, IsDeterministic) {
  std::mt19937 random(3);
  Intervals intervals = randomIntervals(random, 100, 80, 5000);
  EXPECT_EQ(plan(intervals).offsets, plan(intervals).offsets);
}

TEST(ArenaPlanner, Empty) {
  EXPECT_EQ(plan({}).bytes, 0);
  EXPECT_EQ(plan({{3, 5, 0}}).bytes, 0);
}

TEST(ArenaPlanner, Alignment) {
  Intervals intervals{{0, 1, 1}, {0, 1, 65}};
  EXPECT_EQ(plan(intervals, 64).bytes, 64 + 128);
  EXPECT_EQ(plan(intervals, 1).bytes, 66);
  EXPECT_FALSE(planArena(intervals, 0));
  EXPECT_FALSE(planArena(intervals, 48));
  EXPECT_FALSE(planArena(intervals, -64));
}

TEST(ArenaPlanner, RefusesWhatCannotBe) {
  constexpr int64_t max = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(planArena({{0, 1, -1}}, 64));
  EXPECT_FALSE(planArena({{2, 1, 64}}, 64));
  EXPECT_FALSE(planArena({{0, 1, max}}, 64));
  EXPECT_FALSE(planArena({{0, 1, max / 2 + 1}, {5, 6, max / 2 + 1}}, 64)) << "the sum, although they never meet";
  EXPECT_TRUE(planArena({{0, max, 64}, {0, 0, max / 2}}, 64));
}

TEST(ArenaPlanner, ConflictsAreFound) {
  Intervals intervals{{0, 2, 64}, {2, 3, 64}};
  EXPECT_EQ(findArenaConflict(intervals, {{0, 0}, 64, 64}), std::pair(size_t(0), size_t(1)));
  EXPECT_EQ(findArenaConflict(intervals, {{0, 63}, 127, 64}), std::pair(size_t(0), size_t(1)));
  EXPECT_EQ(findArenaConflict(intervals, {{0, 64}, 127, 64}), std::pair(size_t(1), size_t(1))) << "beyond the end";
  EXPECT_FALSE(findArenaConflict(intervals, {{64, 0}, 128, 128}));
  EXPECT_FALSE(findArenaConflict({{0, 2, 64}, {3, 3, 64}}, {{0, 0}, 64, 64})) << "one after the other";
}

} // namespace
