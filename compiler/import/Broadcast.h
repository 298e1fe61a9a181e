// The operands of elementwise operators: of one type, with the shape to which they broadcast.
#ifndef COMPILER_IMPORT_BROADCAST_H
#define COMPILER_IMPORT_BROADCAST_H

#include "compiler/import/Program.h"

namespace lathe::importer {

/// Values to compute with. What is float16 has been converted to float32; `defineElementwise` converts the result back.
struct Operands {
  llvm::SmallVector<mlir::Value> values;
  int32_t dataType = kUndefined; // of the ONNX operands
  llvm::SmallVector<int64_t> shape;

  mlir::Value operator[](size_t i) const { return values[i]; }
  /// In which is computed.
  mlir::Type element() const { return mlir::cast<mlir::ShapedType>(values[0].getType()).getElementType(); }
  mlir::RankedTensorType type() const { return mlir::RankedTensorType::get(shape, element()); }
  bool isFloat() const { return isIn(dataType, kFloats); }
  bool isUnsigned() const { return isIn(dataType, kUnsignedIntegers | kBools); }
};

/// The shape to which `values` broadcast; nullopt after an error.
std::optional<llvm::SmallVector<int64_t>> broadcastAll(NodeContext &node, mlir::ValueRange values);

/// Opset 6 and before: attribute `axis` says at which dimension of A those of B begin. Reads `axis`, `broadcast` and opset 1's
/// `consumed_inputs` (memory that might be reused); in later opsets, where some exporters still write them, they have no effect.
struct LegacyBroadcast {
  explicit LegacyBroadcast(NodeContext &node);
  /// B with dimensions of 1 behind its own, so that it broadcasts as later opsets do; null after an error.
  mlir::Value align(NodeContext &node, mlir::Value b, int64_t rankOfA) const;

  std::optional<int64_t> axis;
};

/// Inputs 0 .. roles.size() - 1, all of the same one of `types`; nullopt after an error.
std::optional<Operands> elementwiseOperands(NodeContext &node, llvm::ArrayRef<std::string> roles, DataTypes types, const LegacyBroadcast *legacy = nullptr);

/// The result of an operation on `operands` whose type is theirs.
mlir::LogicalResult defineElementwise(NodeContext &node, const Operands &operands, mlir::Value result);

/// In a program: where the element of `memory` is that is broadcast to element `at` of the result.
llvm::SmallVector<mlir::Value> broadcastIndices(ProgramBuilder &b, mlir::Value memory, mlir::ValueRange at);

/// Whether both are shape values for which shape arithmetic is to be tried: of at most kMaxShapeElements results.
bool areSmallShapes(const GraphValue &a, const GraphValue &b);
/// Whether the numbers fit the value's data type; what does not has to be computed as data.
bool fitsItsType(const ShapeValue &value);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_BROADCAST_H
