// What must hold of every decision, whatever the constants of the model are: no tile exceeds the machine, every tile covers the line, and what makes the
// machine or the work better or worse makes the prediction so.
#include "passes/nn_to_linalg/CostModel.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <numeric>

using namespace lathe::passes;

namespace {

constexpr int64_t kOddWidths[] = {1, 2, 3, 5, 7, 13, 14, 17, 28, 31, 56, 58, 97, 112, 113, 224, 1009};

// Vector units as they are built: lanes of f32, registers, multiply-adds, loads, latency.
const Machine kAvx512{16, 32, 2, 2, 4, 49152, 2097152, 10, 5};
const Machine kAvx2{8, 16, 2, 2, 4, 32768, 1048576, 16, 4};
const Machine kSse{4, 16, 1, 1, 4, 32768, 262144, 8, 3};
const Machine kNeon{4, 32, 2, 2, 4, 65536, 1048576, 16, 6};
const Machine kMachines[] = {kAvx512, kAvx2, kSse, kNeon};

int64_t sum(llvm::ArrayRef<int64_t> values) { return std::accumulate(values.begin(), values.end(), int64_t(0)); }
int64_t widest(const Tile &t) { return *std::max_element(t.segments.begin(), t.segments.end()); }

/// A convolution layer.
Work layer(int64_t c, int64_t k, int64_t window, int64_t width) {
  Work w;
  w.inputChannels = c;
  w.outputChannels = k;
  w.windowElements = window * window;
  w.lineWidth = w.lines = width;
  w.mergeableLines = window == 1 ? width : 1;
  w.inputBytes = c * width * width * 4;
  return w;
}

template <typename F> void forManyLayers(F check) {
  for (const Machine &m : kMachines)
    for (int64_t c : {1, 3, 16, 17, 64, 129, 512})
      for (int64_t k : {1, 16, 24, 64, 100, 1000})
        for (int64_t window : {1, 3, 7})
          for (int64_t width : kOddWidths)
            check(layer(c, k, window, width), m);
}

TEST(BalancedSegments, CoverTheWidthWithWidthsThatDifferByAtMostOne) {
  for (int64_t width : kOddWidths)
    for (int64_t most = 1; most <= 30; ++most) {
      llvm::SmallVector<int64_t> s = balancedSegments(width, most);
      EXPECT_EQ(sum(s), width);
      EXPECT_LE(s.front(), most) << width;
      EXPECT_LE(s.front() - s.back(), 1) << width << " by " << most;
      EXPECT_TRUE(llvm::is_sorted(llvm::reverse(s))) << "equal widths are neighbours";
      EXPECT_EQ(static_cast<int64_t>(s.size()), (width + most - 1) / most) << "no more tiles than needed";
    }
}

TEST(BalancedSegments, Known) {
  EXPECT_EQ(balancedSegments(28, 14), (llvm::SmallVector<int64_t>{14, 14}));
  EXPECT_EQ(balancedSegments(28, 13), (llvm::SmallVector<int64_t>{10, 9, 9}));
  EXPECT_EQ(balancedSegments(7, 26), (llvm::SmallVector<int64_t>{7}));
}

TEST(ChooseTile, CoversTheLine) {
  forManyLayers([](const Work &w, const Machine &m) {
    Tile t = chooseTile(w, m);
    ASSERT_GE(t.merge, 1);
    EXPECT_EQ(w.mergeableLines % t.merge, 0);
    EXPECT_EQ(sum(t.segments), w.lineWidth * t.merge);
    EXPECT_GE(t.segments.back(), 1);
    EXPECT_LE(t.unroll, w.inputChannels);
    EXPECT_GT(t.cycles, 0);
  });
}

TEST(ChooseTile, NeedsNoMoreRegistersThanThereAre) {
  forManyLayers([](const Work &w, const Machine &m) {
    Tile t = chooseTile(w, m);
    int64_t needed = t.ku * widest(t) + t.ku + 1; // accumulators, weights, a broadcast
    EXPECT_LE(needed, m.registers) << t.ku << " x " << widest(t);
    // Measured on AVX-512: with more than 26 accumulators the scheduler begins to spill.
    if (m.registers == 32)
      EXPECT_LE(t.ku * widest(t), 27);
  });
}

TEST(ChooseTile, ShallowReductionsLeaveRoomForTheNextTile) {
  for (const Machine &m : kMachines) {
    Tile shallow = chooseTile(layer(16, 96, 1, 112), m), deep = chooseTile(layer(512, 96, 1, 112), m);
    EXPECT_LE(shallow.ku * widest(shallow), 16);
    EXPECT_LE(shallow.ku * widest(shallow), std::max<int64_t>(16, deep.ku * widest(deep)));
  }
}

TEST(ChooseTile, KeepsTheMultiplyAddsBusy) {
  // Enough accumulators to hide the latency, wherever the line is long enough for them.
  for (const Machine &m : kMachines)
    for (int64_t width : {14, 28, 56, 112}) {
      Tile t = chooseTile(layer(256, 256, 3, width), m);
      EXPECT_GE(t.ku * t.segments.back(), m.fmaPerCycle * m.fmaLatency) << width;
    }
}

TEST(ChooseTile, TilesDoNotGrowBeyondGroupsOfWholeVectors) {
  for (const Machine &m : kMachines)
    for (int64_t vectors : {1, 2, 3})
      for (int64_t groups : {2, 5, 16}) {
        Work w = layer(m.lanes, vectors * groups * m.lanes, 3, 28); // groups of one vector in and `vectors` out
        w.groups = groups;
        w.paddedChannels = false;
        EXPECT_EQ(vectors % chooseTile(w, m).ku, 0) << vectors << " vectors by " << groups << " groups";
      }
}

TEST(ChooseTile, ChannelVectorsDivideWhereThereIsNoRoomBeyondThem) {
  for (int64_t k : {16, 48, 80, 112, 17 * 16}) {
    Work w = layer(256, k, 3, 28);
    w.paddedChannels = false;
    Tile t = chooseTile(w, kAvx512);
    EXPECT_EQ(k / 16 % t.ku, 0) << k;
  }
}

TEST(ChooseTile, MergesLinesOnlyWhereItMay) {
  Work w = layer(256, 256, 1, 7);
  EXPECT_GT(chooseTile(w, kAvx512).merge, 1) << "lines of 7 pixels are too short for the registers";
  w.mergeableLines = 1;
  EXPECT_EQ(chooseTile(w, kAvx512).merge, 1);
  EXPECT_EQ(chooseTile(layer(256, 256, 3, 7), kAvx512).merge, 1);
}

TEST(ChooseTile, PoolsAndDepthwise) {
  for (bool multiply : {false, true})
    for (const Machine &m : kMachines)
      for (int64_t width : kOddWidths) {
        Work w = layer(1, 64, 3, width);
        w.channelwise = true;
        w.multiply = multiply;
        w.paddedChannels = false;
        Tile t = chooseTile(w, m);
        EXPECT_EQ(sum(t.segments), width);
        EXPECT_EQ(64 / m.lanes % t.ku, 0);
        EXPECT_LE(t.ku * widest(t), 16);
      }
}

TEST(Prediction, NeverBeatsThePeak) {
  forManyLayers([](const Work &w, const Machine &m) {
    double multiplyAdds = static_cast<double>(w.inputChannels) * w.windowElements * w.outputChannels * w.lineWidth * w.lines;
    EXPECT_GE(chooseTile(w, m).cycles, multiplyAdds / (m.lanes * m.fmaPerCycle));
  });
}

TEST(Prediction, GrowsWithTheWork) {
  for (const Machine &m : kMachines) {
    double base = chooseTile(layer(64, 64, 3, 28), m).cycles;
    EXPECT_GT(chooseTile(layer(128, 64, 3, 28), m).cycles, base);
    EXPECT_GT(chooseTile(layer(64, 128, 3, 28), m).cycles, base);
    EXPECT_GT(chooseTile(layer(64, 64, 5, 28), m).cycles, base);
    EXPECT_GT(chooseTile(layer(64, 64, 3, 56), m).cycles, base);
    Work residual = layer(64, 64, 3, 28);
    residual.epilogueLoads = 1;
    EXPECT_GT(chooseTile(residual, m).cycles, base);
  }
}

/// More of anything never predicts a slower kernel.
TEST(Prediction, ABetterMachineIsNeverSlower) {
  forManyLayers([](const Work &w, const Machine &m) {
    double base = chooseTile(w, m).cycles;
    auto better = [&](int64_t Machine::*member, int64_t factor) {
      Machine other = m;
      other.*member *= factor;
      return chooseTile(w, other).cycles;
    };
    EXPECT_LE(better(&Machine::registers, 2), base);
    EXPECT_LE(better(&Machine::fmaPerCycle, 2), base);
    EXPECT_LE(better(&Machine::loadsPerCycle, 2), base);
    EXPECT_LE(better(&Machine::l1Bytes, 4), base);
    EXPECT_LE(better(&Machine::l3BytesPerCycle, 2), base);
    EXPECT_GE(better(&Machine::fmaLatency, 2), base);
  });
}

TEST(Share, OfTheLastVectorWhereChannelsAreFew) {
  auto shared = [](int64_t k, int64_t most) {
    Work w = layer(64, k, 3, 56);
    w.mostShare = most;
    return chooseTile(w, kAvx512);
  };
  EXPECT_EQ(shared(3, 4).share, 4);
  EXPECT_EQ(shared(24, 2).share, 2);
  EXPECT_EQ(shared(24, 2).ku, 2) << "one group of vectors";
  EXPECT_EQ(shared(24, 1).share, 1);
  EXPECT_LT(shared(24, 2).cycles, shared(24, 1).cycles);
  for (int64_t most : {1, 2, 4, 8})
    EXPECT_EQ(shared(3, most).unroll % shared(3, most).share, 0);
}

TEST(Others, AreNoBetterAndNotTheSameTile) {
  forManyLayers([](const Work &w, const Machine &m) {
    llvm::SmallVector<Tile> others;
    Tile best = chooseTile(w, m, &others, 3);
    EXPECT_LE(others.size(), 3u);
    double previous = best.cycles;
    for (const Tile &t : others) {
      EXPECT_GE(t.cycles, previous);
      EXPECT_FALSE(t.ku == best.ku && t.segments.front() == best.segments.front());
      previous = t.cycles;
    }
  });
}

TEST(ChooseTile, HasATileForAMachineOfOneRegister) {
  Machine m = kSse;
  m.registers = 1;
  Tile t = chooseTile(layer(3, 16, 3, 5), m);
  EXPECT_EQ(t.ku, 1);
  EXPECT_EQ(t.segments, (llvm::SmallVector<int64_t>{1, 1, 1, 1, 1}));
}

} // namespace
