// lathe-tile-block: see Passes.td.
//
// A convolution is a product of matrices: a row is an output pixel of some image, a column an output channel, and the reduction goes over blocks of input
// channels and, within them, over the window (implicit GEMM; Chetlur et al., cuDNN: Efficient Primitives for Deep Learning, 2014). A block of threads copies
// the next steps of both factors into a ring in shared memory (cp.async) while it multiplies the one that has arrived. Borders, rows behind the last and
// channels behind the last are copies of fewer bytes, the rest of which the hardware fills with zeros: the product itself has no cases.
#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/VectorEpilogue.h"
#include "passes/memref_to_nvvm/Passes.h"
#include "passes/memref_to_nvvm/WarpProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Remarks.h"

namespace lathe::passes {
#define GEN_PASS_DEF_TILEBLOCKPASS
#include "passes/memref_to_nvvm/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

namespace {

constexpr int64_t kWarp = 32, kChunk = 16; // threads; bytes that one copy moves

int64_t product(ArrayRef<int64_t> values) {
  int64_t p = 1;
  for (int64_t v : values)
    p *= v;
  return p;
}

/// What is in memory, behind what operations see.
Value stored(Value v) {
  auto seen = v.getDefiningOp<StoredAsOp>();
  return seen ? seen.getSource() : v;
}

/// A tensor of images as rows: where a pixel's channels are, in elements.
struct RowView {
  RowView(WindowedOpInterface op, Value v) : blocked(op.isBlocked(v)) {
    auto type = cast<MemRefType>(v.getType());
    SmallVector<int64_t> s = type.getStridesAndOffset().first;
    image = s.front();
    if (blocked) {
      block = s[1];
      spatial.assign(s.begin() + 2, s.end() - 1);
      extents.assign(type.getShape().begin() + 2, type.getShape().end() - 1);
    } else { // a matrix: [N, C] or [N, M, C]
      block = StepLayout::kDepth;
      spatial.push_back(type.getRank() == 3 ? s[1] : 0);
      extents.push_back(type.getRank() == 3 ? type.getDimSize(1) : 1);
    }
  }
  bool blocked;
  int64_t image, block;
  SmallVector<int64_t> spatial, extents;
};

class BlockTiler : IndexBuilder, Int32Builder {
public:
  BlockTiler(WindowedOpInterface op, Product kind)
      : IndexBuilder(op), Int32Builder(IndexBuilder::b), op(op), tiling(op.getTilingOrNull()), input(op, op.getInput()), output(op, op.getInitOrNull()),
        layout{elementBytesOf(op.getInput()), tiling.getBlockRows(), tiling.getBlockColumns()},
        warps(IndexBuilder::b, kind, layout, tiling.getBlockRows() / tiling.getWarpsOfRows(), tiling.getBlockColumns() / tiling.getWarpsOfColumns()),
        b(IndexBuilder::b), threads(kWarp * tiling.getWarpsOfRows() * tiling.getWarpsOfColumns()), window(product(op.getWindowShape())),
        steps(window * ceilDiv(op.getInputChannels(), StepLayout::kDepth)), pixels(product(output.extents)) {}

  static int64_t elementBytesOf(Value v) { return cast<MemRefType>(stored(v).getType()).getElementTypeBitWidth() / 8; }

  void tile() {
    auto kernel = op->getParentOfType<func::FuncOp>();
    kernel->setAttr(NNDialect::kLanesAttr, b.getI64IntegerAttr(threads));
    MemRefType shared = MemRefType::get({tiling.getStages() * layout.bytes()}, b.getI8Type());
    Value ring = ScratchOp::create(b, shared, /*offset=*/0);
    for (Value v : op->getOperands())
      if (cast<MemRefType>(v.getType()).getRank() > 0)
        flatten(v);
    int64_t columnTiles = cast<ShapedType>(op.getWeightsOrNull().getType()).getDimSize(0);
    bool dynamic = op.getOutputType().isDynamicDim(0);
    int64_t rowTiles = ceilDiv(dynamic ? pixels : op.getOutputType().getDimSize(0) * pixels, tiling.getBlockRows());
    SmallVector<OpFoldResult> bounds;
    Value images;
    if (dynamic) {
      images = memref::DimOp::create(b, op.getInitOrNull(), IndexBuilder::constant(0));
      bounds.push_back(images);
    }
    bounds.push_back(b.getIndexAttr(rowTiles));
    bounds.push_back(b.getIndexAttr(columnTiles));
    auto forall = scf::ForallOp::create(b, bounds, ValueRange{}, std::nullopt);
    b.setInsertionPointToStart(forall.getBody());
    SmallVector<Value> at = llvm::map_to_vector(forall.getInductionVars(), [&](Value v) { return toInt32(v); });
    columnTile = at.back();
    Value rowTile = at.front();
    if (dynamic)
      rowTile = Int32Builder::add(Int32Builder::mul(at[0], rowTiles), at[1]);
    rowCount = dynamic ? Int32Builder::mul(toInt32(images), pixels) : Int32Builder::constant(op.getOutputType().getDimSize(0) * pixels);
    firstRow = Int32Builder::mul(rowTile, tiling.getBlockRows());
    // As many tiles as images need one by one: the last ones have no rows, since a tile has rows of several images.
    Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, firstRow, rowCount);
    b.setInsertionPointToStart(scf::IfOp::create(b, some, /*withElseRegion=*/false).thenBlock());
    block(ring);
    op->erase();
  }

private:
  static int64_t ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }
  Value toInt32(Value index) { return arith::IndexCastOp::create(b, b.getI32Type(), index); }
  Value toIndex(Value v) { return arith::IndexCastOp::create(b, b.getIndexType(), v); }
  Value below(Value x, int64_t limit) { return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, Int32Builder::constant(limit)); }

  //===- Places --------------------------------------------------------------------------------------------------------------------------------===//

  /// Image and output coordinates of a row.
  std::pair<Value, SmallVector<Value>> pixelOf(Value row) {
    Value pixel = rem(row, pixels);
    SmallVector<Value> at(output.extents.size());
    for (size_t d = at.size(); d-- > 1;) {
      at[d] = rem(pixel, output.extents[d]);
      pixel = div(pixel, output.extents[d]);
    }
    at.front() = pixel;
    return {div(row, pixels), at};
  }

  /// Where an image begins, in elements, as an index.
  Value imageStart(Value image, const RowView &view) { return IndexBuilder::mul(toIndex(image), view.image); }

  Value pointer(Value memref, unsigned space) {
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
    Value bits = arith::IndexCastOp::create(b, b.getI64Type(), address);
    Type generic = LLVM::LLVMPointerType::get(b.getContext());
    return LLVM::AddrSpaceCastOp::create(b, LLVM::LLVMPointerType::get(b.getContext(), space), LLVM::IntToPtrOp::create(b, generic, bits));
  }

  Value advance(Value pointer, Value bytes) { return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{bytes}); }

  Value toBytes(Value index) {
    Value bytes = IndexBuilder::mul(index, layout.elementBytes);
    return arith::IndexCastOp::create(b, b.getI64Type(), bytes);
  }

  //===- The block -----------------------------------------------------------------------------------------------------------------------------===//

  void block(Value ring) {
    constexpr unsigned kGlobal = 1, kShared = 3;
    thread = NVVM::ThreadIdXOp::create(b, b.getI32Type());
    Value lane = rem(thread, kWarp), warp = div(thread, kWarp);
    warpRow = Int32Builder::mul(rem(warp, tiling.getWarpsOfRows()), tiling.getBlockRows() / tiling.getWarpsOfRows());
    warpColumn = Int32Builder::mul(div(warp, tiling.getWarpsOfRows()), tiling.getBlockColumns() / tiling.getWarpsOfColumns());
    shared = pointer(ring, kShared);
    left = pointer(stored(op.getInput()), kGlobal);
    right = pointer(stored(op.getWeightsOrNull()), kGlobal);
    placeCopies();
    warps.place(lane, warpRow, warpColumn);

    int64_t stages = tiling.getStages(), bytes = layout.bytes();
    for (int64_t s = 0; s + 1 < stages; ++s) {
      if (s < steps)
        copyStep(Int32Builder::constant(s), Int32Builder::constant(s * bytes));
      NVVM::CpAsyncCommitGroupOp::create(b);
    }
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    SmallVector<Value> state(warps.sumCount(), zero);
    state.push_back(Int32Builder::constant(0));                    // the step that is multiplied, in the ring
    state.push_back(Int32Builder::constant((stages - 1) * bytes)); // the one that is copied
    auto loop = scf::ForOp::create(b, Int32Builder::constant(0), Int32Builder::constant(steps), Int32Builder::constant(1), state);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> next(loop.getRegionIterArgs());
      Value to = next.pop_back_val(), from = next.pop_back_val();
      NVVM::CpAsyncWaitGroupOp::create(b, stages - 2);
      // Behind it every thread's copies are there, and nobody reads the step any more that the next copies replace.
      NVVM::Barrier0Op::create(b); // nvvm.barrier cannot be read back from its text
      Value ahead = Int32Builder::add(loop.getInductionVar(), stages - 1);
      auto more = scf::IfOp::create(b, below(ahead, steps), /*withElseRegion=*/false);
      {
        OpBuilder::InsertionGuard inner(b);
        b.setInsertionPointToStart(more.thenBlock());
        copyStep(ahead, to);
      }
      NVVM::CpAsyncCommitGroupOp::create(b);
      next = warps.multiply(advance(shared, from), std::move(next));
      for (Value v : {from, to}) {
        Value after = Int32Builder::add(v, bytes), isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, after, Int32Builder::constant(stages * bytes));
        next.push_back(arith::SelectOp::create(b, isLast, Int32Builder::constant(0), after));
      }
      scf::YieldOp::create(b, next);
    }
    store(loop.getResults().drop_back(2), lane);
  }

  //===- Copies --------------------------------------------------------------------------------------------------------------------------------===//

  /// One chunk of the left factor that this thread copies in every step.
  struct Chunk {
    Value exists;              // whether its row does
    SmallVector<Value> corner; // the input position of window element 0
    Value start, target;       // elements from the input's start, index; bytes from the step's start
  };

  int64_t chunksOfRow() const { return StepLayout::kDepth * layout.elementBytes / kChunk; }

  void placeCopies() {
    int64_t elements = kChunk / layout.elementBytes, rowsAtOnce = threads / chunksOfRow();
    Value chunk = rem(thread, chunksOfRow()), row = div(thread, chunksOfRow());
    firstChannel = Int32Builder::mul(chunk, elements);
    for (int64_t r = 0; r < tiling.getBlockRows(); r += rowsAtOnce) {
      Chunk c;
      Value inBlock = Int32Builder::add(row, r), number = Int32Builder::add(firstRow, inBlock);
      c.exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, rowCount);
      if (tiling.getBlockRows() < rowsAtOnce)
        c.exists = arith::AndIOp::create(b, c.exists, below(inBlock, tiling.getBlockRows()));
      auto [image, at] = pixelOf(number);
      Value within = firstChannel;
      for (size_t d = 0; d < at.size(); ++d) {
        c.corner.push_back(Int32Builder::add(Int32Builder::mul(at[d], op.getWindowStrides()[d]), -op.getPadBegin()[d]));
        within = Int32Builder::add(within, Int32Builder::mul(c.corner[d], input.spatial[d]));
      }
      c.start = IndexBuilder::add(imageStart(image, input), toIndex(within));
      c.target = Int32Builder::add(Int32Builder::mul(inBlock, layout.leftPitch()), Int32Builder::mul(chunk, kChunk));
      copies.push_back(c);
    }
  }

  /// Whether window positions of dimension `d` may lie outside the input.
  bool hasBorder(size_t d) {
    int64_t last = (output.extents[d] - 1) * op.getWindowStrides()[d] - op.getPadBegin()[d] + (op.getWindowShape()[d] - 1) * op.getWindowDilations()[d];
    return op.getPadBegin()[d] > 0 || last >= input.extents[d];
  }

  void copy(Value to, Value from, Value bytes) { NVVM::CpAsyncOp::create(b, to, from, kChunk, NVVM::LoadCacheModifierKind::CG, bytes); }

  /// Step number `step` of both factors to `offset` in the ring.
  void copyStep(Value step, Value offset) {
    Value tap = rem(step, window), block = div(step, window), target = advance(shared, offset);
    SmallVector<int64_t> extents = op.getWindowShape();
    SmallVector<Value> moved(extents.size()); // from the corner
    Value distance = Int32Builder::mul(block, input.block);
    for (size_t d = extents.size(); d-- > 0;) {
      moved[d] = Int32Builder::mul(d ? rem(tap, extents[d]) : tap, op.getWindowDilations()[d]);
      tap = d ? div(tap, extents[d]) : tap;
      distance = Int32Builder::add(distance, Int32Builder::mul(moved[d], input.spatial[d]));
    }
    Value whole = Int32Builder::constant(kChunk), none = Int32Builder::constant(0);
    if (int64_t channels = op.getInputChannels(); channels % StepLayout::kDepth) {
      Value before = Int32Builder::add(Int32Builder::mul(block, StepLayout::kDepth), firstChannel);
      Value bytes = Int32Builder::mul(arith::SubIOp::create(b, Int32Builder::constant(channels), before), layout.elementBytes);
      whole = arith::MaxSIOp::create(b, arith::MinSIOp::create(b, bytes, whole), none);
    }
    Value start = toIndex(distance);
    for (const Chunk &c : copies) {
      Value inside = c.exists;
      for (size_t d = 0; d < extents.size(); ++d)
        if (hasBorder(d))
          inside = arith::AndIOp::create(b, inside, below(Int32Builder::add(c.corner[d], moved[d]), input.extents[d]));
      Value bytes = arith::SelectOp::create(b, inside, whole, none);
      // An address outside of the buffer is none, even if nothing is read there.
      Value from = arith::SelectOp::create(b, inside, IndexBuilder::add(c.start, start), IndexBuilder::constant(0));
      copyIfInBlock(c, target, advance(left, toBytes(from)), bytes);
    }
    copyWeights(step, target);
  }

  void copyIfInBlock(const Chunk &c, Value target, Value from, Value bytes) {
    OpBuilder::InsertionGuard guard(b);
    if (int64_t rowsAtOnce = threads / chunksOfRow(); tiling.getBlockRows() < rowsAtOnce) { // the place of a row behind the tile's last is not its own
      Value has = below(div(thread, chunksOfRow()), tiling.getBlockRows());
      b.setInsertionPointToStart(scf::IfOp::create(b, has, /*withElseRegion=*/false).thenBlock());
    }
    copy(advance(target, c.target), from, bytes);
  }

  /// A step of packed weights is [kDepth][columns] without gaps.
  void copyWeights(Value step, Value target) {
    int64_t perLine = tiling.getBlockColumns() * layout.elementBytes / kChunk, chunks = StepLayout::kDepth * perLine;
    Value number = IndexBuilder::add(IndexBuilder::mul(toIndex(columnTile), steps), toIndex(step));
    Value from = advance(right, toBytes(IndexBuilder::mul(number, StepLayout::kDepth * tiling.getBlockColumns())));
    for (int64_t first = 0; first < chunks; first += threads) {
      OpBuilder::InsertionGuard guard(b);
      Value chunk = Int32Builder::add(thread, first);
      if (first + threads > chunks)
        b.setInsertionPointToStart(scf::IfOp::create(b, below(chunk, chunks), /*withElseRegion=*/false).thenBlock());
      Value place = Int32Builder::add(Int32Builder::mul(div(chunk, perLine), layout.rightPitch()), Int32Builder::mul(rem(chunk, perLine), kChunk));
      copy(advance(target, Int32Builder::add(place, layout.rightStart())), advance(from, Int32Builder::mul(chunk, kChunk)), Value());
    }
  }

  //===- Epilogue and store ----------------------------------------------------------------------------------------------------------------------===//

  /// Of a run of columns: elements from the start of a pixel's channels. Runs do not cross blocks of channels.
  Value channelOffset(Value channel, const RowView &view) {
    if (!view.blocked)
      return channel;
    return Int32Builder::add(Int32Builder::mul(div(channel, StepLayout::kDepth), view.block), rem(channel, StepLayout::kDepth));
  }

  void store(ValueRange sums, Value lane) {
    Value rowOfLane = Int32Builder::add(Int32Builder::add(firstRow, warpRow), div(lane, 4));
    Value columnOfLane = Int32Builder::add(Int32Builder::add(Int32Builder::mul(columnTile, tiling.getBlockColumns()), warpColumn),
                                           Int32Builder::mul(rem(lane, 4), warps.width()));
    SmallVector<RowView> views;
    SmallVector<bool> elementwise;
    for (size_t i = 0; i < op.getExtras().size(); ++i) {
      elementwise.push_back(op.getExtraKind(i) == ExtraKind::elementwise);
      views.emplace_back(elementwise.back() ? RowView(op, op.getExtras()[i]) : output);
    }
    SmallVector<HeldRun> runs = warps.runs();
    for (size_t i = 0; i < runs.size();) {
      OpBuilder::InsertionGuard guard(b);
      int64_t row = runs[i].row;
      Value number = Int32Builder::add(rowOfLane, row), exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, rowCount);
      b.setInsertionPointToStart(scf::IfOp::create(b, exists, /*withElseRegion=*/false).thenBlock());
      auto [image, at] = pixelOf(number);
      auto startOf = [&, image = image, at = at](const RowView &view) {
        Value within = Int32Builder::constant(0);
        for (size_t d = 0; d < at.size(); ++d)
          within = Int32Builder::add(within, Int32Builder::mul(at[d], view.spatial[d]));
        return IndexBuilder::add(imageStart(image, view), toIndex(within));
      };
      Value start = startOf(output);
      SmallVector<Value> starts(views.size());
      for (size_t e = 0; e < views.size(); ++e)
        if (elementwise[e])
          starts[e] = startOf(views[e]);
      for (; i < runs.size() && runs[i].row == row; ++i)
        storeRun(runs[i], sums, Int32Builder::add(columnOfLane, runs[i].column), start, views, starts);
    }
  }

  void storeRun(const HeldRun &run, ValueRange sums, Value channel, Value start, ArrayRef<RowView> views, ArrayRef<Value> starts) {
    OpBuilder::InsertionGuard guard(b);
    int64_t width = warps.width(), channels = op.getOutputChannels(),
            columns = cast<ShapedType>(op.getWeightsOrNull().getType()).getDimSize(0) * tiling.getBlockColumns();
    int64_t room = output.blocked ? cast<ShapedType>(op.getInitOrNull().getType()).getDimSize(1) * StepLayout::kDepth : channels;
    bool ragged = room % width != 0;
    if (columns > room) // the last tile
      b.setInsertionPointToStart(scf::IfOp::create(b, below(channel, room), /*withElseRegion=*/false).thenBlock());
    auto vector = VectorType::get({width}, b.getF32Type());
    SmallVector<Value> elements;
    for (int64_t s : run.sums)
      elements.push_back(sums[s]);
    Value sum = vector::FromElementsOp::create(b, vector, elements);
    SmallVector<Value> extras;
    for (auto [i, extra] : llvm::enumerate(op.getExtras())) {
      if (starts[i])
        extras.push_back(read(flatten(extra), IndexBuilder::add(starts[i], toIndex(channelOffset(channel, views[i]))), channel, ragged));
      else if (cast<ShapedType>(extra.getType()).getRank() == 0)
        extras.push_back(vector::BroadcastOp::create(b, vector, memref::LoadOp::create(b, extra, ValueRange{})));
      else
        extras.push_back(aligned(vector::LoadOp::create(b, vector, flatten(extra), ValueRange{toIndex(channel)}))); // padded to whole tiles
    }
    Value result = cloneAsVectors(b, op.getEpilogue(), width, sum, extras);
    Value at = IndexBuilder::add(start, toIndex(channelOffset(channel, output)));
    Value flat = flatten(op.getInitOrNull());
    if (!ragged && rowsAreAligned(output)) {
      auto op = vector::StoreOp::create(b, result, flat, at);
      op.setAlignment(width * 4);
      return;
    }
    for (int64_t e = 0; e < width; ++e) {
      OpBuilder::InsertionGuard inner(b);
      if (ragged)
        b.setInsertionPointToStart(scf::IfOp::create(b, below(Int32Builder::add(channel, e), room), /*withElseRegion=*/false).thenBlock());
      memref::StoreOp::create(b, vector::ExtractOp::create(b, result, e), flat, IndexBuilder::add(at, e));
    }
  }

  /// Whether runs of columns are as aligned as their size.
  bool rowsAreAligned(const RowView &view) {
    int64_t width = warps.width();
    return view.image % width == 0 && view.block % width == 0 && llvm::all_of(view.spatial, [&](int64_t s) { return s % width == 0; });
  }

  vector::LoadOp aligned(vector::LoadOp op) {
    op.setAlignment(warps.width() * 4);
    return op;
  }

  /// A run of an operand with the output's indices; nothing behind its last channel.
  Value read(Value flat, Value at, Value channel, bool ragged) {
    auto vector = VectorType::get({warps.width()}, b.getF32Type());
    if (!ragged)
      return vector::LoadOp::create(b, vector, flat, at);
    SmallVector<Value> elements;
    for (int64_t e = 0; e < warps.width(); ++e) {
      Value has = below(Int32Builder::add(channel, e), op.getOutputChannels());
      Value place = arith::SelectOp::create(b, has, IndexBuilder::add(at, e), at);
      elements.push_back(memref::LoadOp::create(b, flat, place));
    }
    return vector::FromElementsOp::create(b, vector, elements);
  }

  WindowedOpInterface op;
  TilingAttr tiling;
  RowView input, output;
  StepLayout layout;
  WarpProduct warps;
  ImplicitLocOpBuilder &b;
  int64_t threads, window, steps, pixels; // steps of the reduction; output pixels of an image
  Value columnTile, firstRow, rowCount, thread, warpRow, warpColumn, shared, left, right, firstChannel;
  SmallVector<Chunk> copies;
};

/// What the factors in memory, and the module's precision, ask for; none if the two differ.
std::optional<Product> productOf(WindowedOpInterface op) {
  Type left = cast<MemRefType>(stored(op.getInput()).getType()).getElementType(),
       right = cast<MemRefType>(stored(op.getWeightsOrNull()).getType()).getElementType();
  if (left != right)
    return {};
  if (left.isF16() || left.isBF16())
    return left.isF16() ? Product::f16 : Product::bf16;
  auto precision = op->getParentOfType<ModuleOp>()->getAttrOfType<StringAttr>(NNDialect::kPrecisionAttr);
  return precision && precision == "tf32" ? Product::tf32 : Product::f32;
}

LogicalResult check(WindowedOpInterface op) {
  TilingAttr t = op.getTilingOrNull();
  auto conv = dyn_cast<ConvOp>(op.getOperation());
  if (op.getReduction() != Reduction::dense || (conv && (conv.getGroups() != 1 || conv.getPlaces() || !op.isBlocked(op.getInput()))))
    return op->emitOpError("expects a product of one group with a blocked input for a block (got ") << t << ")";
  if (t.getBlockRows() % (16 * t.getWarpsOfRows()) || t.getBlockColumns() % (16 * t.getWarpsOfColumns()) ||
      t.getBlockColumns() != t.getKu() * StepLayout::kDepth || t.getStages() < 2)
    return op->emitOpError("expects a block whose warps have multiples of 16 rows and columns, ku * ")
           << StepLayout::kDepth << " columns, and at least 2 stages (got " << t << ")";
  ArrayRef<int64_t> packed = cast<ShapedType>(op.getWeightsOrNull().getType()).getShape();
  if (packed.back() != t.getBlockColumns() || packed.end()[-2] != StepLayout::kDepth)
    return op->emitOpError("expects weights packed for its block (got ") << op.getWeightsOrNull().getType() << ")";
  return success();
}

/// Whether channels lie side by side and every chunk of them begins at a multiple of its size.
bool chunksAreAligned(WindowedOpInterface op) {
  auto type = cast<MemRefType>(stored(op.getInput()).getType());
  int64_t elements = kChunk / (type.getElementTypeBitWidth() / 8);
  SmallVector<int64_t> strides = type.getStridesAndOffset().first;
  return strides.back() == 1 && llvm::all_of(ArrayRef(strides).drop_back(), [&](int64_t s) { return s % elements == 0; });
}

std::string textOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

struct TileBlockPass : lathe::passes::impl::TileBlockPassBase<TileBlockPass> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr(NNDialect::kKernelAttr))
      return;
    SmallVector<WindowedOpInterface> ops;
    getOperation().walk([&](WindowedOpInterface op) {
      if (op.getTilingOrNull() && !op.getTilingOrNull().getBlock().empty())
        ops.push_back(op);
    });
    for (WindowedOpInterface op : ops) {
      if (failed(check(op)))
        return signalPassFailure();
      std::optional<Product> kind = productOf(op);
      if (kind && chunksAreAligned(op)) {
        BlockTiler(op, *kind).tile();
        continue;
      }
      TilingAttr t = op.getTilingOrNull();
      op.setTiling(TilingAttr::get(&getContext(), t.getKu(), t.getUnroll(), t.getMerge(), t.getSegments()));
      remark::analysis(op.getLoc(), remark::RemarkOpts::name("Block").category(getArgument()))
          << "computed warp by warp: a block copies 16 bytes at a time of factors of one type (got " << textOf(stored(op.getInput()).getType()) << " and "
          << textOf(stored(op.getWeightsOrNull()).getType()) << ")";
    }
  }
};

} // namespace
