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
  bool constant = a->kind == Kind::weight && b->kind == Kind::weight;
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
  FailureOr<SmallVector<int64_t>> shape = nn::broadcastShapes(aShape, bShape);
  if (failed(shape)) {
    std::string reason = "shapes " + shapesOf(aShape, bShape) + " do not broadcast";
    bool symbolic = llvm::any_of(aShape, ShapedType::isDynamic) || llvm::any_of(bShape, ShapedType::isDynamic);
    return symbolic ? node.needsStaticBatch(reason) : node.invalid(reason);
  }
  RankedTensorType type = node.type(*shape);
  if (!type)
    return failure();
  if (constant)
    return node.define(withOperand(broadcastTo(aWeight, *shape), step, bShape.empty() ? bWeight : broadcastTo(bWeight, *shape)));
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

LogicalResult lathe::importer::importRelu(NodeContext &node) {
  Value input = node.data(0, "X");
  if (!input)
    return failure();
  return node.define(nn::ReluOp::create(node.builder(), node.loc(), input.getType(), input).getResult());
}

LogicalResult lathe::importer::importIdentity(NodeContext &node) {
  const GraphValue *input = node.input(0, "input");
  return input ? node.define(*input) : failure();
}
