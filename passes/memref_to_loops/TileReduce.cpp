// lathe-tile-reduce: nn.reduce to loops over vectors with the accumulators in registers.
//
// The order in which elements are combined is one for all outputs of an operation, whatever tile they are in: each reduced dimension but the innermost is
// a chain of the sums of the next one. The innermost is cut into pieces, whose sums are a chain; a piece is a fixed number of interleaved chains (in lanes,
// and in sets of vectors) that are combined pairwise at its end. Short chains keep rounding errors small, and several at once hide the latency of an
// addition.
#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/memref_to_loops/Combine.h"
#include "passes/memref_to_loops/Passes.h"
#include "passes/memref_to_loops/ReduceSpace.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

namespace lathe::passes {
#define GEN_PASS_DEF_TILEREDUCEPASS
#include "passes/memref_to_loops/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::ReduceSpace;
using Dim = ReduceSpace::Dim;

namespace {

/// Chains that are computed at once, where a tile has fewer outputs.
constexpr int64_t kChains = 4;
/// Longer chains are cut.
constexpr int64_t kChain = 256;
/// Iterations of the body that make it worth while to share the outputs of a line among threads.
constexpr int64_t kShare = 16384;

Type widen(Type type, int64_t width) { return width == 1 ? type : VectorType::get({width}, type); }

class ReduceTiler : IndexBuilder {
public:
  ReduceTiler(ReduceOp op, const ReduceSpace &space) : IndexBuilder(op), op(op), space(space) {
    Value result = op.getBody().front().getTerminator()->getOperand(0);
    element = result.getType();
    auto mul = result.getDefiningOp<arith::MulFOp>();
    if (op.getKind() == Combine::sum && mul && mul->hasOneUse())
      product = mul;
  }

  void tile() {
    for (Value operand : op->getOperands())
      flat.push_back(flatView(b, operand));
    SmallVector<OpFoldResult> bounds;
    for (const Dim &dim : space.shared)
      bounds.push_back(ShapedType::isDynamic(dim.extent) ? OpFoldResult(memref::DimOp::create(b, space.batch, constant(0)).getResult())
                                                         : OpFoldResult(b.getIndexAttr(dim.extent)));
    // Pieces of lines outside of rows: all rows go through what a piece reads before the next one.
    pieceTiles = tilesPerPiece();
    int64_t pieces = pieceTiles ? llvm::divideCeil(wholeTiles(), pieceTiles) : 1;
    int64_t rowTiles = space.rows ? llvm::divideCeil(space.rows->extent, space.rowsPerTile) : 1;
    for (int64_t extent : {pieces, rowTiles})
      if (extent > 1)
        bounds.push_back(b.getIndexAttr(extent));
    if (bounds.empty())
      bounds.push_back(b.getIndexAttr(1));
    auto forall = scf::ForallOp::create(b, bounds, ValueRange{}, std::nullopt);
    b.setInsertionPointToStart(forall.getBody());
    Addresses at(op->getNumOperands(), constant(0));
    for (auto [i, dim] : llvm::enumerate(space.shared))
      at = advance(at, forall.getInductionVar(i), dim);
    size_t next = space.shared.size();
    Value piece = pieces > 1 ? forall.getInductionVar(next++) : Value(), rowTile = rowTiles > 1 ? forall.getInductionVar(next) : Value();
    tileRows(at, piece, pieces, rowTile, rowTiles);
    op->erase();
  }

private:
  using Addresses = SmallVector<Value>; // of the operands
  using Values = SmallVector<Value>;    // per output of a tile: row by row, the vectors of a row

  /// The outputs that are computed together.
  struct Tile {
    int64_t rows = 1, vectors = 1, width = 1;
    int64_t count() const { return rows * vectors; }
  };

  //===- Outputs -------------------------------------------------------------------------------------------------------------------------------===//

  /// `at` moved by `iv` (or `scale * iv`) along a dimension.
  Addresses advance(const Addresses &at, Value iv, const Dim &dim, int64_t scale = 1) {
    Addresses moved;
    for (auto [base, stride] : llvm::zip(at, dim.strides))
      moved.push_back(stride == 0 ? base : add(base, mul(iv, stride * scale)));
    return moved;
  }

  int64_t tileExtent() const { return space.vectors * space.lanes; }
  int64_t wholeTiles() const { return space.line ? space.line->extent / tileExtent() : 0; }

  /// Whole tiles of a line that one iteration of the forall computes.
  int64_t tilesPerPiece() const {
    int64_t work = tileExtent() * space.rowsPerTile;
    for (const Dim &dim : space.reduced)
      work = std::min(work * dim.extent, kShare);
    return std::min<int64_t>(wholeTiles(), llvm::divideCeil(kShare, work));
  }

  void tileRows(const Addresses &at, Value piece, int64_t pieces, Value rowTile, int64_t rowTiles) {
    int64_t rest = space.rows ? space.rows->extent % space.rowsPerTile : 0;
    Addresses first = rowTile ? advance(at, rowTile, *space.rows, space.rowsPerTile) : at;
    if (!rest || !rowTile)
      return tileLine(first, piece, pieces, space.rowsPerTile);
    Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rowTile, constant(rowTiles - 1));
    auto choice = scf::IfOp::create(b, isLast, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    tileLine(first, piece, pieces, rest);
    b.setInsertionPointToStart(choice.elseBlock());
    tileLine(first, piece, pieces, space.rowsPerTile);
  }

  void tileLine(const Addresses &at, Value piece, int64_t pieces, int64_t rows) {
    if (!space.line)
      return compute(at, {rows, 1, 1});
    int64_t tiles = wholeTiles();
    Tile tile{rows, space.vectors, space.lanes};
    if (piece) {
      Value begin = mul(piece, pieceTiles), end = arith::MinSIOp::create(b, add(begin, pieceTiles), constant(tiles));
      forEachTile(at, tile, begin, end);
    } else if (tiles == 1) {
      compute(at, tile);
    } else if (tiles > 1) {
      forEachTile(at, tile, constant(0), constant(tiles));
    }
    int64_t done = tiles * tileExtent();
    if (done == space.line->extent)
      return;
    OpBuilder::InsertionGuard guard(b);
    if (piece) {
      Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, piece, constant(pieces - 1));
      b.setInsertionPointToStart(scf::IfOp::create(b, isLast, /*withElseRegion=*/false).thenBlock());
    }
    // What does not fill a tile: the vectors that are whole, then vectors of halved widths.
    for (int64_t width = space.lanes; width >= 1; width /= 2)
      if (int64_t vectors = (space.line->extent - done) / width) {
        compute(advance(at, constant(done), *space.line), {rows, vectors, width});
        done += vectors * width;
      }
  }

  void forEachTile(const Addresses &at, const Tile &tile, Value begin, Value end) {
    auto loop = scf::ForOp::create(b, begin, end, constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    compute(advance(at, loop.getInductionVar(), *space.line, tileExtent()), tile);
  }

  /// Reduces, finishes and stores a tile.
  void compute(const Addresses &at, const Tile &tile) {
    Values sums = reduce(0, at, tile);
    for (auto [i, sum] : llvm::enumerate(sums)) {
      int64_t row = static_cast<int64_t>(i) / tile.vectors, vector = static_cast<int64_t>(i) % tile.vectors;
      Value result = run(op.getFinish().front(), sum, tile.width)[0], to = add(at.back(), offset(op->getNumOperands() - 1, row, vector, tile));
      if (tile.width == 1)
        memref::StoreOp::create(b, result, flat.back(), to);
      else
        vector::StoreOp::create(b, result, flat.back(), to);
    }
  }

  int64_t offset(size_t operand, int64_t row, int64_t vector, const Tile &tile) const {
    return (space.rows ? row * space.rows->strides[operand] : 0) + (space.line ? vector * tile.width * space.line->strides[operand] : 0);
  }

  //===- Reduction -----------------------------------------------------------------------------------------------------------------------------===//

  /// What the reduced dimensions from `level` on combine to.
  Values reduce(size_t level, const Addresses &at, const Tile &tile) {
    if (space.reduced.empty())
      return step(identities(tile, tile.width), at, tile, tile.width);
    const Dim &dim = space.reduced[level];
    if (level + 1 == space.reduced.size())
      return innermost(at, dim, tile);
    return chain(constant(0), constant(dim.extent), constant(1), identities(tile, tile.width),
                 [&](Value iv, const Values &sums) { return combined(sums, reduce(level + 1, advance(at, iv, dim), tile)); });
  }

  /// Interleaved chains per output: of a whole tile's, whatever tile the output is in.
  int64_t chains() const { return std::max<int64_t>(1, kChains / (space.rowsPerTile * space.vectors)); }

  Values innermost(const Addresses &at, const Dim &dim, const Tile &tile) {
    int64_t step = space.lanesAreReduced ? space.lanes : 1, width = space.lanesAreReduced ? space.lanes : tile.width;
    int64_t trips = dim.extent / step, most = kChain * chains();
    Values sums;
    auto include = [&](Values more) { sums = sums.empty() ? std::move(more) : combined(sums, more); };
    if (int64_t pieces = trips > 2 * most ? trips / most : 0) {
      sums = chain(constant(0), constant(pieces), constant(1), identities(tile, width),
                   [&](Value iv, const Values &before) { return combined(before, pieceOf(advance(at, iv, dim, most * step), most, dim, tile, step, width)); });
      trips -= pieces * most;
    }
    int64_t done = dim.extent / step - trips;
    if (trips)
      include(pieceOf(advance(at, constant(done * step), dim), trips, dim, tile, step, width));
    if (!space.lanesAreReduced)
      return sums;
    for (Value &sum : sums)
      sum = acrossLanes(sum);
    done = dim.extent / step * step;
    for (int64_t narrow = space.lanes / 2; narrow >= 1; narrow /= 2)
      if ((dim.extent - done) & narrow) {
        Values last = this->step(identities(tile, narrow), advance(at, constant(done), dim), tile, narrow);
        for (Value &sum : last)
          sum = acrossLanes(sum);
        include(last);
        done += narrow;
      }
    return sums;
  }

  /// `trips` steps along `dim`, the first one at `at`.
  Values pieceOf(const Addresses &at, int64_t trips, const Dim &dim, const Tile &tile, int64_t step, int64_t width) {
    int64_t sets = std::min(trips, chains()), whole = trips / sets * sets, count = tile.count();
    Values init;
    for (int64_t s = 0; s < sets; ++s)
      llvm::append_range(init, identities(tile, width));
    auto round = [&](const Addresses &from, ArrayRef<Value> sums) {
      Values next;
      for (int64_t s = 0; s < sets; ++s)
        llvm::append_range(next, this->step(sums.slice(s * count, count), advance(from, constant(s * step), dim), tile, width));
      return next;
    };
    Values sums = whole == sets ? round(at, init) : chain(constant(0), constant(whole), constant(sets), init, [&](Value iv, const Values &before) {
      return round(advance(at, iv, dim, step), before);
    });
    for (int64_t left = sets; left > 1; left = llvm::divideCeil(left, 2))
      for (int64_t s = 0; s < left / 2; ++s)
        for (int64_t i = 0; i < count; ++i) {
          Value other = sums[(left - 1 - s) * count + i];
          sums[s * count + i] = combine(sums[s * count + i], other);
        }
    sums.truncate(count);
    for (int64_t trip = whole; trip < trips; ++trip)
      sums = this->step(sums, advance(at, constant(trip * step), dim), tile, width);
    return sums;
  }

  Values chain(Value begin, Value end, Value step, const Values &init, function_ref<Values(Value, const Values &)> body) {
    auto loop = scf::ForOp::create(b, begin, end, step, init);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Values next = body(loop.getInductionVar(), Values(loop.getRegionIterArgs()));
    scf::YieldOp::create(b, next);
    return Values(loop.getResults());
  }

  /// One point of the reduced dimensions (`width` neighbours, if they are lanes) into the sums of all outputs of a tile.
  Values step(ArrayRef<Value> sums, const Addresses &at, const Tile &tile, int64_t width) {
    DenseMap<std::pair<size_t, int64_t>, Value> loaded;
    Values next;
    for (int64_t row = 0; row < tile.rows; ++row)
      for (int64_t vector = 0; vector < tile.vectors; ++vector) {
        Values elements;
        for (size_t i = 0; i < op.getInputs().size(); ++i) {
          int64_t from = offset(i, row, vector, tile);
          Value &v = loaded[{i, from}];
          if (!v)
            v = load(i, add(at[i], from), width);
          elements.push_back(v);
        }
        Value sum = sums[next.size()];
        SmallVector<Value> terms = run(op.getBody().front(), elements, width, product);
        next.push_back(product ? fma(terms[0], terms[1], sum) : combine(sum, terms[0]));
      }
    return next;
  }

  Value load(size_t i, Value at, int64_t width) {
    int64_t stride = space.lanesAreReduced ? space.reduced.back().strides[i] : space.line ? space.line->strides[i] : 0;
    if (width > 1 && stride == 1)
      return vector::LoadOp::create(b, cast<VectorType>(widen(getElementTypeOrSelf(flat[i].getType()), width)), flat[i], at);
    Value scalar = memref::LoadOp::create(b, flat[i], at);
    return width == 1 ? scalar : vector::BroadcastOp::create(b, widen(scalar.getType(), width), scalar).getResult();
  }

  //===- Scalar code at vector type ------------------------------------------------------------------------------------------------------------===//

  /// The value of a block of scalar code; with `skipped`, the operands of that operation, which makes it.
  SmallVector<Value> run(Block &block, ValueRange arguments, int64_t width, Operation *skipped = nullptr) {
    IRMapping values;
    values.map(block.getArguments(), arguments);
    for (Operation &inner : block.without_terminator()) {
      if (&inner == skipped)
        continue;
      Value result = inner.getResult(0);
      Attribute number;
      if (matchPattern(result, m_Constant(&number))) {
        values.map(result, splat(cast<TypedAttr>(number), width));
        continue;
      }
      SmallVector<Value> operands = llvm::map_to_vector(inner.getOperands(), [&](Value v) { return values.lookup(v); });
      OperationState state(inner.getLoc(), inner.getName(), operands, {widen(result.getType(), width)}, inner.getAttrs());
      values.map(result, b.create(state)->getResult(0));
    }
    Operation *last = skipped ? skipped : block.getTerminator();
    return llvm::map_to_vector(last->getOperands(), [&](Value v) { return values.lookup(v); });
  }

  /// A constant, with the others at the top of the function.
  Value splat(TypedAttr number, int64_t width) {
    if (width > 1)
      number = DenseElementsAttr::get(cast<VectorType>(widen(number.getType(), width)), ArrayRef<Attribute>(number));
    Value &slot = splats[number];
    if (!slot) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&op->getParentOfType<func::FuncOp>().getBody().front());
      slot = arith::ConstantOp::create(b, number);
    }
    return slot;
  }

  Values identities(const Tile &tile, int64_t width) { return Values(tile.count(), splat(lathe::passes::identityOf(op.getKind(), element), width)); }

  Value combine(Value x, Value y) { return lathe::passes::combine(b, op.getKind(), x, y); }

  Values combined(const Values &x, const Values &y) {
    return llvm::map_to_vector(llvm::zip(x, y), [&](auto pair) { return combine(std::get<0>(pair), std::get<1>(pair)); });
  }

  /// Contracted where the target can (vector.fma): of a scalar by way of a vector of one.
  Value fma(Value x, Value y, Value z) {
    if (isa<VectorType>(x.getType()))
      return vector::FMAOp::create(b, x, y, z);
    auto one = [&](Value v) { return vector::BroadcastOp::create(b, VectorType::get({1}, v.getType()), v).getResult(); };
    Value sum = vector::FMAOp::create(b, one(x), one(y), one(z));
    return vector::ExtractOp::create(b, sum, ArrayRef<int64_t>{0});
  }

  /// The lanes of a vector, combined pairwise.
  Value acrossLanes(Value v) {
    auto type = dyn_cast<VectorType>(v.getType());
    if (!type)
      return v;
    for (int64_t half = type.getDimSize(0) / 2; half >= 1; half /= 2) {
      SmallVector<int64_t> low = llvm::to_vector(llvm::seq<int64_t>(0, half)), high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
      v = combine(vector::ShuffleOp::create(b, v, v, low), vector::ShuffleOp::create(b, v, v, high));
    }
    return vector::ExtractOp::create(b, v, ArrayRef<int64_t>{0});
  }

  ReduceOp op;
  const ReduceSpace &space;
  Type element;                 // of what is combined
  Operation *product = nullptr; // the multiplication of a sum of products
  int64_t pieceTiles = 0;
  SmallVector<Value> flat; // per operand
  DenseMap<Attribute, Value> splats;
};

struct TileReducePass : lathe::passes::impl::TileReducePassBase<TileReducePass> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr(NNDialect::kKernelAttr))
      return;
    SmallVector<ReduceOp> ops(getOperation().getBody().getOps<ReduceOp>());
    if (ops.empty())
      return;
    TargetAttr target = targetOf(getOperation());
    if (!target)
      return signalPassFailure();
    for (ReduceOp op : ops) {
      if (!op.getInit() || !llvm::all_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>)) {
        op.emitOpError("expects buffers");
        return signalPassFailure();
      }
      unsigned bits = op.getBody().front().getTerminator()->getOperand(0).getType().getIntOrFloatBitWidth();
      for (Type type : op->getOperandTypes())
        bits = std::max(bits, getElementTypeOrSelf(type).getIntOrFloatBitWidth());
      FailureOr<ReduceSpace> space = ReduceSpace::analyse(op, std::max<int64_t>(target.getLanes(bits), 1), target.getRegisters());
      if (failed(space))
        return signalPassFailure();
      ReduceTiler(op, *space).tile();
    }
  }
};

} // namespace
