// The transforms of Winograd's minimal filtering F(m, r): m outputs of a correlation with r weights by m + r - 1 multiplications,
//
//     y = A^T ((G w) * (B^T x)),   x of m + r - 1 inputs, * elementwise
//
// derived by the Cook-Toom construction: polynomial products are interpolated at m + r - 2 finite points and at infinity, and correlation is the transpose of
// that. In n dimensions each is applied along each dimension.
// Source: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4; S. Winograd, "Arithmetic Complexity of Computations", 1980.
#ifndef DIALECTS_NN_COOKTOOM_H
#define DIALECTS_NN_COOKTOOM_H

#include <cstdint>
#include <vector>

namespace lathe::nn {

/// Row-major.
struct Matrix {
  int64_t rows, columns;
  std::vector<double> values;
  Matrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  double &operator()(int64_t r, int64_t c) { return values[r * columns + c]; }
  double operator()(int64_t r, int64_t c) const { return values[r * columns + c]; }
};

struct CookToom {
  /// Points, infinity included, for which there are transforms. Rounding errors grow with their number: with 8 by some 1e-5 of the largest output.
  static constexpr int64_t kMostPoints = 8;
  /// Whether there is an F(m, r); F(1, r) and F(m, 1) leave r weights, or m inputs, alone.
  static bool isPossible(int64_t m, int64_t r) { return m >= 1 && r >= 1 && (m == 1 || r == 1 || m + r - 1 <= kMostPoints); }

  CookToom(int64_t m, int64_t r);

  int64_t m, r, points; // points = m + r - 1
  Matrix input;         // B^T, [points, points]; exact: all its elements are dyadic fractions
  Matrix kernel;        // G, [points, r]
  Matrix output;        // A^T, [m, points]; exact
};

} // namespace lathe::nn

#endif // DIALECTS_NN_COOKTOOM_H
