// Functions of f64 for lathe-expand-math: no branch, no table, no conversion of a NaN to an integer; special values come from selects.
//
// Sources: the reduction of exp and the coefficients of log are those of FreeBSD's e_exp.c and e_log.c (Sun Microsystems), the polynomial of exp is Taylor's,
// of degree 13; atan has the rational function of Cephes (Moshier, atan.c). Errors: exp and log at most 1 ulp, expm1, tanh and atan at most 3.
#include "passes/loops/MathBuilder.h"

using namespace mlir;
using namespace lathe::passes;

using P = arith::CmpFPredicate;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

namespace {

/// exp(x) = 2^k * (1 + fraction), |log(1 + fraction)| <= log(2) / 2.
struct Reduced {
  Value k; // integer
  Value fraction;
};

} // namespace

static Reduced reduceExp(MathBuilder &a, Value x) {
  constexpr double kRound = 6755399441055744.0; // 1.5 * 2^52: the sum's low bits are the nearest integer
  Value shifted = a.fma(x, a.real(1.4426950408889634074), a.real(kRound)), k = a.sub(shifted, a.real(kRound));
  Value high = a.sub(x, a.mul(k, a.real(6.93147180369123816490e-01))); // exact: 32 bits times 11
  Value r = a.sub(high, a.mul(k, a.real(1.90821492927058770002e-10)));
  SmallVector<double> coefficients;
  double factorial = 6227020800.0; // 13!
  for (int n = 13; n >= 2; factorial /= n--)
    coefficients.push_back(1 / factorial);
  Value fraction = a.fma(a.mul(r, r), a.polynomial(r, coefficients), r);
  return {a.subI(a.bits(shifted), a.integer(llvm::bit_cast<int64_t>(kRound))), fraction};
}

static Value powerOfTwo(MathBuilder &a, Value k) { return a.fromBits(a.shiftLeft(a.addI(k, a.integer(1023)), 52)); }

static Value clamp(MathBuilder &a, Value x, double low, double high) {
  Value atLeast = a.select(P::OLT, x, a.real(low), a.real(low), x);
  return a.select(P::OGT, atLeast, a.real(high), a.real(high), atLeast);
}

// In two factors, whose product overflows and becomes denormal as it should.
static Value expandExp(MathBuilder &a, Value x) {
  Reduced e = reduceExp(a, clamp(a, x, -746.0, 710.0));
  Value half = a.shiftRight(e.k, 1);
  Value scaled = a.mul(a.add(e.fraction, a.real(1.0)), powerOfTwo(a, half));
  return a.mul(scaled, powerOfTwo(a, a.subI(e.k, half)));
}

// 2^k * fraction + (2^k - 1). Above 709 the power of two is infinite: exp takes over, to which 1 makes no difference.
static Value expandExpM1(MathBuilder &a, Value x) {
  Reduced e = reduceExp(a, clamp(a, x, -40.0, 709.0));
  Value power = powerOfTwo(a, e.k);
  Value result = a.fma(power, e.fraction, a.sub(power, a.real(1.0)));
  result = a.select(P::OGT, x, a.real(709.0), expandExp(a, x), result);
  return a.select(P::OEQ, x, a.real(0.0), x, result); // -0
}

// x = 2^k * (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = f - f^2/2 + s * (f^2/2 + R(s^2)), s = f / (2 + f).
static Value expandLog(MathBuilder &a, Value x) {
  constexpr int64_t kRootHalf = 0x3fe6a09e667f3bcd, kOne = 0x3ff0000000000000;
  Value zero = a.real(0.0), smallest = a.real(std::numeric_limits<double>::min());
  Value normal = a.select(P::OLT, x, smallest, a.mul(x, a.real(0x1p54)), x); // denormals
  Value correction = a.select(P::OLT, x, smallest, a.real(-54.0), zero);
  Value bits = a.addI(a.bits(normal), a.integer(kOne - kRootHalf));
  Value k = a.add(a.toReal(a.subI(a.shiftRight(bits, 52), a.integer(1023))), correction);
  Value f = a.sub(a.fromBits(a.addI(a.andI(bits, a.integer((int64_t(1) << 52) - 1)), a.integer(kRootHalf))), a.real(1.0));
  Value s = a.div(f, a.add(f, a.real(2.0))), z = a.mul(s, s);
  Value r = a.mul(z, a.polynomial(z, {1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
                                      2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01}));
  Value halfSquare = a.mul(a.mul(a.real(0.5), f), f);
  Value low = a.fma(s, a.add(halfSquare, r), a.mul(k, a.real(1.90821492927058770002e-10)));
  Value result = a.fma(k, a.real(6.93147180369123816490e-01), a.sub(f, a.sub(halfSquare, low)));
  result = a.select(P::OEQ, x, zero, a.real(-kInfinity), result);
  result = a.select(P::OLT, x, zero, a.real(std::numeric_limits<double>::quiet_NaN()), result);
  return a.select(P::OLT, x, a.real(kInfinity), result, x); // +inf and NaN
}

// e / (e + 2), e = exp(2 |x|) - 1; from 22 up it is 1.
static Value expandTanh(MathBuilder &a, Value x) {
  Value magnitude = a.abs(x), limited = a.select(P::OGT, magnitude, a.real(22.0), a.real(22.0), magnitude);
  Value e = expandExpM1(a, a.add(limited, limited));
  return a.copySign(a.div(e, a.add(e, a.real(2.0))), x);
}

// From tan(3 pi / 8) up pi / 2 - atan(1 / x), from 0.66 up pi / 4 + atan((x - 1) / (x + 1)).
static Value expandAtan(MathBuilder &a, Value x) {
  Value t = a.abs(x), large = a.real(2.41421356237309504880), medium = a.real(0.66), one = a.real(1.0), zero = a.real(0.0);
  auto piece = [&](Value forLarge, Value forMedium, Value forSmall) {
    return a.select(P::OGT, t, large, forLarge, a.select(P::OGT, t, medium, forMedium, forSmall));
  };
  Value numerator = piece(a.real(-1.0), a.sub(t, one), t), denominator = piece(t, a.add(t, one), one);
  Value r = a.div(numerator, denominator), z = a.mul(r, r);
  Value p = a.polynomial(
      z, {-8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1, -1.228866684490136173410e2, -6.485021904942025371773e1});
  Value q = a.polynomial(
      z, {1.0, 2.485846490142306297962e1, 1.650270098316988542046e2, 4.328810604912902668951e2, 4.853903996359136964868e2, 1.945506571482613964425e2});
  constexpr double kLowHalf = 6.123233995736765886130e-17; // what pi / 2 has beyond a double
  Value tail = a.add(a.mul(r, a.mul(z, a.div(p, q))), piece(a.real(kLowHalf), a.real(0.5 * kLowHalf), zero));
  Value result = a.add(piece(a.real(1.57079632679489661923), a.real(0.785398163397448309616), zero), a.add(r, tail));
  return a.copySign(result, x);
}

void lathe::passes::populateDoubleFunctions(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  auto f64 = Float64Type::get(context);
  patterns.add<ExpandFunction<math::ExpOp>>(context, f64, expandExp);
  patterns.add<ExpandFunction<math::ExpM1Op>>(context, f64, expandExpM1);
  patterns.add<ExpandFunction<math::LogOp>>(context, f64, expandLog);
  patterns.add<ExpandFunction<math::TanhOp>>(context, f64, expandTanh);
  patterns.add<ExpandFunction<math::AtanOp>>(context, f64, expandAtan);
}
