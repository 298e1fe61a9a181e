// Every F(m, r) computes the correlation that it stands for, and every choice of tiles fits the machine.
#include "dialects/nn/CookToom.h"
#include "passes/nn_to_linalg/WinogradCost.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"
#include <cmath>
#include <numeric>
#include <random>

using namespace lathe::passes;
using lathe::nn::CookToom;
using lathe::nn::Matrix;

namespace {

std::vector<double> times(const Matrix &a, const std::vector<double> &x) {
  std::vector<double> y(a.rows);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.columns; ++j)
      y[i] += a(i, j) * x[j];
  return y;
}

template <typename F> void forEveryTransform(F check) {
  for (int64_t m = 1; m <= CookToom::kMostPoints; ++m)
    for (int64_t r = 1; r <= 12; ++r)
      if (CookToom::isPossible(m, r))
        check(m, r);
}

TEST(CookToom, IsTheCorrelation) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  forEveryTransform([&](int64_t m, int64_t r) {
    CookToom f(m, r);
    ASSERT_EQ(f.points, m + r - 1);
    std::vector<double> x(f.points), w(r);
    for (double &v : x)
      v = normal(random);
    for (double &v : w)
      v = normal(random);
    std::vector<double> a = times(f.kernel, w), b = times(f.input, x);
    for (int64_t i = 0; i < f.points; ++i)
      a[i] *= b[i];
    std::vector<double> y = times(f.output, a);
    for (int64_t i = 0; i < m; ++i) {
      double want = 0;
      for (int64_t k = 0; k < r; ++k)
        want += x[i + k] * w[k];
      EXPECT_NEAR(y[i], want, 1e-11) << "F(" << m << ", " << r << ") output " << i;
    }
  });
}

TEST(CookToom, TransformsOfDataAreExactInFloat) {
  forEveryTransform([](int64_t m, int64_t r) {
    CookToom f(m, r);
    for (const Matrix *matrix : {&f.input, &f.output})
      for (double v : matrix->values)
        EXPECT_EQ(v, static_cast<double>(static_cast<float>(v))) << "F(" << m << ", " << r << ")";
  });
}

TEST(CookToom, KnownMatrices) {
  // Lavin and Gray, equation 8, up to the signs that B^T and G may exchange.
  CookToom f(2, 3);
  double input[] = {-1, 0, 1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, -1, 0, 1};
  EXPECT_TRUE(std::equal(f.input.values.begin(), f.input.values.end(), input));
  double output[] = {1, 1, 1, 0, 0, 1, -1, 1};
  EXPECT_TRUE(std::equal(f.output.values.begin(), f.output.values.end(), output));
}

const Machine kAvx512{16, 32, 2, 2, 4, 49152, 2097152, 10};
const Machine kAvx2{8, 16, 2, 2, 4, 32768, 1048576, 16};
const Machine kNeon{4, 32, 2, 2, 4, 65536, 1048576, 16};

WinogradWork layer(int64_t c, int64_t k, int64_t window, int64_t extent, double cold = 8) {
  WinogradWork w;
  w.output = {extent, extent};
  w.window = {window, window};
  w.inputChannels = c;
  w.outputChannels = k;
  w.coldBandwidth = cold;
  return w;
}

TEST(ChooseWinograd, FitsTheMachineAndTheImage) {
  for (const Machine &m : {kAvx512, kAvx2, kNeon})
    for (int64_t c : {1, 3, 17, 64, 512})
      for (int64_t k : {1, 16, 24, 58, 256})
        for (int64_t window : {2, 3, 5, 7})
          for (int64_t extent : {1, 2, 5, 7, 14, 33, 224}) {
            WinogradWork w = layer(c, k, window, extent);
            std::optional<WinogradTile> tile = chooseWinograd(w, m);
            if (!tile) {
              EXPECT_GT(window, 5) << "too large for tiles of six points";
              continue;
            }
            int64_t tiles = 1, block = std::accumulate(tile->segments.begin(), tile->segments.end(), int64_t(0));
            for (int64_t v : tile->m) {
              EXPECT_TRUE(CookToom::isPossible(v, window));
              tiles *= (extent + v - 1) / v;
            }
            EXPECT_LE(block, tiles);
            EXPECT_EQ((k + m.lanes - 1) / m.lanes % tile->ku, 0);
            for (int64_t s : tile->segments)
              EXPECT_LE(s * tile->ku + tile->ku + 1, m.registers);
            EXPECT_GT(tile->cycles, 0);
          }
}

TEST(ChooseWinograd, NothingToSave) {
  EXPECT_FALSE(chooseWinograd(layer(64, 64, 1, 56), kAvx512));
  EXPECT_FALSE(chooseWinograd(layer(64, 64, 11, 56), kAvx512));
}

TEST(ChooseWinograd, MoreWorkCostsMoreAndABetterMachineLess) {
  Machine wide = kAvx512, large = kAvx512;
  wide.fmaPerCycle = 4;
  large.l2Bytes *= 4;
  for (int64_t c : {16, 64, 256})
    for (int64_t extent : {7, 14, 56}) {
      double cycles = chooseWinograd(layer(c, 64, 3, extent), kAvx512)->cycles;
      EXPECT_LT(cycles, chooseWinograd(layer(c, 128, 3, extent), kAvx512)->cycles);
      EXPECT_LT(cycles, chooseWinograd(layer(c, 64, 3, extent, /*cold=*/0.5), kAvx512)->cycles);
      EXPECT_LE(chooseWinograd(layer(c, 64, 3, extent), wide)->cycles, cycles);
      EXPECT_LE(chooseWinograd(layer(c, 64, 3, extent), large)->cycles, cycles);
    }
}

TEST(ChooseWinograd, WeightsFromMemoryAskForFewerPoints) {
  // 4 tiles of 36 points read more weights than they save arithmetic.
  auto points = [](const WinogradTile &t) { return (t.m[0] + 2) * (t.m[1] + 2); };
  EXPECT_LT(points(*chooseWinograd(layer(512, 512, 3, 7, /*cold=*/2), kAvx512)), points(*chooseWinograd(layer(64, 64, 3, 112, /*cold=*/2), kAvx512)));
}

TEST(ChooseWinograd, LeavesPartsForThreadsWhereTheyAreWorthOne) {
  auto parts = [](const WinogradWork &w) {
    WinogradTile t = *chooseWinograd(w, kAvx512);
    int64_t tiles = 1, block = std::accumulate(t.segments.begin(), t.segments.end(), int64_t(0));
    for (auto [extent, m] : llvm::zip(w.output, t.m))
      tiles *= (extent + m - 1) / m;
    return (tiles + block - 1) / block * ((w.outputChannels + 15) / 16 / t.ku);
  };
  EXPECT_GE(parts(layer(128, 32, 3, 28)), 2); // 28.9 million multiply-adds; one block of 49 tiles would be fastest by the model
  EXPECT_GE(parts(layer(64, 64, 3, 56)), 4);
  EXPECT_EQ(parts(layer(16, 16, 3, 7)), 1); // 112,896
}

} // namespace
