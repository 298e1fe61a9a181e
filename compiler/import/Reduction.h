// What reductions, normalisations and products of computed tensors are built of: nn.reduce with its regions.
#ifndef COMPILER_IMPORT_REDUCTION_H
#define COMPILER_IMPORT_REDUCTION_H

#include "compiler/import/Program.h"

namespace lathe::importer {

/// Scalar code of one value.
using Finish = llvm::function_ref<mlir::Value(ProgramBuilder &, mlir::Value)>;
using Body = llvm::function_ref<mlir::Value(ProgramBuilder &, mlir::ValueRange)>;

/// An input to compute with in floating point. What is float16 has been converted to float32; `define` converts results back.
struct FloatInput {
  mlir::Value value;
  int32_t dataType = kUndefined; // of the ONNX input
  explicit operator bool() const { return static_cast<bool>(value); }
  mlir::RankedTensorType type() const { return mlir::cast<mlir::RankedTensorType>(value.getType()); }
  llvm::ArrayRef<int64_t> shape() const { return type().getShape(); }
  mlir::Type element() const { return type().getElementType(); }
  int64_t rank() const { return type().getRank(); }
};
FloatInput floatInput(NodeContext &node, size_t i, llvm::StringRef role);
/// `value`, computed from inputs of `dataType`.
mlir::LogicalResult defineFloat(NodeContext &node, mlir::Value value, int32_t dataType, size_t output = 0);

/// nn.reduce; `maps` are those of the inputs and the result. Extents must not be 0.
mlir::Value reduce(NodeContext &node, nn::Combine kind, llvm::ArrayRef<mlir::AffineMap> maps, mlir::ValueRange inputs, mlir::RankedTensorType result, Body body,
                   Finish finish);
/// The same over `axes` of `inputs`, which have the rank of the first one and broadcast to it. The axes stay with extent 1.
mlir::Value reduceAxes(NodeContext &node, nn::Combine kind, mlir::ValueRange inputs, llvm::ArrayRef<int64_t> axes, mlir::Type element, Body body,
                       Finish finish);

/// Number of elements along `axes`.
int64_t countAlong(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> axes);
/// Reports axes of which one is the batch.
mlir::LogicalResult checkNotBatch(NodeContext &node, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> axes);
/// nn.reshape, or the value itself.
mlir::Value reshaped(NodeContext &node, mlir::Value value, llvm::ArrayRef<int64_t> shape);
llvm::SmallVector<int64_t> axesFrom(int64_t first, int64_t rank);

/// Mean over `axes`, which stay with extent 1.
mlir::Value meanOf(NodeContext &node, mlir::Value x, llvm::ArrayRef<int64_t> axes);
/// `finish` of the mean of (x - mean)^2, or of x^2 without a mean.
mlir::Value varianceOf(NodeContext &node, mlir::Value x, mlir::Value mean, llvm::ArrayRef<int64_t> axes, Finish finish);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_REDUCTION_H
