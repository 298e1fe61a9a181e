// nn.microkernel, nn.plan, nn.launch: verifiers and effects.
#include "dialects/nn/NNDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace lathe::nn;

LogicalResult StoredAsOp::verify() {
  auto from = cast<MemRefType>(getSource().getType()), to = cast<MemRefType>(getType());
  if (!to.getElementType().isF32() || !(from.getElementType().isF16() || from.getElementType().isBF16()))
    return emitOpError("expects a buffer of f16 or bf16 seen as f32 (got ") << from << " as " << to << ")";
  if (from.getShape() != to.getShape() || from.getStridesAndOffset() != to.getStridesAndOffset() || from.getMemorySpace() != to.getMemorySpace())
    return emitOpError("expects the same shape, strides and offset (got ") << from << " as " << to << ")";
  return success();
}

Value StoredAsOp::getViewSource() { return getSource(); }

LogicalResult MicroKernelOp::verify() {
  size_t spatial = getWindow().size();
  if (spatial < 1 || getStrides().size() != spatial || getDilations().size() != spatial || getPads().size() != 2 * spatial)
    return emitOpError("expects as many strides and dilations as window extents, and twice as many pads (got ")
           << getStrides().size() << ", " << getDilations().size() << ", " << spatial << " and " << getPads().size() << ")";
  if (getRows().size() != spatial - 1 || getFirst().size() != spatial - 1 || getBegin().size() != spatial - 1 || getEnd().size() != spatial - 1)
    return emitOpError("expects one row index and one window range per spatial dimension but the last, ")
           << spatial - 1 << " (got " << getRows().size() << " rows and " << getFirst().size() << ", " << getBegin().size() << ", " << getEnd().size()
           << " bounds)";
  if (getWidth() < 1)
    return emitOpError("expects a width of at least 1 (got ") << getWidth() << ")";
  if (auto ring = getRing(); ring && (spatial < 2 || ring->size() != 2 || (*ring)[0] < 0 || (*ring)[1] < 0))
    return emitOpError("expects ring to be the rows of the input and of the output that are in memory, of two or more spatial dimensions (got ")
           << getRingAttr() << ")";
  bool needsWeights = getReduction() == Reduction::dense || getReduction() == Reduction::depthwise;
  if (needsWeights != static_cast<bool>(getWeights()))
    return emitOpError("expects weights for a multiply-add reduction and none for a pool (got ")
           << stringifyReduction(getReduction()) << (getWeights() ? " with weights)" : " without weights)");
  if (getEpilogue().front().getNumArguments() != getExtras().size() + 1)
    return emitOpError("expects an epilogue of ") << getExtras().size() + 1 << " arguments (got " << getEpilogue().front().getNumArguments() << ")";
  return success();
}

void MicroKernelOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  // By position, not by value: a dying residual may share its buffer with the destination, and is read all the same.
  unsigned init = getInitMutable().getOperandNumber();
  for (OpOperand &o : (*this)->getOpOperands())
    if (isa<MemRefType>(o.get().getType()))
      effects.emplace_back(o.getOperandNumber() == init ? static_cast<MemoryEffects::Effect *>(MemoryEffects::Write::get()) : MemoryEffects::Read::get(), &o);
}

//===- nn.scratch ---------------------------------------------------------------------------------------------------------------------------===//

LogicalResult ScratchOp::verify() {
  auto type = cast<MemRefType>(getType());
  if (!type.hasStaticShape() || !type.getLayout().isIdentity())
    return emitOpError("expects a static buffer of identity layout (got ") << type << ")";
  if (static_cast<int64_t>(getOffset()) < 0 || getOffset() % 64)
    return emitOpError("expects an offset that is a multiple of 64 (got ") << getOffset() << ")";
  return success();
}

//===- nn.call: the destinations are the last operands of every kernel ------------------------------------------------------------------------===//

LogicalResult CallOp::verify() {
  if (getFlops().size() != 2 || getBytes().size() != 2)
    return emitOpError("expects flops and bytes to be [c0, c1] (got ") << getFlopsAttr() << " and " << getBytesAttr() << ")";
  if (getDestinations() < 1 || getDestinations() > static_cast<int64_t>(getNumOperands()))
    return emitOpError("expects 1 to ") << getNumOperands() << " destinations (got " << getDestinations() << ")";
  return success();
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("expects a kernel function (got ") << getKernelAttr() << ")";
  // Between the phases a kernel may already have the C ABI; then its signature says nothing of buffers.
  if (!llvm::all_of(kernel.getArgumentTypes(), llvm::IsaPred<MemRefType>))
    return success();
  if (kernel.getNumArguments() != getNumOperands())
    return emitOpError("expects ") << kernel.getNumArguments() << " operands (got " << getNumOperands() << ")";
  for (auto [i, want, have] : llvm::enumerate(kernel.getArgumentTypes(), getOperandTypes())) {
    auto w = cast<MemRefType>(want), h = cast<MemRefType>(have);
    if (w.getShape() != h.getShape() || w.getElementType() != h.getElementType() || w.getStridesAndOffset().first != h.getStridesAndOffset().first)
      return emitOpError("expects operand ") << i << " to be of the kernel's type " << w << " up to the offset (got " << h << ")";
  }
  return success();
}

void CallOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  int64_t inputs = getNumOperands() - getDestinations();
  for (OpOperand &o : (*this)->getOpOperands())
    effects.emplace_back(o.getOperandNumber() >= inputs ? static_cast<MemoryEffects::Effect *>(MemoryEffects::Write::get()) : MemoryEffects::Read::get(), &o);
}

//===- nn.plan, nn.launch ----------------------------------------------------------------------------------------------------------------------===//

LogicalResult PlanOp::verify() {
  for (auto [what, list] : {std::pair("input", getInputs()), std::pair("output", getOutputs())})
    for (Attribute a : list) {
      auto dict = dyn_cast<DictionaryAttr>(a);
      auto type = dict ? dict.getAs<TypeAttr>("type") : TypeAttr();
      if (!dict || !dict.getAs<StringAttr>("name") || !type || !isa<RankedTensorType>(type.getValue()))
        return emitOpError("expects each ") << what << " to be {name = string, type = tensor type} (got " << a << ")";
    }
  for (Attribute a : getWeights())
    if (!isa<WeightAttr>(a))
      return emitOpError("expects weights to be #nn.weight attributes (got ") << a << ")";
  if (getArena().size() != 2 || getArena()[0] < 0 || getArena()[1] < 0)
    return emitOpError("expects arena to be [c0, c1], both at least 0 (got ") << getArenaAttr() << ")";
  for (Operation &op : getBody().front())
    if (!isa<LaunchOp>(op))
      return emitOpError("expects nn.launch only (got '") << op.getName() << "')";
  return success();
}

LogicalResult LaunchOp::verify() {
  auto plan = cast<PlanOp>((*this)->getParentOp());
  if (getSpace().size() != 2 || getFlops().size() != 2 || getBytes().size() != 2)
    return emitOpError("expects space, flops and bytes to be [c0, c1] (got ") << getSpaceAttr() << ", " << getFlopsAttr() << " and " << getBytesAttr() << ")";
  for (Attribute a : getArgs()) {
    auto arg = cast<ArgAttr>(a);
    int64_t count = arg.getKind() == ArgKind::input     ? plan.getInputs().size()
                    : arg.getKind() == ArgKind::output  ? plan.getOutputs().size()
                    : arg.getKind() == ArgKind::weights ? plan.getWeights().size()
                                                        : 1;
    if (arg.getIndex() < 0 || arg.getIndex() >= count)
      return emitOpError("expects the index of ") << stringifyArgKind(arg.getKind()) << " to be in [0, " << count << ") (got " << arg.getIndex() << ")";
    if (arg.getC0() < 0 || arg.getC1() < 0)
      return emitOpError("expects offsets of at least 0 (got ") << arg << ")";
  }
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *kernel = symbols.lookupNearestSymbolFrom(*this, getKernelAttr());
  if (!isa_and_nonnull<FunctionOpInterface>(kernel))
    return emitOpError("expects a kernel function (got ") << getKernelAttr() << ")";
  return success();
}
