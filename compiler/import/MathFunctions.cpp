// Pow, and the functions of trigonometry. What float32 loses to cancellation is computed in double: there is then nothing to lose.
#include "compiler/import/Broadcast.h"
#include "compiler/import/Cast.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include <numbers>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using F = arith::CmpFPredicate;
using P = arith::CmpIPredicate;

namespace {

/// Code on doubles.
struct Doubles {
  ProgramBuilder &b;

  Value number(double v) { return b.number(b.getF64Type(), v); }
  Value abs(Value x) { return math::AbsFOp::create(b, x); }
  Value copySign(Value x, Value sign) { return math::CopySignOp::create(b, x, sign); }
  Value sqrt(Value x) { return math::SqrtOp::create(b, x); }
  Value exp(Value x) { return math::ExpOp::create(b, x); }
  Value expm1(Value x) { return math::ExpM1Op::create(b, x); }
  Value log(Value x) { return math::LogOp::create(b, x); }
  Value atan(Value x) { return math::AtanOp::create(b, x); }
  Value is(F predicate, Value x, Value y) { return arith::CmpFOp::create(b, predicate, x, y); }

  /// log(1 + x) of x >= 0: what 1 + x loses of x comes back as a correction of first order.
  Value log1p(Value x) {
    Value one = number(1), u = b.add(one, x);
    Value corrected = b.add(log(u), b.div(b.sub(x, b.sub(u, one)), u));
    return b.select(is(F::OEQ, x, number(std::numeric_limits<double>::infinity())), x, corrected);
  }
};

using Function = Value (*)(Doubles d, Value x);

} // namespace

//===- Functions of one element ----------------------------------------------------------------------------------------------------------------===//

/// `function` of float32, computed in double and rounded once.
static LogicalResult importInDouble(NodeContext &node, Function function) {
  std::optional<Operands> x = elementwiseOperands(node, {"input"}, setOf({kFloat, kFloat16}));
  if (!x)
    return failure();
  auto body = [&](ProgramBuilder &b, ValueRange v) -> Value {
    Value result = function(Doubles{b}, arith::ExtFOp::create(b, b.getF64Type(), v[0]));
    return arith::TruncFOp::create(b, v[0].getType(), result);
  };
  return defineElementwise(node, *x, map(node, x->values, x->shape, x->element(), body));
}

/// An operation of the math dialect that lathe-expand-math knows for float32.
template <typename Op> static LogicalResult importMath(NodeContext &node) {
  std::optional<Operands> x = elementwiseOperands(node, {"input"}, setOf({kFloat, kFloat16}));
  if (!x)
    return failure();
  auto body = [](ProgramBuilder &b, ValueRange v) -> Value { return Op::create(b, v[0]); };
  return defineElementwise(node, *x, map(node, x->values, x->shape, x->element(), body));
}

LogicalResult lathe::importer::importSin(NodeContext &node) { return importMath<math::SinOp>(node); }
LogicalResult lathe::importer::importCos(NodeContext &node) { return importMath<math::CosOp>(node); }
LogicalResult lathe::importer::importTan(NodeContext &node) { return importMath<math::TanOp>(node); }

LogicalResult lathe::importer::importAtan(NodeContext &node) {
  return importInDouble(node, [](Doubles d, Value x) { return d.atan(x); });
}

// atan(x / sqrt(1 - x^2)); beyond 1 the root is a NaN.
LogicalResult lathe::importer::importAsin(NodeContext &node) {
  return importInDouble(node, [](Doubles d, Value x) {
    Value one = d.number(1);
    return d.atan(d.b.div(x, d.sqrt(d.b.mul(d.b.sub(one, x), d.b.add(one, x)))));
  });
}

// 2 atan(sqrt((1 - x) / (1 + x)))
LogicalResult lathe::importer::importAcos(NodeContext &node) {
  return importInDouble(node, [](Doubles d, Value x) {
    Value one = d.number(1), half = d.atan(d.sqrt(d.b.div(d.b.sub(one, x), d.b.add(one, x))));
    return d.b.add(half, half);
  });
}

// Of |x|, which beyond 100 makes no difference in float32: (e + e / (e + 1)) / 2 with e = exp(|x|) - 1.
LogicalResult lathe::importer::importSinh(NodeContext &node) {
  return importInDouble(node, [](Doubles d, Value x) {
    Value magnitude = d.abs(x), limit = d.number(100), e = d.expm1(d.b.select(d.is(F::OGT, magnitude, limit), limit, magnitude));
    Value sinh = d.b.mul(d.number(0.5), d.b.add(e, d.b.div(e, d.b.add(e, d.number(1)))));
    return d.copySign(sinh, x);
  });
}

LogicalResult lathe::importer::importCosh(NodeContext &node) {
  return importInDouble(node, [](Doubles d, Value x) {
    Value e = d.exp(d.abs(x));
    return d.b.mul(d.number(0.5), d.b.add(e, d.b.div(d.number(1), e)));
  });
}

// log(1 + y), y = |x| + x^2 / (1 + sqrt(1 + x^2))
LogicalResult lathe::importer::importAsinh(NodeContext &node) {
  return importInDouble(node, [](Doubles d, Value x) {
    Value magnitude = d.abs(x), one = d.number(1), square = d.b.mul(x, x);
    Value y = d.b.add(magnitude, d.b.div(square, d.b.add(one, d.sqrt(d.b.add(one, square)))));
    Value infinity = d.number(std::numeric_limits<double>::infinity());
    y = d.b.select(d.is(F::OEQ, magnitude, infinity), infinity, y); // not infinity / infinity
    return d.copySign(d.log1p(y), x);
  });
}

// log(1 + t + sqrt(t (t + 2))), t = x - 1
LogicalResult lathe::importer::importAcosh(NodeContext &node) {
  return importInDouble(node, [](Doubles d, Value x) {
    Value t = d.b.sub(x, d.number(1));
    Value result = d.log1p(d.b.add(t, d.sqrt(d.b.mul(t, d.b.add(t, d.number(2))))));
    return d.b.select(d.is(F::OLT, t, d.number(0)), d.number(std::numeric_limits<double>::quiet_NaN()), result);
  });
}

// log(1 + 2 |x| / (1 - |x|)) / 2; beyond 1 it is the logarithm of a number below 0.
LogicalResult lathe::importer::importAtanh(NodeContext &node) {
  return importInDouble(node, [](Doubles d, Value x) {
    Value magnitude = d.abs(x), quotient = d.b.div(d.b.add(magnitude, magnitude), d.b.sub(d.number(1), magnitude));
    return d.copySign(d.b.mul(d.number(0.5), d.log1p(quotient)), x);
  });
}

//===- Pow -------------------------------------------------------------------------------------------------------------------------------------===//

/// As pow of C. The error is that of y * log|x|, which is below 745 where the result is a number: 2^-43 of the result, nothing in float32.
static Value power(Doubles d, Value x, Value y) {
  ProgramBuilder &b = d.b;
  Value zero = d.number(0), one = d.number(1), magnitude = d.abs(x);
  Value result = d.exp(b.mul(y, d.log(magnitude)));
  Value whole = math::TruncOp::create(b, y), half = b.mul(whole, d.number(0.5));
  Value isWhole = d.is(F::OEQ, whole, y), isOdd = b.both(isWhole, d.is(F::UNE, half, math::TruncOp::create(b, half)));
  // A number below 0 has only whole powers.
  Value finite = d.is(F::OLT, magnitude, d.number(std::numeric_limits<double>::infinity()));
  Value undefined = b.both(b.both(d.is(F::OLT, x, zero), finite), d.is(F::UNE, whole, y));
  Value yIsNumber = d.is(F::ORD, y, y);
  result = b.select(b.both(undefined, yIsNumber), d.number(std::numeric_limits<double>::quiet_NaN()), result);
  result = b.select(isOdd, d.copySign(result, x), result);
  Value unit = b.either(d.is(F::OEQ, x, one), b.both(d.is(F::OEQ, magnitude, one), d.is(F::OEQ, d.abs(y), d.number(std::numeric_limits<double>::infinity()))));
  return b.select(b.either(d.is(F::OEQ, y, zero), unit), one, result);
}

/// Whole powers of integers, modulo 2^width as every product of them; of a negative exponent the quotient 1 / x^-y, towards zero, and 0 for x = 0.
static Value integerPower(ProgramBuilder &b, Value x, Value y, bool isUnsigned) {
  Type type = x.getType();
  Value zero = b.integer(type, int64_t(0)), one = b.integer(type, int64_t(1));
  Value exponentZero = b.integer(y.getType(), int64_t(0)), exponentOne = b.integer(y.getType(), int64_t(1));
  auto isOdd = [&](Value e) { return b.compare(P::ne, arith::AndIOp::create(b, e, exponentOne), exponentZero); };
  SmallVector<Value> state = b.fold(b.index(0), b.index(y.getType().getIntOrFloatBitWidth()), {one, x, y}, [&](Value, ValueRange s) -> SmallVector<Value> {
    return {b.select(isOdd(s[2]), b.mul(s[0], s[1]), s[0]), b.mul(s[1], s[1]), arith::ShRUIOp::create(b, s[2], exponentOne)};
  });
  if (isUnsigned)
    return state[0];
  Value minusOne = b.integer(type, int64_t(-1)), alternating = b.select(isOdd(y), minusOne, one);
  Value quotient = b.select(b.compare(P::eq, x, one), one, b.select(b.compare(P::eq, x, minusOne), alternating, zero));
  return b.select(b.compare(P::slt, y, exponentZero), quotient, state[0]);
}

/// The exponent if it is one number, known now, for which nn.pow has a short form, and does not change the shape of a result of this rank.
static std::optional<double> simpleExponent(NodeContext &node, int64_t rank) {
  const GraphValue *y = node.input(1, "Y");
  std::optional<double> exponent;
  SmallVector<int64_t> shape;
  if (y && y->kind == GraphValue::Kind::shape) {
    if (std::optional<SmallVector<int64_t>> values = y->shape.constants(); values && values->size() == 1)
      exponent = values->front();
    shape = y->shape.dims;
  } else if (y && y->kind == GraphValue::Kind::weight) {
    exponent = y->weight.getSplatValue();
    shape = *y->weight.getResultShape();
  }
  bool keepsShape = static_cast<int64_t>(shape.size()) <= rank && llvm::all_of(shape, [](int64_t d) { return d == 1; });
  return exponent && keepsShape && nn::PowOp::isSupported(*exponent) ? exponent : std::nullopt;
}

LogicalResult lathe::importer::importPow(NodeContext &node) {
  LegacyBroadcast legacy(node);
  if (node.hasErrors())
    return failure();
  Operand x = node.operand(0, "X", kNumbers);
  if (!x)
    return failure();
  OpBuilder &builder = node.builder();
  if (std::optional<double> exponent = isIn(x.dataType, kFloats) ? simpleExponent(node, x.rank()) : std::nullopt) {
    std::optional<Operands> operands = elementwiseOperands(node, {"X"}, kFloats);
    return defineElementwise(node, *operands,
                             nn::PowOp::create(builder, node.loc(), operands->type(), (*operands)[0], builder.getF32FloatAttr(*exponent)).getResult());
  }
  Operand y = node.operand(1, "Y", kNumbers);
  if (!y)
    return failure();
  Value exponent = legacy.align(node, y.value, x.rank());
  std::optional<SmallVector<int64_t>> shape = exponent ? broadcastAll(node, {x.value, exponent}) : std::nullopt;
  if (!shape)
    return failure();
  Value inputs[] = {x.value, exponent};
  bool isUnsigned = isIn(y.dataType, kUnsignedIntegers);
  if (isIn(x.dataType, kIntegers) && isIn(y.dataType, kIntegers)) {
    auto type = RankedTensorType::get(*shape, x.element());
    Value result = generate(node, "pow", type, inputs, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
      return integerPower(b, b.load(in[0], broadcastIndices(b, in[0], at)), b.load(in[1], broadcastIndices(b, in[1], at)), isUnsigned);
    });
    return node.define(result, 0, x.dataType);
  }
  bool integerBase = isIn(x.dataType, kIntegers);
  Value result = map(node, inputs, *shape, x.element(), [&](ProgramBuilder &b, ValueRange v) {
    Doubles d{b};
    Value exact = power(d, castElement(b, v[0], x.dataType, kDouble), castElement(b, v[1], y.dataType, kDouble));
    if (integerBase) {
      // A whole number must not be cut to the one below it because of the last bits.
      Value nearest = math::RoundEvenOp::create(b, exact), distance = d.abs(b.sub(exact, nearest));
      exact = b.select(d.is(F::OLE, distance, b.mul(d.abs(nearest), d.number(0x1p-40))), nearest, exact);
    }
    return castElement(b, exact, kDouble, x.dataType);
  });
  return node.define(result, 0, x.dataType);
}
