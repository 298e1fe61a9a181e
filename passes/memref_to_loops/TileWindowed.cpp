// lathe-tile-windowed: a windowed operation on buffers becomes scf.forall(image, channel group, outer rows) over nn.microkernel operations, one per
// register tile. All halo and border arithmetic is here: window ranges are clipped per outer dimension, and lines are covered by the static segments of
// the tiling attribute, so that inner tiles see no border at all. No masks, no padded copies.
//
// Loop order: channel groups outside rows. Measured: one output plane is then written sequentially and the group's weights stay in the cache.
#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/Parts.h"
#include "passes/memref_to_loops/Passes.h"
#include "passes/memref_to_loops/TileChain.h"
#include "passes/memref_to_loops/TilePartial.h"
#include "passes/memref_to_loops/TilePrologue.h"
#include "passes/memref_to_loops/TileWinograd.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lathe::passes {
#define GEN_PASS_DEF_TILEWINDOWEDPASS
#include "passes/memref_to_loops/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

class Tiler : IndexBuilder {
public:
  /// `prologue` computes the input, line by line; null if it is in memory.
  Tiler(WindowedOpInterface op, lathe::passes::PrologueTiler *prologue)
      : IndexBuilder(op), op(op), prologue(prologue), partials(op), spatial(op.getSpatialRank()), window(op.getWindowShape()), strides(op.getWindowStrides()),
        dilations(op.getWindowDilations()), padBegin(op.getPadBegin()), padEnd(op.getPadEnd()), tiling(op.getTilingOrNull()) {
    input = extents(cast<ShapedType>(op.getInput().getType()));
    output = extents(op.getOutputType());
  }

  void tile() {
    if (tiling.getImages() > 1)
      imagesAsPixels();
    else
      linesOfImages();
    partials.erase();
    op->erase();
  }

  /// Rows [from, to) of `image`, where `op` is a member of a chain.
  void rowsOfChain(const lathe::passes::ChainMember &member, OpBuilder::InsertPoint at, Value ofImage, Value from, Value to) {
    b.restoreInsertionPoint(at);
    image = ofImage;
    ring = {member.inputRows, member.outputRows};
    buffers.push_back(member.input);
    llvm::append_range(buffers, op.getExtras());
    buffers.push_back(member.output);
    group = enterLoop(constant(0), constant(groupsOf(op)));
    clip(0, enterLoop(from, to));
    for (int64_t d = 1; d + 1 < spatial; ++d)
      clip(d, enterLoop(constant(0), constant(output[d])));
    line();
    op->erase();
  }

private:
  Value enterLoop(Value from, Value to) {
    auto loop = scf::ForOp::create(b, from, to, constant(1));
    b.setInsertionPointToStart(loop.getBody());
    return loop.getInductionVar();
  }

  /// The forall's order is the order in which a thread works: what changes slowest stays in its caches. Which dimension changes slowest also decides what
  /// threads share: rows, where that is less to read than groups of channels.
  void linesOfImages() {
    bool groupsOutside = tiling.getImages() > 0, rowsShared = !prologue && threadsShareRows();
    SmallVector<OpFoldResult> bounds{batch()};
    for (int64_t d = 0; d + 1 < spatial; ++d)
      bounds.push_back(b.getIndexAttr(d + 2 == spatial ? output[d] / tiling.getMerge() : output[d]));
    pieces = prologue ? 1 : piecesOfLine(op);
    if (pieces > 1)
      bounds.push_back(b.getIndexAttr(pieces));
    // A line that the prologue computes serves all groups.
    size_t groupAt = rowsShared || prologue ? bounds.size() : groupsOutside ? 0 : 1;
    bounds.insert(bounds.begin() + groupAt, b.getIndexAttr(groupsOf(op)));
    auto forall = scf::ForallOp::create(b, bounds, ValueRange{}, std::nullopt);
    if (rowsShared)
      forall->setAttr(NNDialect::kLastOutsideAttr, b.getUnitAttr());
    b.setInsertionPointToStart(forall.getBody());
    SmallVector<Value> indices(forall.getInductionVars());
    group = firstVector(indices[groupAt]);
    indices.erase(indices.begin() + groupAt);
    image = indices.front();
    for (int64_t d = 0; d + 1 < spatial; ++d)
      clip(d, mul(indices[1 + d], d + 2 == spatial ? tiling.getMerge() : 1));
    if (pieces > 1)
      piece = indices[spatial];
    if (prologue)
      computeInput(forall);
    line();
    if (!partials.empty())
      reduceLine(ArrayRef(indices).drop_front());
  }

  /// Threads that share groups read the whole input each, what others have written of it from their caches, and leave the output to the next operation in
  /// groups too; threads that share rows read all weights each. Measured with two threads (docs/Scaling.md): the input counts twice.
  bool threadsShareRows() {
    constexpr int64_t kSharedInput = 2;
    int64_t weights = 0;
    if (tiling.getImages() > 0 || groupsOf(op) == 1 || linesOf(op) * piecesOfLine(op) == 1)
      return false;
    if (Value operand = op.getWeightsOrNull())
      weights = cast<ShapedType>(operand.getType()).getNumElements();
    auto perImage = [](Type type) { return ShapedType::getNumElements(cast<ShapedType>(type).getShape().drop_front()); };
    return weights < kSharedInput * perImage(op.getInput().getType()) + perImage(op.getOutputType());
  }

  /// The line's input, by the first group that this call of the kernel sees of it: other threads may have the groups before.
  void computeInput(scf::ForallOp forall) {
    if (groupsOf(op) == 1)
      return prologue->compute(b.saveInsertionPoint(), image, rows);
    Value number = image;
    for (auto [extent, index] : llvm::drop_begin(llvm::zip(forall.getMixedUpperBound(), forall.getInductionVars())))
      number = add(mul(number, *getConstantIntValue(extent)), index);
    Value isFirst = arith::OrIOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, group, constant(0)),
                                         arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, RangeBeginOp::create(b, b.getIndexType())));
    auto ifFirst = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
    prologue->compute(OpBuilder::InsertPoint(ifFirst.thenBlock(), ifFirst.thenBlock()->begin()), image, rows);
  }

  /// Images of one output pixel each are a line of pixels: full tiles of images, then tiles of half as many, and so on, so that any batch is covered.
  /// Every output is computed in the same order in all of them.
  void imagesAsPixels() {
    OpFoldResult images = batch();
    auto known = getConstantIntValue(images);
    Value all = known ? constant(*known) : cast<Value>(images);
    input.assign(spatial, 1); // never asked for: there is no border
    buffers.push_back(line(op.getInput()));
    for (Value extra : op.getExtras())
      buffers.push_back(op.getExtraKind(buffers.size() - 1) == ExtraKind::elementwise ? line(extra) : extra);
    buffers.push_back(line(op.getInitOrNull()));
    auto forall = scf::ForallOp::create(b, {b.getIndexAttr(groupsOf(op))}, ValueRange{}, std::nullopt);
    b.setInsertionPointToStart(forall.getBody());
    image = constant(0);
    group = firstVector(forall.getInductionVar(0));
    rows.assign(spatial - 1, constant(0));
    first = begin = rows;
    end.assign(spatial - 1, constant(1));
    strides.assign(spatial, 1);
    dilations.assign(spatial, 1);
    if (tiling.getStreams())
      streams(known, all);
    else
      tilesOfImages(known, all);
  }

  /// Tiles of `images` images, then of half as many, and so on. If the weights of vectors lie apart, fewer images take more of the `ku` vectors at a time.
  void tilesOfImages(std::optional<int64_t> known, Value all) {
    const TilingAttr whole = tiling;
    const Value firstGroup = group;
    Value from = constant(0);
    for (int64_t width = whole.getImages(); width >= 1; width /= 2) {
      Value to = known ? constant(*known / width * width) : width == 1 ? all : arith::AndIOp::create(b, all, constant(-width)).getResult();
      if (to == from)
        continue;
      OpBuilder::InsertionGuard guard(b);
      if (whole.getStreams()) {
        int64_t vectors = whole.getKu();
        while (vectors > 1 && (vectors * width > whole.getImages() || whole.getKu() % vectors))
          --vectors;
        tiling = withVectors(whole, vectors);
        auto loop = scf::ForOp::create(b, constant(0), constant(whole.getKu()), constant(vectors));
        b.setInsertionPointToStart(loop.getBody());
        group = add(firstGroup, loop.getInductionVar());
      }
      auto loop = scf::ForOp::create(b, from, to, constant(width));
      b.setInsertionPointToStart(loop.getBody());
      microKernel(loop.getInductionVar(), 0, width, false);
      from = to;
    }
    tiling = whole;
  }

  /// The vectors of a group have weights of their own each. One image reads all of them at once, so many streams of memory; several images go through a few
  /// of them at a time, which stay in the second level until the whole batch has seen them.
  void streams(std::optional<int64_t> known, Value all) {
    const TilingAttr whole = tiling;
    const Value first = group;
    auto oneImage = [&] {
      tiling = withVectors(whole, whole.getStreams());
      microKernel(constant(0), 0, 1, false);
    };
    auto manyImages = [&] {
      tiling = whole;
      auto loop = scf::ForOp::create(b, constant(0), constant(whole.getStreams()), constant(whole.getKu()));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      group = add(first, loop.getInductionVar());
      tilesOfImages(known, all);
    };
    if (known)
      return *known == 1 ? oneImage() : manyImages();
    Value one = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, all, constant(1));
    auto choice = scf::IfOp::create(b, one, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    oneImage();
    b.setInsertionPointToStart(choice.elseBlock());
    manyImages();
  }

  static TilingAttr withVectors(TilingAttr t, int64_t ku) {
    return TilingAttr::get(t.getContext(), ku, t.getUnroll(), t.getMerge(), t.getSegments(), t.getWinograd(), t.getImages(), t.getPrefetch(), t.getShare(),
                           t.getStreams());
  }

  /// Micro-kernels count groups; where the vectors of a group have weights of their own, they count vectors.
  Value firstVector(Value groupIndex) { return mul(groupIndex, std::max<int64_t>(tiling.getStreams(), 1)); }

  OpFoldResult batch() {
    if (op.getOutputType().isDynamicDim(0))
      return memref::DimOp::create(b, op.getInitOrNull(), constant(0)).getResult();
    return b.getIndexAttr(op.getOutputType().getDimSize(0));
  }

  /// A buffer of images of one pixel, seen as one image: [N, C] as [1, N, C], and [N, C / V, 1, 1, V] as [1, C / V, 1, N, V].
  Value line(Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> shape(type.getShape()), s = type.getStridesAndOffset().first;
    int64_t pixels = shape[0], distance = s[0];
    shape[0] = 1;
    if (isa<MatMulOp>(op.getOperation())) {
      shape.insert(shape.begin() + 1, pixels);
      s.insert(s.begin() + 1, distance);
    } else {
      shape[1 + spatial] = pixels;
      s[1 + spatial] = distance;
    }
    SmallVector<OpFoldResult> sizes, steps;
    for (int64_t extent : shape)
      sizes.push_back(ShapedType::isDynamic(extent) ? OpFoldResult(memref::DimOp::create(b, buffer, constant(0)).getResult()) : b.getIndexAttr(extent));
    for (int64_t step : s)
      steps.push_back(b.getIndexAttr(step));
    auto result = MemRefType::get(shape, type.getElementType(), StridedLayoutAttr::get(b.getContext(), 0, s));
    return memref::ReinterpretCastOp::create(b, result, buffer, b.getIndexAttr(0), sizes, steps);
  }

  /// Spatial extents of an operand, whatever its layout.
  SmallVector<int64_t> extents(ShapedType type) {
    if (isa<MatMulOp>(op.getOperation()))
      return {type.getRank() == 3 ? type.getDimSize(1) : 1};
    return SmallVector<int64_t>(type.getShape().slice(2, spatial));
  }

  /// Outer dimension `d` at output position `row`: input position of window element 0 and the range of elements inside the input.
  void clip(int64_t d, Value row) {
    rows.push_back(row);
    Value start = add(mul(row, strides[d]), -padBegin[d]);
    first.push_back(start);
    int64_t lastStart = (output[d] - 1) * strides[d] - padBegin[d];
    bool before = padBegin[d] > 0, beyond = lastStart + dilatedWindow(window[d], dilations[d]) > input[d];
    // elements r with 0 <= start + r * dilation < extent
    auto ceilDiv = [&](Value v) { return dilations[d] == 1 ? v : arith::CeilDivSIOp::create(b, v, constant(dilations[d])).getResult(); };
    begin.push_back(before ? arith::MaxSIOp::create(b, ceilDiv(arith::SubIOp::create(b, constant(0), start)), constant(0)).getResult() : constant(0));
    end.push_back(beyond ? arith::MinSIOp::create(b, ceilDiv(arith::SubIOp::create(b, constant(input[d]), start)), constant(window[d])).getResult()
                         : constant(window[d]));
  }

  /// Covers one line of the last dimension with register tiles; runs of equal tiles that see no border become a loop.
  void line() {
    ArrayRef<int64_t> segments = tiling.getSegments();
    int64_t column = 0;
    for (size_t i = 0; i < segments.size();) {
      int64_t width = segments[i];
      size_t run = 0;
      while (i + run < segments.size() && segments[i + run] == width && interior(column + run * width, width))
        ++run;
      if (run > 1 || pieces > 1) {
        run = std::max<size_t>(run, 1);
        Value first = share(run, 0), last = share(run, 1);
        if (pieces > 1 && !partials.empty())
          columns.push_back({add(mul(first, width), column), add(mul(last, width), column)});
        auto loop = scf::ForOp::create(b, first, last, constant(1));
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loop.getBody());
        microKernel(add(mul(loop.getInductionVar(), width), column), column, width, !interior(column, width));
      } else {
        microKernel(constant(column), column, width, !interior(column, width));
      }
      size_t covered = std::max<size_t>(run, 1);
      column += covered * width;
      i += covered;
    }
    if (pieces == 1)
      columns.push_back({constant(0), constant(column)});
  }

  //===- Reductions of the line ----------------------------------------------------------------------------------------------------------------===//

  /// `at` is the number of the line in each dimension, and of the piece.
  void reduceLine(ArrayRef<Value> at) {
    auto type = cast<MemRefType>(op.getOutputType());
    SmallVector<int64_t> steps = type.getStridesAndOffset().first;
    Value part = constant(0), count = constant(0);
    for (auto [d, index] : llvm::enumerate(at)) {
      auto i = static_cast<int64_t>(d);
      part = add(mul(part, i + 1 == spatial ? pieces : i + 2 == spatial ? output[i] / tiling.getMerge() : output[i]), index);
    }
    for (auto [from, to] : columns)
      count = add(count, difference(to, from));
    Value first = mul(group, tiling.getRowVectors()), vectors = constant(tiling.getKu());
    if (type.getDimSize(1) % tiling.getKu()) // the last group has fewer
      vectors = arith::MinSIOp::create(b, vectors, difference(constant(type.getDimSize(1)), first));
    auto overVectors = scf::ForOp::create(b, constant(0), vectors, constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(overVectors.getBody());
    Value block = add(first, overVectors.getInductionVar()), base = add(mul(image, steps[0]), mul(block, steps[1]));
    for (auto [d, row] : llvm::enumerate(rows))
      base = add(base, mul(row, steps[2 + d]));
    partials.compute(*this, b, image, block, part, count, [&](SmallVector<Value> chains, lathe::passes::PartialTiler::Include include) {
      for (auto [from, to] : columns)
        chains = visitPixels(base, from, to, chains, include);
      return chains;
    });
  }

  Value difference(Value x, Value y) {
    auto a = getConstantIntValue(x), c = getConstantIntValue(y);
    return a && c ? constant(*a - *c) : arith::SubIOp::create(b, x, y).getResult();
  }

  /// The pixels from column `from` to `to`, one for each chain in turn; what is left, in the first one.
  SmallVector<Value> visitPixels(Value base, Value from, Value to, SmallVector<Value> chains, lathe::passes::PartialTiler::Include include) {
    auto type = cast<MemRefType>(op.getOutputType());
    auto vector = VectorType::get({type.getShape().back()}, type.getElementType());
    int64_t step = type.getStridesAndOffset().first[1 + spatial], width = chains.size();
    Value flat = flatten(op.getInitOrNull());
    auto loop = [&](Value begin, Value end, int64_t pixels) {
      auto known = getConstantIntValue(begin), limit = getConstantIntValue(end);
      if (known && limit && *known == *limit)
        return;
      auto overPixels = scf::ForOp::create(b, begin, end, constant(pixels), chains);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(overPixels.getBody());
      SmallVector<Value> next(overPixels.getRegionIterArgs());
      Value at = add(base, mul(overPixels.getInductionVar(), step));
      for (int64_t p = 0; p < pixels; ++p)
        next[p] = include(vector::LoadOp::create(b, vector, flat, add(at, p * step)), next[p]);
      scf::YieldOp::create(b, next);
      chains.assign(overPixels.getResults().begin(), overPixels.getResults().end());
    };
    Value count = difference(to, from);
    auto known = getConstantIntValue(count);
    Value whole = known ? constant(*known / width * width) : arith::AndIOp::create(b, count, constant(-width)).getResult();
    Value rest = add(from, whole);
    loop(from, rest, width);
    loop(rest, to, 1);
    return chains;
  }

  /// Where the share of this piece of the line (0) or of the next one (1) of `run` equal tiles begins.
  Value share(int64_t run, int64_t next) {
    if (pieces == 1)
      return constant(next * run);
    Value p = add(piece, next);
    return run % pieces == 0 ? mul(p, run / pieces) : arith::DivUIOp::create(b, mul(p, run), constant(pieces)).getResult();
  }

  bool interior(int64_t column, int64_t width) {
    int64_t d = spatial - 1, lead = column * strides[d] - padBegin[d];
    int64_t last = (column + width - 1) * strides[d] - padBegin[d] + dilatedWindow(window[d], dilations[d]);
    return lead >= 0 && last <= input[d] * tiling.getMerge();
  }

  void microKernel(Value column, int64_t firstColumn, int64_t width, bool edge) {
    SmallVector<int64_t> pads(padBegin);
    llvm::append_range(pads, padEnd);
    auto pool = dyn_cast<PoolOp>(op.getOperation());
    auto conv = dyn_cast<ConvOp>(op.getOperation());
    if (buffers.empty()) {
      buffers.push_back(prologue ? prologue->buffer() : op.getInput());
      llvm::append_range(buffers, op.getExtras());
      buffers.push_back(op.getInitOrNull());
    }
    auto kernel = MicroKernelOp::create(
        b, ReductionAttr::get(b.getContext(), op.getReduction()), image, group, rows, column, first, begin, end, buffers.front(), op.getWeightsOrNull(),
        ArrayRef(buffers).drop_front().drop_back(), conv ? conv.getPlaces() : Value(), buffers.back(), b.getDenseI64ArrayAttr(window),
        b.getDenseI64ArrayAttr(strides), b.getDenseI64ArrayAttr(dilations), b.getDenseI64ArrayAttr(pads),
        pool && pool.getCountIncludePad() ? b.getUnitAttr() : UnitAttr(), b.getDenseI64ArrayAttr({op.getInputChannels(), op.getOutputChannels()}),
        b.getI64IntegerAttr(conv ? conv.getGroups() : 1), tiling, b.getI64IntegerAttr(width), b.getI64IntegerAttr(firstColumn),
        edge ? b.getUnitAttr() : UnitAttr(), ring == std::array<int64_t, 2>{0, 0} ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(ring));
    IRMapping map;
    op.getEpilogue().cloneInto(&kernel.getEpilogue(), map);
  }

  WindowedOpInterface op;
  lathe::passes::PrologueTiler *prologue;
  lathe::passes::PartialTiler partials;
  int64_t spatial;
  SmallVector<int64_t> window, strides, dilations, padBegin, padEnd, input, output;
  TilingAttr tiling;
  Value image, group, piece;
  int64_t pieces = 1;                           // of a line, which threads share
  SmallVector<std::pair<Value, Value>> columns; // of a line, that an iteration computes
  SmallVector<Value> buffers;                   // input, extras and destination, as micro-kernels see them
  std::array<int64_t, 2> ring{};                // rows of input and destination that are in memory; 0 for all
  SmallVector<Value> rows, first, begin, end;
};

/// Whether the rows of every operand that is indexed by output pixels follow each other without a gap, so that a line may run over several rows.
bool rowsAreContiguous(WindowedOpInterface op) {
  int64_t spatial = op.getSpatialRank();
  auto contiguous = [&](Value operand) {
    auto type = cast<MemRefType>(operand.getType());
    if (type.getRank() < spatial + 2)
      return true; // a scalar or one value per channel
    SmallVector<int64_t> strides = type.getStridesAndOffset().first;
    return strides[spatial] == type.getDimSize(1 + spatial) * strides[1 + spatial];
  };
  return contiguous(op.getInput()) && contiguous(op.getInitOrNull()) && llvm::all_of(op.getExtras(), contiguous);
}

/// Whether the elements of an image lie as its extents say.
bool imagesAreContiguous(Value operand) {
  auto type = cast<MemRefType>(operand.getType());
  SmallVector<int64_t> strides = type.getStridesAndOffset().first, dense = MemRefType::get(type.getShape(), type.getElementType()).getStridesAndOffset().first;
  return ArrayRef(strides).drop_front() == ArrayRef(dense).drop_front();
}

/// What lathe-fuse-prologue has put before `op`, if anything.
std::optional<lathe::passes::PrologueTiler> prologueOf(WindowedOpInterface op) {
  auto line = op.getInput().getDefiningOp<memref::AllocaOp>();
  if (!line)
    return {};
  for (Operation *user : line->getUsers())
    if (auto producer = dyn_cast<linalg::LinalgOp>(user))
      return lathe::passes::PrologueTiler(producer, line, op.getTilingOrNull().getMerge());
  return {};
}

/// What lathe-group has put together.
LogicalResult tileChain(ArrayRef<WindowedOpInterface> ops, int64_t rows) {
  for (WindowedOpInterface op : ops)
    if (TilingAttr t = op.getTilingOrNull(); !t || t.getMerge() != 1 || !t.getWinograd().empty() || t.getImages() || t.getStreams())
      return op->emitOpError("expects a tiling of single rows and images in a chain (got ") << t << ")";
  if (rows < 1)
    return ops.back()->emitOpError("expects a chain to compute at least one row at a time (got ") << rows << ")";
  lathe::passes::ChainTiler chain(ops, rows);
  chain.tile([&](const lathe::passes::ChainMember &member, OpBuilder::InsertPoint at, Value image, Value from, Value to) {
    Tiler(member.op, nullptr).rowsOfChain(member, at, image, from, to);
  });
  return success();
}

struct TileWindowedPass : lathe::passes::impl::TileWindowedPassBase<TileWindowedPass> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr(NNDialect::kKernelAttr))
      return;
    SmallVector<WindowedOpInterface> ops;
    getOperation().walk([&](WindowedOpInterface op) { ops.push_back(op); });
    IntegerAttr rowsOfChain;
    for (auto scope : llvm::make_early_inc_range(getOperation().getOps<memref::AllocaScopeOp>())) {
      rowsOfChain = scope->getAttrOfType<IntegerAttr>(NNDialect::kRowsAttr);
      scope.getBodyRegion().front().getTerminator()->erase();
      IRRewriter(scope).inlineBlockBefore(&scope.getBodyRegion().front(), scope);
      scope.erase();
    }
    if (rowsOfChain) {
      if (failed(tileChain(ops, rowsOfChain.getInt())))
        signalPassFailure();
      return;
    }
    for (WindowedOpInterface op : ops) {
      if (!op.getTilingOrNull() || !isa<MemRefType>(op.getInput().getType())) {
        op->emitOpError("expects a tiling attribute and buffers before it is tiled");
        return signalPassFailure();
      }
      if (op.getTilingOrNull().getMerge() > 1 && !rowsAreContiguous(op)) {
        op->emitOpError("expects rows without gaps where a tiling merges them (got ") << op.getOperation()->getOperandTypes() << ")";
        return signalPassFailure();
      }
      auto conv = dyn_cast<ConvOp>(op.getOperation());
      if (conv && conv.getPlaces() && !imagesAreContiguous(conv.getInput())) {
        op->emitOpError("expects images without gaps where places say where channels begin (got ") << conv.getInput().getType() << ")";
        return signalPassFailure();
      }
      if (conv && conv.hasTransformedWeights()) {
        lathe::passes::tileWinograd(conv);
      } else if (std::optional<lathe::passes::PrologueTiler> prologue = prologueOf(op)) {
        Tiler(op, &*prologue).tile();
        prologue->erase();
      } else {
        Tiler(op, nullptr).tile();
      }
    }
  }
};

} // namespace
