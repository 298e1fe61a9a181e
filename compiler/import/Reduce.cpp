// ReduceSum, ReduceMean, ReduceMax, ... -> nn.reduce. ArgMax, ArgMin, Hardmax, CumSum, CumProd -> programs.
#include "compiler/import/Indexing.h"
#include "compiler/import/Recipe.h"
#include "compiler/import/Reduction.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/CheckedArithmetic.h"
#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What a member of the family computes: finish(combination of body(x)).
struct Rule {
  nn::Combine kind;
  DataTypes types;
  Value (*body)(ProgramBuilder &, Value);
  Value (*finish)(ProgramBuilder &, Value, int64_t count);
  /// Of no elements.
  double empty;
};

Value same(ProgramBuilder &, Value x) { return x; }
Value unchanged(ProgramBuilder &, Value x, int64_t) { return x; }
Value square(ProgramBuilder &b, Value x) { return b.mul(x, x); }
Value absolute(ProgramBuilder &b, Value x) {
  return isa<FloatType>(x.getType()) ? math::AbsFOp::create(b, x).getResult() : math::AbsIOp::create(b, x).getResult();
}

//===- Axes ----------------------------------------------------------------------------------------------------------------------------------===//

/// The axes as attribute or input, `noop_with_empty_axes` and `keepdims`.
struct Axes {
  bool keep = true, noop = false;
  SmallVector<int64_t> given;

  void readAttributes(NodeContext &node) {
    keep = node.integer("keepdims", 1);
    noop = node.integer("noop_with_empty_axes", 0);
    if (node.hasAttribute("axes"))
      given = node.integers("axes");
  }

  /// From 0 and in order; all if there are none and that is what it means.
  FailureOr<SmallVector<int64_t>> resolve(NodeContext &node, int64_t rank) {
    if (node.hasInput(1)) {
      const GraphValue *input = node.input(1, "axes");
      if (!input)
        return failure();
      bool none = input->kind == GraphValue::Kind::weight && llvm::is_contained(*input->weight.getResultShape(), 0); // a constant without elements
      std::optional<SmallVector<int64_t>> values = none ? SmallVector<int64_t>() : node.constants(1, "axes");
      if (!values)
        return failure();
      given = *values;
    }
    if (given.empty())
      return noop ? SmallVector<int64_t>() : axesFrom(0, rank);
    SmallVector<int64_t> axes;
    for (int64_t axis : given) {
      FailureOr<int64_t> resolved = resolveAxis(node, "axes", axis, rank);
      if (failed(resolved))
        return failure();
      if (llvm::is_contained(axes, *resolved))
        return node.invalid("expects axes without repetition (got " + Twine(axis) + " twice)");
      axes.push_back(*resolved);
    }
    llvm::sort(axes);
    return axes;
  }

  SmallVector<int64_t> resultShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) const {
    SmallVector<int64_t> result;
    for (auto [d, extent] : llvm::enumerate(shape))
      if (!llvm::is_contained(axes, static_cast<int64_t>(d)))
        result.push_back(extent);
      else if (keep)
        result.push_back(1);
    return result;
  }
};

/// Of a vector of numbers that are known: exporters compute sizes so. Nothing if that is not possible.
std::optional<ShapeValue> foldShape(const ShapeValue &value, nn::Combine kind, bool keep) {
  std::optional<SmallVector<int64_t>> numbers = value.constants();
  if (!numbers || value.dims.size() != 1 || numbers->empty())
    return std::nullopt;
  int64_t result = numbers->front();
  for (int64_t v : ArrayRef(*numbers).drop_front()) {
    std::optional<int64_t> next = kind == nn::Combine::sum    ? llvm::checkedAdd(result, v)
                                  : kind == nn::Combine::prod ? llvm::checkedMul(result, v)
                                  : kind == nn::Combine::max  ? std::max(result, v)
                                                              : std::min(result, v);
    if (!next)
      return std::nullopt;
    result = *next;
  }
  return ShapeValue{value.dataType, keep ? SmallVector<int64_t>{1} : SmallVector<int64_t>{}, {{result, 0}}};
}

LogicalResult importReduction(NodeContext &node, const Rule &rule) {
  Axes axes;
  axes.readAttributes(node);
  if (node.hasErrors())
    return failure();
  const GraphValue *input = node.input(0, "data");
  if (!input)
    return failure();
  bool plain = rule.body == same && rule.finish == unchanged;
  if (plain && input->kind == GraphValue::Kind::shape && input->shape.dataType == kInt64) {
    ShapeValue value = input->shape;
    FailureOr<SmallVector<int64_t>> resolved = axes.resolve(node, value.dims.size());
    if (failed(resolved))
      return failure();
    if (!resolved->empty())
      if (std::optional<ShapeValue> folded = foldShape(value, rule.kind, axes.keep))
        return node.define(std::move(*folded));
  }
  Operand x = node.operand(0, "data", rule.types);
  if (!x)
    return failure();
  FailureOr<SmallVector<int64_t>> resolved = axes.resolve(node, x.rank());
  if (failed(resolved))
    return failure();
  SmallVector<int64_t> shape = axes.resultShape(x.shape(), *resolved);
  if (failed(checkNotBatch(node, x.shape(), *resolved)) || failed(node.checkShape(shape)))
    return failure();
  int64_t count = countAlong(x.shape(), *resolved);
  if (isEmpty(x.type())) { // each sum is of no elements, or there is none
    Type element = x.element();
    auto type = RankedTensorType::get(shape, element);
    double value = rule.empty;
    if (auto integer = dyn_cast<IntegerType>(element); integer && std::isinf(value)) {
      unsigned bits = integer.getWidth();
      bool isUnsigned = isIn(x.dataType, kUnsignedIntegers | kBools);
      APInt limit = value < 0             ? (isUnsigned ? APInt::getZero(bits) : APInt::getSignedMinValue(bits))
                    : x.dataType == kBool ? APInt(bits, 1)
                    : isUnsigned          ? APInt::getMaxValue(bits)
                                          : APInt::getSignedMaxValue(bits);
      auto elements = DenseElementsAttr::get(type, ArrayRef<Attribute>(IntegerAttr::get(integer, limit)));
      return node.define(nn::WeightAttr::get(type.getContext(), elements, type, {}), 0, x.dataType);
    }
    return node.define(splatWeight(type, value), 0, x.dataType);
  }
  nn::Combine kind = rule.kind;
  if (isIn(x.dataType, kUnsignedIntegers | kBools))
    kind = kind == nn::Combine::max ? nn::Combine::umax : kind == nn::Combine::min ? nn::Combine::umin : kind;
  bool isUnsigned = isIn(x.dataType, kUnsignedIntegers);
  Value v = x.dataType == kFloat16 ? convertFloat(node, x.value, node.builder().getF32Type()) : x.value;
  Type element = cast<ShapedType>(v.getType()).getElementType();
  auto body = [&](ProgramBuilder &b, ValueRange e) { return isUnsigned && rule.body == absolute ? e[0] : rule.body(b, e[0]); };
  if (resolved->empty()) {
    v = map(node, v, x.shape(), element, [&](ProgramBuilder &b, ValueRange e) { return rule.finish(b, body(b, e), 1); });
  } else {
    v = reduceAxes(node, kind, v, *resolved, element, body, [&](ProgramBuilder &b, Value sum) { return rule.finish(b, sum, count); });
    v = reshaped(node, v, shape);
  }
  return node.define(convertFloat(node, v, x.element()), 0, x.dataType);
}

Value logarithm(ProgramBuilder &b, Value x, int64_t) { return math::LogOp::create(b, x); }

} // namespace

//===- The family ----------------------------------------------------------------------------------------------------------------------------===//

constexpr DataTypes kSummable = kFloats | setOf({kInt32, kInt64, kUInt32, kUInt64});

LogicalResult lathe::importer::importReduceSum(NodeContext &node) { return importReduction(node, {nn::Combine::sum, kSummable, same, unchanged, 0}); }
LogicalResult lathe::importer::importReduceProd(NodeContext &node) { return importReduction(node, {nn::Combine::prod, kSummable, same, unchanged, 1}); }
LogicalResult lathe::importer::importReduceMax(NodeContext &node) { return importReduction(node, {nn::Combine::max, kAllTypes, same, unchanged, -kInfinity}); }
LogicalResult lathe::importer::importReduceMin(NodeContext &node) { return importReduction(node, {nn::Combine::min, kAllTypes, same, unchanged, kInfinity}); }
LogicalResult lathe::importer::importReduceL1(NodeContext &node) { return importReduction(node, {nn::Combine::sum, kSummable, absolute, unchanged, 0}); }
LogicalResult lathe::importer::importReduceSumSquare(NodeContext &node) { return importReduction(node, {nn::Combine::sum, kSummable, square, unchanged, 0}); }
LogicalResult lathe::importer::importReduceLogSum(NodeContext &node) { return importReduction(node, {nn::Combine::sum, kFloats, same, logarithm, -kInfinity}); }

LogicalResult lathe::importer::importReduceMean(NodeContext &node) {
  auto mean = [](ProgramBuilder &b, Value sum, int64_t count) { return b.div(sum, b.number(sum.getType(), static_cast<double>(count))); };
  return importReduction(node, {nn::Combine::sum, kFloats, same, mean, std::nan("")});
}

LogicalResult lathe::importer::importReduceL2(NodeContext &node) {
  auto root = [](ProgramBuilder &b, Value sum, int64_t) -> Value { return math::SqrtOp::create(b, sum); };
  return importReduction(node, {nn::Combine::sum, kFloats, square, root, 0});
}

// log(sum(exp(x - m))) + m with the largest x as m, so that no exp overflows; 0 instead of an m that is no number.
LogicalResult lathe::importer::importReduceLogSumExp(NodeContext &node) {
  Axes axes;
  axes.readAttributes(node);
  if (node.hasErrors())
    return failure();
  FloatInput x = floatInput(node, 0, "data");
  if (!x)
    return failure();
  FailureOr<SmallVector<int64_t>> resolved = axes.resolve(node, x.rank());
  if (failed(resolved))
    return failure();
  SmallVector<int64_t> shape = axes.resultShape(x.shape(), *resolved);
  if (failed(checkNotBatch(node, x.shape(), *resolved)) || failed(node.checkShape(shape)))
    return failure();
  if (isEmpty(x.type()))
    return node.define(splatWeight(RankedTensorType::get(shape, elementType(node.builder().getContext(), x.dataType)), -kInfinity), 0, x.dataType);
  if (resolved->empty()) // log(exp(x))
    return defineFloat(node, x.value, x.dataType);
  Value most = reduceAxes(
      node, nn::Combine::max, x.value, *resolved, x.element(), [](ProgramBuilder &, ValueRange v) { return v[0]; },
      [](ProgramBuilder &b, Value m) {
        Value isFinite = b.compare(arith::CmpIPredicate::slt, math::AbsFOp::create(b, m), b.number(m.getType(), kInfinity));
        return b.select(isFinite, m, b.number(m.getType(), 0.0));
      });
  Value sum = reduceAxes(
      node, nn::Combine::sum, {x.value, most}, *resolved, x.element(),
      [](ProgramBuilder &b, ValueRange v) -> Value { return math::ExpOp::create(b, b.sub(v[0], v[1])); },
      [](ProgramBuilder &b, Value s) -> Value { return math::LogOp::create(b, s); });
  auto type = cast<RankedTensorType>(sum.getType());
  Value result = map(node, {sum, most}, type.getShape(), x.element(), [](ProgramBuilder &b, ValueRange v) { return b.add(v[0], v[1]); });
  return defineFloat(node, reshaped(node, result, shape), x.dataType);
}

//===- Searches and scans ----------------------------------------------------------------------------------------------------------------------===//

/// The place of the extremum of `line(i)`, i < extent: the first one of equals, or the last. A NaN is more extreme than everything, as in numpy.
static Value findExtremum(ProgramBuilder &b, int64_t extent, bool wantsMax, bool wantsLast, bool isUnsigned, function_ref<Value(Value)> line) {
  auto at = [&](Value i) { return wantsLast ? b.sub(b.index(extent - 1), i) : i; };
  auto best = b.fold(b.index(1), b.index(extent), {line(at(b.index(0))), at(b.index(0))}, [&](Value i, ValueRange carried) -> SmallVector<Value> {
    Value place = at(i), v = line(place);
    Value wins = b.compare(wantsMax ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt, v, carried[0], isUnsigned);
    if (isa<FloatType>(v.getType()))
      wins = b.either(wins, b.both(b.compare(arith::CmpIPredicate::ne, v, v), b.compare(arith::CmpIPredicate::eq, carried[0], carried[0])));
    return {b.select(wins, v, carried[0]), b.select(wins, place, carried[1])};
  });
  return best[1];
}

static LogicalResult importArgExtremum(NodeContext &node, bool wantsMax) {
  int64_t axis = node.integer("axis", 0);
  bool keep = node.integer("keepdims", 1), last = node.integer("select_last_index", 0);
  if (node.hasErrors())
    return failure();
  Operand x = node.operand(0, "data", kNumbers);
  if (!x)
    return failure();
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis, x.rank());
  if (failed(resolved) || failed(checkIndexed(node, "data", x.shape(), *resolved)))
    return failure();
  SmallVector<int64_t> shape(x.shape());
  shape[*resolved] = 1;
  bool isUnsigned = isIn(x.dataType, kUnsignedIntegers);
  auto type = RankedTensorType::get(shape, node.builder().getI64Type());
  SmallVector<int64_t> dropped(shape);
  dropped.erase(dropped.begin() + *resolved);
  if (!keep && failed(node.checkShape(dropped)))
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, RankedTensorType::get(keep ? shape : dropped, type.getElementType()), 0, kInt64);
  Value result = generate(node, wantsMax ? "arg_max" : "arg_min", type, x.value, [&](ProgramBuilder &b, ValueRange at, ValueRange in) -> Value {
    SmallVector<Value> place(at);
    Value best = findExtremum(b, x.shape()[*resolved], wantsMax, last, isUnsigned, [&](Value i) {
      place[*resolved] = i;
      return b.load(in[0], place);
    });
    return arith::IndexCastOp::create(b, b.getI64Type(), best);
  });
  return node.define(keep ? result : reshaped(node, result, dropped), 0, kInt64);
}

LogicalResult lathe::importer::importArgMax(NodeContext &node) { return importArgExtremum(node, true); }
LogicalResult lathe::importer::importArgMin(NodeContext &node) { return importArgExtremum(node, false); }

LogicalResult lathe::importer::importHardmax(NodeContext &node) {
  bool coerced = node.opset() < 13; // to a matrix
  int64_t axis = node.integer("axis", coerced ? 1 : -1);
  if (node.hasErrors())
    return failure();
  Operand x = node.operand(0, "input", kFloats);
  if (!x)
    return failure();
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis, x.rank());
  if (failed(resolved))
    return failure();
  if (isEmpty(x.type()))
    return defineEmpty(node, x.type(), 0, x.dataType);
  SmallVector<int64_t> shape(x.shape());
  int64_t along = *resolved;
  if (coerced) {
    if (ShapedType::isDynamic(shape[0]) && along != 1)
      return node.needsStaticBatch("attribute axis = " + Twine(axis) + ", at which it is cut into a matrix, is not supported");
    int64_t rows = ShapedType::isDynamic(shape[0]) ? shape[0] : countAlong(shape, axesFrom(0, along));
    shape = {rows, countAlong(shape, axesFrom(along, x.rank()))};
    along = 1;
  }
  if (failed(checkNotBatch(node, shape, along)))
    return failure();
  Value input = reshaped(node, x.value, shape);
  SmallVector<int64_t> space(shape);
  space[along] = 1;
  auto type = RankedTensorType::get(shape, x.element());
  Value result = foreach (node, "hardmax", space, input, TypeRange(type), [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) {
    SmallVector<Value> place(at);
    auto where = [&](Value i) {
      place[along] = i;
      return ArrayRef<Value>(place);
    };
    Value best = findExtremum(b, shape[along], true, false, false, [&](Value i) { return b.load(in[0], where(i)); });
    b.forEach(b.index(0), b.index(shape[along]), [&](Value i) {
      Value one = b.number(x.element(), 1.0), zero = b.number(x.element(), 0.0);
      b.store(b.select(b.compare(arith::CmpIPredicate::eq, i, best), one, zero), out[0], where(i));
    });
  })[0];
  return node.define(reshaped(node, result, x.shape()), 0, x.dataType);
}

static LogicalResult importScan(NodeContext &node, StringRef kind, bool isProduct) {
  bool exclusive = node.integer("exclusive", 0), reverse = node.integer("reverse", 0);
  if (node.hasErrors())
    return failure();
  Operand x = node.operand(0, "x", kFloats | setOf({kInt32, kInt64, kUInt32, kUInt64}));
  std::optional<SmallVector<int64_t>> axis = node.constants(1, "axis");
  if (!x || !axis)
    return failure();
  if (axis->size() != 1)
    return node.invalid("expects one axis (got " + Twine(axis->size()) + ")");
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis->front(), x.rank());
  if (failed(resolved))
    return failure();
  if (isEmpty(x.type()))
    return defineEmpty(node, x.type(), 0, x.dataType);
  if (failed(checkNotBatch(node, x.shape(), *resolved)))
    return failure();
  int64_t extent = x.shape()[*resolved];
  Value input = x.dataType == kFloat16 ? convertFloat(node, x.value, node.builder().getF32Type()) : x.value;
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> space(x.shape());
  space[*resolved] = 1;
  Value result = foreach (node, kind, space, input, TypeRange(type), [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) {
    SmallVector<Value> place(at);
    Type element = type.getElementType();
    Value neutral = isa<FloatType>(element) ? b.number(element, isProduct ? 1.0 : 0.0) : b.integer(element, isProduct ? 1 : 0);
    b.fold(b.index(0), b.index(extent), neutral, [&](Value i, ValueRange before) -> SmallVector<Value> {
      place[*resolved] = reverse ? b.sub(b.index(extent - 1), i) : i;
      Value v = b.load(in[0], place), next = isProduct ? b.mul(before[0], v) : b.add(before[0], v);
      b.store(exclusive ? before[0] : next, out[0], place);
      return {next};
    });
  })[0];
  return node.define(convertFloat(node, result, x.element()), 0, x.dataType);
}

LogicalResult lathe::importer::importCumSum(NodeContext &node) { return importScan(node, "cum_sum", false); }
LogicalResult lathe::importer::importCumProd(NodeContext &node) { return importScan(node, "cum_prod", true); }
