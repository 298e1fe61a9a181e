#include "compiler/artifact/Recipe.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "test/unit/artifact/NaiveRecipe.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cstring>
#include <numeric>
#include <random>

using namespace mlir;
using namespace lathe;

namespace {

class Recipes : public testing::Test {
protected:
  Recipes() : b(&context) { context.loadDialect<nn::NNDialect>(); }

  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("recipe-test", directory));
    // No round numbers: that a product was rounded twice must show.
    std::uniform_real_distribution<float> value(0.1f, 1.1f);
    for (float &f : floats)
      f = value(random);
    write(ArrayRef(floats));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(directory); }

  void write(ArrayRef<float> content) {
    std::error_code code;
    llvm::raw_fd_ostream os((directory + "/w.bin").str(), code);
    os.write(reinterpret_cast<const char *>(content.data()), content.size() * sizeof(float));
    ASSERT_FALSE(code);
  }

  nn::FileAttr file(int64_t first, int64_t count) {
    auto *bytes = reinterpret_cast<const uint8_t *>(floats.data() + first);
    std::string hash = llvm::toHex(llvm::BLAKE3::hash<32>({bytes, static_cast<size_t>(count) * 4}), true);
    return nn::FileAttr::get(&context, "w.bin", first * 4, count * 4, hash);
  }
  nn::WeightAttr weight(Attribute source, ArrayRef<int64_t> shape, ArrayRef<nn::StepAttr> steps = {}) {
    return nn::WeightAttr::get(&context, source, RankedTensorType::get(shape, b.getF32Type()), steps);
  }
  nn::WeightAttr fileWeight(ArrayRef<int64_t> shape, ArrayRef<nn::StepAttr> steps = {}) {
    int64_t count = ShapedType::getNumElements(shape);
    return weight(file(random() % (floats.size() - count + 1), count), shape, steps);
  }
  nn::WeightAttr splat(float value, ArrayRef<int64_t> shape, ArrayRef<nn::StepAttr> steps = {}) {
    return weight(DenseElementsAttr::get(RankedTensorType::get(shape, b.getF32Type()), value), shape, steps);
  }
  nn::StepAttr step(StringRef kind, ArrayRef<int64_t> args = {}, std::optional<double> value = {}, nn::WeightAttr operand = {}) {
    return nn::StepAttr::get(&context, kind, args, value ? b.getF32FloatAttr(*value) : FloatAttr(), operand);
  }

  std::vector<float> evaluate(nn::WeightAttr w) {
    SourceFiles files(directory);
    std::vector<float> result(weightBytes(w) / 4, -1);
    std::string error;
    EXPECT_TRUE(succeeded(evaluateWeight(w, files, {reinterpret_cast<char *>(result.data()), result.size() * 4}, error))) << error;
    return result;
  }
  std::string errorOf(nn::WeightAttr w) {
    SourceFiles files(directory);
    std::vector<char> result(weightBytes(w));
    std::string error;
    EXPECT_TRUE(failed(evaluateWeight(w, files, result, error)));
    return error;
  }
  std::vector<float> naively(nn::WeightAttr w) {
    return test::elementsOf(test::evaluateNaively(w, [&](nn::FileAttr f, int64_t i) { return floats[f.getOffset() / 4 + i]; }));
  }

  nn::StepAttr randomStep(ArrayRef<int64_t> shape);
  nn::WeightAttr randomWeight(int depth);

  MLIRContext context;
  Builder b;
  SmallString<128> directory;
  std::array<float, 4096> floats;
  std::mt19937 random{20240817};
};

/// A step that fits the shape.
nn::StepAttr Recipes::randomStep(ArrayRef<int64_t> shape) {
  int64_t rank = shape.size(), count = ShapedType::getNumElements(shape);
  switch (random() % 10) {
  case 0: {
    SmallVector<int64_t> permutation(rank);
    std::iota(permutation.begin(), permutation.end(), 0);
    std::shuffle(permutation.begin(), permutation.end(), random);
    return step("transpose", permutation);
  }
  case 1:
  case 2: { // split and merge at random: the dims of the new shape divide what is left
    SmallVector<int64_t> dims;
    while (count > 1 && dims.size() < 5) {
      SmallVector<int64_t> divisors;
      for (int64_t d = 1; d <= count; ++d)
        if (count % d == 0)
          divisors.push_back(d);
      dims.push_back(divisors[random() % divisors.size()]);
      count /= dims.back();
    }
    dims.push_back(count);
    return step("reshape", dims);
  }
  case 3:
  case 4: {
    SmallVector<int64_t> dims(shape);
    for (int64_t &d : dims)
      d += random() % 3;
    return step("pad", dims);
  }
  case 5: {
    SmallVector<int64_t> dims(shape);
    for (int64_t &d : dims)
      if (d == 1)
        d = 1 + random() % 3;
    if (random() % 2)
      dims.insert(dims.begin(), 2);
    return step("broadcast", dims);
  }
  case 6: { // any slice, forwards, backwards or of one element over and over
    SmallVector<int64_t> begins, extents, steps;
    for (int64_t d : shape) {
      int64_t begin = random() % d, end = random() % d, pace = 1 + random() % 3, distance = std::abs(end - begin);
      begins.push_back(begin);
      extents.push_back(distance / pace + 1);
      steps.push_back(end < begin ? -pace : end == begin ? 0 : pace);
    }
    SmallVector<int64_t> args(begins);
    llvm::append_range(args, extents);
    llvm::append_range(args, steps);
    return step("slice", args);
  }
  case 7:
    if (rank > 0) {
      int64_t axis = random() % rank;
      return step("scale", axis, {}, fileWeight(shape[axis]));
    }
    return step("mul_scalar", {}, 0.3);
  case 8:
    return step("div_sqrt", {}, 1e-3, fileWeight(shape));
  default: {
    const char *kinds[] = {"add", "sub", "mul", "div"};
    return step(kinds[random() % 4], {}, {}, random() % 2 ? fileWeight(shape) : splat(0.7f, {}));
  }
  }
}

nn::WeightAttr Recipes::randomWeight(int depth) {
  SmallVector<int64_t> shape(random() % 5);
  for (int64_t &d : shape)
    d = 1 + random() % 4;
  nn::WeightAttr w = random() % 4 ? fileWeight(shape) : splat(0.9f, shape);
  for (int i = 0; i < depth; ++i) {
    FailureOr<SmallVector<int64_t>> current = w.getResultShape();
    if (ShapedType::getNumElements(*current) > 1500)
      break;
    w = w.withStep(randomStep(*current));
  }
  return w;
}

/// The order of the operations is the same and every one is exact or correctly rounded in double, so not a bit may differ.
TEST_F(Recipes, RandomRecipesAgreeWithTheNaiveEvaluation) {
  for (int i = 0; i < 3000; ++i) {
    nn::WeightAttr w = randomWeight(1 + i % 7);
    std::vector<float> got = evaluate(w), want = naively(w);
    ASSERT_EQ(got.size(), want.size());
    if (std::memcmp(got.data(), want.data(), got.size() * 4) != 0) {
      std::string text;
      llvm::raw_string_ostream(text) << w;
      FAIL() << text;
    }
  }
}

TEST_F(Recipes, PacksAConvolution) {
  // K = 5 in groups of 4, C = 3 in blocks of 2, a window of 2: [K, C, R] to [K/4, C/2, R, 2, 4].
  nn::WeightAttr w = weight(file(0, 30), {5, 3, 2}, {step("pad", {8, 4, 2}), step("reshape", {2, 4, 2, 2, 2}), step("transpose", {0, 2, 4, 3, 1})});
  std::vector<float> got = evaluate(w);
  ASSERT_EQ(got.size(), 64u);
  for (int64_t k = 0; k < 8; ++k)
    for (int64_t c = 0; c < 4; ++c)
      for (int64_t r = 0; r < 2; ++r)
        EXPECT_EQ(got[(((k / 4 * 2 + c / 2) * 2 + r) * 2 + c % 2) * 4 + k % 4], k < 5 && c < 3 ? floats[(k * 3 + c) * 2 + r] : 0.0f);
}

TEST_F(Recipes, SharesTheLastColumns) {
  // Two of [4, 6] with 4 lanes and a share of 2: columns 2 to 5 of rows 0 and 1 become one row, those of row 1 zero.
  std::vector<float> got = evaluate(weight(file(0, 48), {2, 4, 6}, {step("share_rows", {4, 2})}));
  ASSERT_EQ(got.size(), 48u);
  for (int64_t row = 0; row < 8; ++row)
    for (int64_t column = 0; column < 6; ++column) {
      int64_t lane = column - 2, from = lane < 0 ? column : 2 + lane / 2;
      float want = lane < 0 ? floats[row * 6 + column] : row % 2 ? 0 : floats[(row + lane % 2) * 6 + from];
      EXPECT_EQ(got[row * 6 + column], want) << row << " " << column;
    }
}

TEST_F(Recipes, RoundsOnce) {
  // In float 16777216 + 1 is 16777216; in double the sum is kept until the subtraction.
  nn::WeightAttr w = splat(16777216.0f, {1}, {step("add", {}, {}, splat(1.0f, {})), step("sub", {}, {}, splat(16777216.0f, {1}))});
  EXPECT_EQ(evaluate(w), std::vector<float>{1.0f});
}

TEST_F(Recipes, FoldsABatchNorm) {
  nn::WeightAttr gamma = weight(file(100, 2), {2}), variance = weight(file(200, 2), {2});
  nn::WeightAttr factor = gamma.withStep(step("div_sqrt", {}, 1e-5, variance));
  std::vector<float> got = evaluate(weight(file(0, 6), {2, 3}, {step("scale", 0, {}, factor)}));
  for (int64_t k = 0; k < 2; ++k)
    for (int64_t c = 0; c < 3; ++c) {
      double f = floats[100 + k] / std::sqrt(static_cast<double>(floats[200 + k]) + static_cast<double>(1e-5f));
      EXPECT_EQ(got[k * 3 + c], static_cast<float>(floats[k * 3 + c] * f));
    }
}

TEST_F(Recipes, EmptyAndScalarWeights) {
  EXPECT_EQ(evaluate(splat(3.0f, {})), std::vector<float>{3.0f});
  EXPECT_EQ(evaluate(splat(3.0f, {0, 4}, {step("reshape", {4, 0})})).size(), 0u);
  EXPECT_EQ(evaluate(splat(3.0f, {0}, {step("pad", {2})})), (std::vector<float>{0, 0}));
}

TEST_F(Recipes, ManyWeightsOnTwoThreadsLieWhereTheLayoutSays) {
  SmallVector<nn::WeightAttr> weights;
  for (int i = 0; i < 50; ++i)
    weights.push_back(randomWeight(3));
  WeightLayout layout = layOutWeights(weights, 64);
  std::vector<char> one(layout.bytes, 1), two(layout.bytes, 2);
  std::string error;
  ASSERT_TRUE(succeeded(evaluateWeights(weights, layout, directory, 1, one, error))) << error;
  ASSERT_TRUE(succeeded(evaluateWeights(weights, layout, directory, 2, two, error))) << error;
  EXPECT_EQ(one, two);
  for (auto [w, offset] : llvm::zip(weights, layout.offsets)) {
    EXPECT_EQ(offset % 64, 0u);
    std::vector<float> want = naively(w);
    EXPECT_EQ(std::memcmp(one.data() + offset, want.data(), want.size() * 4), 0);
  }
}

TEST_F(Recipes, MissingFile) {
  auto absent = nn::FileAttr::get(&context, "absent.bin", 0, 4, std::string(64, '0'));
  EXPECT_EQ(errorOf(weight(absent, {1})), ("weights file '" + directory + "/absent.bin' cannot be opened: No such file or directory").str());
}

TEST_F(Recipes, NotAFile) {
  auto folder = nn::FileAttr::get(&context, "..", 0, 4, std::string(64, '0'));
  EXPECT_EQ(errorOf(weight(folder, {1})), ("weights file '" + directory + "/..' is not a regular file").str());
}

TEST_F(Recipes, ShortFile) {
  nn::WeightAttr w = weight(file(4090, 6), {6});
  write(ArrayRef(floats).take_front(4092));
  EXPECT_EQ(errorOf(w), ("weights file '" + directory + "/w.bin' has 16368 bytes (expects 24 at offset 16360)").str());
}

TEST_F(Recipes, ChangedFile) {
  nn::WeightAttr w = weight(file(10, 6), {6});
  floats[12] += 1;
  write(ArrayRef(floats));
  std::string error = errorOf(w);
  EXPECT_NE(error.find("w.bin' is not the one that was imported: 24 bytes at offset 40 have the BLAKE3 hash "), std::string::npos) << error;
  // What lies beside the bytes of the recipe may change.
  floats[12] -= 1;
  floats[16] += 1;
  write(ArrayRef(floats));
  evaluate(w);
}

} // namespace

//===- Element types beside f32 ----------------------------------------------------------------------------------------------------------------===//

template <typename T> static std::vector<T> evaluateAs(nn::WeightAttr w, StringRef directory) {
  SourceFiles files(directory);
  std::vector<T> result(weightBytes(w) / sizeof(T), T(-1));
  std::string error;
  EXPECT_TRUE(succeeded(evaluateWeight(w, files, {reinterpret_cast<char *>(result.data()), result.size() * sizeof(T)}, error))) << error;
  return result;
}

static nn::WeightAttr dense(DenseElementsAttr elements, ArrayRef<nn::StepAttr> steps = {}) {
  return nn::WeightAttr::get(elements.getContext(), elements, cast<RankedTensorType>(elements.getType()), steps);
}

// Integers are moved as bytes: what a double cannot hold arrives whole.
TEST_F(Recipes, MovesIntegers) {
  constexpr int64_t kLarge = (int64_t(1) << 62) + 1;
  auto elements = DenseElementsAttr::get(RankedTensorType::get({2, 3}, b.getI64Type()), ArrayRef<int64_t>{1, -2, 3, kLarge, 0, 6});
  EXPECT_EQ(evaluateAs<int64_t>(dense(elements), directory), (std::vector<int64_t>{1, -2, 3, kLarge, 0, 6}));
  EXPECT_EQ(evaluateAs<int64_t>(dense(elements, {step("transpose", {1, 0})}), directory), (std::vector<int64_t>{1, kLarge, -2, 0, 3, 6}));
  EXPECT_EQ(evaluateAs<int64_t>(dense(elements, {step("pad", {3, 3}), step("reshape", {9})}), directory),
            (std::vector<int64_t>{1, -2, 3, kLarge, 0, 6, 0, 0, 0}));
  auto splat = DenseElementsAttr::get(RankedTensorType::get({1, 2}, b.getI8Type()), int8_t(-7));
  EXPECT_EQ(evaluateAs<int8_t>(dense(splat, {step("broadcast", {2, 2})}), directory), (std::vector<int8_t>{-7, -7, -7, -7}));
  EXPECT_EQ(weightBytes(dense(DenseElementsAttr::get(RankedTensorType::get({0, 3}, b.getI64Type()), ArrayRef<int64_t>{}))), 0);
}

// Narrow types are rounded once, to nearest, ties to even, from the double that the steps compute.
TEST_F(Recipes, RoundsToHalf) {
  // Ties to even, a sum that f32 would already have rounded to a tie, the largest number, beyond it, the least denormal and less than half of it.
  double sticky = 1 + 0x1p-11 + 0x1p-40, stickyBrain = 1 + 0x1p-8 + 0x1p-40;
  auto doubles =
      DenseElementsAttr::get(RankedTensorType::get({7}, b.getF64Type()), ArrayRef<double>{1 + 0x1p-11, 1 + 0x3p-11, sticky, 65504, 65520, 0x1p-24, 0x1p-26});
  EXPECT_EQ(evaluateAs<uint16_t>(dense(doubles, {step("to_float"), step("to_f16")}), directory),
            (std::vector<uint16_t>{0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00, 1, 0}));
  auto others =
      DenseElementsAttr::get(RankedTensorType::get({6}, b.getF64Type()), ArrayRef<double>{1 + 0x1p-8, 1 + 0x3p-8, stickyBrain, -stickyBrain, 1e39, -0.0});
  EXPECT_EQ(evaluateAs<uint16_t>(dense(others, {step("to_float"), step("to_bf16")}), directory),
            (std::vector<uint16_t>{0x3f80, 0x3f82, 0x3f81, 0xbf81, 0x7f80, 0x8000}));
  EXPECT_EQ(weightBytes(dense(doubles, {step("to_float"), step("to_f16")})), 14);
}

// to_float reads each type as what it is; then arithmetic applies.
TEST_F(Recipes, ConvertsToFloat) {
  auto bytes = DenseElementsAttr::get(RankedTensorType::get({3}, b.getI8Type()), ArrayRef<int8_t>{-1, 127, -128});
  EXPECT_EQ(evaluate(dense(bytes, {step("to_float")})), (std::vector<float>{-1, 127, -128}));
  EXPECT_EQ(evaluate(dense(bytes, {step("to_float", {1})})), (std::vector<float>{255, 127, 128}));
  EXPECT_EQ(evaluate(dense(bytes, {step("to_float", {1}), step("mul_scalar", {}, 0.5)})), (std::vector<float>{127.5f, 63.5f, 64}));
  auto halves =
      DenseElementsAttr::get(RankedTensorType::get({2}, b.getF16Type()), {APFloat(APFloat::IEEEhalf(), "0x1.554p-2"), APFloat(APFloat::IEEEhalf(), "-65504")});
  EXPECT_EQ(evaluate(dense(halves, {step("to_float")})), (std::vector<float>{0x1.554p-2f, -65504}));
  auto doubles = DenseElementsAttr::get(RankedTensorType::get({2}, b.getF64Type()), ArrayRef<double>{0.1, 16777217});
  EXPECT_EQ(evaluate(dense(doubles, {step("to_float")})), (std::vector<float>{0.1f, 16777216}));
  EXPECT_EQ(evaluate(dense(doubles, {step("to_float"), step("sub", {}, {}, dense(doubles, {step("to_float")}))})), (std::vector<float>{0, 0}));
  auto splat = DenseElementsAttr::get(RankedTensorType::get({2}, b.getI8Type()), int8_t(-1));
  EXPECT_EQ(evaluate(dense(splat, {step("to_float", {1})})), (std::vector<float>{255, 255}));
}
