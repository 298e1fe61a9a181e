// Arithmetic on c0 + c1 * N, checked by putting numbers in for N.
#include "compiler/import/ShapeArithmetic.h"

#include "compiler/import/OnnxModel.h"
#include <gtest/gtest.h>

using namespace lathe::importer;

namespace {

const Affine N{0, 1};
Affine number(int64_t c0) { return {c0, 0}; }
int64_t at(Affine a, int64_t n) { return a.c0 + a.c1 * n; }

ShapeValue vector(std::initializer_list<Affine> elements) { return {kInt64, {int64_t(elements.size())}, elements}; }
ShapeValue scalar(Affine a) { return {kInt64, {}, {a}}; }

/// The result's text, or "refused".
template <typename T> std::string text(mlir::FailureOr<T> result, const std::string &why) {
  EXPECT_NE(succeeded(result), !why.empty()) << why;
  return succeeded(result) ? result->str() : "refused";
}

TEST(Affine, AgreesWithNumbersWheneverItAnswers) {
  const int64_t values[] = {-6, -3, -1, 0, 1, 2, 3, 12};
  for (int64_t a0 : values)
    for (int64_t a1 : values)
      for (int64_t b0 : values)
        for (int64_t b1 : values) {
          Affine a{a0, a1}, b{b0, b1};
          std::string why;
          for (int64_t n : {1, 2, 7}) {
            int64_t x = at(a, n), y = at(b, n);
            EXPECT_EQ(at(*add(a, b, why), n), x + y);
            EXPECT_EQ(at(*subtract(a, b, why), n), x - y);
            if (auto r = multiply(a, b, why); succeeded(r))
              EXPECT_EQ(at(*r, n), x * y);
            if (auto r = equal(a, b, why); succeeded(r))
              EXPECT_EQ(at(*r, n), x == y) << a.str() << " " << b.str() << " " << n;
            if (auto r = divide(a, b, false, why); succeeded(r) && y)
              EXPECT_EQ(at(*r, n), x / y) << a.str() << " / " << b.str();
            if (auto r = divide(a, b, true, why); succeeded(r) && y)
              EXPECT_EQ(at(*r, n) * y, x);
          }
        }
}

TEST(Affine, RefusesWhatIsNotAffine) {
  std::string why;
  EXPECT_TRUE(failed(multiply(N, N, why)));
  EXPECT_TRUE(failed(divide(N, number(2), false, why)));
  EXPECT_TRUE(failed(divide(number(1), number(0), false, why)));
  EXPECT_TRUE(failed(divide(number(3), number(2), true, why)));
  EXPECT_TRUE(failed(equal(N, number(4), why)));
  EXPECT_EQ(*equal(N, number(-1), why), number(0));
  EXPECT_EQ(*equal(N, number(0), why), number(0));
  EXPECT_EQ(*divide({6, 4}, {3, 2}, false, why), number(2));
}

TEST(Affine, ChecksForOverflow) {
  std::string why;
  EXPECT_TRUE(failed(add(number(INT64_MAX), number(1), why)));
  EXPECT_TRUE(failed(subtract(number(INT64_MIN), number(1), why)));
  EXPECT_TRUE(failed(multiply(number(INT64_MAX), {1, 2}, why)));
  EXPECT_TRUE(failed(divide(number(INT64_MIN), number(-1), false, why)));
  EXPECT_TRUE(failed(divide({0, INT64_MIN}, {0, -1}, false, why)));
  EXPECT_TRUE(failed(equal(number(INT64_MIN), number(1), why)));
  (void)equal({INT64_MIN, -1}, number(0), why);
}

TEST(ShapeArithmetic, Broadcasts) {
  std::string why;
  ShapeValue row{kInt64, {1, 2}, {number(1), N}}, column{kInt64, {2, 1}, {number(10), number(20)}};
  auto sum = elementwise(row, column, kInt64, add, why);
  ASSERT_TRUE(succeeded(sum));
  EXPECT_EQ(sum->dims, (llvm::SmallVector<int64_t>{2, 2}));
  EXPECT_EQ(sum->str(), "[11, N+10, 21, N+20]");
  EXPECT_EQ(text(elementwise(vector({N, N}), scalar(number(3)), kInt64, multiply, why), why), "[3*N, 3*N]");
  EXPECT_EQ(text(elementwise(vector({N, N}), vector({N, N, N}), kInt64, add, why), why), "refused");
}

TEST(ShapeArithmetic, EmptyVectors) {
  std::string why;
  EXPECT_EQ(text(elementwise(vector({}), scalar(N), kInt64, add, why), why), "[]");
  EXPECT_EQ(concat({vector({}), vector({N}), vector({})}, 0).str(), "[N]");
  EXPECT_EQ(text(gather(vector({}), vector({}), why), why), "[]");
}

// As numpy's x[start:end:step].
TEST(ShapeArithmetic, SlicesLikeNumpy) {
  ShapeValue v = vector({number(0), number(1), number(2), number(3), number(4)});
  auto slice = [&](int64_t start, int64_t end, int64_t step) {
    std::string why;
    return text(lathe::importer::slice(v, start, end, step, why), why);
  };
  EXPECT_EQ(slice(1, 3, 1), "[1, 2]");
  EXPECT_EQ(slice(-2, INT64_MAX, 1), "[3, 4]");
  EXPECT_EQ(slice(0, -1, 2), "[0, 2]");
  EXPECT_EQ(slice(-1, INT64_MIN, -1), "[4, 3, 2, 1, 0]");
  EXPECT_EQ(slice(3, 0, -2), "[3, 1]");
  EXPECT_EQ(slice(INT64_MAX, INT64_MIN, INT64_MIN), "[4]");
  EXPECT_EQ(slice(0, INT64_MAX, INT64_MAX), "[0]");
  EXPECT_EQ(slice(INT64_MIN, INT64_MIN, -1), "[]");
  EXPECT_EQ(slice(3, 3, 1), "[]");
  EXPECT_EQ(slice(7, 9, 1), "[]");
}

// As numpy's concatenate, transpose and x[:, ::-1].
TEST(ShapeArithmetic, MovesElementsOfAnyRank) {
  ShapeValue a{kInt64, {2, 2}, {number(0), number(1), number(2), N}}, b{kInt64, {2, 1}, {number(4), number(5)}};
  EXPECT_EQ(concat({a, b}, 1).str(), "[0, 1, 4, 2, N, 5]");
  EXPECT_EQ(concat({a, b}, 1).dims, (llvm::SmallVector<int64_t>{2, 3}));
  EXPECT_EQ(concat({a, a}, 0).str(), "[0, 1, 2, N, 0, 1, 2, N]");
  EXPECT_EQ(moved(a, {2, 2}, 0, {1, 2}).str(), "[0, 2, 1, N]");
  EXPECT_EQ(moved(a, {2, 2}, 1, {2, -1}).str(), "[1, 0, N, 2]");
  EXPECT_EQ(moved(a, {0, 3}, 0, {2, 1}).elements.size(), 0u);
  EXPECT_EQ(moved(scalar(N), {3}, 0, {0}).str(), "[N, N, N]");
}

TEST(ShapeArithmetic, GatherRangeSelectCast) {
  std::string why;
  EXPECT_EQ(text(gather(vector({N, number(3)}), scalar(number(-2)), why), why), "N");
  EXPECT_EQ(text(gather(vector({N, number(3)}), vector({number(1), number(0)}), why), why), "[3, N]");
  EXPECT_EQ(text(gather(vector({N}), scalar(number(1)), why), why), "refused");
  why.clear();
  EXPECT_EQ(text(range(scalar(number(5)), scalar(number(0)), scalar(number(-2)), why), why), "[5, 3, 1]");
  EXPECT_EQ(text(range(scalar(N), scalar({2, 1}), scalar(number(1)), why), why), "[N, N+1]");
  EXPECT_EQ(text(range(scalar(number(0)), scalar(number(INT64_MAX)), scalar(number(INT64_MAX)), why), why), "[0]");
  EXPECT_EQ(text(range(scalar(number(0)), scalar(number(INT64_MAX)), scalar(number(1)), why), why), "refused");
  why.clear();
  EXPECT_EQ(text(select(vector({number(1), number(0)}), scalar(N), scalar(number(7)), why), why), "[N, 7]");
  EXPECT_EQ(text(castTo(vector({N, number(0)}), kBool, why), why), "[1, 0]");
  EXPECT_EQ(text(castTo(vector({number(1ll << 32)}), kInt32, why), why), "refused");
  why.clear();
  EXPECT_EQ(text(castTo(vector({number(INT64_MIN)}), kFloat, why), why), "refused");
}

TEST(Reshape, Resolves) {
  auto resolve = [](std::initializer_list<Affine> input, std::initializer_list<Affine> target, bool allowZero = false) {
    std::string why;
    auto result = resolveReshape(input, target, allowZero, why);
    return succeeded(result) ? ShapeValue{kInt64, {int64_t(result->size())}, *result}.str() : "refused";
  };
  Affine rest = number(-1), copy = number(0);
  EXPECT_EQ(resolve({N, number(3), number(4)}, {copy, rest}), "[N, 12]");
  EXPECT_EQ(resolve({N, number(3), number(4)}, {rest, number(12)}), "[N, 12]");
  EXPECT_EQ(resolve({N, number(3), number(4)}, {N, number(4), copy}), "refused"); // copies the 4
  EXPECT_EQ(resolve({N, number(3), number(4)}, {N, number(2), rest, number(3)}), "[N, 2, 2, 3]");
  EXPECT_EQ(resolve({N, number(3), number(4)}, {number(3), rest}), "[3, 4*N]");
  EXPECT_EQ(resolve({N, number(3)}, {{0, 3}}), "[3*N]");
  EXPECT_EQ(resolve({N, number(3)}, {number(3)}), "refused");
  EXPECT_EQ(resolve({N, number(3)}, {{1, 1}, number(3)}), "refused");
  EXPECT_EQ(resolve({number(3)}, {N, rest}), "refused");
  EXPECT_EQ(resolve({number(6)}, {rest, number(4)}), "refused");
  EXPECT_EQ(resolve({number(6)}, {rest, rest}), "refused");
  EXPECT_EQ(resolve({number(0), number(3)}, {copy, number(5)}, true), "[0, 5]");
  EXPECT_EQ(resolve({number(0), number(3)}, {number(0), rest}, true), "refused"); // anything would do
  EXPECT_EQ(resolve({number(INT64_MAX), number(INT64_MAX)}, {rest}), "refused");
  EXPECT_EQ(resolve({}, {number(1), rest}), "[1, 1]");
}

} // namespace
