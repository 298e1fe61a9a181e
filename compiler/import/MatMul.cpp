// Gemm and MatMul with a constant right-hand side -> nn.matmul.
#include "compiler/import/Recipe.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// The bias of `outputs` values that C is, if each row of the result gets the same; null otherwise.
static nn::WeightAttr asBias(nn::WeightAttr c, int64_t outputs) {
  SmallVector<int64_t> shape = *c.getResultShape();
  if (shape.size() > 2 || (shape.size() == 2 && shape[0] != 1))
    return {};
  int64_t columns = shape.empty() ? 1 : shape.back();
  if (columns != 1 && columns != outputs)
    return {};
  return broadcastTo(reshapedTo(c, columns), outputs);
}

/// product + beta * C for a C that is no bias: one value per row or per element, or computed.
static LogicalResult addC(NodeContext &node, Value product, double beta) {
  const GraphValue *value = node.input(2, "C");
  if (!value)
    return failure();
  Value c;
  if (value->kind == GraphValue::Kind::weight && value->dataType == kFloat) {
    c = node.materialize(multipliedBy(value->weight, beta));
  } else if ((c = node.data(2, "C"))) {
    if (beta != 1) {
      auto scalar = RankedTensorType::get({}, node.builder().getF32Type());
      auto factor = nn::WeightAttr::get(node.builder().getContext(), DenseElementsAttr::get(scalar, float(beta)), scalar, {});
      c = nn::MulOp::create(node.builder(), node.loc(), c.getType(), c, node.materialize(factor));
    }
  } else {
    return failure();
  }
  auto type = cast<RankedTensorType>(product.getType());
  FailureOr<SmallVector<int64_t>> shape = nn::broadcastShapes(type.getShape(), cast<ShapedType>(c.getType()).getShape());
  if (failed(shape) || ArrayRef<int64_t>(*shape) != type.getShape()) {
    if (!type.hasStaticShape())
      return node.needsStaticBatch(node.describeInput(2, "C") + " does not broadcast to the product's shape");
    return node.invalid("expects " + node.describeInput(2, "C") + " to broadcast to the product's shape");
  }
  return node.define(nn::AddOp::create(node.builder(), node.loc(), type, product, c).getResult());
}

LogicalResult lathe::importer::importGemm(NodeContext &node) {
  bool transA = node.integer("transA", 0), transB = node.integer("transB", 0);
  double alpha = node.real("alpha", 1), beta = node.real("beta", 1);
  if (node.hasErrors())
    return failure();
  const GraphValue *constant = node.hasInput(0) ? node.input(0, "A") : nullptr;
  bool isConstant = constant && constant->kind == GraphValue::Kind::weight && constant->dataType == kFloat;
  if (transA && !isConstant)
    return node.hasErrors() ? failure() : node.unsupported("attribute transA = 1 is not supported for an A that is computed at run time; supported: 0");
  if (isConstant && constant->weight.getResultShape()->size() != 2)
    return node.invalid("expects " + node.describeInput(0, "A") + " of rank 2 (got " + Twine(constant->weight.getResultShape()->size()) + ")");
  Value a = transA ? node.materialize(withStep(constant->weight, "transpose", {1, 0})) : node.data(0, "A");
  nn::WeightAttr b = node.weight(1, "B", 2);
  if (!a || !b)
    return failure();
  auto aType = cast<RankedTensorType>(a.getType());
  if (aType.getRank() != 2)
    return node.invalid("expects " + node.describeInput(0, "A") + " of rank 2 (got " + Twine(aType.getRank()) + ")");
  if (transB)
    b = withStep(b, "transpose", {1, 0});
  SmallVector<int64_t> bShape = *b.getResultShape();
  if (aType.getDimSize(1) != bShape[0])
    return node.invalid("expects as many columns of A as rows of B (got " + Twine(aType.getDimSize(1)) + " and " + Twine(bShape[0]) + ")");
  if (failed(node.checkShape({aType.getDimSize(0), bShape[1]})))
    return failure();

  // beta = 0 takes C out of the sum: what it holds, NaN or not, does not matter.
  bool hasC = node.hasInput(2) && beta != 0;
  nn::WeightAttr bias;
  if (hasC) {
    const GraphValue *c = node.input(2, "C");
    if (!c)
      return failure();
    if (c->kind == GraphValue::Kind::weight && c->dataType == kFloat && (bias = asBias(c->weight, bShape[1])))
      bias = multipliedBy(bias, beta);
  }
  Value weights = node.materialize(multipliedBy(b, alpha));
  auto product = nn::MatMulOp::create(node.builder(), node.loc(), a, weights, bias ? node.materialize(bias) : Value());
  if (hasC && !bias)
    return addC(node, product.getResult(0), beta);
  return node.define(product.getResult(0));
}

LogicalResult lathe::importer::importMatMul(NodeContext &node) {
  Value a = node.data(0, "A");
  nn::WeightAttr b = node.weight(1, "B");
  if (!a || !b)
    return failure();
  auto aType = cast<RankedTensorType>(a.getType());
  SmallVector<int64_t> bShape = *b.getResultShape();
  if (bShape.size() != 2)
    return node.unsupported(node.describeInput(1, "B") + " has rank " + Twine(bShape.size()) + "; supported: 2");
  if (aType.getRank() != 2 && aType.getRank() != 3)
    return node.unsupported(node.describeInput(0, "A") + " has rank " + Twine(aType.getRank()) + "; supported: 2 and 3");
  if (aType.getShape().back() != bShape[0])
    return node.invalid("expects as many columns of A as rows of B (got " + Twine(aType.getShape().back()) + " and " + Twine(bShape[0]) + ")");
  SmallVector<int64_t> shape(aType.getShape());
  shape.back() = bShape[1];
  if (failed(node.checkShape(shape)))
    return failure();
  auto product = nn::MatMulOp::create(node.builder(), node.loc(), a, node.materialize(b), Value());
  return node.define(product.getResult(0));
}
