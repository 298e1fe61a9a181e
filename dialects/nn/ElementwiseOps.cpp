// Elementwise operations: scalar forms, shape inference, folds. nn.batch_norm's verifier.
#include "dialects/nn/NNDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lathe::nn;

FailureOr<SmallVector<int64_t>> lathe::nn::broadcastShapes(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  if (a.size() < b.size())
    std::swap(a, b);
  SmallVector<int64_t> result(a);
  size_t lead = a.size() - b.size();
  for (auto [i, d] : llvm::enumerate(b)) {
    int64_t &r = result[lead + i];
    if (r == d || d == 1)
      continue;
    if (r != 1)
      return failure();
    r = d;
  }
  return result;
}

static LogicalResult inferBroadcast(std::optional<Location> loc, ValueRange operands, SmallVectorImpl<Type> &types) {
  auto a = dyn_cast<RankedTensorType>(operands[0].getType()), b = dyn_cast<RankedTensorType>(operands[1].getType());
  if (!a || !b || a.getElementType() != b.getElementType())
    return emitOptionalError(loc, "expects two tensors of one element type (got ", operands[0].getType(), " and ", operands[1].getType(), ")");
  FailureOr<SmallVector<int64_t>> shape = broadcastShapes(a.getShape(), b.getShape());
  if (failed(shape))
    return emitOptionalError(loc, "expects shapes that broadcast (got ", a, " and ", b, ")");
  types.push_back(RankedTensorType::get(*shape, a.getElementType()));
  return success();
}

/// The value if `v` is a weight that holds one value everywhere.
static std::optional<double> splatOf(Value v) {
  auto weight = v.getDefiningOp<WeightOp>();
  return weight ? weight.getWeight().getSplatValue() : std::nullopt;
}

/// `x op neutral` is x, provided that the broadcast does not change its shape.
static OpFoldResult foldNeutral(Value x, Value other, double neutral, Type result) {
  if (x.getType() == result && splatOf(other) == neutral)
    return x;
  return {};
}

#define LATHE_BINARY(OP, ARITH)                                                                                                                                \
  LogicalResult OP::inferReturnTypes(MLIRContext *, std::optional<Location> loc, ValueRange operands, DictionaryAttr, OpaqueProperties, RegionRange,           \
                                     SmallVectorImpl<Type> &types) {                                                                                           \
    return inferBroadcast(loc, operands, types);                                                                                                               \
  }                                                                                                                                                            \
  Value OP::emitScalar(OpBuilder &b, Location loc, ValueRange v) { return arith::ARITH::create(b, loc, v[0], v[1]); }
LATHE_BINARY(AddOp, AddFOp)
LATHE_BINARY(SubOp, SubFOp)
LATHE_BINARY(MulOp, MulFOp)
LATHE_BINARY(DivOp, DivFOp)
LATHE_BINARY(MinOp, MinimumFOp)
LATHE_BINARY(MaxOp, MaximumFOp)
#undef LATHE_BINARY

// x + 0 is left alone: it turns -0 into 0. x - 0, x * 1 and x / 1 are exact for every x.
OpFoldResult AddOp::fold(FoldAdaptor) {
  auto negativeZero = [](Value v) {
    auto s = splatOf(v);
    return s && *s == 0.0 && std::signbit(*s);
  };
  if (getLhs().getType() == getType() && negativeZero(getRhs()))
    return getLhs();
  if (getRhs().getType() == getType() && negativeZero(getLhs()))
    return getRhs();
  return {};
}
OpFoldResult SubOp::fold(FoldAdaptor) {
  auto s = splatOf(getRhs());
  return s && *s == 0.0 && !std::signbit(*s) && getLhs().getType() == getType() ? OpFoldResult(getLhs()) : OpFoldResult();
}
OpFoldResult MulOp::fold(FoldAdaptor) {
  if (OpFoldResult r = foldNeutral(getLhs(), getRhs(), 1.0, getType()))
    return r;
  return foldNeutral(getRhs(), getLhs(), 1.0, getType());
}
OpFoldResult DivOp::fold(FoldAdaptor) { return foldNeutral(getLhs(), getRhs(), 1.0, getType()); }

//===- nn.relu -----------------------------------------------------------------------------------------------------------------------------===//

LogicalResult ReluOp::inferReturnTypes(MLIRContext *, std::optional<Location>, ValueRange operands, DictionaryAttr, OpaqueProperties, RegionRange,
                                       SmallVectorImpl<Type> &types) {
  types.push_back(operands[0].getType());
  return success();
}

// select(0 > x, 0, x) keeps NaN and -0, as ONNX asks, and is one maxps on x86 (which returns its second operand in both cases).
Value ReluOp::emitScalar(OpBuilder &b, Location loc, ValueRange v) {
  Value zero = arith::ConstantOp::create(b, loc, b.getFloatAttr(v[0].getType(), 0.0));
  Value negative = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, zero, v[0]);
  return arith::SelectOp::create(b, loc, negative, zero, v[0]);
}

OpFoldResult ReluOp::fold(FoldAdaptor) { return getInput().getDefiningOp<ReluOp>() ? OpFoldResult(getInput()) : OpFoldResult(); }

//===- nn.prelu ----------------------------------------------------------------------------------------------------------------------------===//

LogicalResult PReluOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, ValueRange operands, DictionaryAttr, OpaqueProperties, RegionRange,
                                        SmallVectorImpl<Type> &types) {
  return inferBroadcast(loc, operands, types);
}

Value PReluOp::emitScalar(OpBuilder &b, Location loc, ValueRange v) {
  Value zero = arith::ConstantOp::create(b, loc, b.getFloatAttr(v[0].getType(), 0.0));
  Value negative = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, v[0], zero);
  return arith::SelectOp::create(b, loc, negative, arith::MulFOp::create(b, loc, v[0], v[1]), v[0]);
}

//===- nn.batch_norm -----------------------------------------------------------------------------------------------------------------------===//

LogicalResult BatchNormOp::verify() {
  auto in = cast<RankedTensorType>(getInput().getType());
  if (in != getType())
    return emitOpError("expects the input's type as result type (got ") << in << " and " << getType() << ")";
  if (in.getRank() < 2)
    return emitOpError("expects an input of rank 2 or more (got ") << in << ")";
  for (Value v : {getScale(), getBias(), getMean(), getVariance()}) {
    auto t = cast<RankedTensorType>(v.getType());
    if (t.getRank() != 1 || t.getDimSize(0) != in.getDimSize(1))
      return emitOpError("expects one value per channel, ") << in.getDimSize(1) << " (got " << t << ")";
  }
  return success();
}
