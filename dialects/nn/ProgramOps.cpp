// nn.map and nn.foreach: verifiers, scalar form, bufferisation.
#include "dialects/nn/Bufferize.h"
#include "dialects/nn/NNDialect.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace lathe::nn;

static MemRefType identityMemRef(ShapedType type) { return MemRefType::get(type.getShape(), type.getElementType()); }

//===- nn.map ------------------------------------------------------------------------------------------------------------------------------===//

LogicalResult MapOp::verify() {
  auto result = cast<RankedTensorType>(getType());
  Block &body = getBody().front();
  if (body.getNumArguments() != getInputs().size())
    return emitOpError("expects one body argument per operand, ") << getInputs().size() << " (got " << body.getNumArguments() << ")";
  SmallVector<int64_t> shape(result.getShape());
  for (auto [input, argument] : llvm::zip(getInputs(), body.getArguments())) {
    auto type = cast<RankedTensorType>(input.getType());
    if (argument.getType() != type.getElementType())
      return emitOpError("expects body arguments of the operands' element types (got ") << argument.getType() << " for " << type << ")";
    FailureOr<SmallVector<int64_t>> both = broadcastShapes(type.getShape(), result.getShape());
    if (failed(both) || *both != shape)
      return emitOpError("expects operands that broadcast to the result (got ") << type << " and " << result << ")";
  }
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 1 || yield.getOperand(0).getType() != result.getElementType())
    return emitOpError("expects a body that ends in nn.yield of one ") << result.getElementType();
  for (Operation &op : body.without_terminator())
    if (op.getNumResults() != 1 || (!op.hasTrait<OpTrait::ConstantLike>() && !OpTrait::hasElementwiseMappableTraits(&op)))
      return op.emitOpError("is in the body of nn.map, which expects operations that are elementwise mappable, and constants");
  return success();
}

Value MapOp::emitScalar(OpBuilder &b, Location loc, ValueRange operands) {
  IRMapping map;
  map.map(getBody().front().getArguments(), operands);
  for (Operation &op : getBody().front().without_terminator())
    b.clone(op, map)->setLoc(loc);
  return map.lookupOrDefault(getBody().front().getTerminator()->getOperand(0));
}

//===- nn.foreach --------------------------------------------------------------------------------------------------------------------------===//

ParseResult lathe::nn::parseExtents(OpAsmParser &parser, DenseI64ArrayAttr &extents) {
  SmallVector<int64_t> values;
  auto one = [&]() -> ParseResult {
    if (succeeded(parser.parseOptionalQuestion()))
      return values.push_back(ShapedType::kDynamic), success();
    return parser.parseInteger(values.emplace_back());
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, one))
    return failure();
  extents = parser.getBuilder().getDenseI64ArrayAttr(values);
  return success();
}

void lathe::nn::printExtents(OpAsmPrinter &printer, Operation *, DenseI64ArrayAttr extents) {
  printer << "[";
  llvm::interleaveComma(extents.asArrayRef(), printer.getStream(), [&](int64_t d) { ShapedType::isDynamic(d) ? printer << "?" : printer << d; });
  printer << "]";
}

SmallVector<ShapedType> ForeachOp::getOutputTypes() {
  SmallVector<ShapedType> types;
  for (Type t : getNumResults() ? TypeRange(getResultTypes()) : TypeRange(getInits()))
    types.push_back(cast<ShapedType>(t));
  return types;
}

LogicalResult ForeachOp::verify() {
  for (auto [i, extent] : llvm::enumerate(getSpace()))
    if (extent < 0 && !(i == 0 && ShapedType::isDynamic(extent)))
      return emitOpError("expects extents of at least 0, and no dynamic one but the leading (got ") << extent << " in dimension " << i << ")";
  SmallVector<ShapedType> outputs = getOutputTypes();
  if (outputs.empty())
    return emitOpError("expects an output");
  if (getNumResults() && !getInits().empty() && getInits().getTypes() != getResultTypes())
    return emitOpError("expects destinations of the results' types");
  SmallVector<Type> expected(getSpace().size(), IndexType::get(getContext()));
  for (Type t : getInputs().getTypes())
    expected.push_back(identityMemRef(cast<ShapedType>(t)));
  for (ShapedType t : outputs)
    expected.push_back(identityMemRef(t));
  if (TypeRange(getBody().front().getArgumentTypes()) != TypeRange(expected))
    return emitOpError("expects body arguments ") << expected << " (got " << llvm::to_vector(getBody().front().getArgumentTypes()) << ")";
  auto hasBatch = [](ShapedType t) { return t.getRank() && t.isDynamicDim(0); };
  if (getSpace().size() && ShapedType::isDynamic(getSpace().front()) && llvm::none_of(outputs, hasBatch))
    return emitOpError("expects an output with the batch if its space has it");
  auto yield = dyn_cast<YieldOp>(getBody().front().getTerminator());
  if (!yield || yield.getNumOperands())
    return emitOpError("expects a body that ends in nn.yield without values");
  return success();
}

static bool isInit(ForeachOp op, OpOperand &operand) { return operand.getOperandNumber() >= op.getInputs().size(); }

bool ForeachOp::bufferizesToMemoryRead(OpOperand &operand, const AnalysisState &) { return !isInit(*this, operand); }
bool ForeachOp::bufferizesToMemoryWrite(OpOperand &operand, const AnalysisState &) { return isInit(*this, operand); }

AliasingValueList ForeachOp::getAliasingValues(OpOperand &operand, const AnalysisState &) {
  if (isInit(*this, operand) && getNumResults())
    return {{getResult(operand.getOperandNumber() - getInputs().size()), BufferRelation::Equivalent}};
  return {};
}

LogicalResult ForeachOp::bufferize(RewriterBase &rewriter, const BufferizationOptions &options, BufferizationState &state) {
  return bufferizeWithDestinations(*this, getInits().size(), rewriter, options, state);
}

/// On tensors pure; on memrefs what CSE, dead-store elimination and alias analyses need. Destinations may be read back.
void ForeachOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &o : getOperation()->getOpOperands()) {
    if (!isa<MemRefType>(o.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &o);
    if (isInit(*this, o))
      effects.emplace_back(MemoryEffects::Write::get(), &o);
  }
}
