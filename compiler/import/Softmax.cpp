// Softmax and LogSoftmax -> a maximum, a sum of exponentials, and what is elementwise.
#include "compiler/import/Indexing.h"
#include "compiler/import/Reduction.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static Value first(ProgramBuilder &, ValueRange v) { return v[0]; }
static Value unchanged(ProgramBuilder &, Value x) { return x; }

/// exp(x - m), where x is never more than m: in a form that says so, which takes a third fewer operations.
static Value expBelow(ProgramBuilder &b, ValueRange v) {
  Value distance = math::AbsFOp::create(b, b.sub(v[0], v[1]));
  return math::ExpOp::create(b, arith::NegFOp::create(b, distance));
}

/// exp(x - m) * (1 / sum) or x - m - log(sum), with the largest x of a line as m: no exponential is above 1. A line with a NaN, or with an infinity that has no
/// meaning as a limit, is NaN, as in ONNX's definition.
static LogicalResult importSoftmax(NodeContext &node, bool isLog) {
  bool coerced = node.opset() < 13; // to a matrix
  int64_t axis = node.integer("axis", coerced ? 1 : -1);
  if (node.hasErrors())
    return failure();
  FloatInput x = floatInput(node, 0, "input");
  if (!x)
    return failure();
  // A scalar has one line of one element.
  if (x.rank() == 0)
    return defineFloat(node, node.splat({}, x.dataType == kDouble ? kDouble : kFloat, isLog ? 0 : 1), x.dataType);
  // Up to opset 12 the axis may be the rank: lines of one element.
  int64_t rank = x.rank();
  FailureOr<int64_t> resolved = coerced && axis == rank ? FailureOr<int64_t>(rank) : resolveAxis(node, "axis", axis, rank);
  if (failed(resolved))
    return failure();
  if (isEmpty(x.type()))
    return node.define(splatWeight(RankedTensorType::get(x.shape(), elementType(node.builder().getContext(), x.dataType)), 0), 0, x.dataType);
  SmallVector<int64_t> axes = coerced ? axesFrom(*resolved, rank) : SmallVector<int64_t>{*resolved};
  if (failed(checkNotBatch(node, x.shape(), axes)))
    return failure();
  Type element = x.element();
  Value most = reduceAxes(node, nn::Combine::max, x.value, axes, element, first, unchanged);
  if (isLog) {
    Value sum = reduceAxes(node, nn::Combine::sum, {x.value, most}, axes, element, expBelow,
                           [](ProgramBuilder &b, Value s) -> Value { return math::LogOp::create(b, s); });
    Value y = map(node, {x.value, most, sum}, x.shape(), element, [](ProgramBuilder &b, ValueRange v) { return b.sub(b.sub(v[0], v[1]), v[2]); });
    return defineFloat(node, y, x.dataType);
  }
  Value power = map(node, {x.value, most}, x.shape(), element, expBelow);
  Value scale = reduceAxes(node, nn::Combine::sum, power, axes, element, first, [](ProgramBuilder &b, Value s) { return b.div(b.number(s.getType(), 1), s); });
  Value y = map(node, {power, scale}, x.shape(), element, [](ProgramBuilder &b, ValueRange v) { return b.mul(v[0], v[1]); });
  return defineFloat(node, y, x.dataType);
}

LogicalResult lathe::importer::importSoftmax(NodeContext &node) { return ::importSoftmax(node, false); }
LogicalResult lathe::importer::importLogSoftmax(NodeContext &node) { return ::importSoftmax(node, true); }
