// Arithmetic with broadcasting. On shape values and on float32 constants it folds.
#include "compiler/import/Broadcast.h"
#include "compiler/import/Recipe.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Kind = GraphValue::Kind;
using OnNumbers = function_ref<Value(ProgramBuilder &, Value, Value)>;

//===- Add, Sub, Mul, Div --------------------------------------------------------------------------------------------------------------------===//

/// Both inputs are float32 constants: a step of a recipe.
static LogicalResult foldConstants(NodeContext &node, nn::WeightAttr a, nn::WeightAttr b, StringRef step) {
  SmallVector<int64_t> aShape = *a.getResultShape(), bShape = *b.getResultShape();
  FailureOr<SmallVector<int64_t>> shape = nn::broadcastShapes(aShape, bShape);
  if (failed(shape) || failed(node.checkShape(*shape)))
    return failure();
  return node.define(withOperand(broadcastTo(a, *shape), step, bShape.empty() ? b : broadcastTo(b, *shape)));
}

/// Shape arithmetic; nullopt if the inputs are none, or have to be computed as data.
static std::optional<LogicalResult> onShapes(NodeContext &node, const GraphValue &a, const GraphValue &b, int32_t resultType, BinaryFunction function) {
  if (!areSmallShapes(a, b))
    return std::nullopt;
  std::string why;
  FailureOr<ShapeValue> result = elementwise(a.shape, b.shape, resultType, function, why);
  if (succeeded(result) && fitsItsType(*result))
    return node.define(std::move(*result));
  // What is inexact as a whole number, or wraps, is right as data.
  bool asData = succeeded(result) || isIn(a.shape.dataType, kFloats);
  if (asData && a.shape.constants() && b.shape.constants())
    return std::nullopt;
  return node.unsupported(succeeded(result) ? result->str() + " leaves the range of int32" : why);
}

template <typename Op>
static LogicalResult importBinary(NodeContext &node, StringRef step, BinaryFunction shapeFunction,
                                  function_ref<Value(ProgramBuilder &, Value, Value, bool isUnsigned)> onIntegers) {
  LegacyBroadcast legacy(node);
  if (node.hasErrors())
    return failure();
  const GraphValue *a = node.input(0, "A"), *b = node.input(1, "B");
  if (!a || !b)
    return failure();
  if (std::optional<LogicalResult> done = onShapes(node, *a, *b, a->type(), shapeFunction))
    return *done;
  auto isConstant = [](const GraphValue *v) { return v->kind == Kind::weight && v->dataType == kFloat; };
  // What does not broadcast is reported below.
  if (isConstant(a) && isConstant(b) && !legacy.axis && succeeded(nn::broadcastShapes(*a->weight.getResultShape(), *b->weight.getResultShape())))
    return foldConstants(node, a->weight, b->weight, step);
  std::optional<Operands> operands = elementwiseOperands(node, {"A", "B"}, kNumbers, &legacy);
  if (!operands)
    return failure();
  if (operands->isFloat())
    return defineElementwise(node, *operands, Op::create(node.builder(), node.loc(), operands->type(), (*operands)[0], (*operands)[1]));
  bool isUnsigned = operands->isUnsigned();
  return defineElementwise(node, *operands, map(node, operands->values, operands->shape, operands->element(), [&](ProgramBuilder &p, ValueRange v) {
                             return onIntegers(p, v[0], v[1], isUnsigned);
                           }));
}

LogicalResult lathe::importer::importAdd(NodeContext &node) {
  return importBinary<nn::AddOp>(node, "add", add, [](ProgramBuilder &b, Value x, Value y, bool) { return b.add(x, y); });
}
LogicalResult lathe::importer::importSub(NodeContext &node) {
  return importBinary<nn::SubOp>(node, "sub", subtract, [](ProgramBuilder &b, Value x, Value y, bool) { return b.sub(x, y); });
}
LogicalResult lathe::importer::importMul(NodeContext &node) {
  return importBinary<nn::MulOp>(node, "mul", multiply, [](ProgramBuilder &b, Value x, Value y, bool) { return b.mul(x, y); });
}

namespace {

/// Division as the machine can do it: where it would trap, the divisor is 1 instead.
struct SafeDivision {
  SafeDivision(ProgramBuilder &b, Value x, Value y, bool isUnsigned) {
    Value zero = b.integer(y.getType(), int64_t(0)), one = b.integer(y.getType(), int64_t(1));
    byZero = b.compare(arith::CmpIPredicate::eq, y, zero);
    negates = isUnsigned ? Value() : b.compare(arith::CmpIPredicate::eq, y, b.integer(y.getType(), int64_t(-1)));
    divisor = b.select(isUnsigned ? byZero : b.either(byZero, negates), one, y);
  }
  Value byZero, negates, divisor; // negates: null if unsigned
};

} // namespace

/// Towards zero. x / 0 is 0, and the smallest number / -1 is itself, as NumPy has it.
static Value divideIntegers(ProgramBuilder &b, Value x, Value y, bool isUnsigned) {
  SafeDivision safe(b, x, y, isUnsigned);
  Value zero = b.integer(x.getType(), int64_t(0)), quotient = b.div(x, safe.divisor, isUnsigned);
  if (!isUnsigned)
    quotient = b.select(safe.negates, b.sub(zero, x), quotient);
  return b.select(safe.byZero, zero, quotient);
}

LogicalResult lathe::importer::importDiv(NodeContext &node) {
  const GraphValue *a = node.hasInput(0) ? node.input(0, "A") : nullptr;
  bool exact = a && a->kind == Kind::shape && isIn(a->shape.dataType, kFloats);
  return importBinary<nn::DivOp>(node, "div", [&](Affine x, Affine y, std::string &why) { return divide(x, y, exact, why); }, divideIntegers);
}

//===- Mod -----------------------------------------------------------------------------------------------------------------------------------===//

/// The remainder has the dividend's sign with `truncates`, else the divisor's. x mod 0 is 0.
static Value integerRemainder(ProgramBuilder &b, Value x, Value y, bool isUnsigned, bool truncates) {
  using P = arith::CmpIPredicate;
  SafeDivision safe(b, x, y, isUnsigned);
  Value zero = b.integer(x.getType(), int64_t(0));
  // The divisor of 1 that replaces 0 and -1 leaves no remainder, which is right for both.
  if (isUnsigned)
    return arith::RemUIOp::create(b, x, safe.divisor);
  Value remainder = arith::RemSIOp::create(b, x, safe.divisor);
  if (truncates)
    return remainder;
  Value otherSign = b.compare(P::slt, arith::XOrIOp::create(b, remainder, y), zero);
  return b.select(b.both(b.compare(P::ne, remainder, zero), otherSign), b.add(remainder, y), remainder);
}

/// |x| mod |y| of finite doubles, y not 0: exact. Long division of the significands, one bit of the quotient per iteration.
static Value remainderOfMagnitudes(ProgramBuilder &b, Value x, Value y) {
  using P = arith::CmpIPredicate;
  Type i64 = b.getI64Type(), f64 = b.getF64Type();
  auto integer = [&](int64_t v) { return b.integer(i64, v); };
  auto split = [&](Value v) { // v = significand * 2^(exponent - 1075)
    Value bits = arith::AndIOp::create(b, arith::BitcastOp::create(b, i64, v), integer(INT64_MAX));
    Value exponent = arith::ShRUIOp::create(b, bits, integer(52)), fraction = arith::AndIOp::create(b, bits, integer((int64_t(1) << 52) - 1));
    Value denormal = b.compare(P::eq, exponent, integer(0));
    Value significand = b.select(denormal, fraction, arith::OrIOp::create(b, fraction, integer(int64_t(1) << 52)));
    return std::pair(significand, b.select(denormal, integer(1), exponent));
  };
  auto [xs, xe] = split(x);
  auto [ys, ye] = split(y);
  Value divisor = ys, exponent = ye;
  auto reduce = [&](Value r) { return b.select(b.compare(P::sge, r, divisor), b.sub(r, divisor), r); };
  Value steps = b.toIndex(arith::MaxSIOp::create(b, b.sub(xe, exponent), integer(0)));
  Value first = arith::RemSIOp::create(b, xs, divisor);
  Value rest = b.fold(b.index(0), steps, first, [&](Value, ValueRange r) -> SmallVector<Value> { return {reduce(b.add(r[0], r[0]))}; })[0];
  // 2^(exponent - 1075), in two factors since one may be denormal; both products are exact.
  Value power = arith::BitcastOp::create(b, f64, arith::ShLIOp::create(b, exponent, integer(52)));
  Value scaled = b.mul(b.mul(arith::SIToFPOp::create(b, f64, rest), b.number(f64, 0x1p-52)), power);
  return b.select(b.compare(P::slt, xe, exponent), math::AbsFOp::create(b, x), scaled);
}

/// As fmod of C; with the divisor's sign unless `truncates`, as in Python.
static Value floatRemainder(ProgramBuilder &b, Value x, Value y, bool truncates) {
  using P = arith::CmpFPredicate;
  Type type = x.getType(), f64 = b.getF64Type();
  bool widen = type != f64;
  Value wideX = widen ? arith::ExtFOp::create(b, f64, x).getResult() : x, wideY = widen ? arith::ExtFOp::create(b, f64, y).getResult() : y;
  Value zero = b.number(f64, 0.0), one = b.number(f64, 1.0), infinity = b.number(f64, std::numeric_limits<double>::infinity());
  auto compare = [&](P predicate, Value u, Value v) { return arith::CmpFOp::create(b, predicate, u, v).getResult(); };
  Value magnitudeX = math::AbsFOp::create(b, wideX), magnitudeY = math::AbsFOp::create(b, wideY);
  Value finiteX = compare(P::OLT, magnitudeX, infinity), usableY = b.both(compare(P::OLT, magnitudeY, infinity), compare(P::OGT, magnitudeY, zero));
  Value magnitude = remainderOfMagnitudes(b, b.select(finiteX, magnitudeX, one), b.select(usableY, magnitudeY, one));
  magnitude = b.select(compare(P::OEQ, magnitudeY, infinity), magnitudeX, magnitude);
  Value remainder = math::CopySignOp::create(b, magnitude, wideX);
  if (!truncates) {
    Value isZero = compare(P::OEQ, magnitude, zero),
          otherSign = b.compare(arith::CmpIPredicate::ne, compare(P::OLT, wideX, zero), compare(P::OLT, wideY, zero));
    remainder = b.select(isZero, math::CopySignOp::create(b, zero, wideY), b.select(otherSign, b.add(remainder, wideY), remainder));
  }
  Value nan = b.number(f64, std::numeric_limits<double>::quiet_NaN());
  Value defined = b.both(finiteX, b.both(compare(P::UNE, magnitudeY, zero), compare(P::ORD, wideY, wideY)));
  remainder = b.select(defined, remainder, nan);
  return widen ? arith::TruncFOp::create(b, type, remainder).getResult() : remainder;
}

/// An elementwise operation whose program has loops.
static Value mapWithLoops(NodeContext &node, StringRef kind, const Operands &operands, OnNumbers function) {
  return generate(node, kind, operands.type(), operands.values, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    return function(b, b.load(in[0], broadcastIndices(b, in[0], at)), b.load(in[1], broadcastIndices(b, in[1], at)));
  });
}

LogicalResult lathe::importer::importMod(NodeContext &node) {
  bool truncates = node.integer("fmod", 0) != 0;
  if (node.hasErrors())
    return failure();
  std::optional<Operands> operands = elementwiseOperands(node, {"A", "B"}, kNumbers);
  if (!operands)
    return failure();
  if (operands->isFloat())
    return defineElementwise(node, *operands,
                             mapWithLoops(node, "mod", *operands, [&](ProgramBuilder &b, Value x, Value y) { return floatRemainder(b, x, y, truncates); }));
  return defineElementwise(node, *operands, map(node, operands->values, operands->shape, operands->element(), [&](ProgramBuilder &b, ValueRange v) {
                             return integerRemainder(b, v[0], v[1], operands->isUnsigned(), truncates);
                           }));
}

//===- Max, Min, Sum, Mean -------------------------------------------------------------------------------------------------------------------===//

static std::optional<Operands> variadicOperands(NodeContext &node, DataTypes types) {
  node.ignore({"consumed_inputs"}); // of opset 1: memory that might be reused
  SmallVector<std::string> roles;
  for (size_t i = 0; i < node.inputCount(); ++i)
    roles.push_back("data_" + std::to_string(i));
  return elementwiseOperands(node, roles, types);
}

/// From the first operand to the last; each result has the shape to which the operands so far broadcast.
template <typename Op> static Value chain(NodeContext &node, const Operands &operands) {
  Value result = operands[0];
  for (Value next : ArrayRef(operands.values).drop_front()) {
    std::optional<SmallVector<int64_t>> shape = broadcastAll(node, {result, next});
    if (!shape)
      return {};
    result = Op::create(node.builder(), node.loc(), RankedTensorType::get(*shape, operands.element()), result, next);
  }
  return result;
}

template <typename Op> static LogicalResult importExtremum(NodeContext &node, arith::CmpIPredicate predicate) {
  std::optional<Operands> operands = variadicOperands(node, kNumbers);
  if (!operands)
    return failure();
  if (operands->isFloat()) {
    Value result = chain<Op>(node, *operands);
    return result ? defineElementwise(node, *operands, result) : failure();
  }
  return defineElementwise(node, *operands, map(node, operands->values, operands->shape, operands->element(), [&](ProgramBuilder &b, ValueRange v) {
                             Value result = v[0];
                             for (Value next : v.drop_front())
                               result = b.select(b.compare(predicate, result, next, operands->isUnsigned()), result, next);
                             return result;
                           }));
}

LogicalResult lathe::importer::importMax(NodeContext &node) { return importExtremum<nn::MaxOp>(node, arith::CmpIPredicate::sgt); }
LogicalResult lathe::importer::importMin(NodeContext &node) { return importExtremum<nn::MinOp>(node, arith::CmpIPredicate::slt); }

LogicalResult lathe::importer::importSum(NodeContext &node) {
  std::optional<Operands> operands = variadicOperands(node, kFloats);
  Value sum = operands ? chain<nn::AddOp>(node, *operands) : Value();
  return sum ? defineElementwise(node, *operands, sum) : failure();
}

LogicalResult lathe::importer::importMean(NodeContext &node) {
  std::optional<Operands> operands = variadicOperands(node, kFloats);
  Value sum = operands ? chain<nn::AddOp>(node, *operands) : Value();
  if (!sum)
    return failure();
  Value count = node.materialize(splatWeight(RankedTensorType::get({}, operands->element()), static_cast<double>(node.inputCount())));
  return defineElementwise(node, *operands, nn::DivOp::create(node.builder(), node.loc(), sum.getType(), sum, count));
}

//===- Identity, Dropout ---------------------------------------------------------------------------------------------------------------------===//

LogicalResult lathe::importer::importIdentity(NodeContext &node) {
  node.allowRunTimeSize();
  const GraphValue *input = node.input(0, "input");
  return input ? node.define(*input) : failure();
}

/// Whether the node asks for training whose result is random; failure after an error.
static FailureOr<bool> isRandom(NodeContext &node) {
  if (node.opset() < 7)
    return node.integer("is_test", 0) == 0 && node.real("ratio", 0.5) != 0;
  if (!node.hasInput(2))
    return false;
  std::optional<SmallVector<int64_t>> training = node.constants(2, "training_mode");
  if (!training)
    return failure();
  if (llvm::all_of(*training, [](int64_t v) { return v == 0; }))
    return false;
  if (!node.hasInput(1))
    return true;
  const GraphValue *ratio = node.input(1, "ratio");
  if (!ratio)
    return failure();
  if (ratio->kind == Kind::data)
    return node.unsupported(node.describeInput(1, "ratio") + " is computed at run time; supported in training mode: the constant 0");
  TypedAttr element = ratio->kind == Kind::weight ? ratio->weight.getSplatElement() : TypedAttr();
  auto number = dyn_cast_or_null<FloatAttr>(element);
  return !number || !number.getValue().isZero();
}

LogicalResult lathe::importer::importDropout(NodeContext &node) {
  FailureOr<bool> random = isRandom(node);
  node.ignore({"ratio", "seed", "is_test", "consumed_inputs"});
  if (failed(random) || node.hasErrors())
    return failure();
  if (*random)
    return node.unsupported("dropout in training mode is not supported; supported: inference, or a ratio of 0; hint: export the model for inference");
  const GraphValue *input = node.input(0, "data");
  if (!input)
    return failure();
  if (node.getNode().outputs.size() > 1 && !node.getNode().outputs[1].empty()) {
    // Nothing is dropped. Until opset 9 the mask has the data's type.
    Operand data = node.operand(0, "data");
    if (!data)
      return failure();
    int32_t type = node.opset() < 10 ? data.dataType : kBool;
    auto one = [&](ProgramBuilder &b, ValueRange) -> Value { return arith::ConstantOp::create(b, numberAttr(elementType(b.getContext(), type), int64_t(1))); };
    if (failed(node.define(map(node, data.value, data.shape(), elementType(node.builder().getContext(), type), one), 1, type)))
      return failure();
  }
  return node.define(*input);
}
