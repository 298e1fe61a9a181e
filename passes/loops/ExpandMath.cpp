// lathe-expand-math: see Passes.td. One rule for all: no branch, no table, no float-to-integer conversion of a NaN; special values come from selects.
//
// Sources: exp and expm1 have the ranges of Cephes (Moshier, single precision: expf.c) and a minimax polynomial of our own; tanh is Cephes's; log FreeBSD's
// e_logf.c (Sun Microsystems); erf the two polynomials of N. Juffa's erff (a minimax fit that needs exp above 475/512).
#include "dialects/nn/NNDialect.h"
#include "passes/loops/MathBuilder.h"
#include "passes/loops/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace lathe::passes {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "passes/loops/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::passes;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// x = k * log(2) + r, k an integer, |r| <= log(2) / 2.
struct Reduced {
  Value biased; // k + bias is in the low bits
  Value k, r;
};

// The sum with 1.5 * 2^23 rounds to an integer, which is then in its low bits: no conversion, which is undefined for a NaN. log(2) is subtracted in two
// parts, the first of so few bits that k times it is exact.
Reduced reduceExp(MathBuilder &a, Value x, int64_t bias) {
  double round = 12582912.0 + static_cast<double>(bias);
  Value shifted = a.fma(x, a.real(1.44269504088896341f), a.real(round));
  Value k = a.sub(shifted, a.real(round));
  return {a.bits(shifted), k, a.fma(k, a.real(2.12194440e-4f), a.fma(k, a.real(-0.693359375f), x))};
}

/// (exp(r) - 1 - r) / r^2, to 2^-28 of exp(r).
Value expPolynomial(MathBuilder &a, Value r) { return a.polynomial(r, {1.3814467e-3f, 8.3687808e-3f, 4.16683927e-2f, 1.66665196e-1f, 4.9999994e-1f}); }

Value powerOfTwo(MathBuilder &a, Value k) { return a.fromBits(a.shiftLeft(a.addI(k, a.integer(127)), 23)); }

Value clamp(MathBuilder &a, Value x, float low, float high) {
  Value atLeast = a.select(arith::CmpFPredicate::OLT, x, a.real(low), a.real(low), x);
  return a.select(arith::CmpFPredicate::OGT, atLeast, a.real(high), a.real(high), atLeast);
}

/// exp(x) between the limits, where k is in [-150, 129], beyond what one power of two can hold: `bias` is added to k, and its power multiplied out again,
/// so that the product overflows or becomes denormal as it should. k + bias is added to the exponent of exp(r), which stays normal.
Value scaledExp(MathBuilder &a, Value x, int64_t bias, Value more, Value scale) {
  Reduced e = reduceExp(a, x, bias);
  Value mantissa = a.fma(a.fma(expPolynomial(a, e.r), e.r, a.real(1.0f)), e.r, a.real(1.0f));
  Value bits = a.addI(a.bits(mantissa), a.shiftLeft(e.biased, 23));
  Value scaleOrNaN = a.fma(e.r, a.real(0.0f), scale); // the addition of integers may have made a number of a NaN
  return a.mul(a.fromBits(more ? a.addI(bits, more) : bits), scaleOrNaN);
}

constexpr int64_t kBias = 64;
constexpr float kBiasPower = 0x1p64f;

/// exp(x) of no positive x: k is never large.
Value expBelow(MathBuilder &a, Value x) {
  Value limited = a.select(arith::CmpFPredicate::OLT, x, a.real(-104.0f), a.real(-104.0f), x);
  return scaledExp(a, limited, kBias, Value(), a.real(1 / kBiasPower));
}

Value expandExp(MathBuilder &a, Value x) {
  using P = arith::CmpFPredicate;
  // -|x|, as the sigmoid has it.
  if (auto negated = x.getDefiningOp<arith::NegFOp>(); negated && negated.getOperand().getDefiningOp<math::AbsFOp>())
    return expBelow(a, x);
  Value limited = clamp(a, x, -104.0f, 89.0f), zero = a.real(0.0f);
  Value more = a.select(P::OLT, x, zero, a.integer(kBias << 23), a.integer(-(kBias << 23)));
  return scaledExp(a, limited, 0, more, a.select(P::OLT, x, zero, a.real(1 / kBiasPower), a.real(kBiasPower)));
}

/// What is divided is the sigmoid of this, as nn writes it: (x < 0 ? e : 1) / (1 + e), e = exp(-|x|).
Value sigmoidArgument(arith::DivFOp op) {
  auto choice = op.getLhs().getDefiningOp<arith::SelectOp>();
  auto sum = op.getRhs().getDefiningOp<arith::AddFOp>();
  auto e = choice ? choice.getTrueValue().getDefiningOp<math::ExpOp>() : math::ExpOp();
  auto negated = e ? e.getOperand().getDefiningOp<arith::NegFOp>() : arith::NegFOp();
  auto magnitude = negated ? negated.getOperand().getDefiningOp<math::AbsFOp>() : math::AbsFOp();
  auto less = choice ? choice.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  if (!sum || !magnitude || !less || less.getPredicate() != arith::CmpFPredicate::OLT || less.getLhs() != magnitude.getOperand() ||
      !matchPattern(less.getRhs(), m_AnyZeroFloat()) || !matchPattern(choice.getFalseValue(), m_OneFloat()))
    return {};
  bool onePlus = matchPattern(sum.getLhs(), m_OneFloat()) && sum.getRhs() == e.getResult();
  bool plusOne = matchPattern(sum.getRhs(), m_OneFloat()) && sum.getLhs() == e.getResult();
  return onePlus || plusOne ? magnitude.getOperand() : Value();
}

/// 2^-64 / (2^-64 + 2^(k - 64) exp(-r)) with -x = k * log(2) - r: neither term overflows, so that there is nothing to choose.
Value expandSigmoid(MathBuilder &a, Value x) {
  Value limited = clamp(a, x, -104.0f, 40.0f);
  double round = 12582912.0 + 127 - kBias;
  Value shifted = a.fma(limited, a.real(-1.44269504088896341f), a.real(round)), k = a.sub(shifted, a.real(round));
  Value r = a.fma(k, a.real(-2.12194440e-4f), a.fma(k, a.real(0.693359375f), limited));
  // (exp(-r) - 1) / r, to 2^-29 of exp(-r). The power of two is multiplied, not added to the exponent: a NaN stays one.
  Value q = a.polynomial(r, {1.38436351e-3f, -8.37417133e-3f, 4.16680016e-2f, -1.66664317e-1f, 4.9999994e-1f, -1.0f});
  Value power = a.fromBits(a.shiftLeft(a.bits(shifted), 23)), one = a.real(1 / kBiasPower);
  return a.div(one, a.add(one, a.fma(a.mul(power, r), q, power)));
}

// 2^k * fraction + (2^k - 1). Above 88 the power of two is infinite in one factor: exp takes over, to which 1 makes no difference.
Value expandExpM1(MathBuilder &a, Value x) {
  Reduced e = reduceExp(a, clamp(a, x, -20.0f, 87.0f), 0);
  Value fraction = a.fma(a.mul(e.r, e.r), expPolynomial(a, e.r), e.r);
  Value power = powerOfTwo(a, a.subI(e.biased, a.integer(llvm::bit_cast<int32_t>(12582912.0f))));
  Value result = a.fma(power, fraction, a.sub(power, a.real(1.0f)));
  result = a.select(arith::CmpFPredicate::OGT, x, a.real(87.0f), expandExp(a, x), result);
  return a.select(arith::CmpFPredicate::OEQ, x, a.real(0.0f), x, result); // -0
}

// x = 2^k * (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = f - f^2/2 + s * (f^2/2 + R(s^2)), s = f / (2 + f).
Value expandLog(MathBuilder &a, Value x) {
  using P = arith::CmpFPredicate;
  Value zero = a.real(0.0f), smallest = a.real(std::numeric_limits<float>::min());
  Value normal = a.select(P::OLT, x, smallest, a.mul(x, a.real(33554432.0f)), x); // denormals times 2^25
  Value correction = a.select(P::OLT, x, smallest, a.real(-25.0f), zero);
  Value bits = a.addI(a.bits(normal), a.integer(0x3f800000 - 0x3f3504f3));
  Value k = a.add(a.toReal(a.subI(a.shiftRight(bits, 23), a.integer(127))), correction);
  Value f = a.sub(a.fromBits(a.addI(a.andI(bits, a.integer(0x007fffff)), a.integer(0x3f3504f3))), a.real(1.0f));
  Value s = a.div(f, a.add(f, a.real(2.0f))), z = a.mul(s, s);
  Value r = a.mul(z, a.polynomial(z, {0xf89e26p-26f, 0x91e9eep-25f, 0xccce13p-25f, 0xaaaaaap-24f}));
  Value halfSquare = a.mul(a.mul(a.real(0.5f), f), f);
  Value low = a.fma(s, a.add(halfSquare, r), a.mul(k, a.real(9.0580006145e-06f)));
  Value result = a.fma(k, a.real(6.9313812256e-01f), a.add(a.sub(low, halfSquare), f));
  result = a.select(P::OEQ, x, zero, a.real(-kInfinity), result);
  result = a.select(P::OLT, x, zero, a.real(std::numeric_limits<float>::quiet_NaN()), result);
  return a.select(P::OLT, x, a.real(kInfinity), result, x); // +inf and NaN
}

// A polynomial up to 0.625, above it (1 - e) / (1 + e) with e = exp(-2 |x|).
Value expandTanh(MathBuilder &a, Value x) {
  Value magnitude = a.abs(x), square = a.mul(x, x);
  Value p = a.polynomial(square, {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f});
  Value small = a.fma(a.mul(p, square), x, x);
  Value e = expBelow(a, a.mul(magnitude, a.real(-2.0f))), one = a.real(1.0f);
  Value large = a.div(a.sub(one, e), a.add(one, e));
  return a.select(arith::CmpFPredicate::OLT, magnitude, a.real(0.625f), small, a.copySign(large, x));
}

// A polynomial up to 475/512, above it 1 - exp(polynomial).
Value expandErf(MathBuilder &a, Value x) {
  Value t = a.abs(x), square = a.mul(x, x);
  Value p = a.polynomial(square, {-5.96761703e-4f, 4.99119423e-3f, -2.67681349e-2f, 1.12819925e-1f, -3.76125336e-1f, 1.28379166e-1f});
  Value small = a.fma(p, x, x);
  Value high = a.polynomial(t, {-1.72853470e-5f, 3.83197126e-4f}), low = a.polynomial(t, {-3.88396438e-3f, 2.42546219e-2f});
  Value q = a.fma(high, square, low);
  for (float c : {-1.06777877e-1f, -6.34846687e-1f, -1.28717512e-1f})
    q = a.fma(q, t, a.real(c));
  q = a.fma(q, t, a.sub(a.real(0.0f), t));
  Value large = a.copySign(a.sub(a.real(1.0f), expBelow(a, q)), x); // q is negative where that counts
  return a.select(arith::CmpFPredicate::OGT, t, a.real(0.927734375f), large, small);
}

struct ExpandMathPass : lathe::passes::impl::ExpandMathPassBase<ExpandMathPass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    ignoreSignOfZero();
    expandSigmoids();
    RewritePatternSet patterns(context);
    auto f32 = Float32Type::get(context);
    patterns.add<ExpandFunction<math::ExpOp>>(context, f32, expandExp);
    patterns.add<ExpandFunction<math::ExpM1Op>>(context, f32, expandExpM1);
    patterns.add<ExpandFunction<math::LogOp>>(context, f32, expandLog);
    patterns.add<ExpandFunction<math::TanhOp>>(context, f32, expandTanh);
    patterns.add<ExpandFunction<math::ErfOp>>(context, f32, expandErf);
    populateDoubleFunctions(patterns);
    populateTrigonometry(patterns);
    populateHalfConversions(patterns, !convertsHalf());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }

  /// A maximum of zeros of both signs may be either: 1 instruction instead of 2 on x86 where one operand is a constant, 3 instead of 6 where none is.
  void ignoreSignOfZero() {
    getOperation().walk([](Operation *op) {
      if (isa<arith::MaximumFOp, arith::MinimumFOp>(op))
        cast<arith::ArithFastMathInterface>(op)->setAttr("fastmath", arith::FastMathFlagsAttr::get(op->getContext(), arith::FastMathFlags::nsz));
    });
  }

  /// Before the functions that they are made of.
  void expandSigmoids() {
    SmallVector<std::pair<arith::DivFOp, Value>> sigmoids;
    getOperation().walk([&](arith::DivFOp op) {
      Value x = getElementTypeOrSelf(op.getType()).isF32() && !isa<TensorType>(op.getType()) ? sigmoidArgument(op) : Value();
      if (x)
        sigmoids.push_back({op, x});
    });
    IRRewriter rewriter(&getContext());
    for (auto [op, x] : sigmoids) {
      rewriter.setInsertionPoint(op);
      MathBuilder builder(rewriter, op.getLoc(), op.getType());
      auto choice = op.getLhs().getDefiningOp<arith::SelectOp>();
      Operation *parts[] = {choice, op.getRhs().getDefiningOp(), choice.getCondition().getDefiningOp(), choice.getTrueValue().getDefiningOp()};
      rewriter.replaceOp(op, expandSigmoid(builder, x));
      for (Operation *dead : parts)
        if (dead->use_empty())
          rewriter.eraseOp(dead);
    }
  }

  /// Whether the target has instructions between f16 and f32: those of x86 need F16C.
  bool convertsHalf() {
    auto module = getOperation()->getParentOfType<ModuleOp>();
    auto target = module ? module->getAttrOfType<lathe::nn::TargetAttr>(lathe::nn::NNDialect::kTargetAttr) : lathe::nn::TargetAttr();
    return target && (target.isGpu() || target.getTriple().starts_with("aarch64") || target.getFeatures().contains("f16c"));
  }
};

} // namespace
