// nn.reduce: verifier, bufferisation.
#include "dialects/nn/Bufferize.h"
#include "dialects/nn/NNDialect.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace lathe::nn;

ShapedType ReduceOp::getOutputType() { return cast<ShapedType>(getResult() ? getResult().getType() : getInit().getType()); }

SmallVector<int64_t> ReduceOp::getExtents() {
  SmallVector<int64_t> extents(getResultMap().getNumDims(), 1);
  for (auto [i, input] : llvm::enumerate(getInputs()))
    for (auto [d, expr] : llvm::enumerate(getMap(i).getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        extents[dim.getPosition()] = cast<ShapedType>(input.getType()).getDimSize(d);
  return extents;
}

SmallVector<bool> ReduceOp::getReducedDims() {
  SmallVector<bool> reduced(getResultMap().getNumDims(), true);
  for (AffineExpr expr : getResultMap().getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      reduced[dim.getPosition()] = false;
  return reduced;
}

/// The element type that a region of scalar code yields; null after an error.
static Type verifyScalarCode(ReduceOp op, Region &region, ArrayRef<Type> arguments, StringRef name) {
  Block &block = region.front();
  if (TypeRange(block.getArgumentTypes()) != TypeRange(arguments))
    return op.emitOpError("expects arguments ") << arguments << " in '" << name << "' (got " << llvm::to_vector(block.getArgumentTypes()) << ")", Type();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getNumOperands() != 1)
    return op.emitOpError("expects '") << name << "' to end in nn.yield of one value", Type();
  for (Operation &inner : block.without_terminator())
    if (inner.getNumResults() != 1 || (!inner.hasTrait<OpTrait::ConstantLike>() && !OpTrait::hasElementwiseMappableTraits(&inner)))
      return inner.emitOpError("is in nn.reduce, which expects operations that are elementwise mappable, and constants"), Type();
  return yield.getOperand(0).getType();
}

LogicalResult ReduceOp::verify() {
  if (getInputs().empty() || getMaps().size() != getInputs().size() + 1)
    return emitOpError("expects inputs, a map for each of them and one for the result (got ") << getInputs().size() << " and " << getMaps().size() << ")";
  if (getNumResults() ? getInit() && getInit().getType() != getResult().getType() : !getInit())
    return emitOpError("expects a result, or a destination, of one type");
  SmallVector<ShapedType> types;
  for (Type t : getInputs().getTypes())
    types.push_back(cast<ShapedType>(t));
  types.push_back(getOutputType());
  unsigned dims = getResultMap().getNumDims();
  SmallVector<int64_t> extents(dims, 0);
  for (auto [i, type] : llvm::enumerate(types)) {
    AffineMap map = getMap(i);
    bool result = i + 1 == types.size();
    if (map.getNumDims() != dims || map.getNumSymbols() || map.getNumResults() != type.getRank())
      return emitOpError("expects maps of one space, with a result per dimension (got ") << AffineMapAttr::get(map) << " for " << type << ")";
    llvm::SmallBitVector seen(dims);
    for (auto [d, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      int64_t extent = type.getDimSize(d);
      if (!dim && expr != getAffineConstantExpr(0, getContext()))
        return emitOpError("expects maps to dimensions and 0 (got ") << AffineMapAttr::get(map) << ")";
      if (extent == 0 || (result && !dim && extent != 1) || (result && dim && seen.test(dim.getPosition())))
        return emitOpError("expects shapes with elements, and a result each of whose elements is one point of the space (got ")
               << AffineMapAttr::get(map) << " for " << type << ")";
      if (!dim)
        continue;
      seen.set(dim.getPosition());
      int64_t &known = extents[dim.getPosition()];
      if (known == 0 && result)
        return emitOpError("expects each dimension of the result in an input (got ") << AffineMapAttr::get(map) << ")";
      if (known != 0 && known != extent)
        return emitOpError("expects one extent per dimension (got ") << known << " and " << extent << " for d" << dim.getPosition() << ")";
      known = extent;
    }
  }
  SmallVector<bool> reduced = getReducedDims();
  for (unsigned d = 0; d < dims; ++d) {
    if (extents[d] == 0)
      return emitOpError("expects each dimension of the space in an input (d") << d << " is in none)";
    if (reduced[d] && ShapedType::isDynamic(extents[d]))
      return emitOpError("expects the batch not to be reduced");
  }
  SmallVector<Type> elements;
  for (Type t : getInputs().getTypes())
    elements.push_back(getElementTypeOrSelf(t));
  Type combined = verifyScalarCode(*this, getBody(), elements, "body");
  if (!combined)
    return failure();
  bool isUnsigned = getKind() == Combine::umax || getKind() == Combine::umin;
  if (!isa<IntegerType>(combined) && (isUnsigned || !isa<FloatType>(combined)))
    return emitOpError("expects 'body' to yield what '") << stringifyCombine(getKind()) << "' combines (got " << combined << ")";
  Type finished = verifyScalarCode(*this, getFinish(), combined, "finish");
  if (!finished)
    return failure();
  if (finished != getOutputType().getElementType())
    return emitOpError("expects 'finish' to yield the result's element type (got ") << finished << ")";
  return success();
}

bool ReduceOp::bufferizesToMemoryRead(OpOperand &operand, const AnalysisState &) { return operand.get() != getInit(); }
bool ReduceOp::bufferizesToMemoryWrite(OpOperand &operand, const AnalysisState &) { return operand.get() == getInit(); }

AliasingValueList ReduceOp::getAliasingValues(OpOperand &operand, const AnalysisState &) {
  if (operand.get() == getInit() && getNumResults())
    return {{getResult(), BufferRelation::Equivalent}};
  return {};
}

LogicalResult ReduceOp::bufferize(RewriterBase &rewriter, const BufferizationOptions &options, BufferizationState &state) {
  return bufferizeWithDestinations(*this, getInit() ? 1 : 0, rewriter, options, state);
}

/// On tensors pure; on memrefs what CSE, dead-store elimination and alias analyses need.
void ReduceOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &o : getOperation()->getOpOperands())
    if (isa<MemRefType>(o.get().getType()))
      effects.emplace_back(o.get() == getInit() ? static_cast<MemoryEffects::Effect *>(MemoryEffects::Write::get()) : MemoryEffects::Read::get(), &o);
}
