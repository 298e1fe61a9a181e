// Operators whose result element depends on the operands' elements at the same place. On shape values and on constants they fold.
#include "compiler/import/Recipe.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// The names of the operands' shapes in a message.
static std::string shapesOf(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  auto text = [](ArrayRef<int64_t> shape) {
    std::string s = "[";
    for (auto [i, d] : llvm::enumerate(shape))
      s += (i ? ", " : "") + (ShapedType::isDynamic(d) ? std::string("N") : std::to_string(d));
    return s + "]";
  };
  return text(a) + " and " + text(b);
}

/// The type of the result of an operation on two shapes, or null after an error.
static RankedTensorType broadcastType(NodeContext &node, ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  FailureOr<SmallVector<int64_t>> shape = nn::broadcastShapes(a, b);
  if (succeeded(shape))
    return node.type(*shape);
  std::string reason = "shapes " + shapesOf(a, b) + " do not broadcast";
  bool symbolic = llvm::any_of(a, ShapedType::isDynamic) || llvm::any_of(b, ShapedType::isDynamic);
  (void)(symbolic ? node.needsStaticBatch(reason) : node.invalid(reason));
  return {};
}

template <typename Op> static LogicalResult importBinary(NodeContext &node, StringRef step, BinaryFunction onShapes) {
  node.ignore({"axis", "broadcast"}); // of opset 6, which some exporters still write
  const GraphValue *a = node.input(0, "A"), *b = node.input(1, "B");
  if (!a || !b)
    return failure();
  using Kind = GraphValue::Kind;
  if (a->kind == Kind::shape && b->kind == Kind::shape) {
    std::string why;
    FailureOr<ShapeValue> result = elementwise(a->shape, b->shape, a->shape.dataType, onShapes, why);
    return succeeded(result) ? node.define(std::move(*result)) : node.unsupported(why);
  }
  // Shapes first: what does not broadcast must not be built.
  bool constant = a->kind == Kind::weight && b->kind == Kind::weight && a->dataType == kFloat && b->dataType == kFloat;
  nn::WeightAttr aWeight = a->weight, bWeight = b->weight;
  Value lhs, rhs;
  SmallVector<int64_t> aShape, bShape;
  if (constant) {
    aShape = *aWeight.getResultShape();
    bShape = *bWeight.getResultShape();
  } else {
    lhs = node.data(0, "A");
    rhs = node.data(1, "B");
    if (!lhs || !rhs)
      return failure();
    aShape.assign(cast<ShapedType>(lhs.getType()).getShape().begin(), cast<ShapedType>(lhs.getType()).getShape().end());
    bShape.assign(cast<ShapedType>(rhs.getType()).getShape().begin(), cast<ShapedType>(rhs.getType()).getShape().end());
  }
  RankedTensorType type = broadcastType(node, aShape, bShape);
  if (!type)
    return failure();
  if (constant)
    return node.define(withOperand(broadcastTo(aWeight, type.getShape()), step, bShape.empty() ? bWeight : broadcastTo(bWeight, type.getShape())));
  return node.define(Op::create(node.builder(), node.loc(), type, lhs, rhs).getResult());
}

LogicalResult lathe::importer::importAdd(NodeContext &node) { return importBinary<nn::AddOp>(node, "add", add); }
LogicalResult lathe::importer::importSub(NodeContext &node) { return importBinary<nn::SubOp>(node, "sub", subtract); }
LogicalResult lathe::importer::importMul(NodeContext &node) { return importBinary<nn::MulOp>(node, "mul", multiply); }

LogicalResult lathe::importer::importDiv(NodeContext &node) {
  const GraphValue *a = node.hasInput(0) ? node.input(0, "A") : nullptr;
  bool exact = a && a->kind == GraphValue::Kind::shape && a->shape.dataType != kInt64 && a->shape.dataType != kInt32;
  return importBinary<nn::DivOp>(node, "div", [&](Affine x, Affine y, std::string &why) { return divide(x, y, exact, why); });
}

/// All inputs, from the first one to the last; null after an error.
template <typename Op> static Value importChain(NodeContext &node) {
  Value result = node.data(0, "data_0");
  for (size_t i = 1; result && i < node.inputCount(); ++i) {
    Value next = node.data(i, "data_" + std::to_string(i));
    if (!next)
      return {};
    RankedTensorType type = broadcastType(node, cast<ShapedType>(result.getType()).getShape(), cast<ShapedType>(next.getType()).getShape());
    if (!type)
      return {};
    result = Op::create(node.builder(), node.loc(), type, result, next);
  }
  return result;
}

template <typename Op> static LogicalResult importVariadic(NodeContext &node) {
  Value result = importChain<Op>(node);
  return result ? node.define(result) : failure();
}

LogicalResult lathe::importer::importMax(NodeContext &node) { return importVariadic<nn::MaxOp>(node); }
LogicalResult lathe::importer::importMin(NodeContext &node) { return importVariadic<nn::MinOp>(node); }
LogicalResult lathe::importer::importSum(NodeContext &node) { return importVariadic<nn::AddOp>(node); }

LogicalResult lathe::importer::importMean(NodeContext &node) {
  Value sum = importChain<nn::AddOp>(node);
  if (!sum)
    return failure();
  auto scalar = RankedTensorType::get({}, cast<ShapedType>(sum.getType()).getElementType());
  auto count = DenseElementsAttr::get(scalar, static_cast<float>(node.inputCount()));
  Value divisor = node.materialize(nn::WeightAttr::get(node.builder().getContext(), count, scalar, {}));
  return node.define(nn::DivOp::create(node.builder(), node.loc(), sum.getType(), sum, divisor).getResult());
}

LogicalResult lathe::importer::importRelu(NodeContext &node) {
  Value input = node.data(0, "X");
  if (!input)
    return failure();
  return node.define(nn::ReluOp::create(node.builder(), node.loc(), input.getType(), input).getResult());
}

LogicalResult lathe::importer::importIdentity(NodeContext &node) {
  node.allowRunTimeSize();
  const GraphValue *input = node.input(0, "input");
  return input ? node.define(*input) : failure();
}
