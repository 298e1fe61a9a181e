// nn-select-tiling: asks the cost model for each windowed operation's tile, writes it as an attribute, and brings weights and per-channel operands into
// the order in which that tile reads them. Weights are recipes: packing appends steps, and touches no byte.
#include "dialects/nn/CookToom.h"
#include "dialects/nn/GroupSpan.h"
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/nn_to_linalg/BlockCost.h"
#include "passes/nn_to_linalg/CostModel.h"
#include "passes/nn_to_linalg/NestBatch.h"
#include "passes/nn_to_linalg/Passes.h"
#include "passes/nn_to_linalg/RunTimePacking.h"
#include "passes/nn_to_linalg/StreamWeights.h"
#include "passes/nn_to_linalg/WinogradCost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
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

/// Groups of as many channels in as out, several in a vector, whose channels a tile brings to their lanes by shuffles (docs/rationale/CostModel.md).
bool groupsInLanes(WindowedOpInterface op, int64_t lanes) {
  // A line of the window is unrolled.
  constexpr int64_t kMostSteps = 32;
  GroupSpan span{op.getInputChannels(), op.getOutputChannels(), groupsOf(op), lanes};
  return span.fitLanes(lanes) && span.inputPerGroup() * op.getWindowShape().back() <= kMostSteps && op.isBlocked(op.getInput()) &&
         op.getWeightsOrNull().getDefiningOp<WeightOp>();
}

/// Whether each lane of a tile has the weights of its own group where groups meet in vectors.
bool lanesOwnChannels(WindowedOpInterface op, int64_t lanes, int64_t ku) {
  return groupsOf(op) > 1 && op.getReduction() == Reduction::dense && !groupsInLanes(op, lanes) &&
         GroupSpan{op.getInputChannels(), op.getOutputChannels(), groupsOf(op), ku * lanes}.meetInVectors(lanes) &&
         op.getWeightsOrNull().getDefiningOp<WeightOp>();
}

Work describe(WindowedOpInterface op, int64_t lanes) {
  ShapedType out = op.getOutputType();
  int64_t spatial = op.getSpatialRank();
  bool matmul = isa<MatMulOp>(op.getOperation());
  Work w;
  w.multiply = static_cast<bool>(op.getWeightsOrNull());
  bool inLanes = groupsInLanes(op, lanes);
  w.channelwise = op.getReduction() != Reduction::dense || inLanes;
  w.inputChannels = w.channelwise && !inLanes ? 1 : op.getInputChannels() / groupsOf(op);
  if (inLanes)
    w.mostVectors = 1; // a shuffled pixel serves its neighbours, and no other vector
  w.outputChannels = op.getOutputChannels();
  w.groups = w.channelwise ? 1 : groupsOf(op);
  w.ownChannels = w.groups > 1 && op.getWeightsOrNull().getDefiningOp<WeightOp>();
  w.windowElements = product(op.getWindowShape());
  w.lineWidth = matmul ? (out.getRank() == 3 ? out.getDimSize(1) : 1) : out.getDimSize(1 + spatial);
  w.lines = matmul ? 1 : product(out.getShape().slice(2, spatial - 1));
  bool pointwise = w.multiply && w.windowElements == 1 && llvm::all_of(op.getWindowStrides(), [](int64_t s) { return s == 1; }) &&
                   llvm::all_of(op.getPadBegin(), [](int64_t p) { return p == 0; }) && llvm::all_of(op.getPadEnd(), [](int64_t p) { return p == 0; });
  w.mergeableLines = pointwise && spatial >= 2 && !rowsMayHaveGaps(op) ? out.getDimSize(spatial) : 1;
  w.inputBytes = lathe::passes::inputBytes(op);
  for (size_t i = 0; i < op.getExtras().size(); ++i)
    w.epilogueLoads += op.getExtraKind(i) == ExtraKind::elementwise;
  w.paddedChannels = matmul; // its stores are masked at the last channel; blocked outputs have no room for whole vectors beyond theirs
  return w;
}

/// Weights beyond this many second-level caches come from memory in every inference: what other cores share of the last level is not ours.
constexpr int64_t kRestingCaches = 8;

/// Whether the algorithm of Winograd can compute `op`.
bool admitsWinograd(WindowedOpInterface op) {
  auto conv = dyn_cast<ConvOp>(op.getOperation());
  if (!conv || conv.getGroups() != 1 || conv.getPlaces() || !conv.isBlocked(conv.getInput()) || !conv.getWeights().getDefiningOp<WeightOp>() ||
      !conv.getOutputType().getElementType().isF32())
    return false;
  auto ones = [](ArrayRef<int64_t> values) { return llvm::all_of(values, [](int64_t v) { return v == 1; }); };
  return ones(conv.getStrides()) && ones(conv.getDilations());
}

WinogradWork describeWinograd(WindowedOpInterface op, const Work &direct, double coldBandwidth) {
  WinogradWork w;
  llvm::append_range(w.output, op.getOutputType().getShape().slice(2, op.getSpatialRank()));
  w.window = op.getWindowShape();
  w.inputChannels = direct.inputChannels;
  w.outputChannels = direct.outputChannels;
  w.epilogueLoads = direct.epilogueLoads;
  w.coldBandwidth = coldBandwidth;
  return w;
}

/// How many input channels may share a register of the last vector of output channels: as many as leave room for the channels of that vector. They are
/// loaded together, so they must lie side by side and all exist, and the weights must be known.
int64_t mostShare(WindowedOpInterface op, int64_t lanes, int64_t ku) {
  auto in = cast<ShapedType>(op.getInput().getType());
  auto conv = dyn_cast<ConvOp>(op.getOperation());
  bool adjacent = isa<MatMulOp>(op.getOperation()) || (op.isBlocked(op.getInput()) && !(conv && conv.getPlaces()));
  if (op.getReduction() != Reduction::dense || groupsOf(op) != 1 || !adjacent || !in.getElementType().isF32() ||
      !op.getWeightsOrNull().getDefiningOp<WeightOp>())
    return 1;
  if (op.getOutputChannels() > ku * lanes) // more than one group of vectors
    return 1;
  int64_t channels = (op.getOutputChannels() - 1) % lanes + 1, share = 1;
  while (channels * share * 2 <= lanes && op.getInputChannels() % (share * 2) == 0)
    share *= 2;
  return share;
}

struct SelectTilingPass : lathe::passes::impl::SelectTilingPassBase<SelectTilingPass> {
  using SelectTilingPassBase::SelectTilingPassBase;

  void runOnOperation() override {
    TargetAttr target = targetOf(getOperation());
    if (!target)
      return signalPassFailure();
    int64_t least = std::min({target.getRegisters(), target.getFmaPerCycle(), target.getLoadsPerCycle(), target.getFmaLatency(), target.getL1Bytes(),
                              target.getL2Bytes(), target.getL3BytesPerCycle(), target.getMemoryBytesPerCycle()});
    if (least < 1) {
      getOperation()->emitError("expects a target whose numbers are at least 1 (got ") << least << ")";
      return signalPassFailure();
    }
    int64_t weightBytes = 0;
    getOperation().walk([&](WindowedOpInterface op) {
      if (Value weights = op.getWeightsOrNull())
        weightBytes += cast<ShapedType>(weights.getType()).getNumElements() * (op.getOutputType().getElementTypeBitWidth() / 8);
    });
    coldBandwidth = weightBytes > kRestingCaches * target.getL2Bytes() ? target.getMemoryBytesPerCycle() : target.getL3BytesPerCycle();
    steps.clear();
    auto result = getOperation().walk([&](WindowedOpInterface op) { return select(op, target); });
    if (result.wasInterrupted())
      return signalPassFailure();
    if (prefetch && !naive && weightBytes > target.getL2Bytes() / 2)
      streamWeights(steps, target);
  }

  WalkResult select(WindowedOpInterface op, TargetAttr target) {
    int64_t bits = op.getOutputType().getElementTypeBitWidth(), lanes = target.getLanes(bits);
    bool blocked = op.getOutputType().getRank() == op.getSpatialRank() + 3;
    if (blocked && op.getOutputType().getShape().back() != lanes)
      return op->emitOpError("expects a blocked output of ") << lanes << " lanes (got " << op.getOutputType() << ")", WalkResult::interrupt();
    TilingAttr tiling = op.getTilingOrNull();
    steps.push_back({op, 0, static_cast<bool>(tiling)});
    if (tiling) {
      if (tiling.getShare() > mostShare(op, lanes, tiling.getKu()))
        return op->emitOpError("expects a share that its channels allow, at most ")
                   << mostShare(op, lanes, tiling.getKu()) << " (got " << tiling.getShare() << ")",
               WalkResult::interrupt();
      remark::analysis(op.getLoc(), remark::RemarkOpts::name("tile").category(getArgument())) << "the tile that is written at the operation";
    } else if (std::optional<TilingAttr> block = naive ? std::nullopt : shareAmongBlock(op, target, blocked)) {
      tiling = *block;
    } else {
      tiling = naive ? choose(op, target, lanes, bits / 8) : nestBatch(op, choose(op, target, lanes, bits / 8), target);
    }
    op.setTiling(tiling);
    if (!tiling.getWinograd().empty() && !admitsWinograd(op))
      return op->emitOpError("expects one group, steps of 1, a blocked input and constant f32 weights for winograd (got ") << tiling << ")",
             WalkResult::interrupt();
    for (auto [m, r] : llvm::zip(tiling.getWinograd(), op.getWindowShape()))
      if (!CookToom::isPossible(m, r))
        return op->emitOpError("expects tiles of at most ") << CookToom::kMostPoints << " points for winograd (got F(" << m << ", " << r << "))",
               WalkResult::interrupt();
    // A blocked output has no room for vectors beyond its last one.
    if (int64_t vectors = llvm::divideCeil(op.getOutputChannels(), lanes);
        blocked && vectors % tiling.getGroupVectors() && !lanesOwnChannels(op, lanes, tiling.getKu()))
      return op->emitOpError("expects ku or streams to divide the ") << vectors << " vectors of output channels (got " << tiling.getGroupVectors() << ")",
             WalkResult::interrupt();
    if (!tiling.getWinograd().empty())
      packTransformed(cast<ConvOp>(op.getOperation()), tiling, lanes);
    else if (op.getWeightsOrNull() && failed(packWeights(op, tiling, lanes)))
      return WalkResult::interrupt();
    if (auto conv = dyn_cast<ConvOp>(op.getOperation()); conv && conv.getPlaces() && failed(placesToOffsets(conv)))
      return WalkResult::interrupt();
    return padExtras(op, tiling, lanes, blocked);
  }

  /// Where channels begin in an image, so that a tile adds one number and computes none.
  static LogicalResult placesToOffsets(ConvOp op) {
    SmallVector<int64_t> places = op.getKnownPlaces();
    if (places.empty())
      return op.emitOpError("expects places from an nn.weight whose elements are in the IR");
    auto input = cast<ShapedType>(op.getInput().getType()), type = cast<ShapedType>(op.getPlaces().getType());
    int64_t pixels = product(input.getShape().slice(2, op.getSpatialRank())), lanes = op.isBlocked(op.getInput()) ? input.getShape().back() : 1;
    SmallVector<int32_t> offsets;
    for (int64_t place : places) {
      int64_t offset = place / lanes * lanes * pixels + place % lanes;
      if (!llvm::isInt<32>(offset))
        return op.emitOpError("expects an image whose elements 32 bits can count (got ") << input << ")";
      offsets.push_back(static_cast<int32_t>(offset));
    }
    auto source = RankedTensorType::get(type.getShape(), type.getElementType());
    auto weight = WeightAttr::get(op.getContext(), DenseElementsAttr::get(source, ArrayRef<int32_t>(offsets)), source, {});
    auto before = op.getPlaces().getDefiningOp<WeightOp>();
    OpBuilder b(op);
    op.getPlacesMutable().assign(WeightOp::create(b, before.getLoc(), weight));
    if (before->use_empty())
      before.erase();
    return success();
  }

  /// A block of a GPU's threads for each tile of the product, where that can be.
  std::optional<TilingAttr> shareAmongBlock(WindowedOpInterface op, TargetAttr target, bool blocked) {
    auto attr = getOperation()->getParentOfType<ModuleOp>()->getAttrOfType<StringAttr>(NNDialect::kPrecisionAttr);
    StringRef precision = attr ? attr.getValue() : "";
    if (!admitsBlock(op, precision, target))
      return {};
    Work work = describe(op, target.getLanes(32));
    int64_t images = op.getOutputType().isDynamicDim(0) ? 1 : op.getOutputType().getDimSize(0), rows = work.lines * work.lineWidth * images;
    std::optional<BlockTile> tile = chooseBlock(rows, work.outputChannels, work.inputChannels * work.windowElements, blocked, precision, target);
    if (!tile)
      return {};
    if (auto r = remark::analysis(op.getLoc(), remark::RemarkOpts::name("tile").category(getArgument())))
      r << llvm::formatv("a block of {0} x {1} warps for {2} rows (pixels of images) by {3} columns (channels), {4} stages in shared memory; {5} tiles for {6} "
                         "multiprocessors; predicted {7:f1} kcycles",
                         tile->warpsOfRows, tile->warpsOfColumns, tile->rows, tile->columns, tile->stages,
                         llvm::divideCeil(rows, tile->rows) * llvm::divideCeil(work.outputChannels, tile->columns), target.getMultiprocessors(),
                         tile->cycles / 1e3)
               .str();
    // Segments are for warps: what computes the operation if its buffers turn out not to suit a block.
    int64_t ku = tile->columns / target.getLanes(32);
    return TilingAttr::get(&getContext(), ku, kUnroll, 1, balancedSegments(work.lineWidth, std::max<int64_t>(target.getRegisters() / 2 / ku - 1, 1)), {}, 0, {},
                           1, 0, {tile->rows, tile->columns, tile->warpsOfRows, tile->warpsOfColumns, tile->stages});
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
                    target.getMemoryBytesPerCycle(),
                    elementBytes};
    Work work = describe(op, lanes);
    work.mostShare = shareLanes ? mostShare(op, lanes, /*ku=*/work.outputChannels) : 1;
    SmallVector<Tile> others;
    Tile tile = naive ? Tile{1, 1, 1, balancedSegments(work.lineWidth, 1)} : chooseTile(work, machine, &others);
    std::optional<WinogradTile> transformed;
    if (winograd && !naive && admitsWinograd(op))
      transformed = chooseWinograd(describeWinograd(op, work, coldBandwidth), machine);
    if (transformed) {
      // The direct form waits for its weights too.
      double bytes = static_cast<double>(work.inputChannels) * work.windowElements * roundUp(work.outputChannels, lanes) * elementBytes;
      double direct = std::max(tile.cycles, bytes / coldBandwidth);
      int64_t logicalBytes = cast<ShapedType>(op.getWeightsOrNull().getType()).getNumElements() * elementBytes;
      int64_t transformedBytes = work.inputChannels * roundUp(work.outputChannels, lanes) * elementBytes;
      for (auto [m, r] : llvm::zip(transformed->m, op.getWindowShape()))
        transformedBytes *= m + r - 1;
      if (transformed->cycles < kWinogradGain * direct) {
        if (auto r = remark::analysis(op.getLoc(), remark::RemarkOpts::name("tile").category(getArgument())))
          r << explain(*transformed, op.getWindowShape(), direct) + llvm::formatv("; weights grow from {0} to {1} bytes", logicalBytes, transformedBytes).str();
        steps.back().cycles = transformed->cycles;
        return TilingAttr::get(&getContext(), transformed->ku, transformed->unroll, 1, transformed->segments, transformed->m);
      }
    }
    if (auto r = remark::analysis(op.getLoc(), remark::RemarkOpts::name("tile").category(getArgument()))) {
      if (naive)
        r << "one vector of channels by one pixel: nothing is chosen at -O0";
      else
        r << explain(tile, others, work, machine, op.getFlopsPerImage());
    }
    steps.back().cycles = tile.cycles;
    return TilingAttr::get(&getContext(), tile.ku, tile.unroll, tile.merge, tile.segments, {}, 0, {}, tile.share);
  }

  /// Winograd's algorithm has larger rounding errors and weights: it must pay by this much.
  static constexpr double kWinogradGain = 0.9;

  static std::string explain(const WinogradTile &tile, ArrayRef<int64_t> window, double direct) {
    auto product = [](ArrayRef<int64_t> extents) { return llvm::join(llvm::map_range(extents, [](int64_t e) { return std::to_string(e); }), "x"); };
    return llvm::formatv(
        "winograd F({0}, {1}), {2} vectors of channels by {3} tiles; {4} register tiles in a block; predicted {5:f1} kcycles per image, {6:f1} "
        "without",
        product(tile.m), product(window), tile.ku, tile.segments.front(), tile.segments.size(), tile.cycles / 1e3, direct / 1e3);
  }

  static std::string explain(const Tile &tile, ArrayRef<Tile> others, const Work &work, const Machine &machine, int64_t flops) {
    auto counted = [](int64_t n, StringRef singular) { return (Twine(n) + " " + singular + (n == 1 ? "" : "s")).str(); };
    int64_t pixels = tile.segments.front();
    std::string text = counted(tile.ku, "vector") + " of channels by " + counted(pixels, "pixel") + ", " + counted(tile.ku * pixels, "accumulator") + "; " +
                       counted(tile.segments.size(), "tile") + " for " + (tile.merge == 1 ? "a line" : counted(tile.merge, "line") + " as one");
    text += llvm::formatv("; predicted {0:f1} kcycles per image", tile.cycles / 1e3).str();
    if (tile.share > 1)
      text += "; " + counted(tile.share, "input channel") + " share a register of the last vector";
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

  /// [K, C / G, window...] to [groups, channel blocks, window..., Cv, ku V]; a matrix's [C, K] likewise, with a window of 1. Streams: a group is `streams` of
  /// [channel blocks, window..., Cv, V].
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
    int64_t row = tiling.getRowVectors() * lanes, groups = groupsOf(op), cv = matmul || op.isBlocked(op.getInput()) ? lanes : std::min(c, lanes);
    if (op.getReduction() == Reduction::depthwise) {
      c = cv = 1;
    } else if (groupsInLanes(op, lanes) || lanesOwnChannels(op, lanes, tiling.getKu())) {
      c = cv = c / groups;
    } else if (groups > 1) {
      // Whole blocks where tiles read such; else one block of all channels of the span.
      GroupSpan span{c, k, groups, row};
      addStep("expand_groups", {groups, row});
      c = span.span();
      k = roundUp(k, row);
      cv = span.isOfWholeBlocks(lanes) ? lanes : c;
    }
    int64_t kPadded = roundUp(k, tiling.getGroupVectors() * lanes), cPadded = roundUp(c, cv);
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
    if (tiling.getShare() > 1)
      addStep("share_rows", {lanes, tiling.getShare()});
    OpBuilder b(op);
    op->setOperand(1, WeightOp::create(b, weight.getLoc(), recipe));
    if (weight->use_empty())
      weight.erase();
    return success();
  }

  /// [K, C, r...] to [groups, m + r - 1..., C, ku V], under the kernel transform.
  static void packTransformed(ConvOp op, TilingAttr tiling, int64_t lanes) {
    auto weight = op.getWeights().getDefiningOp<WeightOp>();
    MLIRContext *context = op->getContext();
    int64_t c = op.getInputChannels(), k = op.getOutputChannels(), row = tiling.getKu() * lanes, padded = roundUp(k, row);
    WeightAttr recipe = weight.getWeight().withStep(step(context, "winograd", tiling.getWinograd()));
    SmallVector<int64_t> shape{padded, c}, split{padded / row, row, c}, order{0};
    for (auto [d, m] : llvm::enumerate(tiling.getWinograd())) {
      int64_t points = m + op.getWindowShape()[d] - 1;
      shape.push_back(points);
      split.push_back(points);
      order.push_back(3 + d);
    }
    order.append({2, 1});
    if (padded != k)
      recipe = recipe.withStep(step(context, "pad", shape));
    recipe = recipe.withStep(step(context, "reshape", split)).withStep(step(context, "transpose", order));
    OpBuilder b(op);
    op->setOperand(1, WeightOp::create(b, weight.getLoc(), recipe));
    if (weight->use_empty())
      weight.erase();
  }

  double coldBandwidth = 1; // bytes per cycle at which the network's weights arrive

  /// Per-channel operands are read by whole vectors: padded to what the groups cover.
  static WalkResult padExtras(WindowedOpInterface op, TilingAttr tiling, int64_t lanes, bool blocked) {
    int64_t covered = roundUp(op.getOutputChannels(), tiling.getGroupVectors() * lanes);
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

  SmallVector<StreamStep> steps; // in the order of execution
};

} // namespace
