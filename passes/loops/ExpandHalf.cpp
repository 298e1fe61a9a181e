// Conversions from and to f16 for lathe-expand-math, where the target has no instruction: bit arithmetic, exact or rounded to nearest, halves to even.
#include "passes/loops/MathBuilder.h"

using namespace mlir;
using namespace lathe::passes;

using I = arith::CmpIPredicate;

// Exponent and fraction are shifted into place, and the bias is made up for by a multiplication, which normalises denormals too.
static Value halfToSingle(MathBuilder &f, Value x) {
  Type i16 = f.shaped(f.builder().getI16Type());
  Value wide = f.extendUI(arith::BitcastOp::create(f.builder(), x.getLoc(), i16, x));
  Value rest = f.shiftLeft(f.andI(wide, f.integer(0x7fff)), 13);
  Value number = f.bits(f.mul(f.fromBits(rest), f.real(0x1p112)));
  Value special = f.orI(rest, f.integer(0x7f800000));
  Value magnitude = f.select(I::sge, rest, f.integer(0x7c00 << 13), special, number);
  return f.fromBits(f.orI(magnitude, f.shiftLeft(f.andI(wide, f.integer(0x8000)), 16)));
}

static Value singleToHalf(MathBuilder &f, Value x) {
  OpBuilder &b = f.builder();
  Value bits = f.bits(x), magnitude = f.andI(bits, f.integer(0x7fffffff));
  // The sum with 1/2 rounds to the denormals' unit, 2^-24.
  Value denormal = f.subI(f.bits(f.add(f.fromBits(magnitude), f.real(0.5))), f.integer(0x3f000000));
  Value isOdd = f.andI(f.shiftRight(magnitude, 13), f.integer(1));
  Value normal = f.shiftRight(f.addI(f.addI(magnitude, f.integer(0xfff - (112 << 23))), isOdd), 13); // carries into the exponent, up to infinity
  Value special = f.select(I::sgt, magnitude, f.integer(0x7f800000), f.integer(0x7e00), f.integer(0x7c00));
  Value half = f.select(I::slt, magnitude, f.integer(0x38800000), denormal, f.select(I::sge, magnitude, f.integer(0x47800000), special, normal));
  half = f.orI(half, f.andI(f.shiftRightU(bits, 16), f.integer(0x8000)));
  Value narrow = arith::TruncIOp::create(b, x.getLoc(), f.shaped(b.getI16Type()), half);
  return arith::BitcastOp::create(b, x.getLoc(), f.shaped(b.getF16Type()), narrow);
}

/// f64 to f32, rounded to the odd neighbour: a second rounding to fewer bits then gives what a single one would.
static Value doubleToOddSingle(MathBuilder &f, Value x) {
  MathBuilder d = f.of(f.builder().getF64Type());
  Value nearest = f.truncate(x), back = d.extend(nearest);
  Value bits = f.bits(nearest);
  // Towards zero first: the neighbour of smaller magnitude has bits that are 1 less.
  Value one = f.integer(1), zero = f.integer(0);
  Value towardsZero = f.subI(bits, f.select(arith::CmpFPredicate::OGT, d.abs(back), d.abs(x), one, zero));
  Value odd = f.orI(towardsZero, f.select(arith::CmpFPredicate::ONE, back, x, one, zero));
  return f.fromBits(odd);
}

namespace {

/// arith.extf and arith.truncf between the given element types.
template <typename Op> struct ExpandConversion : OpRewritePattern<Op> {
  using Function = Value (*)(MathBuilder &, Value);
  ExpandConversion(MLIRContext *context, Type from, Type to, Function function) : OpRewritePattern<Op>(context), from(from), to(to), function(function) {}

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (getElementTypeOrSelf(op.getIn().getType()) != from || getElementTypeOrSelf(type) != to || isa<TensorType>(type))
      return rewriter.notifyMatchFailure(op, "not between these element types");
    // Built around f32, which is on one side or between.
    auto vector = dyn_cast<VectorType>(type);
    Type single = vector ? Type(vector.clone(rewriter.getF32Type())) : Type(rewriter.getF32Type());
    MathBuilder builder(rewriter, op.getLoc(), single);
    rewriter.replaceOp(op, function(builder, op.getIn()));
    return success();
  }

  Type from, to;
  Function function;
};

/// Integers to f16 by way of f32: those that f32 does not hold exactly are beyond the range of f16. From f16, f32 is exact.
template <typename Op> struct ThroughSingle : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType(), to = op.getType();
    bool toHalf = getElementTypeOrSelf(to).isF16(), fromHalf = getElementTypeOrSelf(from).isF16();
    if ((!toHalf && !fromHalf) || isa<TensorType>(to))
      return rewriter.notifyMatchFailure(op, "neither from nor to f16");
    auto vector = dyn_cast<VectorType>(to);
    MathBuilder single(rewriter, op.getLoc(), vector ? Type(vector.clone(rewriter.getF32Type())) : Type(rewriter.getF32Type()));
    if (toHalf)
      rewriter.replaceOp(op, singleToHalf(single, Op::create(rewriter, op.getLoc(), single.floatType(), op.getIn())));
    else
      rewriter.replaceOpWithNewOp<Op>(op, to, halfToSingle(single, op.getIn()));
    return success();
  }
};

} // namespace

void lathe::passes::populateHalfConversions(RewritePatternSet &patterns, bool all) {
  MLIRContext *context = patterns.getContext();
  Type f16 = Float16Type::get(context), f32 = Float32Type::get(context), f64 = Float64Type::get(context);
  if (!all) {
    patterns.add<ExpandConversion<arith::TruncFOp>>(context, f64, f16, [](MathBuilder &f, Value x) -> Value {
      return arith::TruncFOp::create(f.builder(), x.getLoc(), f.shaped(f.builder().getF16Type()), doubleToOddSingle(f, x));
    });
    return;
  }
  patterns.add<ExpandConversion<arith::TruncFOp>>(context, f64, f16, [](MathBuilder &f, Value x) { return singleToHalf(f, doubleToOddSingle(f, x)); });
  patterns.add<ExpandConversion<arith::ExtFOp>>(context, f16, f64,
                                                [](MathBuilder &f, Value x) { return f.of(f.builder().getF64Type()).extend(halfToSingle(f, x)); });
  patterns.add<ExpandConversion<arith::TruncFOp>>(context, f32, f16, singleToHalf);
  patterns.add<ExpandConversion<arith::ExtFOp>>(context, f16, f32, halfToSingle);
  patterns.add<ThroughSingle<arith::SIToFPOp>, ThroughSingle<arith::UIToFPOp>, ThroughSingle<arith::FPToSIOp>, ThroughSingle<arith::FPToUIOp>>(context);
}
