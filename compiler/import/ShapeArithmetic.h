// The small integer tensors with which exporters compute shapes, known at compile time up to the batch size N.
#ifndef COMPILER_IMPORT_SHAPEARITHMETIC_H
#define COMPILER_IMPORT_SHAPEARITHMETIC_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>
#include <string>

namespace lathe::importer {

/// c0 + c1 * N with N >= 1.
struct Affine {
  int64_t c0 = 0, c1 = 0;

  bool isConstant() const { return c1 == 0; }
  bool operator==(const Affine &other) const = default;
  std::string str() const;
};

/// A tensor of such numbers, row-major. Truth values are 0 and 1.
struct ShapeValue {
  int32_t dataType = 0;
  llvm::SmallVector<int64_t> dims;
  llvm::SmallVector<Affine> elements;

  int64_t rank() const { return dims.size(); }
  /// The elements if none depends on N.
  std::optional<llvm::SmallVector<int64_t>> constants() const;
  /// "[N, 2048]".
  std::string str() const;
};

/// Larger tensors are no shapes, and are not computed with here: each node keeps its result, so that this bounds the memory that a hostile model takes.
constexpr int64_t kMaxShapeElements = 256;

/// `count` elements of a dimension: begin, begin + step, ...
struct Run {
  int64_t begin, count, step;
};
/// What ONNX's Slice takes of a dimension of `size` elements. `step` is not 0; the result's begin means nothing if there are no elements.
Run resolveSlice(int64_t size, int64_t start, int64_t end, int64_t step);

/// Element (i...) of the result, of shape `dims`, is element begin + sum of i * strides of `value`.
ShapeValue moved(const ShapeValue &value, llvm::ArrayRef<int64_t> dims, int64_t begin, llvm::ArrayRef<int64_t> strides);
/// Of at least one value.
ShapeValue concat(llvm::ArrayRef<ShapeValue> values, int64_t axis);

// All functions below fail with a reason: what is computed does not fit, is not affine in N, or is no whole number.

mlir::FailureOr<Affine> add(Affine a, Affine b, std::string &why);
mlir::FailureOr<Affine> subtract(Affine a, Affine b, std::string &why);
mlir::FailureOr<Affine> multiply(Affine a, Affine b, std::string &why);
/// The quotient of whole numbers, rounded towards zero as ONNX does; with N, or with `exact`, only if it is exact.
mlir::FailureOr<Affine> divide(Affine a, Affine b, bool exact, std::string &why);
/// 0 or 1; fails if the answer depends on N.
mlir::FailureOr<Affine> equal(Affine a, Affine b, std::string &why);

using BinaryFunction = llvm::function_ref<mlir::FailureOr<Affine>(Affine, Affine, std::string &)>;
/// Elementwise with numpy broadcasting.
mlir::FailureOr<ShapeValue> elementwise(const ShapeValue &a, const ShapeValue &b, int32_t resultType, BinaryFunction function, std::string &why);
mlir::FailureOr<ShapeValue> select(const ShapeValue &condition, const ShapeValue &a, const ShapeValue &b, std::string &why);

/// Along the only axis of a vector. `indices` has any rank.
mlir::FailureOr<ShapeValue> gather(const ShapeValue &vector, const ShapeValue &indices, std::string &why);
mlir::FailureOr<ShapeValue> slice(const ShapeValue &vector, int64_t start, int64_t end, int64_t step, std::string &why);
mlir::FailureOr<ShapeValue> range(const ShapeValue &start, const ShapeValue &limit, const ShapeValue &delta, std::string &why);
mlir::FailureOr<ShapeValue> castTo(const ShapeValue &value, int32_t type, std::string &why);
/// The same elements; at most one of `dims` is -1.
mlir::FailureOr<ShapeValue> reshape(const ShapeValue &value, llvm::ArrayRef<int64_t> dims, std::string &why);

/// The shape that Reshape gives a tensor of shape `input` for this target: 0 copies a dimension (unless `allowZero`), -1 is what is left over.
mlir::FailureOr<llvm::SmallVector<Affine>> resolveReshape(llvm::ArrayRef<Affine> input, llvm::ArrayRef<Affine> target, bool allowZero, std::string &why);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_SHAPEARITHMETIC_H
