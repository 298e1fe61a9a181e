// sin, cos and tan of f32 for lathe-expand-math, computed in f64: at most 1 ulp for every float.
//
// |x| = (4 m + q) * pi / 2 + r. Below 2^24 by Cody and Waite's method, above by that of Payne and Hanek with 96 bits of 2 / pi. The polynomials are those of
// FreeBSD's k_sin.c and k_cos.c (Sun Microsystems).
#include "passes/loops/MathBuilder.h"

using namespace mlir;
using namespace lathe::passes;

using P = arith::CmpFPredicate;

namespace {

struct Reduced {
  Value quadrant; // i64; its two low bits count
  Value r;        // f64, |r| <= pi / 4
};

} // namespace

// Below 2^24: the multiple of pi / 2 has 24 bits, and the first two of its parts 29 each, so that their products are exact.
static Reduced reduceSmall(MathBuilder &d, Value x) {
  constexpr double kRound = 6755399441055744.0; // 1.5 * 2^52
  Value shifted = d.add(d.mul(x, d.real(0.63661977236758134308)), d.real(kRound)), n = d.sub(shifted, d.real(kRound));
  Value r = d.sub(x, d.mul(n, d.real(0x1.921fb54p+0)));
  r = d.sub(r, d.mul(n, d.real(0x1.10b4610p-30)));
  return {d.bits(shifted), d.sub(r, d.mul(n, d.real(0x1.a62633145c06ep-58)))};
}

// x = m * 2^p of 24 bits m, p >= 1. Bits of 2 / pi before the window make multiples of 4, those behind it are below 2^-70.
static Reduced reduceLarge(MathBuilder &d, Value bits) {
  // The first word is before the point.
  static constexpr uint32_t kTwoOverPi[] = {0x00000000, 0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB};
  Value wide = d.extendUI(bits);
  Value m = d.orI(d.andI(wide, d.integer(0x007fffff)), d.integer(0x00800000));
  Value position = d.addI(d.shiftRightU(wide, 23), d.integer(30 - 150)); // of the window's first bit; exponents below 2^24 give what nobody uses
  Value word = d.shiftRight(position, 5), shift = d.andI(position, d.integer(31));
  auto window = [&](size_t offset) { // 32 bits, `offset` words behind the first
    auto pair = [&](size_t k) { return d.integer(static_cast<int64_t>(uint64_t(kTwoOverPi[k]) << 32 | kTwoOverPi[k + 1])); };
    Value result = pair(offset);
    for (size_t k = 1; k <= 4; ++k)
      result = d.select(arith::CmpIPredicate::eq, word, d.integer(k), pair(offset + k), result);
    return d.shiftRightU(d.shiftLeft(result, shift), 32);
  };
  // The product modulo 4, with 62 bits behind the point.
  Value product = d.addI(d.addI(d.shiftLeft(d.mulI(m, window(0)), 32), d.mulI(m, window(1))), d.shiftRightU(d.mulI(m, window(2)), 32));
  Value quadrant = d.shiftRightU(d.addI(product, d.integer(int64_t(1) << 61)), 62);
  Value fraction = d.toReal(d.subI(product, d.shiftLeft(quadrant, 62)));
  return {quadrant, d.mul(fraction, d.real(0x1.921fb54442d18p-62))};
}

namespace {

struct SinCos {
  Value sin, cos; // of r
  Value quadrant;
  Value magnitude; // f32
};

} // namespace

static SinCos evaluate(MathBuilder &a, MathBuilder &d, Value x) {
  Value magnitude = a.abs(x), limit = a.real(0x1p24);
  Reduced small = reduceSmall(d, d.extend(magnitude)), large = reduceLarge(d, a.bits(magnitude));
  Value quadrant = a.select(P::OLT, magnitude, limit, small.quadrant, large.quadrant), r = a.select(P::OLT, magnitude, limit, small.r, large.r);
  Value z = d.mul(r, r);
  Value s = d.polynomial(z, {1.58969099521155010221e-10, -2.50507602534068634195e-08, 2.75573137070700676789e-06, -1.98412698298579493134e-04,
                             8.33333333332248946124e-03, -1.66666666666666324348e-01});
  Value c = d.polynomial(z, {-1.13596475577881948265e-11, 2.08757232129817482790e-09, -2.75573143513906633035e-07, 2.48015872894767294178e-05,
                             -1.38888888888741095749e-03, 4.16666666666666019037e-02, -0.5});
  return {d.fma(d.mul(z, r), s, r), d.fma(z, c, d.real(1.0)), quadrant, magnitude};
}

/// One value where bit `bit` of the quadrant is 1, else the other.
static Value byBit(MathBuilder &d, Value quadrant, int64_t bit, Value ifSet, Value otherwise) {
  return d.select(arith::CmpIPredicate::ne, d.andI(quadrant, d.integer(bit)), d.integer(0), ifSet, otherwise);
}

/// Rounded; infinities and NaN give NaN.
static Value finish(MathBuilder &a, const SinCos &v, Value result) {
  Value nan = a.real(std::numeric_limits<float>::quiet_NaN());
  return a.select(P::OLT, v.magnitude, a.real(std::numeric_limits<float>::infinity()), a.truncate(result), nan);
}

static Value expandSin(MathBuilder &a, Value x) {
  MathBuilder d = a.of(a.builder().getF64Type());
  SinCos v = evaluate(a, d, x);
  Value sin = byBit(d, v.quadrant, 1, v.cos, v.sin), sign = d.copySign(d.real(1.0), d.extend(x));
  return finish(a, v, d.mul(sign, byBit(d, v.quadrant, 2, d.sub(d.real(-0.0), sin), sin)));
}

static Value expandCos(MathBuilder &a, Value x) {
  MathBuilder d = a.of(a.builder().getF64Type());
  SinCos v = evaluate(a, d, x);
  Value cos = byBit(d, v.quadrant, 1, v.sin, v.cos), next = d.addI(v.quadrant, d.integer(1)); // minus in quadrants 1 and 2
  return finish(a, v, byBit(d, next, 2, d.sub(d.real(-0.0), cos), cos));
}

static Value expandTan(MathBuilder &a, Value x) {
  MathBuilder d = a.of(a.builder().getF64Type());
  SinCos v = evaluate(a, d, x);
  Value minusCos = d.sub(d.real(-0.0), v.cos), sign = d.copySign(d.real(1.0), d.extend(x));
  Value tan = d.div(byBit(d, v.quadrant, 1, minusCos, v.sin), byBit(d, v.quadrant, 1, v.sin, v.cos));
  return finish(a, v, d.mul(sign, tan));
}

void lathe::passes::populateTrigonometry(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  auto f32 = Float32Type::get(context);
  patterns.add<ExpandFunction<math::SinOp>>(context, f32, expandSin);
  patterns.add<ExpandFunction<math::CosOp>>(context, f32, expandCos);
  patterns.add<ExpandFunction<math::TanOp>>(context, f32, expandTan);
}
