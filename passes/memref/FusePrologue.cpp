// lathe-fuse-prologue: see Passes.td.
//
// What precedes a convolution and cannot go into its producer's store (batch normalisation after a concatenation that others read too; a gate that is known
// only when all of the map is) writes a whole map, and the convolution reads it again. Together, a line at a time, it never leaves the near caches.
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/Segments.h"
#include "passes/memref/Passes.h"
#include "passes/memref/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/FormatVariadic.h"

namespace lathe::passes {
#define GEN_PASS_DEF_FUSEPROLOGUEPASS
#include "passes/memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::rootOf;

namespace {

/// A line of this part of the second level at most leaves room for the weights and the output.
constexpr int64_t kLineShare = 4;
/// Of this many register tiles at least, so that their widths are little less than the widest.
constexpr int64_t kTilesOfLine = 16;
/// A map of less than this part of the second level is still there when it is read.
constexpr int64_t kNearShare = 4;

bool isOnes(ArrayRef<int64_t> values) {
  return llvm::all_of(values, [](int64_t v) { return v == 1; });
}

/// Whether each pixel of the output depends on the same pixel of the input alone, and nothing but the tiling says in which order they are computed.
bool isPointwise(ConvOp conv) {
  TilingAttr tiling = conv.getTilingAttr();
  return tiling && tiling.getWinograd().empty() && tiling.getImages() <= 1 && !tiling.getStreams() && conv.getGroups() == 1 && !conv.getPlaces() &&
         isOnes(conv.getWindowShape()) && isOnes(conv.getStrides()) && llvm::all_of(conv.getPads(), [](int64_t p) { return p == 0; }) &&
         conv.isBlocked(conv.getInput());
}

/// Operations that neither read nor write what is in buffers.
bool isHarmless(Operation &op) { return isa<memref::AllocOp, memref::DimOp, ViewLikeOpInterface, WeightOp>(op) || isPure(&op); }

class Prologue {
public:
  Prologue(ConvOp conv, linalg::LinalgOp op) : conv(conv), op(op), type(cast<MemRefType>(conv.getInput().getType())) {}

  /// Why it stays an operation of its own; "" if it need not.
  StringRef obstacle(TargetAttr target) {
    if (op.getNumDpsInits() != 1 || op.getNumParallelLoops() != op.getNumLoops() || !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
        op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
      return "it is not elementwise";
    if (op.getNumDpsInputs() == 0)
      return "it reads nothing";
    for (Operation &inner : op.getBlock()->without_terminator())
      if (inner.getNumResults() != 1 || !(inner.hasTrait<OpTrait::ConstantLike>() || OpTrait::hasElementwiseMappableTraits(&inner)))
        return "its body has no vector form";
    for (OpOperand *in : op.getDpsInputOperands())
      if (!isReadable(in))
        return "it reads an operand in another order";
    for (OpOperand *in : op.getDpsInputOperands())
      if (rootOf(in->get()) == rootOf(conv.getInit()))
        return "the convolution writes into a buffer that it reads";
    for (Operation *next = op->getNextNode(); next != conv; next = next->getNextNode())
      if (!next || !isHarmless(*next))
        return "other operations are between it and the convolution";
    int64_t bytes = type.getElementTypeBitWidth() / 8;
    for (int64_t extent : type.getShape().drop_front())
      bytes *= extent;
    if (bytes <= target.getL2Bytes() / kNearShare)
      return "the map stays in the near caches anyway";
    merge = rowsOfLine(target);
    return merge ? StringRef() : "a line is more than a part of the second cache level";
  }

  void fuse() {
    TilingAttr t = conv.getTilingAttr();
    if (merge != t.getMerge()) {
      int64_t widest = *llvm::max_element(t.getSegments());
      conv.setTilingAttr(TilingAttr::get(t.getContext(), t.getKu(), t.getUnroll(), merge, balancedSegments(merge * type.getShape().end()[-2], widest), {},
                                         t.getImages(), t.getPrefetch(), t.getShare()));
    }
    auto alloc = conv.getInput().getDefiningOp<memref::AllocOp>();
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
      if (isa<memref::DeallocOp>(user))
        user->erase();
    OpBuilder b(conv);
    Location loc = FusedLoc::get(op->getContext(), {op.getLoc(), conv.getLoc()});
    auto scope = memref::AllocaScopeOp::create(b, loc, TypeRange());
    Block &body = scope.getBodyRegion().emplaceBlock();
    b.setInsertionPointToStart(&body);
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0)) {
      Value zero = arith::ConstantIndexOp::create(b, loc, 0);
      sizes.push_back(memref::DimOp::create(b, loc, conv.getInit(), zero));
    }
    Value line = memref::AllocaOp::create(b, loc, type, sizes);
    auto end = memref::AllocaScopeReturnOp::create(b, loc, ValueRange());
    op->moveBefore(end);
    conv->moveBefore(end);
    alloc.replaceAllUsesWith(line);
    alloc.erase();
    // The body is cloned at vector type: it has to hold all that it uses.
    b.setInsertionPointToStart(op.getBlock());
    op.getBlock()->walk([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        if (Operation *constant = operand.get().getDefiningOp(); constant && constant->getBlock() != op.getBlock())
          operand.set(b.clone(*constant)->getResult(0));
    });
  }

  Location getLoc() { return op.getLoc(); }
  int64_t merge = 0; // rows of a line

private:
  /// Coefficients of the loops in the operand's address; nothing if it is no sum of multiples of them.
  std::optional<SmallVector<int64_t>> coefficients(OpOperand *in) {
    auto memref = dyn_cast<MemRefType>(in->get().getType());
    AffineMap map = op.getMatchingIndexingMap(in);
    if (!memref)
      return {};
    auto [strides, offset] = memref.getStridesAndOffset();
    SmallVector<int64_t> sum(op.getNumLoops(), 0);
    for (auto [stride, expr] : llvm::zip(strides, map.getResults())) {
      if (ShapedType::isDynamic(stride))
        return {};
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        sum[dim.getPosition()] += stride;
      else if (auto constant = dyn_cast<AffineConstantExpr>(expr); !constant || constant.getValue() != 0)
        return {};
    }
    return sum;
  }

  /// Whether the lanes are neighbours, or one element for all.
  bool isReadable(OpOperand *in) {
    auto sum = coefficients(in);
    return sum && (sum->back() == 0 || sum->back() == 1);
  }

  /// Whether the rows of an operand follow each other, so that lines of several rows are read as one.
  bool hasAdjacentRows(OpOperand *in) {
    SmallVector<int64_t> sum = *coefficients(in);
    size_t n = sum.size();
    return n < 5 || sum[n - 3] == sum[n - 2] * type.getShape().end()[-2];
  }

  /// The rows of a line, a divisor of what the tiling merges: as few as fill some register tiles, so that the line stays near. 0 if one row is too much.
  int64_t rowsOfLine(TargetAttr target) {
    TilingAttr tiling = conv.getTilingAttr();
    int64_t width = type.getShape().end()[-2], widest = *llvm::max_element(tiling.getSegments()), best = 0;
    int64_t rowBytes = type.getShape()[1] * width * type.getShape().back() * (type.getElementTypeBitWidth() / 8);
    bool adjacent = llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *in) { return hasAdjacentRows(in); });
    for (int64_t rows = 1; rows <= (adjacent ? tiling.getMerge() : 1) && rows * rowBytes <= target.getL2Bytes() / kLineShare; ++rows) {
      if (tiling.getMerge() % rows)
        continue;
      best = rows;
      if (rows * width >= kTilesOfLine * widest)
        break;
    }
    return best;
  }

  ConvOp conv;
  linalg::LinalgOp op;
  MemRefType type;
};

/// The operation that fills the buffer `conv` reads, if the two are all that use it.
linalg::LinalgOp onlyProducer(ConvOp conv) {
  auto alloc = conv.getInput().getDefiningOp<memref::AllocOp>();
  if (!alloc || llvm::count(conv->getOperands(), alloc.getResult()) != 1)
    return {};
  linalg::LinalgOp producer;
  for (OpOperand &use : alloc->getUses()) {
    Operation *user = use.getOwner();
    if (user == conv || isa<memref::DeallocOp>(user))
      continue;
    auto op = dyn_cast<linalg::LinalgOp>(user);
    if (!op || producer || !op.isDpsInit(&use) || op->getBlock() != conv->getBlock())
      return {};
    producer = op;
  }
  return producer;
}

struct FuseProloguePass : lathe::passes::impl::FuseProloguePassBase<FuseProloguePass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || function->hasAttr(NNDialect::kKernelAttr))
      return;
    SmallVector<ConvOp> convs;
    function.walk([&](ConvOp conv) { convs.push_back(conv); });
    TargetAttr target;
    for (ConvOp conv : convs) {
      if (!isa<MemRefType>(conv.getInput().getType()) || !isPointwise(conv))
        continue;
      linalg::LinalgOp producer = onlyProducer(conv);
      if (!producer)
        continue;
      if (!target && !(target = targetOf(function)))
        return signalPassFailure();
      Prologue prologue(conv, producer);
      StringRef obstacle = prologue.obstacle(target);
      Location loc = prologue.getLoc();
      if (!obstacle.empty()) {
        remark::missed(loc, remark::RemarkOpts::name("Prologue").category(getArgument()))
            << ("not computed with the convolution that reads it: " + obstacle).str();
        continue;
      }
      prologue.fuse();
      remark::passed(loc, remark::RemarkOpts::name("Prologue").category(getArgument()))
          << llvm::formatv("computed by the convolution that reads it, {0} row{1} at a time", prologue.merge, prologue.merge == 1 ? "" : "s").str();
    }
  }
};

} // namespace
