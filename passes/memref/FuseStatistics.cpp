// lathe-fuse-statistics: see Passes.td.
//
// Means and variances of a whole map (normalisations of instances and groups, gates, the last pool) read it again, from a far cache or from memory. The kernel
// that writes it reads each part right after it has written it, from the near caches; what is left to reduce are a few numbers per channel and part.
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/PartialOp.h"
#include "dialects/nn/Parts.h"
#include "passes/memref/Passes.h"
#include "passes/memref/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace lathe::passes {
#define GEN_PASS_DEF_FUSESTATISTICSPASS
#include "passes/memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::rootOf;

namespace {

/// A map of less than this part of the second level is still there when it is read.
constexpr int64_t kNearShare = 4;
/// Pixels of a part at least for each value that it is reduced to, or reading the values is no less than reading the map.
constexpr int64_t kLeastPixels = 8;

/// Calls `found` for everything but deallocations that writes, or may write, to the buffer that `v` is a view of.
void forEachWriter(Value v, function_ref<void(Operation *)> found) {
  SmallVector<Value> views{rootOf(v)};
  while (!views.empty()) {
    Value view = views.pop_back_val();
    for (Operation *user : view.getUsers()) {
      if (auto next = dyn_cast<ViewLikeOpInterface>(user)) {
        llvm::append_range(views, llvm::make_filter_range(user->getResults(), [](Value result) { return isa<BaseMemRefType>(result.getType()); }));
        continue;
      }
      auto effects = dyn_cast<MemoryEffectOpInterface>(user);
      if (!isa<memref::DeallocOp>(user) && (!effects || effects.getEffectOnValue<MemoryEffects::Write>(view)))
        found(user);
    }
  }
}

bool isOnlyWriter(Operation *op, Value v) {
  bool only = true;
  forEachWriter(v, [&](Operation *writer) { only &= writer == op; });
  return only;
}

/// Whether the result has one element for each image and channel of the first input, a blocked map: all of its pixels, and nothing else, are reduced.
bool reducesPixels(ReduceOp op) {
  AffineMap map = op.getMap(0), result = op.getResultMap();
  int64_t rank = map.getNumResults();
  if (rank < 4 || !map.isPermutation() || static_cast<int64_t>(result.getNumResults()) != rank)
    return false;
  for (int64_t d = 0; d < rank; ++d) {
    bool kept = d < 2 || d == rank - 1;
    if (result.getResult(d) != (kept ? map.getResult(d) : getAffineConstantExpr(0, op.getContext())))
      return false;
  }
  return true;
}

int64_t pixelsOf(MemRefType map) { return ShapedType::getNumElements(map.getShape().drop_front(2).drop_back()); }
int64_t elementsPerImage(MemRefType type) { return ShapedType::getNumElements(type.getShape().drop_front()); }

/// The mean of all pixels: sum(x) / count.
bool isMean(ReduceOp op) {
  Block &body = op.getBody().front(), &finish = op.getFinish().front();
  auto division = finish.getTerminator()->getOperand(0).getDefiningOp<arith::DivFOp>();
  FloatAttr count;
  return op.getKind() == Combine::sum && body.getTerminator()->getOperand(0) == body.getArgument(0) && division && division.getLhs() == finish.getArgument(0) &&
         matchPattern(division.getRhs(), m_Constant(&count)) &&
         count.getValueAsDouble() == static_cast<double>(pixelsOf(cast<MemRefType>(op.getInputs()[0].getType())));
}

/// finish(sum((x - mean)^2)), of the same map.
bool isVariance(ReduceOp op, ReduceOp mean) {
  if (op.getKind() != Combine::sum || op.getInputs().size() != 2 || op.getInputs()[0] != mean.getInputs()[0] || op.getInputs()[1] != mean.getInit() ||
      !reducesPixels(op) || op.getMap(1) != op.getResultMap() || !isOnlyWriter(mean, mean.getInit()))
    return false;
  Block &body = op.getBody().front();
  auto product = body.getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  auto difference = product && product.getLhs() == product.getRhs() ? product.getLhs().getDefiningOp<arith::SubFOp>() : nullptr;
  return difference && difference.getLhs() == body.getArgument(0) && difference.getRhs() == body.getArgument(1);
}

/// A map, the windowed operations that write it (one, or the phases of a transposed convolution), and what reduces it.
class Map {
public:
  explicit Map(Value map) : map(map), type(cast<MemRefType>(map.getType())), block(map.getParentBlock()) {}

  /// Finds what can be reduced in parts; false if there is nothing.
  bool findReductions() {
    if (type.getRank() < 4 || !type.getElementType().isF32())
      return false;
    for (Operation *user : map.getUsers())
      if (auto reduce = dyn_cast<ReduceOp>(user); reduce && reduce->getBlock() == block && reduce.getInputs().size() == 1 && reducesPixels(reduce) &&
                                                  reduce.getBody().front().getTerminator()->getOperand(0).getType().isF32())
        simple.push_back(reduce);
      else if (auto pool = dyn_cast<PoolOp>(user); pool && isWholeImage(pool))
        pools.push_back(pool);
    std::reverse(simple.begin(), simple.end()); // users are listed from the last
    std::reverse(pools.begin(), pools.end());
    for (ReduceOp candidate : simple)
      for (Operation *user : candidate.getInit().getUsers())
        if (auto reduce = dyn_cast<ReduceOp>(user); reduce && !variance && isMean(candidate) && isVariance(reduce, candidate)) {
          variance = reduce;
          mean = candidate;
        }
    llvm::erase(simple, mean);
    return variance || !simple.empty() || !pools.empty();
  }

  /// Why they stay operations of their own; "" if they need not.
  StringRef obstacle(TargetAttr target) {
    if (!findWriters())
      return "others than windowed operations write to it";
    if (elementsPerImage(type) * type.getElementTypeBitWidth() / 8 <= target.getL2Bytes() / kNearShare)
      return "it stays in the near caches anyway";
    for (WindowedOpInterface writer : writers)
      parts += partsOfImage(writer);
    if (pixelsOf(type) < parts * kLeastPixels * (variance ? 3 : 1))
      return "its parts are as much to read as all of it";
    return {};
  }

  void fuse() {
    if (variance) {
      Value values = reduceParts(variance.getLoc(), Combine::sum, /*moments=*/true, mean.getBody());
      combineMeans(values);
      combineVariances(values);
    }
    for (ReduceOp reduce : simple) {
      Value values = reduceParts(reduce.getLoc(), reduce.getKind(), /*moments=*/false, reduce.getBody());
      OpBuilder b(reduce);
      ReduceOp whole = combineParts(b, reduce, reduce.getKind(), {values}, {}, reduce.getInit());
      yieldArgument(whole.getBody());
      whole.getFinish().takeBody(reduce.getFinish());
      reduce.erase();
    }
    for (PoolOp pool : pools)
      combinePool(pool);
  }

  size_t getCount() { return simple.size() + pools.size() + (variance ? 2 : 0); }
  int64_t parts = 0;

private:
  /// Whether the one window of a pool is its whole input.
  bool isWholeImage(PoolOp pool) {
    return pool->getBlock() == block && pool.getExtras().empty() && pool.getInput() == map && pool.getWindow() == type.getShape().drop_front(2).drop_back() &&
           llvm::all_of(pool.getPads(), [](int64_t p) { return p == 0; }) &&
           llvm::all_of(pool.getOutputType().getShape().drop_front(2).drop_back(), [](int64_t extent) { return extent == 1; });
  }

  /// The windowed operations that together write all of the map; false if there is anything else that does.
  bool findWriters() {
    int64_t elements = 0;
    bool all = true;
    forEachWriter(map, [&](Operation *op) {
      auto writer = dyn_cast<WindowedOpInterface>(op);
      auto part = writer ? writer.getInitOrNull().getDefiningOp<memref::SubViewOp>() : memref::SubViewOp();
      all &= writer && writer.getTilingOrNull() && writer.getTilingOrNull().getBlock().empty() && op->getBlock() == block &&
             (writer.getInitOrNull() == map || (part && part.getSource() == map));
      if (!all)
        return;
      auto written = cast<MemRefType>(writer.getInitOrNull().getType());
      all &= written.getRank() == type.getRank() && writer.getSpatialRank() + 3 == type.getRank() && written.getDimSize(1) == type.getDimSize(1) &&
             written.getShape().back() == type.getShape().back();
      elements += elementsPerImage(written);
      writers.push_back(writer);
    });
    llvm::sort(writers, [](WindowedOpInterface a, WindowedOpInterface b) { return a->isBeforeInBlock(b); });
    return all && elements == elementsPerImage(type);
  }

  /// A buffer [N, C / V, values, parts, V] that an nn.partial behind each writer of the map fills.
  Value reduceParts(Location loc, Combine kind, bool moments, Region &body) {
    OpBuilder b(block->findAncestorOpInBlock(*writers.front()));
    auto buffer = MemRefType::get({type.getDimSize(0), type.getDimSize(1), moments ? 3 : 1, parts, type.getShape().back()}, type.getElementType());
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0))
      sizes.push_back(memref::DimOp::create(b, loc, map, arith::ConstantIndexOp::create(b, loc, 0)));
    Value values = memref::AllocOp::create(b, loc, buffer, sizes);
    int64_t done = 0;
    for (WindowedOpInterface writer : writers) {
      int64_t count = partsOfImage(writer);
      memref::AllocaScopeOp scope = scopeOf(writer);
      b.setInsertionPoint(scope);
      Value own = partOf(b, values, 3, done, count);
      b.setInsertionPoint(scope.getBodyRegion().front().getTerminator());
      auto partial = PartialOp::create(b, loc, kind, moments, writer.getInitOrNull(), own);
      IRMapping mapping;
      body.cloneInto(&partial.getBody(), mapping);
      scope->setLoc(FusedLoc::get(loc.getContext(), {scope.getLoc(), loc}));
      done += count;
    }
    return values;
  }

  /// The scope of an operation and of what reduces its map, which are one kernel.
  static memref::AllocaScopeOp scopeOf(WindowedOpInterface op) {
    if (auto scope = dyn_cast<memref::AllocaScopeOp>(op->getParentOp()))
      return scope;
    OpBuilder b(op);
    auto scope = memref::AllocaScopeOp::create(b, op.getLoc(), TypeRange());
    b.setInsertionPointToStart(&scope.getBodyRegion().emplaceBlock());
    op->moveBefore(memref::AllocaScopeReturnOp::create(b, op.getLoc(), ValueRange()));
    return scope;
  }

  /// `count` elements from `begin` on of dimension `d`.
  static Value partOf(OpBuilder &b, Value values, int64_t d, int64_t begin, int64_t count) {
    auto whole = cast<MemRefType>(values.getType());
    if (whole.getDimSize(d) == count)
      return values;
    SmallVector<OpFoldResult> offsets(5, b.getIndexAttr(0)), sizes, steps(5, b.getIndexAttr(1));
    for (int64_t extent : whole.getShape())
      sizes.push_back(ShapedType::isDynamic(extent) ? OpFoldResult(values.getDefiningOp<memref::AllocOp>().getDynamicSizes().front()) : b.getIndexAttr(extent));
    offsets[d] = b.getIndexAttr(begin);
    sizes[d] = b.getIndexAttr(count);
    return memref::SubViewOp::create(b, values.getLoc(), values, offsets, sizes, steps);
  }

  /// In the place of `op`, an nn.reduce over all parts into `init`, of `perPart`, and of `whole`, which are laid out as `init`; its regions are empty.
  ReduceOp combineParts(OpBuilder &b, Operation *op, Combine kind, ArrayRef<Value> perPart, ArrayRef<Value> whole, Value init) {
    MLIRContext *context = b.getContext();
    auto dim = [&](int64_t d) { return getAffineDimExpr(d, context); };
    AffineExpr zero = getAffineConstantExpr(0, context);
    SmallVector<AffineExpr> kept(cast<MemRefType>(init.getType()).getRank(), zero);
    kept[0] = dim(0);
    kept[1] = dim(1);
    kept.back() = dim(3);
    SmallVector<AffineMap> maps(perPart.size(), AffineMap::get(4, 0, {dim(0), dim(1), zero, dim(2), dim(3)}, context));
    maps.append(whole.size() + 1, AffineMap::get(4, 0, kept, context));
    SmallVector<Value> inputs(perPart);
    llvm::append_range(inputs, whole);
    auto combined = ReduceOp::create(b, op->getLoc(), TypeRange(), kind, b.getAffineMapArrayAttr(maps), inputs, init);
    Block &body = combined.getBody().emplaceBlock();
    for (size_t i = 0; i < inputs.size(); ++i)
      body.addArgument(type.getElementType(), op->getLoc());
    return combined;
  }

  static void yieldArgument(Region &body) {
    OpBuilder b(body.getArgument(0).getContext()); // the region may be in no operation yet
    b.setInsertionPointToEnd(&body.front());
    YieldOp::create(b, body.getArgument(0).getLoc(), body.getArgument(0));
  }

  /// The sum of the parts' means times their numbers of pixels.
  void combineMeans(Value values) {
    OpBuilder b(mean);
    ReduceOp whole = combineParts(b, mean, Combine::sum, {partOf(b, values, 2, 0, 1), partOf(b, values, 2, 2, 1)}, {}, mean.getInit());
    b.setInsertionPointToEnd(&whole.getBody().front());
    auto v = whole.getBody().getArguments();
    YieldOp::create(b, mean.getLoc(), arith::MulFOp::create(b, mean.getLoc(), v[0], v[1]).getResult());
    whole.getFinish().takeBody(mean.getFinish());
    mean.erase();
    mean = whole;
  }

  /// squares + pixels * (mean of the part - mean)^2, summed over the parts.
  void combineVariances(Value values) {
    OpBuilder b(variance);
    Location loc = variance.getLoc();
    SmallVector<Value> perPart;
    for (int64_t i = 0; i < 3; ++i)
      perPart.push_back(partOf(b, values, 2, i, 1));
    ReduceOp whole = combineParts(b, variance, Combine::sum, perPart, {mean.getInit()}, variance.getInit());
    b.setInsertionPointToEnd(&whole.getBody().front());
    auto v = whole.getBody().getArguments();
    Value difference = arith::SubFOp::create(b, loc, v[0], v[3]);
    Value between = arith::MulFOp::create(b, loc, arith::MulFOp::create(b, loc, difference, difference), v[2]);
    YieldOp::create(b, loc, arith::AddFOp::create(b, loc, v[1], between).getResult());
    whole.getFinish().takeBody(variance.getFinish());
    variance.erase();
    variance = whole;
  }

  /// A pool over the whole image, as a reduction; the epilogue comes after the division.
  void combinePool(PoolOp pool) {
    bool max = pool.getReduction() == Reduction::max;
    Combine kind = max ? Combine::max : Combine::sum;
    Location loc = pool.getLoc();
    Region body;
    body.emplaceBlock().addArgument(type.getElementType(), loc);
    yieldArgument(body);
    Value values = reduceParts(loc, kind, /*moments=*/false, body);
    OpBuilder b(pool);
    ReduceOp whole = combineParts(b, pool, kind, {values}, {}, pool.getInit());
    yieldArgument(whole.getBody());
    whole.getFinish().takeBody(pool.getEpilogue());
    if (!max) {
      Block &finish = whole.getFinish().front();
      b.setInsertionPointToStart(&finish);
      Value count = arith::ConstantOp::create(b, loc, b.getFloatAttr(type.getElementType(), static_cast<double>(pixelsOf(type))));
      auto average = arith::DivFOp::create(b, loc, finish.getArgument(0), count);
      finish.getArgument(0).replaceAllUsesExcept(average, average);
    }
    pool.erase();
  }

  Value map;
  MemRefType type;
  Block *block;
  SmallVector<WindowedOpInterface> writers;
  SmallVector<ReduceOp> simple; // of the map alone
  SmallVector<PoolOp> pools;
  ReduceOp mean, variance;
};

struct FuseStatisticsPass : lathe::passes::impl::FuseStatisticsPassBase<FuseStatisticsPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || function->hasAttr(NNDialect::kKernelAttr))
      return;
    llvm::MapVector<Value, Location> maps; // that are written whole, or in parts; where they are first
    function.walk([&](WindowedOpInterface op) {
      Value init = op.getInitOrNull();
      if (!init || !isa<MemRefType>(init.getType()) || !op.getTilingOrNull() || !op.getTilingOrNull().getBlock().empty())
        return;
      maps.insert({init, op.getLoc()});
      if (auto part = init.getDefiningOp<memref::SubViewOp>())
        maps.insert({part.getSource(), op.getLoc()});
    });
    TargetAttr target;
    for (auto [value, loc] : maps) {
      Map map(value);
      if (!map.findReductions())
        continue;
      if (!target && !(target = targetOf(function)))
        return signalPassFailure();
      StringRef obstacle = map.obstacle(target);
      if (!obstacle.empty()) {
        remark::missed(loc, remark::RemarkOpts::name("Statistics").category(getArgument()))
            << ("the map is not reduced where it is written: " + obstacle).str();
        continue;
      }
      map.fuse();
      remark::passed(loc, remark::RemarkOpts::name("Statistics").category(getArgument()))
          << llvm::formatv("the map is reduced where it is written: {0} reduction{1}, {2} part{3}", map.getCount(), map.getCount() == 1 ? "" : "s", map.parts,
                           map.parts == 1 ? "" : "s")
                 .str();
    }
  }
};

} // namespace
