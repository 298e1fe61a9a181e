// MaxPool, AveragePool, LpPool and their global forms. Maxima and means of float32 and float16 -> nn.pool; the rest, and indices, -> a program.
#include "compiler/import/Registry.h"
#include "compiler/import/Window.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

/// What is computed of each window.
struct PoolRule {
  enum Kind { max, mean, norm } kind = max;
  bool countIncludePad = false; // mean
  int64_t power = 2;            // norm: (sum of |x|^power)^(1 / power)
  bool columnMajor = false;     // max: of the indices
  bool wantsIndices = false;
};

/// A pooling node after its attributes and its input have been read.
struct Pool {
  Value input;
  int32_t dataType = kFloat;
  Window window;
  PoolRule rule;
  RankedTensorType type;
};

/// Whether each of `count` windows holds an element of an input of this size.
bool everyWindowHoldsAnElement(int64_t count, int64_t size, int64_t window, int64_t stride, int64_t dilation, int64_t begin) {
  if ((count - 1) * stride - begin >= size)
    return false;
  // Windows that start inside hold their first element. The others must reach the input; the first has the longest way.
  if ((begin + dilation - 1) / dilation >= window)
    return false;
  if (dilation <= size)
    return true;
  // Their steps may pass over a small input.
  for (int64_t start = -begin; start < 0; start += stride) {
    if (count-- == 0)
      break;
    int64_t steps = (-start + dilation - 1) / dilation;
    if (start + steps * dilation >= size)
      return false;
  }
  return true;
}

//===- Programs ------------------------------------------------------------------------------------------------------------------------------===//

/// The number of an element [n, c, spatial...] in a tensor of this shape, its spatial dimensions in the order that storage_order asks for.
Value elementNumber(ProgramBuilder &b, ArrayRef<int64_t> shape, ValueRange at, bool columnMajor) {
  Value number = b.add(b.mul(at[0], b.index(shape[1])), at[1]);
  for (size_t i = 2; i < shape.size(); ++i) {
    size_t d = columnMajor ? shape.size() + 1 - i : i;
    number = b.add(b.mul(number, b.index(shape[d])), at[d]);
  }
  return number;
}

/// Maximum and, if wanted, the number of the first element that has it. A NaN is greater than everything, as in numpy.
void maxProgram(NodeContext &node, const Pool &pool) {
  auto inputType = cast<ShapedType>(pool.input.getType());
  Type element = inputType.getElementType();
  bool isFloat = isa<FloatType>(element), isUnsigned = isIn(pool.dataType, kUnsignedIntegers);
  SmallVector<Type> results{pool.type};
  if (pool.rule.wantsIndices)
    results.push_back(RankedTensorType::get(pool.type.getShape(), node.builder().getI64Type()));
  auto outputs = foreach (node, "max_pool", pool.type.getShape(), pool.input, results, [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) {
    Value least = isFloat ? b.number(element, -std::numeric_limits<double>::infinity())
                          : b.integer(element, isUnsigned ? 0 : APInt::getSignedMinValue(element.getIntOrFloatBitWidth()).getSExtValue());
    SmallVector<Value> init{least, b.index(-1)};
    auto best = foldWindow(b, pool.window, inputType.getShape().drop_front(2), at.drop_front(2), init,
                           [&](ValueRange place, ValueRange, ValueRange carried) -> SmallVector<Value> {
                             SmallVector<Value> from{at[0], at[1]};
                             llvm::append_range(from, place);
                             Value v = b.load(in[0], from);
                             Value wins = b.compare(arith::CmpIPredicate::sgt, v, carried[0], isUnsigned);
                             if (isFloat) {
                               Value isNaN = b.compare(arith::CmpIPredicate::ne, v, v), hasNumber = b.compare(arith::CmpIPredicate::eq, carried[0], carried[0]);
                               wins = b.either(wins, b.both(isNaN, hasNumber));
                             }
                             wins = b.either(wins, b.compare(arith::CmpIPredicate::slt, carried[1], b.index(0)));
                             Value number = elementNumber(b, inputType.getShape(), from, pool.rule.columnMajor);
                             return {b.select(wins, v, carried[0]), b.select(wins, number, carried[1])};
                           });
    b.store(best[0], out[0], at);
    if (pool.rule.wantsIndices)
      b.store(b.create<arith::IndexCastOp>(b.getI64Type(), best[1]), out[1], at);
  });
  (void)node.define(outputs[0], 0, pool.dataType);
  if (pool.rule.wantsIndices)
    (void)node.define(outputs[1], 1, kInt64);
}

/// Window elements that count for a mean: those inside the input, or those inside the padded input.
Value countElements(ProgramBuilder &b, const Pool &pool, ArrayRef<int64_t> spatial, ValueRange at) {
  const Window &window = pool.window;
  Value count = b.index(1);
  for (size_t d = 0; d < spatial.size(); ++d) {
    bool padded = pool.rule.countIncludePad;
    int64_t dilation = window.dilations[d], end = spatial[d] + (padded ? window.pads[spatial.size() + d] : 0);
    Value start = b.sub(b.mul(at[d], b.index(window.strides[d])), b.index(window.pads[d]));
    auto upTo = [&](int64_t bound) { return b.div(b.add(b.sub(b.index(bound), start), b.index(dilation - 1)), b.index(dilation)); };
    Value last = b.create<arith::MinSIOp>(upTo(end), b.index(window.shape[d]));
    count = b.mul(count, padded ? last : b.sub(last, b.create<arith::MaxSIOp>(upTo(0), b.index(0))));
  }
  return count;
}

Value power(ProgramBuilder &b, Value x, int64_t exponent) {
  Value result;
  for (Value square = x; exponent; square = b.mul(square, square)) {
    if (exponent & 1)
      result = result ? b.mul(result, square) : square;
    exponent >>= 1;
    if (!exponent)
      break;
  }
  return result;
}

/// The positive root of a sum that is not negative.
Value root(ProgramBuilder &b, Value x, int64_t degree) {
  if (degree == 1)
    return x;
  if (degree == 2)
    return b.create<math::SqrtOp>(x);
  Value exponent = b.mul(b.create<math::LogOp>(x), b.number(x.getType(), 1.0 / static_cast<double>(degree)));
  Value zero = b.number(x.getType(), 0.0);
  return b.select(b.compare(arith::CmpIPredicate::eq, x, zero), zero, b.create<math::ExpOp>(exponent));
}

Value sumProgram(NodeContext &node, const Pool &pool) {
  auto inputType = cast<ShapedType>(pool.input.getType());
  Type element = inputType.getElementType();
  ArrayRef<int64_t> spatial = inputType.getShape().drop_front(2);
  bool norm = pool.rule.kind == PoolRule::norm;
  return generate(node, norm ? "lp_pool" : "average_pool", pool.type, pool.input, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value sum =
        foldWindow(b, pool.window, spatial, at.drop_front(2), b.number(element, 0.0), [&](ValueRange place, ValueRange, ValueRange acc) -> SmallVector<Value> {
          SmallVector<Value> from{at[0], at[1]};
          llvm::append_range(from, place);
          Value v = b.load(in[0], from);
          return {b.add(acc[0], norm ? power(b, b.create<math::AbsFOp>(v), pool.rule.power) : v)};
        })[0];
    if (norm)
      return root(b, sum, pool.rule.power);
    Value count = b.create<arith::IndexCastOp>(b.getI64Type(), countElements(b, pool, spatial, at.drop_front(2)));
    return b.div(sum, b.create<arith::SIToFPOp>(element, count));
  });
}

//===- Nodes ---------------------------------------------------------------------------------------------------------------------------------===//

/// Nothing of a window in the padding: a maximum or a mean of nothing.
LogicalResult checkWindows(NodeContext &node, const Window &window, ArrayRef<int64_t> spatial, ArrayRef<int64_t> extents) {
  // Bounds the time that the check takes: see everyWindowHoldsAnElement.
  constexpr int64_t kMaxPadsOfSmallInput = 4096;
  for (size_t i = 0; i < spatial.size(); ++i) {
    if (window.dilations[i] > spatial[i] && window.pads[i] > kMaxPadsOfSmallInput)
      return node.unsupported("attribute pads = " + Twine(window.pads[i]) + " with a dilation beyond the input is not supported; supported: up to " +
                              Twine(kMaxPadsOfSmallInput));
    if (!everyWindowHoldsAnElement(extents[i], spatial[i], window.shape[i], window.strides[i], window.dilations[i], window.pads[i]))
      return node.unsupported("a window that lies wholly in the padding of spatial dimension " + Twine(i) + " is not supported");
  }
  return success();
}

LogicalResult buildPool(NodeContext &node, Window window, PoolRule rule) {
  const GraphValue *x = node.input(0, "X");
  if (!x)
    return failure();
  int32_t dataType = x->type();
  Pool pool{{}, kFloat, std::move(window), rule, {}};
  if (isIn(dataType, setOf({kFloat, kFloat16}))) {
    pool.input = node.data(0, "X");
  } else {
    Operand input = node.operand(0, "X", rule.kind == PoolRule::max ? kFloats | setOf({kInt8, kUInt8}) : kFloats);
    pool.input = input.value;
    pool.dataType = input.dataType;
  }
  if (!pool.input)
    return failure();
  ArrayRef<int64_t> inputShape = cast<ShapedType>(pool.input.getType()).getShape();
  if (inputShape.size() < 3)
    return node.invalid("expects X of rank 3 or more (got " + Twine(inputShape.size()) + ")");
  ArrayRef<int64_t> spatial = inputShape.drop_front(2);
  if (pool.window.shape.empty()) // of a global pool
    pool.window.shape.assign(spatial.begin(), spatial.end());
  if (failed(completeWindow(node, pool.window, spatial.size())))
    return failure();
  FailureOr<SmallVector<int64_t>> extents = outputExtents(node, pool.window, spatial);
  if (failed(extents))
    return failure();
  SmallVector<int64_t> shape(inputShape.take_front(2));
  shape.append(*extents);
  pool.type = node.type(shape, pool.dataType);
  if (!pool.type)
    return failure();
  if (pool.type.hasStaticShape() && pool.type.getNumElements() == 0) {
    (void)node.define(splatWeight(pool.type.clone(node.builder().getI64Type()), 0), 1, kInt64);
    return node.define(splatWeight(pool.type.clone(elementType(node.builder().getContext(), dataType)), 0), 0, dataType);
  }
  if (rule.kind == PoolRule::norm) {
    if (pool.dataType == kDouble && rule.power > 2)
      return node.unsupported("attribute p = " + Twine(rule.power) + " with float64 is not supported; supported: 1 and 2");
    return node.define(sumProgram(node, pool), 0, pool.dataType);
  }
  if (failed(checkWindows(node, pool.window, spatial, *extents)))
    return failure();
  if (rule.kind == PoolRule::max && (rule.wantsIndices || pool.dataType != kFloat))
    return maxProgram(node, pool), success();
  if (pool.dataType != kFloat)
    return node.define(sumProgram(node, pool), 0, pool.dataType);
  nn::PoolKind kind = rule.kind == PoolRule::max ? nn::PoolKind::max : nn::PoolKind::avg;
  const Window &w = pool.window;
  auto op = nn::PoolOp::create(node.builder(), node.loc(), kind, pool.input, *extents, w.shape, w.strides, w.dilations, w.pads, rule.countIncludePad);
  return node.define(op.getResult(0));
}

LogicalResult importPool(NodeContext &node, PoolRule rule) {
  FailureOr<Window> window = readWindow(node);
  bool ceil = node.integer("ceil_mode", 0);
  if (failed(window) || node.hasErrors())
    return failure();
  if (window->shape.empty())
    return node.invalid("expects attribute kernel_shape");
  window->ceil = ceil;
  return buildPool(node, *window, rule);
}

/// p was a float in opset 1.
FailureOr<PoolRule> readNorm(NodeContext &node) {
  constexpr int64_t kMaxPower = 64;
  double p = node.opset() < 2 ? node.real("p", 2) : static_cast<double>(node.integer("p", 2));
  if (node.hasErrors())
    return failure();
  if (!(p >= 1 && p <= kMaxPower) || p != std::floor(p))
    return node.unsupported("attribute p = " + Twine(p == std::floor(p) ? llvm::formatv("{0:f0}", p).str() : llvm::formatv("{0}", p).str()) +
                            " is not supported; supported: whole numbers from 1 to " + Twine(kMaxPower));
  PoolRule rule;
  rule.kind = PoolRule::norm;
  rule.power = static_cast<int64_t>(p);
  return rule;
}

} // namespace

LogicalResult lathe::importer::importMaxPool(NodeContext &node) {
  PoolRule rule;
  rule.columnMajor = node.integer("storage_order", 0) != 0;
  rule.wantsIndices = node.getNode().outputs.size() > 1 && !node.getNode().outputs[1].empty();
  return importPool(node, rule);
}

LogicalResult lathe::importer::importAveragePool(NodeContext &node) {
  PoolRule rule;
  rule.kind = PoolRule::mean;
  rule.countIncludePad = node.integer("count_include_pad", 0) != 0;
  return importPool(node, rule);
}

LogicalResult lathe::importer::importLpPool(NodeContext &node) {
  FailureOr<PoolRule> rule = readNorm(node);
  return failed(rule) ? failure() : importPool(node, *rule);
}

LogicalResult lathe::importer::importGlobalAveragePool(NodeContext &node) {
  PoolRule rule;
  rule.kind = PoolRule::mean;
  return buildPool(node, Window(), rule);
}

LogicalResult lathe::importer::importGlobalMaxPool(NodeContext &node) { return buildPool(node, Window(), PoolRule()); }

LogicalResult lathe::importer::importGlobalLpPool(NodeContext &node) {
  FailureOr<PoolRule> rule = readNorm(node);
  return failed(rule) ? failure() : buildPool(node, Window(), *rule);
}
