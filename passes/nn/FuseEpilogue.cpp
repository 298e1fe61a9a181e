// nn-fuse-epilogue: see Passes.td.
#include "passes/nn/Passes.h"

#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "nn-fuse-epilogue"

namespace lathe::passes {
#define GEN_PASS_DEF_FUSEEPILOGUEPASS
#include "passes/nn/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

/// How the epilogue gets an operand of the elementwise operation.
struct Source {
  enum Kind { accumulator, constant, extra } kind = accumulator;
  TypedAttr value = {};              // constant
  Value operand;                     // extra
  SmallVector<int64_t> reshape = {}; // extra: shape under which a weight is read, where it is not the operand's own
  bool needsReshape = false;
};

std::string shapeText(Value v) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(cast<ShapedType>(v.getType()).getShape(), os, [&](int64_t d) { ShapedType::isDynamic(d) ? os << "?" : os << d; }, "x");
  return text.empty() ? "scalar" : text;
}

int64_t channelDim(WindowedOpInterface op) { return isa<MatMulOp>(op.getOperation()) ? op.getOutputType().getRank() - 1 : 1; }

/// Whether `shape`, aligned to the right of the output's shape as in broadcasting, has extents other than 1 in the channel dimension only.
bool isPerChannel(WindowedOpInterface op, ArrayRef<int64_t> shape) {
  int64_t lead = op.getOutputType().getRank() - static_cast<int64_t>(shape.size());
  for (auto [i, d] : llvm::enumerate(shape))
    if (d != (lead + static_cast<int64_t>(i) == channelDim(op) ? op.getOutputChannels() : 1))
      return false;
  return lead >= 0 && lead <= channelDim(op);
}

/// How `operand` can be read where `op` stores an element; else says why it cannot.
bool matchOperand(WindowedOpInterface op, Value operand, Source &source, std::string &why) {
  auto type = cast<RankedTensorType>(operand.getType());
  auto weight = operand.getDefiningOp<WeightOp>();
  source.operand = operand;
  source.kind = Source::extra;
  if (weight) {
    if (TypedAttr splat = weight.getWeight().getSplatElement()) {
      source.kind = Source::constant;
      source.value = splat;
      return true;
    }
  }
  if (type.getElementType() != op.getOutputType().getElementType()) {
    why = llvm::formatv("operand of shape {0} has another element type", shapeText(operand));
    return false;
  }
  if (weight) {
    if (isPerChannel(op, type.getShape())) {
      source.needsReshape = type.getRank() != 1;
      source.reshape = {op.getOutputChannels()};
      return true;
    }
    if (type.getNumElements() == 1) {
      source.needsReshape = type.getRank() != 0;
      return true;
    }
  }
  if (type == op.getOutputType())
    return true;
  if (!weight && isPerChannel(op, type.getShape()))
    why = llvm::formatv("operand of shape {0} is per channel, but no weight", shapeText(operand));
  else
    why = llvm::formatv("operand of shape {0} is neither scalar, per channel nor the output's shape", shapeText(operand));
  return false;
}

/// The windowed operations that compute operand `position` of `op`: one, or the phases of an interleaved image. Empty if something else computes it.
SmallVector<WindowedOpInterface> producersOf(Operation *op, unsigned position) {
  Operation *producer = op->getOperand(position).getDefiningOp();
  SmallVector<WindowedOpInterface> producers;
  auto add = [&](Operation *candidate) {
    auto windowed = dyn_cast_or_null<WindowedOpInterface>(candidate);
    if (windowed && windowed->getBlock() == op->getBlock() && windowed->getNumResults() == 1)
      producers.push_back(windowed);
  };
  auto interleave = dyn_cast_or_null<InterleaveOp>(producer);
  if (!interleave) {
    add(producer);
    return producers;
  }
  for (Value input : interleave.getInputs())
    if (input.hasOneUse())
      add(input.getDefiningOp());
  if (producers.size() != interleave.getInputs().size())
    producers.clear();
  return producers;
}

/// Whether `producers`, which compute operand `position` of `elementwise`, can take it; else says why not.
bool matchProducers(Operation *elementwise, unsigned position, ArrayRef<WindowedOpInterface> producers, SmallVectorImpl<Source> &sources, std::string &why) {
  Value produced = elementwise->getOperand(position);
  sources.assign(elementwise->getNumOperands(), Source());
  if (!produced.hasOneUse()) {
    why = llvm::formatv("result has {0} uses", std::distance(produced.use_begin(), produced.use_end()));
    return false;
  }
  if (elementwise->getResult(0).getType() != produced.getType()) {
    why = llvm::formatv("result of shape {0} is broadcast to {1}", shapeText(produced), shapeText(elementwise->getResult(0)));
    return false;
  }
  // What matches one phase matches all: those of an interleaved image have fewer pixels than an operand of the image's shape.
  bool interleaved = produced.getDefiningOp<InterleaveOp>() != nullptr;
  for (auto [i, operand] : llvm::enumerate(elementwise->getOperands())) {
    if (i == position)
      continue;
    if (interleaved && operand.getType() == produced.getType()) {
      why = llvm::formatv("operand of shape {0} has the pixels of all phases", shapeText(operand));
      return false;
    }
    if (!matchOperand(producers.front(), operand, sources[i], why))
      return false;
  }
  return true;
}

/// The epilogue argument that reads `source`; a value that is an extra operand already is not added again.
Value epilogueArgument(WindowedOpInterface op, const Source &source, Location loc) {
  Value operand = source.operand;
  if (source.needsReshape) {
    OpBuilder builder(op);
    auto recipe = operand.getDefiningOp<WeightOp>().getWeight();
    recipe = recipe.withStep(StepAttr::get(builder.getContext(), "reshape", source.reshape, {}, {}));
    operand = WeightOp::create(builder, operand.getLoc(), recipe);
  }
  Block &body = op.getEpilogue().front();
  for (auto [i, extra] : llvm::enumerate(op.getExtras()))
    if (extra == operand)
      return body.getArgument(i + 1);
  op.addExtra(operand);
  return body.addArgument(cast<ShapedType>(operand.getType()).getElementType(), loc);
}

void fuseInto(WindowedOpInterface op, Operation *elementwise, ArrayRef<Source> sources) {
  Location loc = elementwise->getLoc();
  op->moveBefore(elementwise); // the other operand may be younger than the producer
  Operation *yield = op.getEpilogue().front().getTerminator();
  OpBuilder inner(yield);
  SmallVector<Value> scalars;
  for (const Source &source : sources) {
    if (source.kind == Source::accumulator)
      scalars.push_back(yield->getOperand(0));
    else if (source.kind == Source::constant)
      scalars.push_back(arith::ConstantOp::create(inner, loc, source.value));
    else
      scalars.push_back(epilogueArgument(op, source, loc));
  }
  yield->setOperand(0, cast<ElementwiseOpInterface>(elementwise).emitScalar(inner, loc, scalars));
  op->setLoc(FusedLoc::get(op->getContext(), {op->getLoc(), loc}));
}

void fuse(Operation *elementwise, unsigned position, ArrayRef<WindowedOpInterface> producers, ArrayRef<Source> sources) {
  Operation *produced = elementwise->getOperand(position).getDefiningOp();
  for (WindowedOpInterface op : producers)
    fuseInto(op, elementwise, sources);
  if (isa<InterleaveOp>(produced))
    produced->moveBefore(elementwise); // after its phases
  elementwise->getResult(0).replaceAllUsesWith(produced->getResult(0));
  elementwise->erase();
}

struct FuseEpiloguePass : lathe::passes::impl::FuseEpiloguePassBase<FuseEpiloguePass> {
  void runOnOperation() override {
    SmallVector<Operation *> candidates;
    getOperation().walk([&](ElementwiseOpInterface op) { candidates.push_back(op); });
    for (Operation *op : candidates)
      tryToFuse(op);
  }

  void tryToFuse(Operation *elementwise) {
    // The operands that windowed operations compute, the latest first.
    SmallVector<unsigned> positions;
    for (unsigned i = 0; i < elementwise->getNumOperands(); ++i)
      if (!producersOf(elementwise, i).empty())
        positions.push_back(i);
    llvm::sort(positions, [&](unsigned a, unsigned b) {
      Operation *x = elementwise->getOperand(a).getDefiningOp(), *y = elementwise->getOperand(b).getDefiningOp();
      return x == y ? a < b : y->isBeforeInBlock(x);
    });

    auto options = remark::RemarkOpts::name("fuse-epilogue").category(DEBUG_TYPE);
    std::string why = "no operand is the result of a windowed operation", reason;
    SmallVector<Source> sources;
    for (auto [rank, position] : llvm::enumerate(positions)) {
      SmallVector<WindowedOpInterface> producers = producersOf(elementwise, position);
      if (!matchProducers(elementwise, position, producers, sources, reason)) {
        if (rank == 0)
          why = reason;
        continue;
      }
      remark::passed(elementwise->getLoc(), options) << remark::add("'{0}' into the epilogue of '{1}'", elementwise->getName().getStringRef(),
                                                                    producers.front()->getName().getStringRef());
      return fuse(elementwise, position, producers, sources);
    }
    remark::missed(elementwise->getLoc(), options) << remark::reason("{0}", why);
  }
};

} // namespace
