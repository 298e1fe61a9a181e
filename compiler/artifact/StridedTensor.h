// A tensor during the evaluation of a weight recipe: data that is not moved until it must be.
#ifndef COMPILER_ARTIFACT_STRIDEDTENSOR_H
#define COMPILER_ARTIFACT_STRIDEDTENSOR_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"
#include <memory>

namespace lathe {

using Dims = llvm::SmallVector<int64_t, 6>;

/// Elements somewhere in memory, as float or double, reached by strides (in elements) over the dims of the tensor that uses them.
struct Elements {
  const float *floats = nullptr;
  const double *doubles = nullptr;
  Dims strides;
};

/// What is done to each element, in order; all in double.
struct Pointwise {
  enum Kind { add, sub, mul, div, divSqrt };
  Kind kind;
  Elements operand;
  double epsilon = 0; // of divSqrt: x / sqrt(y + epsilon)
};

/// An index is inside if the sum of index * coefficient is below the bound for every limit; outside, the element is zero. Padding is made of these.
struct Limit {
  Dims coefficients;
  int64_t bound;
};

/// sizes, a source, elementwise operations on it, and padding around the result. Transposing, reshaping, broadcasting and padding only change the
/// strides and coefficients, so that a whole packing recipe becomes one gather; what strides cannot express is materialised.
class StridedTensor {
public:
  StridedTensor() = default;
  /// Row-major elements; `storage` keeps them alive.
  StridedTensor(llvm::ArrayRef<int64_t> sizes, const float *data, std::shared_ptr<const void> storage);
  StridedTensor(llvm::ArrayRef<int64_t> sizes, const double *data, std::shared_ptr<const void> storage);
  /// One value everywhere.
  StridedTensor(llvm::ArrayRef<int64_t> sizes, double splat);

  llvm::ArrayRef<int64_t> getSizes() const { return sizes; }
  int64_t getNumElements() const;

  void transpose(llvm::ArrayRef<int64_t> permutation);
  void reshape(llvm::ArrayRef<int64_t> newSizes);
  void broadcast(llvm::ArrayRef<int64_t> newSizes);
  void pad(llvm::ArrayRef<int64_t> newSizes);
  /// Element i of a dim becomes element begin + i * step; steps may be negative.
  void slice(llvm::ArrayRef<int64_t> begins, llvm::ArrayRef<int64_t> newSizes, llvm::ArrayRef<int64_t> steps);
  /// `operand` has the same shape, or is a scalar.
  void apply(Pointwise::Kind kind, StridedTensor operand, double epsilon = 0);
  void apply(Pointwise::Kind kind, double value);
  /// The weights [K, C / G, ...] of a grouped convolution as dense tiles of `tile` output channels (nn::GroupSpan).
  void expandGroups(int64_t groups, int64_t tile);
  /// In the last `lanes` columns of [..., rows, columns] each `share` rows become one, row d's column k at k * share + d; the others become zero.
  void shareRows(int64_t lanes, int64_t share);
  /// The trailing dims of [K, C, r...] under the kernel transform of F(m, r) (nn::CookToom), one m per dim.
  void transformWindows(llvm::ArrayRef<int64_t> m);
  /// `operand` is 1-D along `axis`.
  void scale(int64_t axis, StridedTensor operand);

  /// Writes all elements in row-major order; the only rounding.
  void store(float *to) const;
  void store(double *to) const;

private:
  template <typename T> void storeAs(T *to) const;
  /// Makes the tensor plain row-major data.
  void materialize();
  /// The same data as operand of another tensor's elementwise operation.
  Elements asOperand();
  template <typename Function> void forEachStrides(Function function);

  Dims sizes;
  Elements source;
  llvm::SmallVector<Pointwise, 2> operations;
  llvm::SmallVector<Limit, 2> limits;
  llvm::SmallVector<std::shared_ptr<const void>, 4> storage;
};

} // namespace lathe

#endif // COMPILER_ARTIFACT_STRIDEDTENSOR_H
