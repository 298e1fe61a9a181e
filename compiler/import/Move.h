// Data movement on any kind of value. Shape values are moved at once, weights by a step of their recipe, data by an operation.
#ifndef COMPILER_IMPORT_MOVE_H
#define COMPILER_IMPORT_MOVE_H

#include "compiler/import/NodeContext.h"
#include <optional>

namespace lathe::importer {

/// An importer reads its inputs as GraphValues and moves them step by step. Extents are those of tensor types: a dynamic one is the batch, of which every
/// function below takes the whole. Each returns nothing after a report, and checks that the result may be a tensor; that arguments fit is up to the caller.
class Mover {
public:
  explicit Mover(NodeContext &node) : node(node) {}

  using Result = std::optional<GraphValue>;

  static llvm::SmallVector<int64_t> shapeOf(const GraphValue &value);

  /// Element (i...) is element begins + i * steps.
  Result slice(const GraphValue &value, llvm::ArrayRef<int64_t> begins, llvm::ArrayRef<int64_t> extents, llvm::ArrayRef<int64_t> steps);
  /// `count` elements along one axis, all of the others.
  Result slice(const GraphValue &value, int64_t axis, int64_t begin, int64_t count, int64_t step = 1);
  Result transpose(const GraphValue &value, llvm::ArrayRef<int64_t> permutation);
  /// The same elements in row-major order.
  Result reshape(const GraphValue &value, llvm::ArrayRef<int64_t> shape);
  /// Numpy broadcasting.
  Result broadcast(const GraphValue &value, llvm::ArrayRef<int64_t> shape);
  /// At least one value, of one type and one shape but for the axis.
  Result concat(llvm::ArrayRef<GraphValue> values, int64_t axis);
  /// A border of `fill`, a tensor of one element.
  Result pad(const GraphValue &value, const GraphValue &fill, llvm::ArrayRef<int64_t> begins, llvm::ArrayRef<int64_t> ends);

  /// An axis counted from 0; reports one that is out of [-rank, rank).
  std::optional<int64_t> axis(llvm::StringRef name, int64_t axis, int64_t rank);
  /// The same for a list without repetition.
  std::optional<llvm::SmallVector<int64_t>> axes(llvm::ArrayRef<int64_t> axes, int64_t rank);
  mlir::LogicalResult define(const Result &value, size_t output = 0) { return value ? node.define(*value, output) : mlir::failure(); }

private:
  Result data(mlir::Value value, int32_t dataType);
  /// A tensor without elements, which is never computed.
  Result empty(mlir::RankedTensorType type, int32_t dataType);
  /// Null after a report.
  mlir::Value materialize(const GraphValue &value);

  NodeContext &node;
};

} // namespace lathe::importer

#endif // COMPILER_IMPORT_MOVE_H
