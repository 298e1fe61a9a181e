// nn-select-tiling: asks the cost model for each windowed operation's tile, writes it as an attribute, and brings weights and per-channel operands into
// the order in which that tile reads them. Weights are recipes: packing appends steps, and touches no byte.
#include "dialects/nn/GroupSpan.h"
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/nn_to_linalg/CostModel.h"
#include "passes/nn_to_linalg/NestBatch.h"
#include "passes/nn_to_linalg/Passes.h"
#include "passes/nn_to_linalg/RunTimePacking.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

namespace lathe::passes {
#define GEN_PASS_DEF_SELECTTILINGPASS
#include "passes/nn_to_linalg/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

namespace {

int64_t product(ArrayRef<int64_t> values) {
  int64_t p = 1;
  for (int64_t v : values)
    p *= v;
  return p;
}

int64_t groupsOf(WindowedOpInterface op) {
  auto conv = dyn_cast<ConvOp>(op.getOperation());
  return conv ? conv.getGroups() : 1;
}

/// Whether `v` may be computed in a part of a larger image.
bool becomesPart(Value v) {
  return llvm::any_of(v.getUsers(), [](Operation *user) {
    auto concat = dyn_cast<ConcatOp>(user);
    auto interleave = dyn_cast<InterleaveOp>(user);
    if (interleave && llvm::all_equal(interleave.getInputs())) // copied, not written into
      return interleave.getInputs().size() == 1;
    return isa<InterleaveOp, PadOp>(user) || (concat && (concat.getAxis() >= 2 || becomesPart(concat)));
  });
}

/// Whether there may be gaps between the rows of `v`: it is a part of an image, or lives in one.
bool mayHaveGaps(Value v) {
  for (;;) {
    if (auto slice = v.getDefiningOp<SliceOp>()) {
      auto type = cast<ShapedType>(v.getType()), whole = cast<ShapedType>(slice.getInput().getType());
      bool cuts = type.getShape().drop_front(std::min<size_t>(2, type.getRank())) != whole.getShape().drop_front(std::min<size_t>(2, type.getRank()));
      if (cuts || llvm::any_of(slice.getSteps(), [](int64_t step) { return step != 1; }))
        return true;
      v = slice.getInput();
    } else if (auto reshape = v.getDefiningOp<ReshapeOp>()) {
      v = reshape.getInput();
    } else {
      return becomesPart(v);
    }
    if (becomesPart(v))
      return true;
  }
}

bool rowsMayHaveGaps(WindowedOpInterface op) { return llvm::any_of(op->getOperands(), mayHaveGaps) || llvm::any_of(op->getResults(), becomesPart); }

Work describe(WindowedOpInterface op) {
  ShapedType out = op.getOutputType();
  auto in = cast<ShapedType>(op.getInput().getType());
  int64_t spatial = op.getSpatialRank();
  bool matmul = isa<MatMulOp>(op.getOperation());
  Work w;
  w.multiply = static_cast<bool>(op.getWeightsOrNull());
  w.channelwise = op.getReduction() != Reduction::dense;
  w.inputChannels = w.channelwise ? 1 : op.getInputChannels() / groupsOf(op);
  w.outputChannels = op.getOutputChannels();
  w.windowElements = product(op.getWindowShape());
  w.lineWidth = matmul ? (out.getRank() == 3 ? out.getDimSize(1) : 1) : out.getDimSize(1 + spatial);
  w.lines = matmul ? 1 : product(out.getShape().slice(2, spatial - 1));
  bool pointwise = w.multiply && w.windowElements == 1 && llvm::all_of(op.getWindowStrides(), [](int64_t s) { return s == 1; }) &&
                   llvm::all_of(op.getPadBegin(), [](int64_t p) { return p == 0; }) && llvm::all_of(op.getPadEnd(), [](int64_t p) { return p == 0; });
  w.mergeableLines = pointwise && spatial >= 2 && !rowsMayHaveGaps(op) ? out.getDimSize(spatial) : 1;
  w.inputBytes = product(in.getShape().drop_front()) * (in.getElementTypeBitWidth() / 8);
  for (size_t i = 0; i < op.getExtras().size(); ++i)
    w.epilogueLoads += op.getExtraKind(i) == ExtraKind::elementwise;
  w.paddedChannels = matmul; // its stores are masked at the last channel; blocked outputs have no room for whole vectors beyond theirs
  return w;
}

struct SelectTilingPass : lathe::passes::impl::SelectTilingPassBase<SelectTilingPass> {
  using SelectTilingPassBase::SelectTilingPassBase;

  void runOnOperation() override {
    TargetAttr target = targetOf(getOperation());
    if (!target)
      return signalPassFailure();
    int64_t least = std::min({target.getRegisters(), target.getFmaPerCycle(), target.getLoadsPerCycle(), target.getFmaLatency(), target.getL1Bytes(),
                              target.getL2Bytes(), target.getL3BytesPerCycle()});
    if (least < 1) {
      getOperation()->emitError("expects a target whose numbers are at least 1 (got ") << least << ")";
      return signalPassFailure();
    }
    auto result = getOperation().walk([&](WindowedOpInterface op) { return select(op, target); });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  WalkResult select(WindowedOpInterface op, TargetAttr target) {
    int64_t bits = op.getOutputType().getElementTypeBitWidth(), lanes = target.getLanes(bits);
    bool blocked = op.getOutputType().getRank() == op.getSpatialRank() + 3;
    if (blocked && op.getOutputType().getShape().back() != lanes)
      return op->emitOpError("expects a blocked output of ") << lanes << " lanes (got " << op.getOutputType() << ")", WalkResult::interrupt();
    TilingAttr tiling = op.getTilingOrNull();
    if (tiling)
      remark::analysis(op.getLoc(), remark::RemarkOpts::name("tile").category(getArgument())) << "the tile that is written at the operation";
    else
      tiling = naive ? choose(op, target, lanes, bits / 8) : nestBatch(op, choose(op, target, lanes, bits / 8), target);
    op.setTiling(tiling);
    if (op.getWeightsOrNull() && failed(packWeights(op, tiling, lanes)))
      return WalkResult::interrupt();
    return padExtras(op, tiling, lanes, blocked);
  }

  TilingAttr choose(WindowedOpInterface op, TargetAttr target, int64_t lanes, int64_t elementBytes) {
    Machine machine{lanes,
                    target.getRegisters(),
                    target.getFmaPerCycle(),
                    target.getLoadsPerCycle(),
                    target.getFmaLatency(),
                    target.getL1Bytes(),
                    target.getL2Bytes(),
                    target.getL3BytesPerCycle(),
                    elementBytes};
    Work work = describe(op);
    SmallVector<Tile> others;
    Tile tile = naive ? Tile{1, 1, 1, balancedSegments(work.lineWidth, 1), 0} : chooseTile(work, machine, &others);
    if (auto r = remark::analysis(op.getLoc(), remark::RemarkOpts::name("tile").category(getArgument()))) {
      if (naive)
        r << "one vector of channels by one pixel: nothing is chosen at -O0";
      else
        r << explain(tile, others, work, machine, op.getFlopsPerImage());
    }
    return TilingAttr::get(&getContext(), tile.ku, tile.unroll, tile.merge, tile.segments);
  }

  static std::string explain(const Tile &tile, ArrayRef<Tile> others, const Work &work, const Machine &machine, int64_t flops) {
    auto counted = [](int64_t n, StringRef singular) { return (Twine(n) + " " + singular + (n == 1 ? "" : "s")).str(); };
    int64_t pixels = tile.segments.front();
    std::string text = counted(tile.ku, "vector") + " of channels by " + counted(pixels, "pixel") + ", " + counted(tile.ku * pixels, "accumulator") + "; " +
                       counted(tile.segments.size(), "tile") + " for " + (tile.merge == 1 ? "a line" : counted(tile.merge, "line") + " as one");
    text += llvm::formatv("; predicted {0:f1} kcycles per image", tile.cycles / 1e3).str();
    if (work.multiply) {
      double peak = 2.0 * machine.lanes * machine.fmaPerCycle;
      text += llvm::formatv(", {0:f0} % of the multiply-add peak", 100 * static_cast<double>(flops) / (tile.cycles * peak)).str();
    }
    for (const Tile &t : others)
      text += llvm::formatv("{0}{1} by {2} (+{3:f1} %)", &t == others.begin() ? "; next best " : ", ", t.ku, t.segments.front(),
                            100 * (t.cycles / tile.cycles - 1));
    return text;
  }

  static StepAttr step(MLIRContext *context, StringRef kind, ArrayRef<int64_t> args) { return StepAttr::get(context, kind, args, FloatAttr(), WeightAttr()); }

  static int64_t roundUp(int64_t v, int64_t to) { return (v + to - 1) / to * to; }

  /// [K, C / G, window...] to [groups, channel blocks, window..., Cv, ku V]; a matrix's [C, K] likewise, with a window of 1.
  static LogicalResult packWeights(WindowedOpInterface op, TilingAttr tiling, int64_t lanes) {
    // Weights without a recipe are computed: packed at run time, into the shape that the recipe would give.
    auto weight = op.getWeightsOrNull().getDefiningOp<WeightOp>();
    MLIRContext *context = op->getContext();
    WeightAttr recipe = weight ? weight.getWeight() : WeightAttr();
    auto addStep = [&](StringRef kind, ArrayRef<int64_t> args) {
      if (recipe)
        recipe = recipe.withStep(step(context, kind, args));
    };
    SmallVector<int64_t> window = op.getWindowShape();
    int64_t spatial = op.getSpatialRank(), c = op.getInputChannels(), k = op.getOutputChannels();
    bool matmul = isa<MatMulOp>(op.getOperation());
    if (matmul) {
      addStep("transpose", {1, 0});
      addStep("reshape", {k, c, 1});
    }
    int64_t row = tiling.getKu() * lanes, groups = groupsOf(op), cv = matmul || op.isBlocked(op.getInput()) ? lanes : std::min(c, lanes);
    if (op.getReduction() == Reduction::depthwise) {
      c = cv = 1;
    } else if (groups > 1) {
      // Whole blocks where groups are made of them; else one block of all channels of the span, whose addresses the kernel computes one by one.
      bool wholeBlocks = c / groups % lanes == 0;
      addStep("expand_groups", {groups, row});
      c = GroupSpan{c, k, groups, row}.span();
      k = roundUp(k, row);
      cv = wholeBlocks ? lanes : c;
    }
    int64_t kPadded = roundUp(k, row), cPadded = roundUp(c, cv);
    SmallVector<int64_t> padded{kPadded, cPadded}, split{kPadded / row, row, cPadded / cv, cv}, order{0, 2};
    llvm::append_range(padded, window);
    llvm::append_range(split, window);
    for (int64_t d = 0; d < spatial; ++d)
      order.push_back(4 + d);
    order.append({3, 1});
    // The weights are the second operand of every operation that has some.
    if (!weight) {
      SmallVector<int64_t> packed{kPadded / row, cPadded / cv};
      llvm::append_range(packed, window);
      packed.append({cv, row});
      op->setOperand(1, packAtRunTime(op, packed));
      return success();
    }
    if (kPadded != k || cPadded != c)
      addStep("pad", padded);
    addStep("reshape", split);
    addStep("transpose", order);
    OpBuilder b(op);
    op->setOperand(1, WeightOp::create(b, weight.getLoc(), recipe));
    if (weight->use_empty())
      weight.erase();
    return success();
  }

  /// Per-channel operands are read by whole vectors: padded to what the groups cover.
  static WalkResult padExtras(WindowedOpInterface op, TilingAttr tiling, int64_t lanes, bool blocked) {
    int64_t row = tiling.getKu() * lanes, covered = roundUp(op.getOutputChannels(), row);
    unsigned first = op.getExtras().empty() ? 0 : op.getExtras().getBeginOperandIndex();
    for (size_t i = 0; i < op.getExtras().size(); ++i) {
      Value extra = op.getExtras()[i];
      if (op.getExtraKind(i) != ExtraKind::channel || cast<ShapedType>(extra.getType()).getDimSize(0) == covered)
        continue;
      auto weight = extra.getDefiningOp<WeightOp>();
      if (!weight)
        return op->emitOpError("expects per-channel operands from nn.weight"), WalkResult::interrupt();
      OpBuilder b(op);
      Value padded = WeightOp::create(b, weight.getLoc(), weight.getWeight().withStep(step(op->getContext(), "pad", {covered})));
      op->setOperand(first + i, padded);
      if (weight->use_empty())
        weight.erase();
    }
    return WalkResult::advance();
  }
};

} // namespace
