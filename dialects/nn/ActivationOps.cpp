// Activations and other functions of one element: scalar forms. `lathe-expand-math` later writes out exp, log, erf and tanh.
#include "dialects/nn/NNDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lathe::nn;

namespace {

/// Builds scalar arithmetic of one type.
struct Scalars {
  OpBuilder &b;
  Location loc;
  Type type;

  Value constant(double v) { return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, v)); }
  Value constant(const APFloat &v) { return constant(v.convertToDouble()); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value neg(Value x) { return arith::NegFOp::create(b, loc, x); }
  Value abs(Value x) { return math::AbsFOp::create(b, loc, x); }
  Value exp(Value x) { return math::ExpOp::create(b, loc, x); }
  /// x < y ? a : b, which is b where one is a NaN.
  Value selectLess(Value x, Value y, Value a, Value otherwise) {
    return arith::SelectOp::create(b, loc, arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y), a, otherwise);
  }
  /// min(max(x, low), high); a NaN stays a NaN.
  Value clip(Value x, Value low, Value high) {
    Value atLeast = selectLess(x, low, low, x);
    return selectLess(high, atLeast, high, atLeast);
  }
  /// x * y + z, rounded once where that is one instruction.
  Value multiplyAdd(Value x, Value y, Value z) { return x.getType().isF32() ? math::FmaOp::create(b, loc, x, y, z).getResult() : add(mul(x, y), z); }
  Value hardSigmoid(Value x, Value alpha, Value beta) { return clip(multiplyAdd(x, alpha, beta), constant(0.0), constant(1.0)); }
};

} // namespace

#define LATHE_UNARY(OP)                                                                                                                                        \
  LogicalResult OP::inferReturnTypes(MLIRContext *, std::optional<Location>, ValueRange operands, DictionaryAttr, OpaqueProperties, RegionRange,               \
                                     SmallVectorImpl<Type> &types) {                                                                                           \
    types.push_back(operands[0].getType());                                                                                                                    \
    return success();                                                                                                                                          \
  }                                                                                                                                                            \
  Value OP::emitScalar(OpBuilder &builder, Location loc, ValueRange v) { return emit(*this, Scalars{builder, loc, v[0].getType()}, v[0]); }

//===- One operation -------------------------------------------------------------------------------------------------------------------------===//

static Value emit(AbsOp, Scalars s, Value x) { return s.abs(x); }
static Value emit(NegOp, Scalars s, Value x) { return s.neg(x); }
static Value emit(ReciprocalOp, Scalars s, Value x) { return s.div(s.constant(1.0), x); }
static Value emit(SqrtOp, Scalars s, Value x) { return math::SqrtOp::create(s.b, s.loc, x); }
static Value emit(FloorOp, Scalars s, Value x) { return math::FloorOp::create(s.b, s.loc, x); }
static Value emit(CeilOp, Scalars s, Value x) { return math::CeilOp::create(s.b, s.loc, x); }
static Value emit(RoundOp, Scalars s, Value x) { return math::RoundEvenOp::create(s.b, s.loc, x); }
static Value emit(ExpOp, Scalars s, Value x) { return s.exp(x); }
static Value emit(LogOp, Scalars s, Value x) { return math::LogOp::create(s.b, s.loc, x); }
static Value emit(ErfOp, Scalars s, Value x) { return math::ErfOp::create(s.b, s.loc, x); }
static Value emit(TanhOp, Scalars s, Value x) { return math::TanhOp::create(s.b, s.loc, x); }

//===- Piecewise -----------------------------------------------------------------------------------------------------------------------------===//

static Value emit(SignOp, Scalars s, Value x) {
  Value zero = s.constant(0.0);
  return s.selectLess(x, zero, s.constant(-1.0), s.selectLess(zero, x, s.constant(1.0), x));
}
static Value emit(ClipOp op, Scalars s, Value x) { return s.clip(x, s.constant(op.getLow()), s.constant(op.getHigh())); }
static Value emit(HardSigmoidOp op, Scalars s, Value x) { return s.hardSigmoid(x, s.constant(op.getAlpha()), s.constant(op.getBeta())); }
static Value emit(HardSwishOp, Scalars s, Value x) { return s.mul(x, s.hardSigmoid(x, s.constant(1.0 / 6), s.constant(0.5))); }
static Value emit(LeakyReluOp op, Scalars s, Value x) { return s.selectLess(x, s.constant(0.0), s.mul(s.constant(op.getAlpha()), x), x); }
static Value emit(ThresholdedReluOp op, Scalars s, Value x) { return s.selectLess(s.constant(op.getAlpha()), x, x, s.constant(0.0)); }

//===- With exp and its kin ------------------------------------------------------------------------------------------------------------------===//

// With e = exp(-|x|), which does not overflow: 1 / (1 + e) from 0 up, e / (1 + e) below it.
static Value emit(SigmoidOp, Scalars s, Value x) {
  Value one = s.constant(1.0), e = s.exp(s.neg(s.abs(x)));
  return s.div(s.selectLess(x, s.constant(0.0), e, one), s.add(one, e));
}

// max(x, 0) + log(1 + e), e = exp(-|x|). What 1 + e loses of e to rounding comes back as a correction of first order: log(u) + (e - (u - 1)) / u.
static Value emit(SoftplusOp, Scalars s, Value x) {
  Value zero = s.constant(0.0), one = s.constant(1.0), e = s.exp(s.neg(s.abs(x))), u = s.add(one, e);
  Value log1p = s.add(math::LogOp::create(s.b, s.loc, u), s.div(s.sub(e, s.sub(u, one)), u));
  return s.add(s.selectLess(x, zero, zero, x), log1p);
}
static Value emit(SoftsignOp, Scalars s, Value x) { return s.div(x, s.add(s.constant(1.0), s.abs(x))); }

// tanh(log(1 + e)) = n / (n + 2) with e = exp(x), n = e * (e + 2); from 20 up it is 1.
static Value emit(MishOp, Scalars s, Value x) {
  Value limit = s.constant(20.0), two = s.constant(2.0), e = s.exp(s.selectLess(limit, x, limit, x)), n = s.mul(e, s.add(e, two));
  return s.mul(x, s.div(n, s.add(n, two)));
}

static Value emit(EluOp op, Scalars s, Value x) {
  Value gamma = s.constant(op.getGamma());
  Value below = s.mul(s.constant((op.getGamma() * op.getAlpha())), math::ExpM1Op::create(s.b, s.loc, s.mul(s.constant(op.getBeta()), x)));
  return s.selectLess(s.constant(0.0), x, s.mul(gamma, x), below);
}

static Value emit(GeluOp op, Scalars s, Value x) {
  Value f;
  if (op.getApproximate()) {
    Value cubed = s.mul(s.mul(x, x), x);
    f = math::TanhOp::create(s.b, s.loc, s.mul(s.constant(0.7978845608028654), s.add(x, s.mul(s.constant(0.044715), cubed))));
  } else {
    f = math::ErfOp::create(s.b, s.loc, s.mul(x, s.constant(0.7071067811865476)));
  }
  return s.mul(s.mul(s.constant(0.5), x), s.add(s.constant(1.0), f));
}

//===- nn.pow --------------------------------------------------------------------------------------------------------------------------------===//

bool PowOp::isSupported(double exponent) { return llvm::is_contained({-1.0, 0.5, 1.0, 2.0, 3.0}, exponent); }

LogicalResult PowOp::verify() {
  if (!isSupported(getExponent().convertToDouble()))
    return emitOpError("expects an exponent of -1, 0.5, 1, 2 or 3 (got ") << getExponentAttr() << ")";
  return success();
}

static Value emit(PowOp op, Scalars s, Value x) {
  double exponent = op.getExponent().convertToDouble();
  if (exponent == -1.0)
    return s.div(s.constant(1.0), x);
  if (exponent == 0.5) {
    // Unlike sqrt, it is 0 at -0 and +inf at -inf.
    Value root = math::SqrtOp::create(s.b, s.loc, s.add(x, s.constant(0.0)));
    Value infinity = s.constant(std::numeric_limits<double>::infinity()), lowest = s.neg(infinity);
    Value isLowest = arith::CmpFOp::create(s.b, s.loc, arith::CmpFPredicate::OEQ, x, lowest);
    return arith::SelectOp::create(s.b, s.loc, isLowest, infinity, root);
  }
  Value power = x;
  for (double done = 1.0; done < exponent; ++done)
    power = s.mul(power, x);
  return power;
}

LATHE_UNARY(AbsOp)
LATHE_UNARY(NegOp)
LATHE_UNARY(ReciprocalOp)
LATHE_UNARY(SqrtOp)
LATHE_UNARY(FloorOp)
LATHE_UNARY(CeilOp)
LATHE_UNARY(RoundOp)
LATHE_UNARY(SignOp)
LATHE_UNARY(ExpOp)
LATHE_UNARY(LogOp)
LATHE_UNARY(ErfOp)
LATHE_UNARY(TanhOp)
LATHE_UNARY(SigmoidOp)
LATHE_UNARY(SoftplusOp)
LATHE_UNARY(SoftsignOp)
LATHE_UNARY(MishOp)
LATHE_UNARY(HardSwishOp)
LATHE_UNARY(ClipOp)
LATHE_UNARY(HardSigmoidOp)
LATHE_UNARY(LeakyReluOp)
LATHE_UNARY(ThresholdedReluOp)
LATHE_UNARY(EluOp)
LATHE_UNARY(GeluOp)
LATHE_UNARY(PowOp)
#undef LATHE_UNARY
