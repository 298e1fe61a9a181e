// ConvInteger, QLinearConv, MatMulInteger, QLinearMatMul: products of 8-bit integers, summed exactly in int32, as programs. Right, and not fast: networks that
// are to be fast are quantised by QuantizeLinear and DequantizeLinear.
#include "compiler/import/Broadcast.h"
#include "compiler/import/Cast.h"
#include "compiler/import/Quantize.h"
#include "compiler/import/Registry.h"
#include "compiler/import/Window.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static constexpr DataTypes kBytes = setOf({kInt8, kUInt8});
static constexpr DataTypes kScales = setOf({kFloat, kFloat16});

namespace {

/// A factor with its zero point (null: 0), which has one element or one per index of a dimension.
struct Factor {
  Operand data, zero;

  /// In a program: element `at` less the zero point for `index`, as int32.
  Value load(ProgramBuilder &b, Value memory, Value zeroMemory, ValueRange at, Value index) const {
    Value value = castElement(b, b.load(memory, at), data.dataType, kInt32);
    if (!zeroMemory)
      return value;
    auto type = cast<ShapedType>(zeroMemory.getType());
    SmallVector<Value> zeroAt(type.getRank(), b.index(0));
    if (type.getNumElements() > 1)
      zeroAt[0] = index;
    return b.sub(value, castElement(b, b.load(zeroMemory, zeroAt), zero.dataType, kInt32));
  }
};

/// The inputs of a program: what is absent is null in it.
struct ProgramInputs {
  SmallVector<Value> values;
  SmallVector<int> places;

  void add(Value v) {
    places.push_back(v ? static_cast<int>(values.size()) : -1);
    if (v)
      values.push_back(v);
  }
  Value of(ValueRange memories, size_t i) const { return places[i] < 0 ? Value() : memories[places[i]]; }
};

} // namespace

/// `perIndex`: the extent along which there may be a zero point each.
static FailureOr<Factor> readFactor(NodeContext &node, size_t data, StringRef role, size_t zero, StringRef zeroRole,
                                    function_ref<int64_t(const Operand &)> perIndex) {
  Factor factor{node.operand(data, role, kBytes), {}};
  if (!factor.data)
    return failure();
  if (!node.hasInput(zero))
    return factor;
  factor.zero = node.operand(zero, zeroRole, setOf({factor.data.dataType}));
  if (!factor.zero)
    return failure();
  RankedTensorType type = factor.zero.type();
  bool single = type.hasStaticShape() && type.getNumElements() == 1;
  if (!single && (type.getRank() != 1 || type.getDimSize(0) != perIndex(factor.data)))
    return node.unsupported(node.describeInput(zero, zeroRole) + " is not supported; supported: one element, or one for each of " +
                            Twine(perIndex(factor.data)));
  return factor;
}

/// acc * (a * b / y) + zero, as the zero point's type. `dims` is the shape in which a scale of more than one element broadcasts.
static LogicalResult requantize(NodeContext &node, Value acc, Value aScale, Value bScale, size_t yScale, size_t yZero) {
  Operand scale = node.operand(yScale, "y_scale", kScales), zero = scale ? node.operand(yZero, "y_zero_point", kBytes) : Operand();
  if (!zero)
    return failure();
  for (const Operand *one : {&scale, &zero})
    if (!one->type().hasStaticShape() || one->type().getNumElements() != 1)
      return node.unsupported("a scale or zero point of the result with more than one element is not supported");
  auto scalar = [&](Value v) -> Value {
    auto type = cast<RankedTensorType>(v.getType());
    return type.getRank() ? nn::ReshapeOp::create(node.builder(), node.loc(), type.clone(ArrayRef<int64_t>()), v).getResult() : v;
  };
  Value inputs[] = {acc, aScale, bScale, scalar(asFloat(node, scale)), scalar(asFloat(node, zero))};
  ArrayRef<int64_t> shape = cast<ShapedType>(acc.getType()).getShape();
  Value result = map(node, inputs, shape, elementType(acc.getContext(), zero.dataType), [&](ProgramBuilder &b, ValueRange v) {
    Value product = b.mul(castElement(b, v[0], kInt32, kFloat), b.div(b.mul(v[1], v[2]), v[3]));
    return quantize(b, b.add(math::RoundEvenOp::create(b, product), v[4]), zero.dataType);
  });
  return node.define(result, 0, zero.dataType);
}

/// A scale of one element as a scalar, or of `count` elements in shape `dims`; null after an error.
static Value readScale(NodeContext &node, size_t i, StringRef role, int64_t count, ArrayRef<int64_t> dims) {
  Operand scale = node.operand(i, role, kScales);
  if (!scale)
    return {};
  RankedTensorType type = scale.type();
  bool single = type.hasStaticShape() && type.getNumElements() == 1;
  if (!single && (type.getRank() != 1 || type.getDimSize(0) != count)) {
    (void)node.unsupported(node.describeInput(i, role) + " is not supported; supported: one element, or one for each of " + Twine(count));
    return {};
  }
  Value value = asFloat(node, scale);
  auto target = RankedTensorType::get(single ? ArrayRef<int64_t>() : dims, node.builder().getF32Type());
  return value.getType() == target ? value : nn::ReshapeOp::create(node.builder(), node.loc(), target, value).getResult();
}

//===- Convolution ---------------------------------------------------------------------------------------------------------------------------===//

namespace {

struct IntegerConv {
  Factor x, w;
  Operand bias;
  Window window;
  int64_t groups = 1, channelsPerGroup = 1;
  RankedTensorType type;
};

} // namespace

static Value convProgram(NodeContext &node, const IntegerConv &conv) {
  ProgramInputs inputs;
  for (Value v : {conv.x.data.value, conv.w.data.value, conv.x.zero.value, conv.w.zero.value, conv.bias.value})
    inputs.add(v);
  int64_t filtersPerGroup = conv.type.getDimSize(1) / conv.groups;
  ArrayRef<int64_t> spatial = conv.x.data.shape().drop_front(2);
  return generate(node, "conv_integer", conv.type, inputs.values, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value first = b.mul(b.div(at[1], b.index(filtersPerGroup)), b.index(conv.channelsPerGroup)); // channel of the group
    Value init = b.integer(b.getI32Type(), int64_t(0));
    if (Value bias = inputs.of(in, 4))
      init = b.load(bias, at[1]);
    return b.fold(b.index(0), b.index(conv.channelsPerGroup), init, [&](Value c, ValueRange outer) {
      // Padding is the zero point, which contributes nothing.
      return foldWindow(b, conv.window, spatial, at.drop_front(2), outer, [&](ValueRange place, ValueRange element, ValueRange acc) -> SmallVector<Value> {
        SmallVector<Value> xAt{at[0], b.add(first, c)}, wAt{at[1], c};
        llvm::append_range(xAt, place);
        llvm::append_range(wAt, element);
        Value x = conv.x.load(b, inputs.of(in, 0), inputs.of(in, 2), xAt, b.index(0)), w = conv.w.load(b, inputs.of(in, 1), inputs.of(in, 3), wAt, at[1]);
        return {b.add(acc[0], b.mul(x, w))};
      });
    })[0];
  });
}

/// Attributes and factors, whose inputs have the given numbers.
static FailureOr<IntegerConv> readConv(NodeContext &node, size_t x, size_t xZero, size_t w, size_t wZero) {
  IntegerConv conv;
  FailureOr<Window> window = readWindow(node);
  conv.groups = node.integer("group", 1);
  if (failed(window) || node.hasErrors())
    return failure();
  if (conv.groups < 1)
    return node.invalid("expects attribute group of at least 1 (got " + Twine(conv.groups) + ")");
  conv.window = *window;
  FailureOr<Factor> data = readFactor(node, x, "x", xZero, "x_zero_point", [](const Operand &) { return int64_t(1); });
  FailureOr<Factor> weights = readFactor(node, w, "w", wZero, "w_zero_point", [](const Operand &o) { return o.rank() ? o.shape()[0] : 1; });
  if (failed(data) || failed(weights))
    return failure();
  conv.x = *data;
  conv.w = *weights;
  ArrayRef<int64_t> xShape = conv.x.data.shape(), wShape = conv.w.data.shape();
  if (xShape.size() < 3 || wShape.size() != xShape.size())
    return node.invalid("expects x and w of one rank of at least 3 (got " + Twine(xShape.size()) + " and " + Twine(wShape.size()) + ")");
  if (!conv.w.data.type().hasStaticShape())
    return node.unsupported(node.describeInput(w, "w") + " has the batch size as a dimension, which is not supported");
  if (xShape[1] % conv.groups || xShape[1] / conv.groups != wShape[1])
    return node.invalid("expects w for " + Twine(xShape[1]) + " / " + Twine(conv.groups) + " input channels (got " + Twine(wShape[1]) + ")");
  if (wShape[0] % conv.groups)
    return node.invalid("expects group to divide the " + Twine(wShape[0]) + " output channels (got " + Twine(conv.groups) + ")");
  conv.channelsPerGroup = wShape[1];
  ArrayRef<int64_t> spatial = xShape.drop_front(2), kernel = wShape.drop_front(2);
  if (failed(completeConvWindow(node, conv.window, kernel, "w")))
    return failure();
  FailureOr<SmallVector<int64_t>> extents = outputExtents(node, conv.window, spatial);
  if (failed(extents))
    return failure();
  SmallVector<int64_t> shape{xShape[0], wShape[0]};
  shape.append(*extents);
  conv.type = node.type(shape, kInt32);
  if (!conv.type)
    return failure();
  return conv;
}

LogicalResult lathe::importer::importConvInteger(NodeContext &node) {
  FailureOr<IntegerConv> conv = readConv(node, 0, 2, 1, 3);
  if (failed(conv))
    return failure();
  return node.define(convProgram(node, *conv), 0, kInt32);
}

LogicalResult lathe::importer::importQLinearConv(NodeContext &node) {
  FailureOr<IntegerConv> conv = readConv(node, 0, 2, 3, 5);
  if (failed(conv))
    return failure();
  int64_t filters = conv->type.getDimSize(1);
  if (node.hasInput(8)) {
    conv->bias = node.operand(8, "B", setOf({kInt32}));
    if (!conv->bias)
      return failure();
    if (conv->bias.shape() != ArrayRef<int64_t>{filters})
      return node.invalid("expects " + node.describeInput(8, "B") + " of " + Twine(filters) + " elements");
  }
  SmallVector<int64_t> perFilter(conv->type.getRank() - 1, 1);
  perFilter[0] = filters;
  Value xScale = readScale(node, 1, "x_scale", 1, {}), wScale = xScale ? readScale(node, 4, "w_scale", filters, perFilter) : Value();
  return wScale ? requantize(node, convProgram(node, *conv), xScale, wScale, 6, 7) : failure();
}

//===- Matrix multiplication -----------------------------------------------------------------------------------------------------------------===//

namespace {

struct IntegerMatMul {
  Factor a, b;
  bool aIsVector = false, bIsVector = false;
  int64_t rows = 1, inner = 1, columns = 1;
  RankedTensorType type;
};

} // namespace

static FailureOr<IntegerMatMul> readMatMul(NodeContext &node, size_t a, size_t aZero, size_t b, size_t bZero) {
  IntegerMatMul product;
  FailureOr<Factor> left = readFactor(node, a, "A", aZero, "a_zero_point", [](const Operand &o) { return o.rank() > 1 ? o.shape()[o.rank() - 2] : 1; });
  FailureOr<Factor> right = readFactor(node, b, "B", bZero, "b_zero_point", [](const Operand &o) { return o.rank() > 1 ? o.shape().back() : 1; });
  if (failed(left) || failed(right))
    return failure();
  product.a = *left;
  product.b = *right;
  SmallVector<int64_t> aShape(product.a.data.shape()), bShape(product.b.data.shape());
  if (aShape.empty() || bShape.empty())
    return node.invalid("expects A and B of rank 1 or more");
  product.aIsVector = aShape.size() == 1;
  product.bIsVector = bShape.size() == 1;
  product.rows = product.aIsVector ? 1 : aShape[aShape.size() - 2];
  product.columns = product.bIsVector ? 1 : bShape.back();
  product.inner = aShape.back();
  int64_t innerOfB = product.bIsVector ? bShape[0] : bShape[bShape.size() - 2];
  if (product.inner != innerOfB)
    return node.invalid("expects as many columns of A as rows of B (got " + Twine(product.inner) + " and " + Twine(innerOfB) + ")");
  if (ShapedType::isDynamic(product.inner))
    return node.needsStaticBatch("a sum over the batch");
  aShape.resize(aShape.size() - std::min<size_t>(aShape.size(), 2));
  bShape.resize(bShape.size() - std::min<size_t>(bShape.size(), 2));
  FailureOr<SmallVector<int64_t>> shape = nn::broadcastShapes(aShape, bShape);
  if (failed(shape))
    return node.invalid("expects the leading dimensions of A and B to broadcast");
  if (!product.aIsVector)
    shape->push_back(product.rows);
  if (!product.bIsVector)
    shape->push_back(product.columns);
  product.type = node.type(*shape, kInt32);
  if (!product.type)
    return failure();
  return product;
}

static Value matMulProgram(NodeContext &node, const IntegerMatMul &product) {
  ProgramInputs inputs;
  for (Value v : {product.a.data.value, product.b.data.value, product.a.zero.value, product.b.zero.value})
    inputs.add(v);
  return generate(node, "matmul_integer", product.type, inputs.values, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value row = b.index(0), column = b.index(0);
    ValueRange lead = at;
    if (!product.bIsVector) {
      column = lead.back();
      lead = lead.drop_back();
    }
    if (!product.aIsVector) {
      row = lead.back();
      lead = lead.drop_back();
    }
    auto leading = [&](const Operand &x) {
      SmallVector<Value> indices;
      ArrayRef<int64_t> shape = x.shape().drop_back(std::min<int64_t>(x.rank(), 2));
      for (auto [d, index] : llvm::zip(shape, lead.take_back(shape.size())))
        indices.push_back(d == 1 ? b.index(0) : index);
      return indices;
    };
    SmallVector<Value> aAt = leading(product.a.data), bAt = leading(product.b.data);
    return b.fold(b.index(0), b.index(product.inner), b.integer(b.getI32Type(), int64_t(0)), [&](Value k, ValueRange acc) -> SmallVector<Value> {
      SmallVector<Value> aIndex(aAt), bIndex(bAt);
      if (!product.aIsVector)
        aIndex.push_back(row);
      aIndex.push_back(k);
      bIndex.push_back(k);
      if (!product.bIsVector)
        bIndex.push_back(column);
      Value x = product.a.load(b, inputs.of(in, 0), inputs.of(in, 2), aIndex, row), y = product.b.load(b, inputs.of(in, 1), inputs.of(in, 3), bIndex, column);
      return {b.add(acc[0], b.mul(x, y))};
    })[0];
  });
}

LogicalResult lathe::importer::importMatMulInteger(NodeContext &node) {
  FailureOr<IntegerMatMul> product = readMatMul(node, 0, 2, 1, 3);
  if (failed(product))
    return failure();
  return node.define(matMulProgram(node, *product), 0, kInt32);
}

LogicalResult lathe::importer::importQLinearMatMul(NodeContext &node) {
  FailureOr<IntegerMatMul> product = readMatMul(node, 0, 2, 3, 5);
  if (failed(product))
    return failure();
  Value aScale = readScale(node, 1, "a_scale", product->rows, {product->rows, 1}),
        bScale = aScale ? readScale(node, 4, "b_scale", product->columns, product->columns) : Value();
  return bScale ? requantize(node, matMulProgram(node, *product), aScale, bScale, 6, 7) : failure();
}
