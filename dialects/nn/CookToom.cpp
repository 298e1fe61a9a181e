#include "dialects/nn/CookToom.h"

#include <cassert>

using namespace lathe::nn;

// Symmetric points share half of the additions of a transform; small ones keep its elements, and with them the rounding errors, small.
static constexpr double kPoints[] = {0, 1, -1, 2, -2, 0.5, -0.5};

/// Coefficients of the product of (x - p) over the first `count` points but number `left`.
static std::vector<double> vanishingPolynomial(int64_t count, int64_t left) {
  std::vector<double> coefficients{1};
  for (int64_t i = 0; i < count; ++i) {
    if (i == left)
      continue;
    std::vector<double> next(coefficients.size() + 1);
    for (size_t k = 0; k < coefficients.size(); ++k) {
      next[k] -= kPoints[i] * coefficients[k];
      next[k + 1] += coefficients[k];
    }
    coefficients = std::move(next);
  }
  return coefficients;
}

CookToom::CookToom(int64_t m, int64_t r) : m(m), r(r), points(m + r - 1), input(points, points), kernel(points, r), output(m, points) {
  assert(isPossible(m, r) && "no such transforms");
  if (m == 1 || r == 1) { // nothing to save: each product as it is
    for (int64_t i = 0; i < points; ++i) {
      input(i, i) = 1;
      if (r == 1)
        kernel(i, 0) = output(i, i) = 1;
      else
        kernel(i, i) = output(0, i) = 1;
    }
    return;
  }
  int64_t finite = points - 1;
  for (int64_t i = 0; i < finite; ++i) {
    std::vector<double> lagrange = vanishingPolynomial(finite, i);
    double norm = 1; // the polynomial's value at its own point: in G, so that B^T is exact
    for (int64_t j = 0; j < finite; ++j)
      norm *= j == i ? 1 : kPoints[i] - kPoints[j];
    for (size_t k = 0; k < lagrange.size(); ++k)
      input(i, k) = lagrange[k];
    double power = 1;
    for (int64_t k = 0; k < m || k < r; ++k) {
      if (k < r)
        kernel(i, k) = power / norm;
      if (k < m)
        output(k, i) = power;
      power *= kPoints[i];
    }
  }
  std::vector<double> whole = vanishingPolynomial(finite, -1);
  for (int64_t k = 0; k < points; ++k)
    input(finite, k) = whole[k];
  kernel(finite, r - 1) = output(m - 1, finite) = 1;
}
