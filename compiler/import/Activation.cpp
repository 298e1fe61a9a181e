// Functions of one element: activations, and what needs only numbers besides the data (the bounds of Clip, the slope of PRelu).
#include "compiler/import/Broadcast.h"
#include "compiler/import/Registry.h"

#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static std::string numberText(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}

/// An operation of the dialect on floats.
template <typename Op, typename... Numbers> static LogicalResult importUnary(NodeContext &node, DataTypes types, Numbers... numbers) {
  node.ignore({"consumed_inputs"}); // of opset 1: memory that might be reused
  if (node.hasErrors())
    return failure();
  std::optional<Operands> x = elementwiseOperands(node, {"X"}, types);
  if (!x)
    return failure();
  return defineElementwise(node, *x, Op::create(node.builder(), node.loc(), x->type(), (*x)[0], node.builder().getF32FloatAttr(numbers)...).getResult());
}

/// There is no double precision form of erf.
static constexpr DataTypes kUpToFloat = setOf({kFloat, kFloat16});

#define LATHE_IMPORT_UNARY(NAME, OP, TYPES)                                                                                                                    \
  LogicalResult lathe::importer::import##NAME(NodeContext &node) { return importUnary<nn::OP>(node, TYPES); }
LATHE_IMPORT_UNARY(Ceil, CeilOp, kFloats)
LATHE_IMPORT_UNARY(Erf, ErfOp, kUpToFloat)
LATHE_IMPORT_UNARY(Exp, ExpOp, kFloats)
LATHE_IMPORT_UNARY(Floor, FloorOp, kFloats)
LATHE_IMPORT_UNARY(HardSwish, HardSwishOp, kFloats)
LATHE_IMPORT_UNARY(Log, LogOp, kFloats)
LATHE_IMPORT_UNARY(Mish, MishOp, kFloats)
LATHE_IMPORT_UNARY(Reciprocal, ReciprocalOp, kFloats)
LATHE_IMPORT_UNARY(Round, RoundOp, kFloats)
LATHE_IMPORT_UNARY(Sigmoid, SigmoidOp, kFloats)
LATHE_IMPORT_UNARY(Softplus, SoftplusOp, kFloats)
LATHE_IMPORT_UNARY(Softsign, SoftsignOp, kFloats)
LATHE_IMPORT_UNARY(Sqrt, SqrtOp, kFloats)
LATHE_IMPORT_UNARY(Tanh, TanhOp, kFloats)
#undef LATHE_IMPORT_UNARY

//===- Also on integers ----------------------------------------------------------------------------------------------------------------------===//

/// `onIntegers` gets the element and 0.
template <typename Op>
static LogicalResult importNumeric(NodeContext &node, function_ref<Value(ProgramBuilder &, Value x, Value zero, bool isUnsigned)> onIntegers) {
  node.ignore({"consumed_inputs"});
  const GraphValue *input = node.input(0, "X");
  if (!input)
    return failure();
  if (!isIn(input->type(), kIntegers))
    return importUnary<Op>(node, kNumbers);
  Operand x = node.operand(0, "X", kNumbers);
  if (!x)
    return failure();
  bool isUnsigned = isIn(x.dataType, kUnsignedIntegers);
  auto body = [&](ProgramBuilder &b, ValueRange v) { return onIntegers(b, v[0], b.integer(v[0].getType(), int64_t(0)), isUnsigned); };
  return node.define(map(node, x.value, x.shape(), x.element(), body), 0, x.dataType);
}

using P = arith::CmpIPredicate;

// The smallest number has no counterpart and stays itself, as in NumPy.
LogicalResult lathe::importer::importAbs(NodeContext &node) {
  return importNumeric<nn::AbsOp>(
      node, [](ProgramBuilder &b, Value x, Value zero, bool isUnsigned) { return isUnsigned ? x : b.select(b.compare(P::slt, x, zero), b.sub(zero, x), x); });
}
LogicalResult lathe::importer::importNeg(NodeContext &node) {
  return importNumeric<nn::NegOp>(node, [](ProgramBuilder &b, Value x, Value zero, bool) { return b.sub(zero, x); });
}
LogicalResult lathe::importer::importRelu(NodeContext &node) {
  return importNumeric<nn::ReluOp>(
      node, [](ProgramBuilder &b, Value x, Value zero, bool isUnsigned) { return isUnsigned ? x : b.select(b.compare(P::slt, x, zero), zero, x); });
}
LogicalResult lathe::importer::importSign(NodeContext &node) {
  return importNumeric<nn::SignOp>(node, [](ProgramBuilder &b, Value x, Value zero, bool isUnsigned) {
    Value one = b.integer(x.getType(), int64_t(1)), minusOne = b.integer(x.getType(), int64_t(-1));
    Value sign = b.select(b.compare(P::ne, x, zero), one, zero);
    return isUnsigned ? sign : b.select(b.compare(P::slt, x, zero), minusOne, sign);
  });
}

//===- With attributes -----------------------------------------------------------------------------------------------------------------------===//

LogicalResult lathe::importer::importHardSigmoid(NodeContext &node) {
  double alpha = node.real("alpha", 0.2f), beta = node.real("beta", 0.5);
  return importUnary<nn::HardSigmoidOp>(node, kFloats, alpha, beta);
}
LogicalResult lathe::importer::importLeakyRelu(NodeContext &node) { return importUnary<nn::LeakyReluOp>(node, kFloats, node.real("alpha", 0.01f)); }
LogicalResult lathe::importer::importThresholdedRelu(NodeContext &node) { return importUnary<nn::ThresholdedReluOp>(node, kFloats, node.real("alpha", 1)); }

LogicalResult lathe::importer::importElu(NodeContext &node) { return importUnary<nn::EluOp>(node, kFloats, node.real("alpha", 1), 1.0, 1.0); }

LogicalResult lathe::importer::importSelu(NodeContext &node) {
  bool old = node.opset() < 6; // fewer digits
  double alpha = node.real("alpha", old ? 1.6732 : 1.67326319217681884765625), gamma = node.real("gamma", old ? 1.0507 : 1.05070102214813232421875);
  return importUnary<nn::EluOp>(node, kFloats, alpha, 1.0, gamma);
}

LogicalResult lathe::importer::importCelu(NodeContext &node) {
  double alpha = node.real("alpha", 1);
  if (node.hasErrors())
    return failure();
  if (!(std::fabs(alpha) >= std::numeric_limits<float>::min()))
    return node.unsupported("attribute alpha = " + numberText(alpha) + " is not supported; supported: numbers other than 0");
  return importUnary<nn::EluOp>(node, kFloats, alpha, 1 / alpha, 1.0);
}

LogicalResult lathe::importer::importGelu(NodeContext &node) {
  std::string approximate = node.text("approximate", "none");
  if (node.hasErrors())
    return failure();
  if (approximate != "none" && approximate != "tanh")
    return node.invalid("expects attribute approximate of 'none' or 'tanh' (got '" + approximate + "')");
  bool tanh = approximate == "tanh";
  std::optional<Operands> x = elementwiseOperands(node, {"X"}, tanh ? kFloats : kUpToFloat);
  if (!x)
    return failure();
  return defineElementwise(node, *x, nn::GeluOp::create(node.builder(), node.loc(), x->type(), (*x)[0], tanh).getResult());
}

LogicalResult lathe::importer::importSwish(NodeContext &node) {
  double alpha = node.real("alpha", 1);
  if (node.hasErrors())
    return failure();
  std::optional<Operands> operands = elementwiseOperands(node, {"X"}, kFloats);
  if (!operands)
    return failure();
  OpBuilder &b = node.builder();
  Value x = (*operands)[0], inner = x;
  if (alpha != 1)
    inner = nn::MulOp::create(b, node.loc(), x.getType(), x, node.materialize(splatWeight(RankedTensorType::get({}, operands->element()), alpha)));
  Value gate = nn::SigmoidOp::create(b, node.loc(), x.getType(), inner);
  return defineElementwise(node, *operands, nn::MulOp::create(b, node.loc(), x.getType(), x, gate).getResult());
}

//===- Clip ----------------------------------------------------------------------------------------------------------------------------------===//

/// The value of a float32 constant of one element.
static std::optional<double> constantOf(const GraphValue &value) {
  if (value.kind != GraphValue::Kind::weight || ShapedType::getNumElements(*value.weight.getResultShape()) != 1)
    return std::nullopt;
  return value.weight.getSplatValue();
}

/// Bounds that are computed, or of another type than float32: min(max(x, low), high), where a NaN stays a NaN.
static LogicalResult clipByProgram(NodeContext &node) {
  Operand x = node.operand(0, "X", kNumbers);
  if (!x)
    return failure();
  SmallVector<Value> inputs{x.value};
  bool has[2] = {node.hasInput(1), node.hasInput(2)};
  static const StringRef kRoles[] = {"min", "max"};
  for (int i = 0; i < 2; ++i) {
    if (!has[i])
      continue;
    Operand bound = node.operand(i + 1, kRoles[i], setOf({x.dataType}));
    if (!bound)
      return failure();
    if (!bound.type().hasStaticShape() || bound.type().getNumElements() != 1)
      return node.invalid("expects " + node.describeInput(i + 1, kRoles[i]) + " of one element");
    Value scalar = bound.value;
    if (bound.rank())
      scalar = nn::ReshapeOp::create(node.builder(), node.loc(), RankedTensorType::get({}, bound.element()), scalar);
    inputs.push_back(scalar);
  }
  if (x.dataType == kFloat16) // compared as float32
    for (Value &v : inputs)
      v = convertFloat(node, v, node.builder().getF32Type());
  bool isUnsigned = isIn(x.dataType, kUnsignedIntegers);
  Type element = cast<ShapedType>(inputs[0].getType()).getElementType();
  Value result = map(node, inputs, x.shape(), element, [&](ProgramBuilder &b, ValueRange v) {
    Value y = v[0];
    if (has[0])
      y = b.select(b.compare(P::slt, y, v[1], isUnsigned), v[1], y);
    if (has[1])
      y = b.select(b.compare(P::sgt, y, v.back(), isUnsigned), v.back(), y);
    return y;
  });
  if (x.dataType == kFloat16)
    result = convertFloat(node, result, node.builder().getF16Type());
  return node.define(result, 0, x.dataType);
}

LogicalResult lathe::importer::importClip(NodeContext &node) {
  // As ONNX says: without bounds, an infinity becomes the largest number.
  double high = std::numeric_limits<float>::max(), low = -high;
  if (node.opset() < 11) {
    low = node.real("min", low);
    high = node.real("max", high);
    return importUnary<nn::ClipOp>(node, kFloats, low, high);
  }
  const GraphValue *x = node.input(0, "X");
  if (!x)
    return failure();
  for (auto [i, role, bound] : {std::tuple(1, "min", &low), std::tuple(2, "max", &high)})
    if (node.hasInput(i)) {
      const GraphValue *value = node.input(i, role);
      if (!value)
        return failure();
      std::optional<double> number = constantOf(*value);
      if (x->type() != kFloat || !number)
        return clipByProgram(node);
      *bound = *number;
    }
  return x->type() == kFloat ? importUnary<nn::ClipOp>(node, kUpToFloat, low, high) : clipByProgram(node);
}

//===- PRelu ---------------------------------------------------------------------------------------------------------------------------------===//

LogicalResult lathe::importer::importPRelu(NodeContext &node) {
  node.ignore({"consumed_inputs"});
  // Until opset 6 a slope of one dimension is per channel.
  LegacyBroadcast legacy(node);
  Operand shape = node.operand(0, "X", kNumbers), slope = shape ? node.operand(1, "slope", kNumbers) : Operand();
  if (!slope)
    return failure();
  if (node.opset() < 7 && slope.rank() == 1 && slope.shape()[0] != 1)
    legacy.axis = 1;
  std::optional<Operands> operands = elementwiseOperands(node, {"X", "slope"}, kNumbers, &legacy);
  if (!operands)
    return failure();
  if (ArrayRef<int64_t>(operands->shape) != shape.shape())
    return node.invalid("expects " + node.describeInput(1, "slope") + " of a shape that broadcasts to the shape of X");
  if (operands->isFloat())
    return defineElementwise(node, *operands, nn::PReluOp::create(node.builder(), node.loc(), operands->type(), (*operands)[0], (*operands)[1]).getResult());
  auto body = [&](ProgramBuilder &b, ValueRange v) {
    return operands->isUnsigned() ? v[0] : b.select(b.compare(P::slt, v[0], b.integer(v[0].getType(), int64_t(0))), b.mul(v[0], v[1]), v[0]);
  };
  return defineElementwise(node, *operands, map(node, operands->values, operands->shape, operands->element(), body));
}
