// nn-fuse-epilogue: see Passes.td.
#include "passes/nn/Passes.h"

#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

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
  TypedAttr value = {};              // of a constant; else null
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
  if (weight) {
    if (TypedAttr splat = weight.getWeight().getSplatElement()) {
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

/// The windowed operations that compute `value` in `block`: one, or the phases of an interleaved image. Empty if something else computes it.
SmallVector<WindowedOpInterface> producersOf(Value value, Block *block) {
  Operation *producer = value.getDefiningOp();
  SmallVector<WindowedOpInterface> producers;
  auto add = [&](Operation *candidate) {
    auto windowed = dyn_cast_or_null<WindowedOpInterface>(candidate);
    if (windowed && windowed->getBlock() == block && windowed->getNumResults() == 1)
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

/// More than any activation or quantisation that is written out.
constexpr size_t kMaxGroup = 32;

/// `last` and the elementwise operations before it whose values only it and they use, in program order.
SmallVector<Operation *> privateOperations(Operation *last) {
  SmallVector<Operation *> known{last}, candidates{last};
  auto addOperands = [&](Operation *op) {
    for (Value operand : op->getOperands())
      if (auto def = operand.getDefiningOp<ElementwiseOpInterface>(); def && def->getBlock() == last->getBlock() && !llvm::is_contained(candidates, def))
        candidates.push_back(def);
  };
  addOperands(last);
  // From the last to the first, so that all uses have been decided before the operation.
  for (size_t done = 1; done < candidates.size() && known.size() < kMaxGroup; ++done) {
    std::iter_swap(candidates.begin() + done,
                   std::max_element(candidates.begin() + done, candidates.end(), [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); }));
    Operation *op = candidates[done];
    if (!llvm::all_of(op->getUsers(), [&](Operation *user) { return llvm::is_contained(known, user); }))
      continue;
    known.push_back(op);
    addOperands(op);
  }
  std::reverse(known.begin(), known.end());
  return known;
}

/// Elementwise operations that move into an epilogue together: all that read `produced`, and of whose values only the last one is used elsewhere.
struct Group {
  Value produced;
  SmallVector<WindowedOpInterface> producers;
  SmallVector<Operation *> operations; // in program order
  llvm::MapVector<Value, Source> sources;
};

/// The part of `operations` that depends on `produced`.
SmallVector<Operation *> dependents(ArrayRef<Operation *> operations, Value produced) {
  SmallVector<Operation *> result;
  for (Operation *op : operations)
    if (llvm::any_of(op->getOperands(), [&](Value v) { return v == produced || llvm::is_contained(result, v.getDefiningOp()); }))
      result.push_back(op);
  return result;
}

/// Whether the group can move into the epilogues of its producers, and how its operands are read there; else says why not.
bool matchGroup(Group &group, std::string &why) {
  Operation *last = group.operations.back();
  auto isInside = [&](Operation *op) { return llvm::is_contained(group.operations, op); };
  if (!llvm::all_of(group.produced.getUsers(), isInside)) {
    why = llvm::formatv("result has {0} uses", std::distance(group.produced.use_begin(), group.produced.use_end()));
    return false;
  }
  ArrayRef<int64_t> shape = cast<ShapedType>(group.produced.getType()).getShape();
  for (Operation *op : group.operations)
    if (cast<ShapedType>(op->getResult(0).getType()).getShape() != shape) {
      why = llvm::formatv("result of shape {0} is broadcast to {1}", shapeText(group.produced), shapeText(op->getResult(0)));
      return false;
    }
  if (last->getResult(0).getType() != group.produced.getType()) {
    why = "the value has another element type";
    return false;
  }
  // What matches one phase matches all: those of an interleaved image have fewer pixels than an operand of the image's shape.
  bool interleaved = group.produced.getDefiningOp<InterleaveOp>() != nullptr;
  for (Operation *op : group.operations)
    for (Value operand : op->getOperands()) {
      if (operand == group.produced || isInside(operand.getDefiningOp()))
        continue;
      if (interleaved && cast<ShapedType>(operand.getType()).getShape() == shape) {
        why = llvm::formatv("operand of shape {0} has the pixels of all phases", shapeText(operand));
        return false;
      }
      if (!matchOperand(group.producers.front(), operand, group.sources[operand], why))
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

void fuseInto(WindowedOpInterface op, const Group &group) {
  op->moveBefore(group.operations.back()); // operands may be younger than the producer
  Operation *yield = op.getEpilogue().front().getTerminator();
  OpBuilder inner(yield);
  DenseMap<Value, Value> scalars{{group.produced, yield->getOperand(0)}};
  SmallVector<Location> locations{op->getLoc()};
  for (Operation *elementwise : group.operations) {
    Location loc = elementwise->getLoc();
    locations.push_back(loc);
    SmallVector<Value> operands;
    for (Value operand : elementwise->getOperands()) {
      Value &scalar = scalars[operand];
      if (!scalar) {
        const Source &source = group.sources.find(operand)->second;
        scalar = source.value ? arith::ConstantOp::create(inner, loc, source.value).getResult() : epilogueArgument(op, source, loc);
      }
      operands.push_back(scalar);
    }
    scalars[elementwise->getResult(0)] = cast<ElementwiseOpInterface>(elementwise).emitScalar(inner, loc, operands);
  }
  yield->setOperand(0, scalars[group.operations.back()->getResult(0)]);
  op->setLoc(FusedLoc::get(op->getContext(), locations));
}

void fuse(const Group &group) {
  Operation *last = group.operations.back(), *produced = group.produced.getDefiningOp();
  for (WindowedOpInterface op : group.producers)
    fuseInto(op, group);
  if (isa<InterleaveOp>(produced))
    produced->moveBefore(last); // after its phases
  last->getResult(0).replaceAllUsesWith(group.produced);
  for (Operation *op : llvm::reverse(group.operations))
    op->erase();
}

/// A product of more than one dimension of rows is reshaped to [N, rows, K] and back. What is elementwise behind that and knows of rows only as a whole comes
/// before the reshape back, where it can be fused.
struct ReshapeSinker {
  llvm::SmallDenseSet<Value> ofProducts; // results of reshapes of products, and of what was moved before them

  void run(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (auto reshape = dyn_cast<ReshapeOp>(op); reshape && keepsColumns(reshape) && reshape.getInput().getDefiningOp<MatMulOp>())
        ofProducts.insert(reshape);
      else if (auto elementwise = dyn_cast<ElementwiseOpInterface>(op))
        move(elementwise);
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isa<ReshapeOp>(op) && op.use_empty()) // the value that it reshaped has one use less
        op.erase();
  }

private:
  static bool keepsColumns(ReshapeOp op) {
    auto from = cast<RankedTensorType>(op.getInput().getType()), to = cast<RankedTensorType>(op.getType());
    return from.getRank() >= 2 && to.getRank() >= 2 && from.getShape().back() == to.getShape().back();
  }

  void move(ElementwiseOpInterface op) {
    auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    RankedTensorType inner; // of the product
    IRMapping map;
    for (Value operand : op->getOperands()) {
      auto type = cast<RankedTensorType>(operand.getType());
      if (ofProducts.contains(operand) && result && type.getShape() == result.getShape()) {
        Value source = operand.getDefiningOp<ReshapeOp>().getInput();
        auto shape = cast<RankedTensorType>(source.getType());
        if (inner && inner.getShape() != shape.getShape())
          return;
        inner = shape;
        map.map(operand, source);
      } else if (!operand.getDefiningOp<WeightOp>() || type.getRank() > 1) {
        return; // scalars and rows of one element per column mean the same in both shapes
      }
    }
    if (!inner)
      return;
    OpBuilder b(op);
    Value moved = b.clone(*op, map)->getResult(0);
    moved.setType(RankedTensorType::get(inner.getShape(), result.getElementType()));
    Value reshaped = ReshapeOp::create(b, op->getLoc(), result, moved);
    ofProducts.insert(reshaped);
    op->getResult(0).replaceAllUsesWith(reshaped);
    op->erase();
  }
};

struct FuseEpiloguePass : lathe::passes::impl::FuseEpiloguePassBase<FuseEpiloguePass> {
  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      ReshapeSinker().run(block);
    SmallVector<Operation *> candidates;
    getOperation().walk([&](ElementwiseOpInterface op) { candidates.push_back(op); });
    for (Operation *op : candidates)
      tryToFuse(op);
    auto options = remark::RemarkOpts::name("fuse-epilogue").category(DEBUG_TYPE);
    for (auto &[op, why] : missed)
      remark::missed(op->getLoc(), options) << remark::reason("{0}", why);
    missed.clear();
  }

  /// With `last` as the last one of a group.
  void tryToFuse(Operation *last) {
    SmallVector<Operation *> operations = privateOperations(last);
    // The values of windowed operations, the latest first.
    llvm::SetVector<Value> values;
    for (Operation *op : operations)
      for (Value operand : op->getOperands())
        if (!producersOf(operand, last->getBlock()).empty())
          values.insert(operand);
    SmallVector<Value> latestFirst = values.takeVector();
    llvm::stable_sort(latestFirst, [](Value a, Value b) { return b.getDefiningOp()->isBeforeInBlock(a.getDefiningOp()); });

    std::string why = "no operand is the result of a windowed operation", reason;
    for (auto [rank, produced] : llvm::enumerate(latestFirst)) {
      Group group{produced, producersOf(produced, last->getBlock()), dependents(operations, produced), {}};
      if (!matchGroup(group, reason)) {
        if (rank == 0)
          why = reason;
        continue;
      }
      auto options = remark::RemarkOpts::name("fuse-epilogue").category(DEBUG_TYPE);
      for (Operation *op : group.operations) {
        remark::passed(op->getLoc(), options) << remark::add("'{0}' into the epilogue of '{1}'", op->getName().getStringRef(),
                                                             group.producers.front()->getName().getStringRef());
        missed.erase(op);
      }
      return fuse(group);
    }
    missed.insert({last, why});
  }

  /// Why operations have not been fused; a later one may still take them along.
  llvm::MapVector<Operation *, std::string> missed;
};

} // namespace
