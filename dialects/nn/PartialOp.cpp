#include "dialects/nn/PartialOp.h"

using namespace mlir;
using namespace lathe::nn;

#define GET_OP_CLASSES
#include "dialects/nn/NNPartialOp.cpp.inc"

LogicalResult PartialOp::verify() {
  auto map = cast<MemRefType>(getInput().getType()), parts = cast<MemRefType>(getInit().getType());
  int64_t rank = map.getRank(), values = getMoments() ? 3 : 1;
  if (rank < 4 || parts.getRank() != 5 || parts.getDimSize(0) != map.getDimSize(0) || parts.getDimSize(1) != map.getDimSize(1) ||
      parts.getDimSize(2) != values || parts.getDimSize(4) != map.getDimSize(rank - 1))
    return emitOpError("expects a blocked map and parts of it, [N, C / V, ") << values << ", parts, V] (got " << map << " and " << parts << ")";
  Block &block = getBody().front();
  if (TypeRange(block.getArgumentTypes()) != TypeRange(map.getElementType()))
    return emitOpError("expects the map's element as the argument of 'body' (got ") << llvm::to_vector(block.getArgumentTypes()) << ")";
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getNumOperands() != 1 || yield.getOperand(0).getType() != parts.getElementType() || !isa<FloatType>(parts.getElementType()))
    return emitOpError("expects 'body' to yield a float, an element of the parts (got ") << parts.getElementType() << ")";
  for (Operation &inner : block.without_terminator())
    if (inner.getNumResults() != 1 || (!inner.hasTrait<OpTrait::ConstantLike>() && !OpTrait::hasElementwiseMappableTraits(&inner)))
      return inner.emitOpError("is in nn.partial, which expects operations that are elementwise mappable, and constants");
  if (getMoments() && getKind() != Combine::sum)
    return emitOpError("expects moments of a sum (got ") << stringifyCombine(getKind()) << ")";
  return success();
}

void PartialOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getInputMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable());
}
