// Gemm and MatMul: with a constant float right-hand side -> nn.matmul, all others -> nn.reduce of products.
#include "compiler/import/Indexing.h"
#include "compiler/import/Recipe.h"
#include "compiler/import/Reduction.h"
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

/// The types of computed factors.
constexpr DataTypes kFactors = kFloats | setOf({kInt32, kInt64, kUInt32, kUInt64});

static bool isFloatWeight(NodeContext &node, size_t i) {
  const GraphValue *value = node.hasInput(i) ? node.input(i, "") : nullptr;
  return value && value->kind == GraphValue::Kind::weight && isIn(value->dataType, setOf({kFloat, kFloat16})) &&
         !llvm::is_contained(*value->weight.getResultShape(), 0);
}

//===- Computed factors ------------------------------------------------------------------------------------------------------------------------===//

namespace {

/// Two operands of one type. float16 is computed in float32.
struct Factors {
  Value a, b;
  int32_t dataType = kUndefined;
  ArrayRef<int64_t> aShape() const { return cast<ShapedType>(a.getType()).getShape(); }
  ArrayRef<int64_t> bShape() const { return cast<ShapedType>(b.getType()).getShape(); }
  Type element() const { return cast<ShapedType>(a.getType()).getElementType(); }
};

} // namespace

static Value computed(NodeContext &node, const Operand &x) {
  return x.dataType == kFloat16 ? convertFloat(node, x.value, node.builder().getF32Type()) : x.value;
}

static FailureOr<Factors> readFactors(NodeContext &node) {
  Operand a = node.operand(0, "A", kFactors), b = node.operand(1, "B", kFactors);
  if (!a || !b)
    return failure();
  if (a.dataType != b.dataType)
    return node.invalid("expects A and B of one element type (got " + dataTypeName(a.dataType) + " and " + dataTypeName(b.dataType) + ")");
  return Factors{computed(node, a), computed(node, b), a.dataType};
}

/// What the extents of the sum are, and where an operand of this shape lies in the space [batch..., m, n, k].
struct ProductSpace {
  SmallVector<int64_t> batch;
  MLIRContext *context;

  unsigned rank() const { return batch.size() + 3; }
  AffineExpr dim(int64_t i) const { return getAffineDimExpr(batch.size() + i, context); }
  AffineMap map(ArrayRef<int64_t> leading, ArrayRef<AffineExpr> last) const {
    SmallVector<AffineExpr> exprs;
    for (auto [i, extent] : llvm::enumerate(leading)) {
      size_t position = batch.size() - leading.size() + i;
      exprs.push_back(extent == 1 && batch[position] != 1 ? getAffineConstantExpr(0, context) : getAffineDimExpr(position, context));
    }
    llvm::append_range(exprs, last);
    return AffineMap::get(rank(), 0, exprs, context);
  }
};

/// A * B by numpy's rules; with `transA` and `transB` of matrices that are stored transposed. Null after an error.
static Value productOf(NodeContext &node, const Factors &factors, bool transA, bool transB, Finish finish) {
  ArrayRef<int64_t> a = factors.aShape(), b = factors.bShape();
  if (a.empty() || b.empty())
    return (void)node.invalid("expects A and B of rank 1 or more"), Value();
  bool aRows = a.size() > 1, bColumns = b.size() > 1;
  int64_t aDepth = transA ? a[a.size() - 2] : a.back(), bDepth = bColumns && !transB ? b[b.size() - 2] : b.back();
  ArrayRef<int64_t> aBatch = a.drop_back(std::min<size_t>(a.size(), 2)), bBatch = b.drop_back(std::min<size_t>(b.size(), 2));
  if (ShapedType::isDynamic(aDepth) || ShapedType::isDynamic(bDepth))
    return (void)node.needsStaticBatch("a product that sums over the batch is not supported"), Value();
  if (aDepth != bDepth)
    return (void)node.invalid("expects as many columns of A as rows of B (got shapes " + shapeText(a) + " and " + shapeText(b) + ")"), Value();
  FailureOr<SmallVector<int64_t>> batch = nn::broadcastShapes(aBatch, bBatch);
  if (failed(batch)) {
    std::string reason = "shapes " + shapeText(a) + " and " + shapeText(b) + " do not broadcast";
    bool symbolic = llvm::any_of(a, ShapedType::isDynamic) || llvm::any_of(b, ShapedType::isDynamic);
    return (void)(symbolic ? node.needsStaticBatch(reason) : node.invalid(reason)), Value();
  }
  ProductSpace space{*batch, node.builder().getContext()};
  AffineExpr m = space.dim(0), n = space.dim(1), k = space.dim(2);
  SmallVector<int64_t> shape(*batch);
  SmallVector<AffineExpr> aDims{k}, bDims{k}, result;
  if (aRows) {
    shape.push_back(transA ? a.back() : a[a.size() - 2]);
    aDims = transA ? SmallVector<AffineExpr>{k, m} : SmallVector<AffineExpr>{m, k};
    result.push_back(m);
  }
  if (bColumns) {
    shape.push_back(transB ? b[b.size() - 2] : b.back());
    bDims = transB ? SmallVector<AffineExpr>{n, k} : SmallVector<AffineExpr>{k, n};
    result.push_back(n);
  }
  if (failed(node.checkShape(shape)))
    return {};
  auto type = RankedTensorType::get(shape, factors.element());
  if (aDepth == 0 || isEmpty(type)) // sums of nothing
    return node.materialize(splatWeight(type, 0));
  SmallVector<AffineMap> maps{space.map(aBatch, aDims), space.map(bBatch, bDims), space.map(*batch, result)};
  // A vector has no rows: its dimension of the space goes.
  maps = compressUnusedDims(maps);
  return reduce(node, nn::Combine::sum, maps, {factors.a, factors.b}, type, [](ProgramBuilder &b, ValueRange v) { return b.mul(v[0], v[1]); }, finish);
}

static LogicalResult importComputedGemm(NodeContext &node, bool transA, bool transB, double alpha, double beta) {
  FailureOr<Factors> factors = readFactors(node);
  if (failed(factors))
    return failure();
  if (factors->aShape().size() != 2 || factors->bShape().size() != 2)
    return node.invalid("expects A and B of rank 2 (got shapes " + shapeText(factors->aShape()) + " and " + shapeText(factors->bShape()) + ")");
  if (!isIn(factors->dataType, kFloats) && (alpha != 1 || beta != 1))
    return node.unsupported("attributes alpha and beta of " + dataTypeName(factors->dataType) + " are not supported but for 1");
  Value y =
      productOf(node, *factors, transA, transB, [&](ProgramBuilder &b, Value sum) { return alpha == 1 ? sum : b.mul(sum, b.number(sum.getType(), alpha)); });
  if (!y)
    return failure();
  auto type = cast<RankedTensorType>(y.getType());
  if (node.hasInput(2) && beta != 0) {
    Operand c = node.operand(2, "C", setOf({factors->dataType}));
    if (!c)
      return failure();
    FailureOr<SmallVector<int64_t>> shape = nn::broadcastShapes(type.getShape(), c.shape());
    if (failed(shape) || ArrayRef<int64_t>(*shape) != type.getShape())
      return node.invalid("expects C to broadcast to the product's shape " + shapeText(type.getShape()) + " (got " + shapeText(c.shape()) + ")");
    y = map(node, {y, computed(node, c)}, type.getShape(), type.getElementType(),
            [&](ProgramBuilder &b, ValueRange v) { return b.add(v[0], beta == 1 ? v[1] : b.mul(v[1], b.number(v[1].getType(), beta))); });
  }
  return node.define(convertFloat(node, y, elementType(node.builder().getContext(), factors->dataType)), 0, factors->dataType);
}

static LogicalResult importComputedMatMul(NodeContext &node) {
  FailureOr<Factors> factors = readFactors(node);
  if (failed(factors))
    return failure();
  Value y = productOf(node, *factors, false, false, [](ProgramBuilder &, Value sum) { return sum; });
  if (!y)
    return failure();
  return node.define(convertFloat(node, y, elementType(node.builder().getContext(), factors->dataType)), 0, factors->dataType);
}

//===- The operators ---------------------------------------------------------------------------------------------------------------------------===//

/// The rows of a matrix are the images of a batch, each of them one pixel. Where more of them are known than a tile of images has, they are the pixels of one
/// image, and tiles are chosen as for any other.
static Value timesWeights(NodeContext &node, Value a, Value weights, Value bias) {
  constexpr int64_t kFewRows = 16;
  auto type = cast<RankedTensorType>(a.getType());
  bool isImage = type.getRank() == 2 && !type.isDynamicDim(0) && type.getDimSize(0) > kFewRows;
  if (isImage)
    a = reshaped(node, a, {1, type.getDimSize(0), type.getDimSize(1)});
  Value product = nn::MatMulOp::create(node.builder(), node.loc(), a, weights, bias).getResult(0);
  return isImage ? reshaped(node, product, {type.getDimSize(0), cast<RankedTensorType>(product.getType()).getShape().back()}) : product;
}

LogicalResult lathe::importer::importGemm(NodeContext &node) {
  node.ignore({"broadcast"}); // of opset 6: C always may
  bool transA = node.integer("transA", 0), transB = node.integer("transB", 0);
  double alpha = node.real("alpha", 1), beta = node.real("beta", 1);
  if (node.hasErrors())
    return failure();
  const GraphValue *constant = node.input(0, "A");
  if (!constant || !node.input(1, "B"))
    return failure();
  bool isConstant = constant->kind == GraphValue::Kind::weight && constant->dataType == kFloat;
  if (!isFloatWeight(node, 1) || (transA && !isConstant))
    return importComputedGemm(node, transA, transB, alpha, beta);
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
  Value product = timesWeights(node, a, weights, bias ? node.materialize(bias) : Value());
  if (hasC && !bias)
    return addC(node, product, beta);
  return node.define(product);
}

LogicalResult lathe::importer::importMatMul(NodeContext &node) {
  const GraphValue *left = node.input(0, "A"), *right = node.input(1, "B");
  if (!left || !right)
    return failure();
  if (!isFloatWeight(node, 1) || right->weight.getResultShape()->size() != 2 || !isIn(left->type(), setOf({kFloat, kFloat16})))
    return importComputedMatMul(node);
  Value a = node.data(0, "A");
  nn::WeightAttr b = node.weight(1, "B");
  if (!a || !b)
    return failure();
  auto aType = cast<RankedTensorType>(a.getType());
  SmallVector<int64_t> bShape = *b.getResultShape();
  if (aType.getRank() < 2 || isEmpty(aType))
    return importComputedMatMul(node);
  if (aType.getShape().back() != bShape[0])
    return node.invalid("expects as many columns of A as rows of B (got " + Twine(aType.getShape().back()) + " and " + Twine(bShape[0]) + ")");
  SmallVector<int64_t> shape(aType.getShape());
  shape.back() = bShape[1];
  if (failed(node.checkShape(shape)))
    return failure();
  // Rows of a batch: the dimensions between are one.
  if (aType.getRank() > 3)
    a = reshaped(node, a, {shape[0], countAlong(shape, llvm::to_vector(llvm::seq<int64_t>(1, aType.getRank() - 1))), bShape[0]});
  return node.define(reshaped(node, timesWeights(node, a, node.materialize(b), Value()), shape));
}
