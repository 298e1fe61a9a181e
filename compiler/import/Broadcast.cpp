#include "compiler/import/Broadcast.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// "[N, 3]".
static std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, d] : llvm::enumerate(shape))
    text += (i ? ", " : "") + (ShapedType::isDynamic(d) ? std::string("N") : std::to_string(d));
  return text + "]";
}

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

std::optional<SmallVector<int64_t>> lathe::importer::broadcastAll(NodeContext &node, ValueRange values) {
  SmallVector<int64_t> result(shapeOf(values.front()));
  for (Value value : values.drop_front()) {
    FailureOr<SmallVector<int64_t>> both = nn::broadcastShapes(result, shapeOf(value));
    if (failed(both)) {
      std::string reason = "shapes " + shapeText(result) + " and " + shapeText(shapeOf(value)) + " do not broadcast";
      bool symbolic = llvm::any_of(result, ShapedType::isDynamic) || llvm::any_of(shapeOf(value), ShapedType::isDynamic);
      (void)(symbolic ? node.needsStaticBatch(reason) : node.invalid(reason));
      return std::nullopt;
    }
    result = std::move(*both);
  }
  if (failed(node.checkShape(result)))
    return std::nullopt;
  return result;
}

LegacyBroadcast::LegacyBroadcast(NodeContext &node) {
  node.ignore({"broadcast", "consumed_inputs"});
  if (node.opset() < 7 && node.hasAttribute("axis"))
    axis = node.integer("axis", 0);
  else
    node.ignore({"axis"});
}

Value LegacyBroadcast::align(NodeContext &node, Value b, int64_t rankOfA) const {
  if (!axis)
    return b;
  auto type = cast<RankedTensorType>(b.getType());
  int64_t first = *axis < 0 ? *axis + rankOfA : *axis, behind = rankOfA - first - type.getRank();
  if (first < 0 || behind < 0) {
    (void)node.invalid("expects attribute axis to place the " + Twine(type.getRank()) + " dimensions of B inside the " + Twine(rankOfA) + " of A (got " +
                       Twine(*axis) + ")");
    return {};
  }
  if (!behind)
    return b;
  SmallVector<int64_t> shape(type.getShape());
  shape.append(behind, 1);
  return nn::ReshapeOp::create(node.builder(), node.loc(), type.clone(shape), b);
}

std::optional<Operands> lathe::importer::elementwiseOperands(NodeContext &node, ArrayRef<std::string> roles, DataTypes types, const LegacyBroadcast *legacy) {
  Operands result;
  for (auto [i, role] : llvm::enumerate(roles)) {
    Operand operand = node.operand(i, role, types);
    if (!operand)
      return std::nullopt;
    if (i && operand.dataType != result.dataType) {
      (void)node.invalid("expects inputs of one type (got " + dataTypeName(result.dataType) + " and " + dataTypeName(operand.dataType) + ")");
      return std::nullopt;
    }
    result.dataType = operand.dataType;
    Value value = operand.value;
    if (operand.dataType == kFloat16)
      value = convertFloat(node, value, node.builder().getF32Type());
    if (i && legacy)
      value = legacy->align(node, value, shapeOf(result[0]).size());
    if (!value)
      return std::nullopt;
    result.values.push_back(value);
  }
  std::optional<SmallVector<int64_t>> shape = broadcastAll(node, result.values);
  if (!shape)
    return std::nullopt;
  result.shape = std::move(*shape);
  return result;
}

LogicalResult lathe::importer::defineElementwise(NodeContext &node, const Operands &operands, Value result) {
  if (operands.dataType == kFloat16)
    result = convertFloat(node, result, node.builder().getF16Type());
  return node.define(result, 0, operands.dataType);
}

bool lathe::importer::areSmallShapes(const GraphValue &a, const GraphValue &b) {
  if (a.kind != GraphValue::Kind::shape || b.kind != GraphValue::Kind::shape)
    return false;
  // A failure to broadcast is reported by the arithmetic.
  FailureOr<SmallVector<int64_t>> shape = nn::broadcastShapes(a.shape.dims, b.shape.dims);
  return failed(shape) || ShapedType::getNumElements(*shape) <= kMaxShapeElements;
}

bool lathe::importer::fitsItsType(const ShapeValue &value) {
  return value.dataType != kInt32 ||
         llvm::all_of(value.elements, [](Affine x) { return x.c0 == static_cast<int32_t>(x.c0) && x.c1 == static_cast<int32_t>(x.c1); });
}

SmallVector<Value> lathe::importer::broadcastIndices(ProgramBuilder &b, Value memory, ValueRange at) {
  SmallVector<Value> indices;
  ArrayRef<int64_t> shape = shapeOf(memory);
  for (auto [d, index] : llvm::zip(shape, at.take_back(shape.size())))
    indices.push_back(d == 1 ? b.index(0) : index);
  return indices;
}
