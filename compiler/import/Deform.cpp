// DeformConv: the input is sampled where the offsets say, then convolved as any other input.
// Source: the operator's description in the ONNX specification (DeformConv-19, -22); J. Dai et al., "Deformable Convolutional Networks", 2017.
#include "compiler/import/Indexing.h"
#include "compiler/import/Recipe.h"
#include "compiler/import/Registry.h"
#include "compiler/import/Window.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Is = arith::CmpIPredicate;

namespace {

struct Deformable {
  Window window;
  int64_t groups = 1, offsetGroups = 1;
  Value x, offset, mask;
  SmallVector<int64_t> shape; // of x
  int64_t height = 0, width = 0;

  int64_t taps() const { return window.shape[0] * window.shape[1]; }
};

/// x at a place between its elements; those outside are 0.
Value bilinearAt(ProgramBuilder &b, Value x, ValueRange plane, Value y, Value column, ArrayRef<int64_t> extents) {
  Type real = y.getType();
  struct Axis {
    Value index[2], weight[2], inside[2];
  } axes[2];
  Value places[2] = {y, column};
  for (int d = 0; d < 2; ++d) {
    // As far outside as this all is 0; a NaN becomes a number, since integers are made of it.
    constexpr double kFar = 1 << 30;
    Value place = arith::MaxNumFOp::create(b, arith::MinNumFOp::create(b, places[d], b.number(real, kFar)), b.number(real, -kFar));
    Value left = math::FloorOp::create(b, place), t = b.sub(place, left);
    Value first = b.toIndex(arith::FPToSIOp::create(b, b.getI64Type(), left)), last = b.index(extents[d] - 1), zero = b.index(0);
    axes[d].weight[0] = b.sub(b.number(real, 1.0), t);
    axes[d].weight[1] = t;
    for (int k = 0; k < 2; ++k) {
      Value index = b.add(first, b.index(k));
      axes[d].inside[k] = b.both(b.compare(Is::sge, index, zero), b.compare(Is::sle, index, last));
      axes[d].index[k] = b.clampIndex(index, zero, last);
    }
  }
  Value sum;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) {
      Value element = b.load(x, joined(plane, {axes[0].index[i], axes[1].index[j]}));
      element = b.select(b.both(axes[0].inside[i], axes[1].inside[j]), element, b.number(real, 0.0));
      Value term = b.mul(b.mul(axes[0].weight[i], axes[1].weight[j]), element);
      sum = sum ? b.add(sum, term) : term;
    }
  return sum;
}

/// [N, C * taps, oH, oW]: what each element of the window sees, times the mask.
Value sampled(NodeContext &node, const Deformable &d, RankedTensorType type) {
  SmallVector<Value> inputs{d.x, d.offset};
  if (d.mask)
    inputs.push_back(d.mask);
  int64_t taps = d.taps(), perGroup = d.shape[1] / d.offsetGroups;
  // One iteration per offset: the channels of its group are sampled at the same place.
  SmallVector<int64_t> space{d.shape[0], d.offsetGroups, taps, d.height, d.width};
  return foreach (node, "deform", space, inputs, TypeRange(type), [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) {
    Value n = at[0], group = at[1], tap = at[2];
    Value inGroup = b.add(b.mul(group, b.index(taps)), tap), columns = b.index(d.window.shape[1]);
    Value inWindow[2] = {arith::DivSIOp::create(b, tap, columns), arith::RemSIOp::create(b, tap, columns)}, places[2];
    Type real = cast<MemRefType>(in[1].getType()).getElementType();
    for (int64_t axis = 0; axis < 2; ++axis) {
      Value begin = b.sub(b.mul(at[3 + axis], b.index(d.window.strides[axis])), b.index(d.window.pads[axis]));
      Value place = b.add(begin, b.mul(inWindow[axis], b.index(d.window.dilations[axis])));
      Value offset = b.load(in[1], {n, b.add(b.mul(inGroup, b.index(2)), b.index(axis)), at[3], at[4]});
      places[axis] = b.add(toReal(b, place, real), offset);
    }
    Value scale = d.mask ? b.load(in[2], {n, inGroup, at[3], at[4]}) : Value();
    b.forEach(b.index(0), b.index(perGroup), [&](Value i) {
      Value channel = b.add(b.mul(group, b.index(perGroup)), i);
      Value value = bilinearAt(b, in[0], {n, channel}, places[0], places[1], ArrayRef(d.shape).drop_front(2));
      b.store(scale ? b.mul(value, scale) : value, out[0], {n, b.add(b.mul(channel, b.index(taps)), tap), at[3], at[4]});
    });
  })[0];
}

/// Weights that are computed at run time: [K, C / groups * taps, 1, 1] against the samples.
Value multiplied(NodeContext &node, Value samples, Value weights, Value bias, int64_t groups, RankedTensorType type) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weights.getType()).getShape();
  int64_t perGroup = shape[1] * shape[2] * shape[3], filtersPerGroup = shape[0] / groups;
  SmallVector<Value> inputs{samples, weights};
  if (bias)
    inputs.push_back(bias);
  return generate(node, "deform_conv", type, inputs, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value begin = b.mul(b.div(at[1], b.index(filtersPerGroup)), b.index(perGroup)), k = b.index(0);
    Value sum = foldIn(b, shape.drop_front(), {k, b.number(type.getElementType(), 0.0)}, [&](ValueRange w, ValueRange state) -> SmallVector<Value> {
      Value product = b.mul(b.load(in[0], {at[0], b.add(begin, state[0]), at[2], at[3]}), b.load(in[1], joined(at[1], w)));
      return {b.add(state[0], b.index(1)), b.add(state[1], product)};
    })[1];
    return in.size() > 2 ? b.add(sum, b.load(in[2], at[1])) : sum;
  });
}

} // namespace

LogicalResult lathe::importer::importDeformConv(NodeContext &node) {
  Deformable d;
  FailureOr<Window> window = readWindow(node);
  d.groups = node.integer("group", 1);
  d.offsetGroups = node.integer("offset_group", 1);
  if (failed(window) || node.hasErrors())
    return failure();
  if (d.groups < 1 || d.offsetGroups < 1)
    return node.invalid("expects attributes group and offset_group of at least 1 (got " + Twine(d.groups) + " and " + Twine(d.offsetGroups) + ")");
  d.window = *window;
  d.x = node.data(0, "X");
  const GraphValue *given = d.x ? node.input(1, "W") : nullptr;
  if (!given)
    return failure();
  const GraphValue *givenBias = node.hasInput(3) ? node.input(3, "B") : nullptr;
  if (node.hasInput(3) && !givenBias)
    return failure();
  bool constant = given->kind == GraphValue::Kind::weight && (!givenBias || givenBias->kind == GraphValue::Kind::weight);
  nn::WeightAttr weight = constant ? node.weight(1, "W") : nn::WeightAttr();
  nn::WeightAttr constantBias = constant && givenBias ? node.weight(3, "B", 1) : nn::WeightAttr();
  if (constant && (!weight || (givenBias && !constantBias)))
    return failure();
  Value weights = constant ? Value() : node.data(1, "W");
  Value bias = constantBias ? node.materialize(constantBias) : givenBias ? node.data(3, "B") : Value();
  d.offset = node.data(2, "offset");
  d.mask = node.hasInput(4) ? node.data(4, "mask") : Value();
  if ((!weight && !weights) || !d.offset || (givenBias && !bias) || (node.hasInput(4) && !d.mask))
    return failure();
  auto shapeOf = [](Value v) { return SmallVector<int64_t>(cast<RankedTensorType>(v.getType()).getShape()); };
  d.shape = shapeOf(d.x);
  SmallVector<int64_t> weightShape = constant ? *weight.getResultShape() : shapeOf(weights);
  if (d.shape.size() != 4 || weightShape.size() != 4)
    return node.unsupported("X of rank " + Twine(d.shape.size()) + " and W of rank " + Twine(weightShape.size()) + " are not supported; supported: 4");
  if (d.window.shape.empty())
    d.window.shape.assign(weightShape.begin() + 2, weightShape.end());
  if (failed(completeWindow(node, d.window, 2)))
    return failure();
  if (d.window.shape != ArrayRef(weightShape).drop_front(2))
    return node.invalid("expects attribute kernel_shape " + shapeText(ArrayRef(weightShape).drop_front(2)) + ", as W has it (got " + shapeText(d.window.shape) +
                        ")");
  int64_t channels = d.shape[1], filters = weightShape[0];
  if (channels % d.groups || channels / d.groups != weightShape[1] || filters % d.groups || channels % d.offsetGroups)
    return node.invalid("expects channels that group and offset_group divide (got X " + shapeText(d.shape) + ", W " + shapeText(weightShape) + ", group " +
                        Twine(d.groups) + ", offset_group " + Twine(d.offsetGroups) + ")");
  FailureOr<SmallVector<int64_t>> extents = outputExtents(node, d.window, ArrayRef(d.shape).drop_front(2));
  if (failed(extents))
    return failure();
  d.height = (*extents)[0];
  d.width = (*extents)[1];
  auto expect = [&](StringRef role, Value v, ArrayRef<int64_t> shape) -> LogicalResult {
    if (!v || ArrayRef<int64_t>(shapeOf(v)) == shape)
      return success();
    return node.invalid("expects " + role + " of shape " + shapeText(shape) + " (got " + shapeText(shapeOf(v)) + ")");
  };
  int64_t taps = d.taps(), batch = d.shape[0];
  if (failed(expect("offset", d.offset, {batch, d.offsetGroups * taps * 2, d.height, d.width})) ||
      failed(expect("mask", d.mask, {batch, d.offsetGroups * taps, d.height, d.width})) || failed(expect("B", bias, filters)))
    return failure();
  RankedTensorType type = node.type({batch, filters, d.height, d.width}), columns = node.type({batch, channels * taps, d.height, d.width});
  if (!type || !columns)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, kFloat);
  if (isEmpty(columns))
    return node.invalid("expects channels in X (got shape " + shapeText(d.shape) + ")");
  Value samples = sampled(node, d, columns);
  if (!constant)
    return node.define(multiplied(node, samples, weights, bias, d.groups, type));
  // A convolution of 1x1 over channels times window.
  Value w = node.materialize(reshapedTo(weight, {filters, weightShape[1] * taps, 1, 1}));
  auto conv = nn::ConvOp::create(node.builder(), node.loc(), samples, w, bias, SmallVector<int64_t>{1, 1}, SmallVector<int64_t>{1, 1},
                                 SmallVector<int64_t>{0, 0, 0, 0}, d.groups);
  return node.define(conv.getResult(0));
}
