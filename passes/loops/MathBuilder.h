// Builds arithmetic on floats of one width and on the integers of the same width, scalars or vectors: what functions are expanded to.
#ifndef PASSES_LOOPS_MATHBUILDER_H
#define PASSES_LOOPS_MATHBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"

namespace lathe::passes {

class MathBuilder {
public:
  using Value = mlir::Value;
  using Type = mlir::Type;

  /// `type`: f32, f64 or a vector of them.
  MathBuilder(mlir::OpBuilder &b, mlir::Location loc, Type type) : b(b), loc(loc), floats(type) {
    auto vector = mlir::dyn_cast<mlir::VectorType>(type);
    element = vector ? vector.getElementType() : type;
    integerElement = b.getIntegerType(element.getIntOrFloatBitWidth());
    integers = shaped(integerElement);
  }
  /// The same for elements of another type.
  MathBuilder of(Type other) const { return {b, loc, shaped(other)}; }

  /// Vectors of this element type, or the type itself.
  Type shaped(Type other) const {
    auto vector = mlir::dyn_cast<mlir::VectorType>(floats);
    return vector ? Type(vector.clone(other)) : other;
  }
  mlir::OpBuilder &builder() { return b; }
  Type floatType() const { return floats; }
  Type integerType() const { return integers; }

  Value real(double v) { return constant(floats, b.getFloatAttr(element, v)); }
  Value integer(int64_t v) { return constant(integers, b.getIntegerAttr(integerElement, v)); }
  Value add(Value x, Value y) { return mlir::arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return mlir::arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return mlir::arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return mlir::math::FmaOp::create(b, loc, x, y, z); }
  Value abs(Value x) { return mlir::math::AbsFOp::create(b, loc, x); }
  Value copySign(Value x, Value sign) { return mlir::math::CopySignOp::create(b, loc, x, sign); }
  Value addI(Value x, Value y) { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value subI(Value x, Value y) { return mlir::arith::SubIOp::create(b, loc, x, y); }
  Value mulI(Value x, Value y) { return mlir::arith::MulIOp::create(b, loc, x, y); }
  Value andI(Value x, Value y) { return mlir::arith::AndIOp::create(b, loc, x, y); }
  Value orI(Value x, Value y) { return mlir::arith::OrIOp::create(b, loc, x, y); }
  Value shiftLeft(Value x, Value by) { return mlir::arith::ShLIOp::create(b, loc, x, by); }
  Value shiftLeft(Value x, int64_t by) { return shiftLeft(x, integer(by)); }
  /// Copies of the sign come in.
  Value shiftRight(Value x, int64_t by) { return mlir::arith::ShRSIOp::create(b, loc, x, integer(by)); }
  /// Zeros come in.
  Value shiftRightU(Value x, int64_t by) { return mlir::arith::ShRUIOp::create(b, loc, x, integer(by)); }
  Value bits(Value x) { return mlir::arith::BitcastOp::create(b, loc, integers, x); }
  Value fromBits(Value x) { return mlir::arith::BitcastOp::create(b, loc, floats, x); }
  Value toReal(Value x) { return mlir::arith::SIToFPOp::create(b, loc, floats, x); }
  Value select(Value condition, Value a, Value otherwise) { return mlir::arith::SelectOp::create(b, loc, condition, a, otherwise); }
  Value select(mlir::arith::CmpFPredicate predicate, Value x, Value y, Value a, Value otherwise) {
    return select(mlir::arith::CmpFOp::create(b, loc, predicate, x, y), a, otherwise);
  }
  Value select(mlir::arith::CmpIPredicate predicate, Value x, Value y, Value a, Value otherwise) {
    return select(mlir::arith::CmpIOp::create(b, loc, predicate, x, y), a, otherwise);
  }
  // Between widths; the result type is this builder's.
  Value extend(Value x) { return mlir::arith::ExtFOp::create(b, loc, floats, x); }
  Value truncate(Value x) { return mlir::arith::TruncFOp::create(b, loc, floats, x); }
  Value extendUI(Value x) { return mlir::arith::ExtUIOp::create(b, loc, integers, x); }
  Value truncateI(Value x) { return mlir::arith::TruncIOp::create(b, loc, integers, x); }

  /// Horner's scheme, the highest coefficient first.
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients) {
    Value sum = real(coefficients.front());
    for (double c : coefficients.drop_front())
      sum = fma(sum, x, real(c));
    return sum;
  }

private:
  Value constant(Type type, mlir::TypedAttr value) {
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(type))
      value = mlir::DenseElementsAttr::get(vector, mlir::Attribute(value));
    return mlir::arith::ConstantOp::create(b, loc, value);
  }

  mlir::OpBuilder &b;
  mlir::Location loc;
  Type floats, element, integers, integerElement;
};

/// Replaces an operation of one float operand, of one element type, by what `function` builds.
template <typename Op> struct ExpandFunction : mlir::OpRewritePattern<Op> {
  using Function = mlir::Value (*)(MathBuilder &, mlir::Value);
  ExpandFunction(mlir::MLIRContext *context, mlir::Type element, Function function)
      : mlir::OpRewritePattern<Op>(context), element(element), function(function) {}

  mlir::LogicalResult matchAndRewrite(Op op, mlir::PatternRewriter &rewriter) const override {
    if (mlir::getElementTypeOrSelf(op.getType()) != element || mlir::isa<mlir::TensorType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "neither of this element type nor a vector of it");
    MathBuilder builder(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(op, function(builder, op.getOperand()));
    return mlir::success();
  }

  mlir::Type element;
  Function function;
};

/// exp, expm1, log, tanh, atan of f64.
void populateDoubleFunctions(mlir::RewritePatternSet &patterns);
/// sin, cos, tan of f32.
void populateTrigonometry(mlir::RewritePatternSet &patterns);
/// Conversions of f16 that the target has no instruction for: from f64, and with `all` those from and to f32 and integers.
void populateHalfConversions(mlir::RewritePatternSet &patterns, bool all);

} // namespace lathe::passes

#endif // PASSES_LOOPS_MATHBUILDER_H
