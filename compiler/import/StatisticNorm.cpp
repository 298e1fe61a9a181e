// Normalisations by statistics of the input itself: InstanceNormalization, GroupNormalization, LayerNormalization, RMSNormalization, LpNormalization,
// MeanVarianceNormalization, LRN. Statistics are nn.reduce; the rest is elementwise. Variances are of differences to the mean: E[x^2] - E[x]^2 would lose
// its digits where the mean is large.
#include "compiler/import/Indexing.h"
#include "compiler/import/Move.h"
#include "compiler/import/Reduction.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// 1 / sqrt(variance + epsilon).
static Value inverseDeviation(ProgramBuilder &b, Value variance, double epsilon) {
  Type type = variance.getType();
  return b.div(b.number(type, 1.0), math::SqrtOp::create(b, b.add(variance, b.number(type, epsilon))));
}

/// (x - mean) * inverse [* scale] [+ bias], all of one rank; null operands are left out.
static Value normalise(NodeContext &node, Value x, Value mean, Value inverse, Value scale, Value bias) {
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<Value> inputs;
  for (Value v : {x, mean, inverse, scale, bias})
    if (v)
      inputs.push_back(v);
  return map(node, inputs, type.getShape(), type.getElementType(), [&](ProgramBuilder &b, ValueRange v) {
    size_t next = 1;
    Value y = v[0];
    if (mean)
      y = b.sub(y, v[next++]);
    y = b.mul(y, v[next++]);
    if (scale)
      y = b.mul(y, v[next++]);
    return bias ? b.add(y, v[next]) : y;
  });
}

/// An input of one number per channel (or group), as [1, count, 1, ...]; null after an error.
static Value perChannel(NodeContext &node, size_t i, StringRef role, Type element, int64_t count, SmallVector<int64_t> shape) {
  FloatInput v = floatInput(node, i, role);
  if (!v)
    return {};
  if (v.rank() != 1 || v.shape()[0] != count) {
    (void)node.invalid("expects " + role + " of " + Twine(count) + " values (got shape " + shapeText(v.shape()) + ")");
    return {};
  }
  return convertFloat(node, reshaped(node, v.value, shape), element);
}

static LogicalResult defineInput(NodeContext &node, const FloatInput &x) { return defineFloat(node, x.value, x.dataType); }

/// Reports an x of lower rank.
static LogicalResult checkRank(NodeContext &node, const FloatInput &x, StringRef role, int64_t least) {
  if (x.rank() < least)
    return node.invalid("expects " + role + " of rank " + Twine(least) + " or more (got " + Twine(x.rank()) + ")");
  return success();
}

/// x, [N, C, spatial...], normalised over the pixels of `groups` groups of channels each; scale and bias are [1, groups, 1] or [1, groups, C / groups].
/// Statistics are taken of each channel, then of a group's channels: so x keeps its shape, and its layout. That of a group is the mean of its channels'
/// variances plus the variance of their means, which loses no digits.
static Value normaliseGroups(NodeContext &node, Value x, int64_t groups, Value scale, Value bias, double epsilon) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t channels = type.getDimSize(1);
  SmallVector<int64_t> axes = axesFrom(2, type.getRank()), grouped{type.getDimSize(0), groups, channels / groups};
  SmallVector<int64_t> perChannel{type.getDimSize(0), channels}, constant{1, channels};
  perChannel.resize(type.getRank(), 1);
  constant.resize(type.getRank(), 1);
  Value mean = meanOf(node, x, axes);
  Value variance = varianceOf(node, x, mean, axes, [](ProgramBuilder &, Value v) { return v; });
  Value means = reshaped(node, mean, grouped), centre = meanOf(node, means, {2});
  Value inverse = reduceAxes(
      node, nn::Combine::sum, {reshaped(node, variance, grouped), means, centre}, {2}, type.getElementType(),
      [](ProgramBuilder &b, ValueRange v) {
        Value difference = b.sub(v[1], v[2]);
        return b.add(v[0], b.mul(difference, difference));
      },
      [&](ProgramBuilder &b, Value sum) { return inverseDeviation(b, b.div(sum, b.number(sum.getType(), static_cast<double>(channels / groups))), epsilon); });
  // Of each channel again: the group's means, and factors. An element is read with all operands of its channel.
  auto ofChannels = [&](ValueRange values, ArrayRef<int64_t> shape, ArrayRef<int64_t> as) {
    Value v = map(node, values, shape, type.getElementType(), [](ProgramBuilder &b, ValueRange v) { return v.size() == 2 ? b.mul(v[0], v[1]) : v[0]; });
    return reshaped(node, v, as);
  };
  if (cast<ShapedType>(bias.getType()).getDimSize(2) == channels / groups)
    bias = reshaped(node, bias, constant);
  else
    bias = ofChannels({bias}, {1, groups, channels / groups}, constant);
  return normalise(node, x, ofChannels({centre}, grouped, perChannel), ofChannels({inverse, scale}, grouped, perChannel), {}, bias);
}

/// What x, [N, groups, ...], is a reshape of, [N, C, spatial...], if the elements of a group are some of its channels: as PyTorch writes GroupNorm.
static Value sourceOfGroups(Value x) {
  auto reshape = x.getDefiningOp<nn::ReshapeOp>();
  if (!reshape)
    return {};
  auto source = cast<RankedTensorType>(reshape.getInput().getType()), type = cast<RankedTensorType>(x.getType());
  bool isGrouped = source.getRank() >= 3 && source.getDimSize(0) == type.getDimSize(0) && source.getDimSize(1) % type.getDimSize(1) == 0;
  return isGrouped ? reshape.getInput() : Value();
}

LogicalResult lathe::importer::importInstanceNormalization(NodeContext &node) {
  double epsilon = node.real("epsilon", 1e-5);
  node.ignore({"consumed_inputs"}); // of opset 1, a hint for memory
  if (node.hasErrors())
    return failure();
  FloatInput x = floatInput(node, 0, "input");
  if (!x || failed(checkRank(node, x, "input", 3)))
    return failure();
  Value groupsOf = isEmpty(x.type()) ? Value() : sourceOfGroups(x.value);
  SmallVector<int64_t> shape(groupsOf ? 3 : x.rank(), 1);
  int64_t channels = shape[1] = x.shape()[1];
  Value scale = perChannel(node, 1, "scale", x.element(), channels, shape), bias = perChannel(node, 2, "B", x.element(), channels, shape);
  if (!scale || !bias)
    return failure();
  if (isEmpty(x.type()))
    return defineInput(node, x);
  if (groupsOf)
    return defineFloat(node, reshaped(node, normaliseGroups(node, groupsOf, channels, scale, bias, epsilon), x.shape()), x.dataType);
  SmallVector<int64_t> axes = axesFrom(2, x.rank());
  Value mean = meanOf(node, x.value, axes);
  Value inverse = varianceOf(node, x.value, mean, axes, [&](ProgramBuilder &b, Value v) { return inverseDeviation(b, v, epsilon); });
  return defineFloat(node, normalise(node, x.value, mean, inverse, scale, bias), x.dataType);
}

LogicalResult lathe::importer::importGroupNormalization(NodeContext &node) {
  double epsilon = node.real("epsilon", 1e-5);
  int64_t groups = node.integer("num_groups", 0);
  node.ignore({"stash_type"}); // half precision is computed in single precision in any case
  if (node.hasErrors())
    return failure();
  FloatInput x = floatInput(node, 0, "X");
  if (!x || failed(checkRank(node, x, "X", 3)))
    return failure();
  int64_t channels = x.shape()[1];
  if (groups < 1 || channels % groups)
    return node.invalid("expects attribute num_groups to divide the " + Twine(channels) + " channels (got " + Twine(groups) + ")");
  bool perGroup = node.opset() < 21;
  SmallVector<int64_t> shape{1, groups, perGroup ? 1 : channels / groups};
  int64_t count = perGroup ? groups : channels;
  Value scale = perChannel(node, 1, "scale", x.element(), count, shape), bias = perChannel(node, 2, "bias", x.element(), count, shape);
  if (!scale || !bias)
    return failure();
  if (isEmpty(x.type()))
    return defineInput(node, x);
  return defineFloat(node, normaliseGroups(node, x.value, groups, scale, bias, epsilon), x.dataType);
}

/// An input that broadcasts to `shape` from the right, with its rank; null after an error.
static Value broadcasting(NodeContext &node, size_t i, StringRef role, Type element, ArrayRef<int64_t> shape) {
  FloatInput v = floatInput(node, i, role);
  if (!v)
    return {};
  FailureOr<SmallVector<int64_t>> both = nn::broadcastShapes(v.shape(), shape);
  if (failed(both) || ArrayRef<int64_t>(*both) != shape) {
    (void)node.invalid("expects " + role + " to broadcast to X's shape " + shapeText(shape) + " (got " + shapeText(v.shape()) + ")");
    return {};
  }
  return convertFloat(node, v.value, element);
}

/// LayerNormalization, or RMSNormalization, which takes no mean away.
static LogicalResult importLayerNorm(NodeContext &node, bool centred) {
  double epsilon = node.real("epsilon", 1e-5);
  int64_t axis = node.integer("axis", -1), stash = node.integer("stash_type", kFloat);
  if (node.hasErrors())
    return failure();
  if (stash != kFloat && stash != kDouble && stash != kFloat16)
    return node.unsupported("attribute stash_type = " + Twine(stash) + " is not supported; supported: 1 (float32), 10 and 11");
  FloatInput x = floatInput(node, 0, "X");
  if (!x)
    return failure();
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis, x.rank());
  if (failed(resolved))
    return failure();
  // The statistics' own precision, which is never below the input's here.
  if (stash == kDouble && x.dataType != kDouble)
    x.value = convertFloat(node, x.value, node.builder().getF64Type());
  Type element = x.element();
  Value scale = broadcasting(node, 1, "Scale", element, x.shape()), bias;
  if (!scale || (node.hasInput(2) && !(bias = broadcasting(node, 2, "B", element, x.shape()))))
    return failure();
  SmallVector<int64_t> axes = axesFrom(*resolved, x.rank()), statistics(x.shape());
  for (int64_t a : axes)
    statistics[a] = 1;
  if (failed(checkNotBatch(node, x.shape(), axes)))
    return failure();
  if (isEmpty(x.type())) {
    if (node.getNode().outputs.size() > 1)
      return node.unsupported("statistics of a tensor without elements are not supported");
    return defineFloat(node, x.value, x.dataType);
  }
  Value mean = centred ? meanOf(node, x.value, axes) : Value();
  Value inverse = varianceOf(node, x.value, mean, axes, [&](ProgramBuilder &b, Value v) { return inverseDeviation(b, v, epsilon); });
  if (centred) {
    int32_t statisticsType = x.dataType == kDouble ? static_cast<int32_t>(stash == kDouble ? kDouble : kFloat) : static_cast<int32_t>(stash);
    (void)defineFloat(node, mean, statisticsType, 1);
    (void)defineFloat(node, inverse, statisticsType, 2);
  }
  return defineFloat(node, normalise(node, x.value, mean, inverse, scale, bias), x.dataType);
}

LogicalResult lathe::importer::importLayerNormalization(NodeContext &node) { return importLayerNorm(node, true); }
LogicalResult lathe::importer::importRMSNormalization(NodeContext &node) { return importLayerNorm(node, false); }

LogicalResult lathe::importer::importLpNormalization(NodeContext &node) {
  int64_t axis = node.integer("axis", -1), p = node.integer("p", 2);
  if (node.hasErrors())
    return failure();
  if (p != 1 && p != 2)
    return node.invalid("expects attribute p to be 1 or 2 (got " + Twine(p) + ")");
  FloatInput x = floatInput(node, 0, "input");
  if (!x)
    return failure();
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis, x.rank());
  if (failed(resolved) || failed(checkNotBatch(node, x.shape(), *resolved)))
    return failure();
  if (isEmpty(x.type()))
    return defineInput(node, x);
  Value norm = reduceAxes(
      node, nn::Combine::sum, x.value, *resolved, x.element(),
      [&](ProgramBuilder &b, ValueRange v) { return p == 1 ? math::AbsFOp::create(b, v[0]).getResult() : b.mul(v[0], v[0]); },
      [&](ProgramBuilder &b, Value sum) { return p == 1 ? sum : math::SqrtOp::create(b, sum).getResult(); });
  // 0 / 0 is 0 here.
  Value y = map(node, {x.value, norm}, x.shape(), x.element(), [](ProgramBuilder &b, ValueRange v) {
    Value zero = b.number(v[1].getType(), 0.0);
    return b.select(b.compare(arith::CmpIPredicate::eq, v[1], zero), zero, b.div(v[0], v[1]));
  });
  return defineFloat(node, y, x.dataType);
}

LogicalResult lathe::importer::importMeanVarianceNormalization(NodeContext &node) {
  SmallVector<int64_t> axes{0, 2, 3};
  if (node.hasAttribute("axes"))
    axes = node.integers("axes");
  if (node.hasErrors())
    return failure();
  FloatInput x = floatInput(node, 0, "X");
  if (!x)
    return failure();
  for (int64_t &axis : axes) {
    FailureOr<int64_t> resolved = resolveAxis(node, "axes", axis, x.rank());
    if (failed(resolved))
      return failure();
    axis = *resolved;
  }
  llvm::sort(axes);
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    return node.invalid("expects axes without repetition");
  if (failed(checkNotBatch(node, x.shape(), axes)))
    return failure();
  if (isEmpty(x.type()) || axes.empty())
    return axes.empty() ? node.unsupported("attribute axes = [] is not supported") : defineInput(node, x);
  Value mean = meanOf(node, x.value, axes);
  Value inverse = varianceOf(node, x.value, mean, axes, [](ProgramBuilder &b, Value variance) {
    Type type = variance.getType();
    return b.div(b.number(type, 1.0), b.add(math::SqrtOp::create(b, variance), b.number(type, 1e-9)));
  });
  return defineFloat(node, normalise(node, x.value, mean, inverse, {}, {}), x.dataType);
}

//===- LRN -----------------------------------------------------------------------------------------------------------------------------------===//

/// x^-beta for x >= 0. Quarters, such as the operator's default of 0.75, are roots.
static Value inversePower(ProgramBuilder &b, Value x, double beta) {
  Type type = x.getType();
  double quarters = beta * 4;
  if (quarters != 1 && quarters != 2 && quarters != 3 && quarters != 4)
    return math::ExpOp::create(b, b.mul(math::LogOp::create(b, x), b.number(type, -beta)));
  auto root = [&](Value v) -> Value { return math::SqrtOp::create(b, v); };
  Value half = root(x), power = quarters == 1 ? root(half) : quarters == 2 ? half : quarters == 3 ? b.mul(half, root(half)) : x;
  return b.div(b.number(type, 1.0), power);
}

/// x / (bias + alpha / size * sum of the squares of `size` neighbouring channels)^beta. The neighbours are slices of a padded tensor, so that all of it is
/// one elementwise operation.
LogicalResult lathe::importer::importLRN(NodeContext &node) {
  double alpha = node.real("alpha", 1e-4), beta = node.real("beta", 0.75), bias = node.real("bias", 1);
  int64_t size = node.integer("size", 0);
  if (node.hasErrors())
    return failure();
  constexpr int64_t kMostNeighbours = 64; // each is an operand
  if (size < 1)
    return node.invalid("expects attribute size of 1 or more (got " + Twine(size) + ")");
  FloatInput x = floatInput(node, 0, "X");
  if (!x || failed(checkRank(node, x, "X", 2)))
    return failure();
  if (isEmpty(x.type()))
    return defineInput(node, x);
  int64_t channels = x.shape()[1], before = std::min((size - 1) / 2, channels - 1), after = std::min(size / 2, channels - 1);
  if (before + after >= kMostNeighbours)
    return node.unsupported("attribute size = " + Twine(size) + " is not supported; supported: up to " + Twine(kMostNeighbours));
  Mover mover(node);
  auto valueOf = [&](Value v) {
    GraphValue value;
    value.kind = GraphValue::Kind::data;
    value.data = v;
    value.dataType = x.element().isF64() ? kDouble : kFloat;
    return value;
  };
  GraphValue zero;
  zero.kind = GraphValue::Kind::weight;
  zero.weight = splatWeight(RankedTensorType::get({}, x.element()), 0);
  zero.dataType = x.element().isF64() ? kDouble : kFloat;
  SmallVector<int64_t> begins(x.rank(), 0), ends(x.rank(), 0);
  begins[1] = before;
  ends[1] = after;
  Mover::Result padded = mover.pad(valueOf(x.value), zero, begins, ends);
  SmallVector<Value> neighbours;
  for (int64_t i = 0; padded && i <= before + after; ++i) {
    Mover::Result slice = mover.slice(*padded, 1, i, channels);
    if (!slice)
      return failure();
    neighbours.push_back(slice->data);
  }
  if (!padded)
    return failure();
  Value y = map(node, neighbours, x.shape(), x.element(), [&](ProgramBuilder &b, ValueRange v) {
    Value sum = b.mul(v[0], v[0]);
    for (Value neighbour : v.drop_front())
      sum = b.add(sum, b.mul(neighbour, neighbour));
    Type type = sum.getType();
    Value scaled = b.add(b.number(type, bias), b.mul(sum, b.number(type, alpha / static_cast<double>(size))));
    return b.mul(v[before], inversePower(b, scaled, beta));
  });
  return defineFloat(node, y, x.dataType);
}
