#include "passes/memref_to_loops/Combine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace lathe::nn;

TypedAttr lathe::passes::identityOf(Combine kind, Type element) {
  if (auto type = dyn_cast<FloatType>(element)) {
    bool extremum = kind == Combine::max || kind == Combine::min;
    return FloatAttr::get(type, extremum ? APFloat::getInf(type.getFloatSemantics(), /*Negative=*/kind == Combine::max)
                                         : APFloat(type.getFloatSemantics(), kind == Combine::prod ? 1 : 0));
  }
  unsigned bits = element.getIntOrFloatBitWidth();
  auto of = [&](const APInt &v) { return IntegerAttr::get(element, v); };
  switch (kind) {
  case Combine::sum:
  case Combine::umax:
    return of(APInt::getZero(bits));
  case Combine::prod:
    return of(APInt(bits, 1));
  case Combine::max:
    return of(APInt::getSignedMinValue(bits));
  case Combine::min:
    return of(APInt::getSignedMaxValue(bits));
  case Combine::umin:
    return of(APInt::getAllOnes(bits));
  }
  llvm_unreachable("all kinds are handled");
}

Value lathe::passes::combine(ImplicitLocOpBuilder &b, Combine kind, Value x, Value y) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(x.getType()));
  switch (kind) {
  case Combine::sum:
    return isFloat ? arith::AddFOp::create(b, x, y).getResult() : arith::AddIOp::create(b, x, y).getResult();
  case Combine::prod:
    return isFloat ? arith::MulFOp::create(b, x, y).getResult() : arith::MulIOp::create(b, x, y).getResult();
  case Combine::max:
    return isFloat ? arith::MaximumFOp::create(b, x, y).getResult() : arith::MaxSIOp::create(b, x, y).getResult();
  case Combine::min:
    return isFloat ? arith::MinimumFOp::create(b, x, y).getResult() : arith::MinSIOp::create(b, x, y).getResult();
  case Combine::umax:
    return arith::MaxUIOp::create(b, x, y);
  case Combine::umin:
    return arith::MinUIOp::create(b, x, y);
  }
  llvm_unreachable("all kinds are handled");
}
