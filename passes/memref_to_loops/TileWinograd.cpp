// A convolution by Winograd's algorithm, F(m, r) along each dimension: an output tile of m... pixels is A^T ((G w) * (B^T x)), where the products, summed over
// input channels, are one matrix multiplication per point of the tile.
//
//     forall image, block of tiles, group of ku output-channel vectors:
//       if this is the first group that this call sees of the block:                  input transform: V[channel block][point][tile][lane]
//       for each point, for each register tile of the block:                          products:        M[u][point][tile][lane] = V * U[group][point]
//       for each tile, for each u: epilogue(A^T M), clipped to the image, is stored    output transform
//
// V and M are in the thread's scratch memory and sized to stay in the second cache level. Borders cost no copy of the input: an input element outside the image
// is a zero that is never loaded, an output element outside it is never stored.
#include "passes/memref_to_loops/TileWinograd.h"

#include "dialects/nn/CookToom.h"
#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/PrefetchRanges.h"
#include "dialects/nn/VectorEpilogue.h"
#include "passes/memref_to_loops/TilePartial.h"
#include "passes/memref_to_loops/WinogradTransform.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

namespace {

/// One spatial dimension.
struct Dimension {
  CookToom transform;
  int64_t input, output, pad; // extents; padding before the first element
  int64_t tiles() const { return llvm::divideCeil(output, transform.m); }
  bool clipsBefore() const { return pad > 0; }
  bool clipsBeyond() const { return (tiles() - 1) * transform.m - pad + transform.points > input; }
  bool cutsOutput() const { return output % transform.m != 0; }
};

/// A blocked tensor [N, C / V, spatial..., V] as one flat vector of elements.
struct BlockedView {
  Value flat;
  int64_t image, block;
  SmallVector<int64_t> spatial;
};

class WinogradTiler : IndexBuilder {
public:
  explicit WinogradTiler(ConvOp op) : IndexBuilder(op), op(op), tiling(op.getTilingAttr()), partials(op) {
    auto window = op.getWindowShape();
    auto input = cast<ShapedType>(op.getInput().getType());
    ShapedType output = op.getOutputType();
    rank = op.getSpatialRank();
    for (int64_t d = 0; d < rank; ++d)
      dims.push_back({CookToom(tiling.getWinograd()[d], window[d]), input.getDimSize(2 + d), output.getDimSize(2 + d), op.getPads()[d]});
    lanes = output.getShape().back();
    vector = VectorType::get({lanes}, output.getElementType());
    for (const Dimension &d : dims) {
      points *= d.transform.points;
      tiles *= d.tiles();
    }
    for (int64_t s : tiling.getSegments())
      blockTiles += s;
    blocks = llvm::divideCeil(tiles, blockTiles);
    ku = tiling.getKu();
    channels = op.getInputChannels();
    channelBlocks = llvm::divideCeil(channels, lanes);
    groups = cast<ShapedType>(op.getWeights().getType()).getDimSize(0);
  }

  void tile() {
    ImplicitLocOpBuilder::InsertionGuard guard(b);
    input = view(op.getInput());
    output = view(op.getInit());
    weights = flatten(op.getWeights());
    makeScratch();
    SmallVector<OpFoldResult> bounds;
    if (op.getOutputType().isDynamicDim(0))
      bounds.push_back(memref::DimOp::create(b, op.getInit(), constant(0)).getResult());
    else
      bounds.push_back(b.getIndexAttr(op.getOutputType().getDimSize(0)));
    bounds.push_back(b.getIndexAttr(blocks));
    bounds.push_back(b.getIndexAttr(groups));
    auto forall = scf::ForallOp::create(b, bounds, ValueRange{}, std::nullopt);
    b.setInsertionPointToStart(forall.getBody());
    image = forall.getInductionVar(0);
    group = forall.getInductionVar(2);
    block = forall.getInductionVar(1);
    firstTile = mul(block, blockTiles);
    count = constant(blockTiles);
    if (tiles % blockTiles)
      count = arith::MinSIOp::create(b, count, subtract(constant(tiles), firstTile));

    if (groups == 1) {
      transformInput();
    } else { // for the block's first group; also where another thread has the groups before
      Value number = add(mul(add(mul(image, blocks), block), groups), group);
      Value isFirst = arith::OrIOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, group, constant(0)),
                                           arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, RangeBeginOp::create(b, b.getIndexType())));
      auto transform = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard inner(b);
      b.setInsertionPointToStart(transform.thenBlock());
      transformInput();
    }
    multiply();
    transformOutput();
    partials.erase();
    op->erase();
  }

private:
  using Values = SmallVector<Value>;

  //===- Memory --------------------------------------------------------------------------------------------------------------------------===//

  BlockedView view(Value memref) {
    SmallVector<int64_t> s = cast<MemRefType>(memref.getType()).getStridesAndOffset().first;
    return {flatten(memref), s[0], s[1], SmallVector<int64_t>(ArrayRef(s).drop_front(2).drop_back())};
  }

  /// V[channel block][point][tile][lane], M[u][point][tile][lane]: what one transform writes or reads lies in few pages. From point to point it is an odd
  /// number of vectors, so that a tile's points do not fall into one set of the cache.
  void makeScratch() {
    pointStride = (blockTiles | 1) * lanes;
    blockStride = points * pointStride;
    int64_t bytes = 0;
    auto allocate = [&](int64_t elements) {
      auto type = MemRefType::get({elements}, vector.getElementType());
      Value buffer = ScratchOp::create(b, type, b.getI64IntegerAttr(bytes));
      bytes += llvm::alignTo(elements * (vector.getElementTypeBitWidth() / 8), 64);
      return buffer;
    };
    transformed = allocate(channelBlocks * blockStride);
    products = allocate(ku * blockStride);
    if (rank > 1)
      patch = allocate(points * lanes);
  }

  Value load(Value memref, Value at) { return vector::LoadOp::create(b, vector, memref, at); }
  void store(Value value, Value memref, Value at) { vector::StoreOp::create(b, value, memref, at); }
  Value zero() { return arith::ConstantOp::create(b, b.getZeroAttr(vector)); }
  Value subtract(Value x, Value y) {
    auto a = getConstantIntValue(x), c = getConstantIntValue(y);
    return a && c ? constant(*a - *c) : arith::SubIOp::create(b, x, y).getResult();
  }

  //===- Loops ---------------------------------------------------------------------------------------------------------------------------===//

  Values loop(Value upper, int64_t step, Values values, llvm::function_ref<Values(Value, Values)> body) {
    if (auto n = getConstantIntValue(upper); n && *n <= step)
      return *n > 0 ? body(constant(0), values) : values;
    auto op = scf::ForOp::create(b, constant(0), upper, constant(step), values);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    Values next = body(op.getInductionVar(), Values(op.getRegionIterArgs()));
    if (!next.empty())
      scf::YieldOp::create(b, next);
    return Values(op.getResults());
  }

  void loop(Value upper, llvm::function_ref<void(Value)> body) {
    loop(upper, 1, {}, [&](Value i, const Values &) { return body(i), Values(); });
  }

  /// A nest over `extents`; the body gets one index each.
  void nest(ArrayRef<Value> extents, llvm::function_ref<void(ArrayRef<Value>)> body, Values indices = {}) {
    if (extents.empty())
      return body(indices);
    loop(extents.front(), [&](Value i) {
      Values inner(indices);
      inner.push_back(i);
      nest(extents.drop_front(), body, inner);
    });
  }

  void branch(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
    auto op = scf::IfOp::create(b, condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.thenBlock());
    then();
    b.setInsertionPointToStart(op.elseBlock());
    otherwise();
  }

  Value both(Value x, Value y) { return x && y ? arith::AndIOp::create(b, x, y).getResult() : x ? x : y; }

  /// First output pixel of tile number `firstTile + t` in each dimension.
  Values tileOrigin(Value t) {
    Value number = add(firstTile, t);
    Values origin(rank);
    for (int64_t d = rank - 1; d >= 0; --d) {
      int64_t extent = dims[d].tiles();
      Value index = number;
      if (d > 0 && extent > 1) {
        index = arith::RemUIOp::create(b, number, constant(extent));
        number = arith::DivUIOp::create(b, number, constant(extent));
      } else if (d > 0) {
        index = constant(0);
      }
      origin[d] = mul(index, dims[d].transform.m);
    }
    return origin;
  }

  /// Elements of a tile of extents `extents` in row-major order, as an offset in vectors.
  Value linear(ArrayRef<Value> indices, ArrayRef<int64_t> extents) {
    Value at = constant(0);
    for (auto [index, extent] : llvm::zip(indices, extents))
      at = add(mul(at, extent), index);
    return at;
  }

  //===- Input transform -----------------------------------------------------------------------------------------------------------------===//

  void transformInput() {
    loop(count, [&](Value t) {
      Values start = tileOrigin(t), lower(rank), upper(rank); // the patch's place in the input and its part inside: null where all of it is
      Value at = mul(image, input.image), whole;
      for (int64_t d = 0; d < rank; ++d) {
        const Dimension &dim = dims[d];
        start[d] = add(start[d], -dim.pad);
        at = add(at, mul(start[d], input.spatial[d]));
        if (dim.clipsBefore())
          lower[d] = subtract(constant(0), start[d]);
        if (dim.clipsBeyond())
          upper[d] = subtract(constant(dim.input), start[d]);
      }
      int64_t last = rank - 1;
      if (lower[last])
        whole = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, lower[last], constant(0));
      if (upper[last])
        whole = both(whole, arith::CmpIOp::create(b, arith::CmpIPredicate::sge, upper[last], constant(dims[last].transform.points)));
      loop(constant(channelBlocks), [&](Value cb) {
        Value x = add(at, mul(cb, input.block)), v = add(mul(cb, blockStride), mul(t, lanes));
        SmallVector<Value> outer;
        for (int64_t d = 0; d < last; ++d)
          outer.push_back(constant(dims[d].transform.points));
        nest(outer, [&](ArrayRef<Value> indices) { transformRow(x, v, indices, lower, upper, whole); });
        for (int64_t d = last - 1; d >= 0; --d)
          transformPatch(d, v);
      });
    });
  }

  /// Whether element `index` of the patch is inside the input in dimension `d`; null if it always is.
  Value inside(Value index, Value lower, Value upper) {
    Value result;
    if (lower)
      result = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, index, lower);
    if (upper)
      result = both(result, arith::CmpIOp::create(b, arith::CmpIPredicate::slt, index, upper));
    return result;
  }

  /// One row of the patch, transformed along the last dimension.
  void transformRow(Value x, Value v, ArrayRef<Value> indices, ArrayRef<Value> lower, ArrayRef<Value> upper, Value whole) {
    int64_t last = rank - 1, n = dims[last].transform.points, stride = input.spatial[last];
    Value valid;
    for (auto [d, index] : llvm::enumerate(indices)) {
      x = add(x, mul(index, input.spatial[d]));
      valid = both(valid, inside(index, lower[d], upper[d]));
    }
    auto put = [&](ArrayRef<Value> row) {
      if (rank == 1)
        return storePoints(row, v, constant(0), 1);
      Value at = mul(linear(indices, pointExtents()), n * lanes);
      for (auto [j, value] : llvm::enumerate(row))
        store(value, patch, add(at, j * lanes));
    };
    auto read = [&](bool clipped) {
      Values row;
      for (int64_t j = 0; j < n; ++j) {
        Value here = add(x, j * stride), ok = clipped ? inside(constant(j), lower[last], upper[last]) : Value();
        if (!ok) {
          row.push_back(load(input.flat, here));
          continue;
        }
        auto choice = scf::IfOp::create(b, TypeRange{vector}, ok, /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(choice.thenBlock());
        scf::YieldOp::create(b, load(input.flat, here));
        b.setInsertionPointToStart(choice.elseBlock());
        scf::YieldOp::create(b, zero());
        row.push_back(choice.getResult(0));
      }
      put(applyTransform(b, dims[last].transform.input, row));
    };
    auto inner = [&] {
      if (whole)
        branch(whole, [&] { read(false); }, [&] { read(true); });
      else
        read(false);
    };
    if (valid)
      branch(valid, inner, [&] { put(Values(n, zero())); });
    else
      inner();
  }

  SmallVector<int64_t> pointExtents() {
    return llvm::map_to_vector(dims, [](const Dimension &d) { return d.transform.points; });
  }

  /// The patch, transformed along dimension `d` in place or, along the first one, into the planes of its points.
  void transformPatch(int64_t d, Value v) {
    SmallVector<int64_t> extents = pointExtents();
    int64_t n = extents[d], inner = 1;
    for (int64_t i = d + 1; i < rank; ++i)
      inner *= extents[i];
    int64_t outer = points / n / inner;
    nest({constant(outer), constant(inner)}, [&](ArrayRef<Value> at) {
      Value first = mul(add(mul(at[0], n * inner), at[1]), lanes);
      Values line;
      for (int64_t i = 0; i < n; ++i)
        line.push_back(load(patch, add(first, i * inner * lanes)));
      line = applyTransform(b, dims[d].transform.input, line);
      if (d == 0)
        return storePoints(line, v, at[1], inner);
      for (int64_t i = 0; i < n; ++i)
        store(line[i], patch, add(first, i * inner * lanes));
    });
  }

  /// Values of points `first + i * step` into their planes.
  void storePoints(ArrayRef<Value> values, Value v, Value first, int64_t step) {
    Value at = add(v, mul(first, pointStride));
    for (auto [i, value] : llvm::enumerate(values)) {
      Value to = add(at, i * step * pointStride);
      store(value, transformed, to);
    }
  }

  //===- Products ------------------------------------------------------------------------------------------------------------------------===//

  void multiply() {
    loop(constant(points), [&](Value point) {
      ArrayRef<int64_t> segments = tiling.getSegments();
      int64_t start = 0, before = 0;
      for (size_t i = 0; i < segments.size();) {
        int64_t width = segments[i], run = 0;
        for (; i < segments.size() && segments[i] == width; ++i)
          ++run;
        Value upper = constant(run);
        if (tiles % blockTiles) { // tiles beyond the last are multiplied along in the register tile that holds it, and forgotten
          Value left = arith::MaxSIOp::create(b, add(subtract(count, constant(start)), width - 1), constant(0));
          upper = arith::MinSIOp::create(b, upper, arith::DivUIOp::create(b, left, constant(width)));
        }
        loop(upper, [&](Value s) { multiplyTile(point, add(mul(s, width), start), width, add(s, before)); });
        start += run * width;
        before += run;
      }
    });
  }

  /// What a register tile at one point fetches of the weights that are needed later: its share of a range of them, some cache lines in each iteration over
  /// channels, so that what comes from memory comes evenly.
  struct Prefetch {
    int64_t lines, line; // per iteration; elements of a line
    Value begin;
  };

  SmallVector<Prefetch> prefetches(Value point, Value registerTile, int64_t iterations) {
    SmallVector<Prefetch> result;
    if (!iterations)
      return result;
    int64_t tilesOfBlock = tiling.getSegments().size(), shares = groups * points * tilesOfBlock, line = kCacheLineBytes * 8 / vector.getElementTypeBitWidth();
    for (PrefetchRange range : prefetchRanges(tiling, cast<MemRefType>(op.getWeights().getType()))) {
      Value share = add(mul(add(mul(group, points), point), tilesOfBlock), registerTile);
      Value first = arith::DivUIOp::create(b, mul(share, range.to - range.from), constant(shares));
      result.push_back({range.linesBy(shares, iterations), line, mul(add(first, range.from), line)});
    }
    return result;
  }

  /// The part of channel number `j` of the `unroll` from `channel` on.
  void prefetch(ArrayRef<Prefetch> prefetches, Value channel, int64_t j, int64_t unroll) {
    for (const Prefetch &p : prefetches)
      for (int64_t i = j * p.lines / unroll; i < (j + 1) * p.lines / unroll; ++i) {
        Value at = add(p.begin, add(mul(channel, p.lines * p.line / unroll), i * p.line));
        memref::PrefetchOp::create(b, weights, at, /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
      }
  }

  /// ku vectors of output channels of `width` tiles at one point.
  void multiplyTile(Value point, Value tile, int64_t width, Value registerTile) {
    int64_t row = ku * lanes, unroll = std::min(tiling.getUnroll(), lanes);
    Value u = mul(add(mul(group, points), point), channels * row);
    Value x = add(mul(point, pointStride), mul(tile, lanes));
    Values acc(ku * width, zero());
    SmallVector<Prefetch> ahead = prefetches(point, registerTile, channels / lanes * (lanes / unroll));
    auto step = [&](Value xc, Value uc, int64_t c, Values acc) {
      Values w;
      for (int64_t k = 0; k < ku; ++k)
        w.push_back(load(weights, add(uc, c * row + k * lanes)));
      for (int64_t p = 0; p < width; ++p) {
        Value scalar = memref::LoadOp::create(b, transformed, add(xc, p * lanes + c));
        Value wide = vector::BroadcastOp::create(b, vector, scalar);
        for (int64_t k = 0; k < ku; ++k)
          acc[k * width + p] = vector::FMAOp::create(b, wide, w[k], acc[k * width + p]);
      }
      return acc;
    };
    auto block = [&](Value xb, Value ub, Value first, int64_t count, Values acc) {
      int64_t whole = count / unroll * unroll;
      acc = loop(constant(whole), unroll, acc, [&](Value c, Values a) {
        Value xc = add(xb, c), uc = add(ub, mul(c, row));
        for (int64_t j = 0; j < unroll; ++j) {
          a = step(xc, uc, j, a);
          prefetch(ahead, add(first, c), j, unroll);
        }
        return a;
      });
      for (int64_t j = whole; j < count; ++j)
        acc = step(xb, ub, j, acc);
      return acc;
    };
    int64_t whole = channels / lanes;
    acc = loop(constant(whole), 1, acc,
               [&](Value cb, Values a) { return block(add(x, mul(cb, blockStride)), add(u, mul(cb, lanes * row)), mul(cb, lanes), lanes, a); });
    if (channels % lanes)
      acc = block(add(x, whole * blockStride), add(u, whole * lanes * row), constant(whole * lanes), channels % lanes, acc);
    Value to = add(mul(point, pointStride), mul(tile, lanes));
    for (int64_t k = 0; k < ku; ++k)
      for (int64_t p = 0; p < width; ++p)
        store(acc[k * width + p], products, add(to, k * blockStride + p * lanes));
  }

  //===- Output transform ----------------------------------------------------------------------------------------------------------------===//

  void transformOutput() {
    SmallVector<std::optional<BlockedView>> views;
    for (auto [i, extra] : llvm::enumerate(op.getExtras()))
      views.push_back(op.getExtraKind(i) == ExtraKind::elementwise ? std::optional(view(extra)) : std::nullopt);
    loop(constant(ku), [&](Value k) {
      Value block = add(mul(group, ku), k);
      Values uniform(op.getExtras().size());
      for (auto [i, extra] : llvm::enumerate(op.getExtras()))
        if (!views[i] && cast<ShapedType>(extra.getType()).getRank() == 0)
          uniform[i] = vector::BroadcastOp::create(b, vector, memref::LoadOp::create(b, extra, ValueRange{}));
        else if (!views[i])
          uniform[i] = vector::LoadOp::create(b, vector, extra, ValueRange{mul(block, lanes)});
      loop(count, [&](Value t) { transformTile(tileOrigin(t), block, add(mul(k, blockStride), mul(t, lanes)), uniform, views); });
      if (!partials.empty())
        reduceBlock(block);
    });
  }

  void transformTile(ArrayRef<Value> origin, Value block, Value slot, ArrayRef<Value> uniform, ArrayRef<std::optional<BlockedView>> views) {
    // Dimensions from the last to the first: those behind `d` have m elements, those before it all points.
    SmallVector<int64_t> extents = pointExtents();
    for (int64_t d = rank - 1; d > 0; --d) {
      int64_t n = extents[d], m = dims[d].transform.m, inner = 1, outer = 1;
      for (int64_t i = d + 1; i < rank; ++i)
        inner *= extents[i];
      for (int64_t i = 0; i < d; ++i)
        outer *= extents[i];
      nest({constant(outer), constant(inner)}, [&](ArrayRef<Value> at) {
        Values line;
        for (int64_t i = 0; i < n; ++i) {
          Value from = add(mul(at[0], n * inner), at[1]);
          if (d == rank - 1)
            line.push_back(load(products, add(add(mul(from, pointStride), slot), i * inner * pointStride)));
          else
            line.push_back(load(patch, add(mul(from, lanes), i * inner * lanes)));
        }
        // In place: the transformed line is shorter, and what it overwrites has been read.
        Value to = mul(add(mul(at[0], m * inner), at[1]), lanes);
        for (auto [i, value] : llvm::enumerate(applyTransform(b, dims[d].transform.output, line)))
          store(value, patch, add(to, i * inner * lanes));
      });
      extents[d] = m;
    }
    Values limits;
    for (int64_t d = 0; d < rank; ++d)
      limits.push_back(limit(d, origin));
    int64_t inner = 1;
    for (int64_t i = 1; i < rank; ++i)
      inner *= extents[i];
    nest(ArrayRef(limits).drop_front(), [&](ArrayRef<Value> at) {
      Value from = linear(at, ArrayRef(extents).drop_front());
      Values line;
      for (int64_t i = 0; i < dims[0].transform.points; ++i)
        line.push_back(rank == 1 ? load(products, add(slot, i * pointStride)) : load(patch, add(mul(from, lanes), i * inner * lanes)));
      line = applyTransform(b, dims[0].transform.output, line);
      Values pixel(origin);
      for (int64_t d = 1; d < rank; ++d)
        pixel[d] = add(pixel[d], at[d - 1]);
      auto storeAll = [&](bool clipped) {
        for (auto [i, value] : llvm::enumerate(line)) {
          if (clipped && i > 0) { // a tile has at least one row
            Value ok = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, limits[0], constant(i));
            auto choice = scf::IfOp::create(b, ok, /*withElseRegion=*/false);
            OpBuilder::InsertionGuard guard(b);
            b.setInsertionPointToStart(choice.thenBlock());
            storePixel(value, pixel, i, block, uniform, views);
          } else {
            storePixel(value, pixel, i, block, uniform, views);
          }
        }
      };
      if (!dims[0].cutsOutput())
        return storeAll(false);
      Value full = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, limits[0], constant(dims[0].transform.m));
      branch(full, [&] { storeAll(false); }, [&] { storeAll(true); });
    });
  }

  Value pixelAddress(const BlockedView &v, Value block, ArrayRef<Value> pixel, int64_t row) {
    Value at = add(mul(image, v.image), mul(block, v.block));
    for (int64_t d = 0; d < rank; ++d)
      at = add(at, mul(pixel[d], v.spatial[d]));
    return add(at, row * v.spatial[0]);
  }

  void storePixel(Value value, ArrayRef<Value> pixel, int64_t row, Value block, ArrayRef<Value> uniform, ArrayRef<std::optional<BlockedView>> views) {
    Values extras(uniform);
    for (auto [i, v] : llvm::enumerate(views))
      if (v)
        extras[i] = vector::LoadOp::create(b, VectorType::get({lanes}, cast<MemRefType>(v->flat.getType()).getElementType()), v->flat,
                                           pixelAddress(*v, block, pixel, row));
    store(cloneAsVectors(b, op.getEpilogue(), lanes, value, extras), output.flat, pixelAddress(output, block, pixel, row));
  }

  //===- Reductions of the block -----------------------------------------------------------------------------------------------------------===//

  /// What lathe-fuse-statistics asks of the pixels of the block's tiles, which have just been written.
  void reduceBlock(Value channelBlock) {
    partials.compute(*this, b, image, channelBlock, block, pixelsOfBlock(), [&](Values chains, PartialTiler::Include include) {
      return loop(count, 1, chains, [&](Value t, Values values) {
        Values origin = tileOrigin(t);
        return visitTile(0, origin, pixelAddress(output, channelBlock, origin, 0), values, include);
      });
    });
  }

  /// The elements of a tile in dimension `d` that are inside the output.
  Value limit(int64_t d, ArrayRef<Value> origin) {
    Value all = constant(dims[d].transform.m);
    return dims[d].cutsOutput() ? arith::MinSIOp::create(b, all, subtract(constant(dims[d].output), origin[d])).getResult() : all;
  }

  Value pixelsOfBlock() {
    return loop(count, 1, {constant(0)},
                [&](Value t, Values sum) {
                  Values origin = tileOrigin(t);
                  Value pixels = constant(1);
                  for (int64_t d = 0; d < rank; ++d)
                    pixels = arith::MulIOp::create(b, pixels, limit(d, origin));
                  return Values{add(sum.front(), pixels)};
                })
        .front();
  }

  /// The pixels of a tile from `at` on, in dimension `d` and those behind it: neighbours in the last dimension one for each chain in turn.
  Values visitTile(int64_t d, ArrayRef<Value> origin, Value at, Values chains, PartialTiler::Include include) {
    Value upper = limit(d, origin);
    int64_t m = dims[d].transform.m, step = output.spatial[d];
    auto each = [&](llvm::function_ref<Values(Value, Values)> body) {
      return loop(upper, 1, chains, [&](Value i, Values values) { return body(add(at, mul(i, step)), values); });
    };
    if (d + 1 < rank)
      return each([&](Value from, Values values) { return visitTile(d + 1, origin, from, values, include); });
    auto whole = [&](Values values) {
      for (int64_t i = 0; i < m; ++i) {
        Value &chain = values[i % PartialTiler::kChains];
        chain = include(load(output.flat, add(at, i * step)), chain);
      }
      return values;
    };
    if (!dims[d].cutsOutput())
      return whole(chains);
    Value full = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, upper, constant(m));
    auto choice = scf::IfOp::create(b, TypeRange(ValueRange(chains)), full, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, whole(chains));
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, each([&](Value from, Values values) {
                           values.front() = include(load(output.flat, from), values.front());
                           return values;
                         }));
    return Values(choice.getResults());
  }

  ConvOp op;
  TilingAttr tiling;
  PartialTiler partials;
  SmallVector<Dimension> dims;
  VectorType vector;
  int64_t rank, lanes, ku, channels, channelBlocks, groups, blocks;
  int64_t points = 1, tiles = 1, blockTiles = 0; // points of a tile; tiles of an image; tiles that are transformed together
  int64_t pointStride, blockStride;              // elements from one point, or block of channels, to the next
  BlockedView input, output;
  Value weights, transformed, products, patch;
  Value image, block, group, firstTile, count;
};

} // namespace

void lathe::passes::tileWinograd(ConvOp op) { WinogradTiler(op).tile(); }
