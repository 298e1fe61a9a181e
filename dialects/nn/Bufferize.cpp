// BufferizableOpInterface on the operations themselves: no external model, no registration step. The interface of windowed operations is written once
// and shared. Upstream's DstBufferizableOpInterfaceExternalModel is not used because it says that destinations are read, so that a conflict would copy
// dead content.
#include "dialects/nn/Bufferize.h"
#include "dialects/nn/NNDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace lathe::nn;

//===- nn.weight: read-only --------------------------------------------------------------------------------------------------------------------===//

static MemRefType identityMemRef(Type type) {
  auto shaped = cast<ShapedType>(type);
  return MemRefType::get(shaped.getShape(), shaped.getElementType());
}

bool WeightOp::isWritable(Value, const AnalysisState &) { return false; }

// The default is a fully dynamic layout, which would spread to every user's operand type.
FailureOr<BufferLikeType> WeightOp::getBufferType(Value v, const BufferizationOptions &, const BufferizationState &, SmallVector<Value> &) {
  return cast<BufferLikeType>(identityMemRef(v.getType()));
}

LogicalResult WeightOp::bufferize(RewriterBase &rewriter, const BufferizationOptions &, BufferizationState &) {
  replaceOpWithNewBufferizedOp<WeightOp>(rewriter, *this, identityMemRef(getType()), getWeightAttr());
  return success();
}

// Pure in both forms, so that CSE merges equal weights.
void WeightOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &) {}

//===- Windowed operations ---------------------------------------------------------------------------------------------------------------------===//

static bool isInit(WindowedOpInterface op, OpOperand &operand) {
  Value init = op.getInitOrNull();
  return init && operand.getOperandNumber() == op->getNumOperands() - 1; // the destination is the last operand
}

static AliasingValueList aliasingValues(WindowedOpInterface op, OpOperand &operand) {
  if (isInit(op, operand))
    return {{op->getResult(0), BufferRelation::Equivalent}};
  return {};
}

/// One-shot asks: may these operands share a buffer because element i is read before element i is written? True for the destination and elementwise
/// extras only.
static bool elementwiseAccess(WindowedOpInterface op, ArrayRef<OpOperand *> operands) {
  return llvm::all_of(operands, [&](OpOperand *o) {
    if (isInit(op, *o))
      return true;
    if (o->get() == op.getInput() || o->get() == op.getWeightsOrNull())
      return false;
    return cast<ShapedType>(o->get().getType()).getShape() == op.getOutputType().getShape();
  });
}

/// The slice that `v` lives in, looking through destinations: the result of a windowed op lives where its destination does.
static tensor::ExtractSliceOp sliceOf(Value v) {
  while (Operation *def = v.getDefiningOp()) {
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(def))
      return slice;
    auto windowed = dyn_cast<WindowedOpInterface>(def);
    if (!windowed || !windowed.getInitOrNull())
      break;
    v = windowed.getInitOrNull();
  }
  return {};
}

/// Whether two slices of one tensor have no element in common because their static ranges in some dimension have none. Upstream's
/// operatesOnDisjointSubset solves systems of inequalities for the same answer, which was half of the compile time of DenseNet.
static bool areDisjoint(tensor::ExtractSliceOp a, tensor::ExtractSliceOp b) {
  ArrayRef<int64_t> beginA = a.getStaticOffsets(), beginB = b.getStaticOffsets();
  auto end = [](tensor::ExtractSliceOp slice, size_t d) {
    int64_t begin = slice.getStaticOffsets()[d], size = slice.getStaticSizes()[d], step = slice.getStaticStrides()[d];
    return ShapedType::isDynamic(begin) || ShapedType::isDynamic(size) || ShapedType::isDynamic(step) || size < 1 || step < 1 ? ShapedType::kDynamic
                                                                                                                              : begin + (size - 1) * step + 1;
  };
  for (size_t d = 0; d < std::min(beginA.size(), beginB.size()); ++d) {
    int64_t endA = end(a, d), endB = end(b, d);
    if (!ShapedType::isDynamic(endA) && !ShapedType::isDynamic(endB) && (endA <= beginB[d] || endB <= beginA[d]))
      return true;
  }
  return false;
}

static Value concatRoot(Value v) {
  while (auto insert = v.getDefiningOp<tensor::InsertSliceOp>())
    v = insert.getDest();
  return v;
}

/// DenseNet: reads one slice of a concat buffer while it writes another. One-shot proves disjointness only between subset operations themselves. If one
/// value is reached from the other through insert_slice destinations, then either those bufferise in place (one buffer, disjoint slices) or not (two
/// buffers): no conflict either way. areEquivalentBufferizedValues would be too early, since the decisions are still open.
static bool notConflicting(OpOperand *read, OpOperand *write) {
  tensor::ExtractSliceOp r = sliceOf(read->get()), w = sliceOf(write->get());
  return r && w && areDisjoint(r, w) && concatRoot(r.getSource()) == concatRoot(w.getSource());
}

LogicalResult lathe::nn::bufferizeWithDestinations(Operation *op, unsigned destinations, RewriterBase &rewriter, const BufferizationOptions &options,
                                                   BufferizationState &state) {
  if (destinations == 0 || destinations != op->getNumResults())
    return op->emitOpError("expects a destination before bufferisation");
  SmallVector<Value> buffers;
  for (Value v : op->getOperands()) {
    FailureOr<Value> buffer = getBuffer(rewriter, v, options, state);
    if (failed(buffer))
      return failure();
    buffers.push_back(*buffer);
  }
  rewriter.setInsertionPoint(op);
  OperationState newState(op->getLoc(), op->getName(), buffers, TypeRange{}, op->getAttrs());
  for (unsigned i = 0; i < op->getNumRegions(); ++i)
    newState.addRegion();
  Operation *created = rewriter.create(newState);
  for (auto [from, to] : llvm::zip_equal(op->getRegions(), created->getRegions()))
    rewriter.inlineRegionBefore(from, to, to.end());
  replaceOpWithBufferizedValues(rewriter, op, ValueRange(buffers).take_back(destinations));
  return success();
}

/// On tensors pure; on memrefs the effects that CSE, dead-store elimination and alias analyses need.
static void windowedEffects(WindowedOpInterface op, SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &o : op->getOpOperands())
    if (isa<MemRefType>(o.get().getType()))
      effects.emplace_back(isInit(op, o) ? static_cast<MemoryEffects::Effect *>(MemoryEffects::Write::get()) : MemoryEffects::Read::get(), &o);
}

#define LATHE_BUFFERIZE_WINDOWED(OP)                                                                                                                           \
  bool OP::bufferizesToMemoryRead(OpOperand &o, const AnalysisState &) { return !isInit(*this, o); } /* never read: a conflict costs no copy */                \
  bool OP::bufferizesToMemoryWrite(OpOperand &o, const AnalysisState &) { return isInit(*this, o); }                                                           \
  AliasingValueList OP::getAliasingValues(OpOperand &o, const AnalysisState &) { return aliasingValues(*this, o); }                                            \
  bool OP::bufferizesToElementwiseAccess(const AnalysisState &, ArrayRef<OpOperand *> operands) { return elementwiseAccess(*this, operands); }                 \
  bool OP::isNotConflicting(OpOperand *read, OpOperand *write, const AnalysisState &) { return notConflicting(read, write); }                                  \
  LogicalResult OP::bufferize(RewriterBase &rewriter, const BufferizationOptions &options, BufferizationState &state) {                                        \
    return bufferizeWithDestinations(*this, getInitOrNull() ? 1 : 0, rewriter, options, state);                                                                \
  }                                                                                                                                                            \
  void OP::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) { windowedEffects(*this, effects); }
LATHE_BUFFERIZE_WINDOWED(ConvOp)
LATHE_BUFFERIZE_WINDOWED(PoolOp)
LATHE_BUFFERIZE_WINDOWED(MatMulOp)
#undef LATHE_BUFFERIZE_WINDOWED
