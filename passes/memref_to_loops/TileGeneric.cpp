// lathe-tile-generic: linalg operations and copies to loops over vectors.
//
// Not upstream's vectoriser: on buffers it needs tiling by subviews, peeling, unit-dim folding and transfer lowering to arrive at the vector.load and
// vector.store that are built here at once, and the subviews bring strided metadata back that the memref phase has just expanded. What an operation
// means stays upstream's: its loops, maps and body are taken as they are, and the body's operations are elementwise mappable, so that their vector form
// is the same operation at vector type.
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/memref_to_loops/GenericEmitter.h"
#include "passes/memref_to_loops/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <vector>

namespace lathe::passes {
#define GEN_PASS_DEF_TILEGENERICPASS
#include "passes/memref_to_loops/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

namespace {

class Tiler : GenericEmitter {
public:
  Tiler(linalg::LinalgOp op, GenericNest &nest, int64_t lanes) : GenericEmitter(op, nest, lanes) {}

  void tile() {
    bool vectors = nest.isVectorisable(/*pick=*/true);
    if (vectors) {
      nest.mergeNeighbours(kLine, kLongLine);
      nest.splitInnermost(kLongLine, kLine, lanes);
    }
    int64_t last = nest.loops.size(), outer = nest.firstInner(kLine, kLongLine, vectors);
    openForall(llvm::to_vector(llvm::seq<int64_t>(0, outer)));
    for (int64_t i = outer; i < (vectors ? last - 1 : last); ++i)
      openLoop(i);
    if (vectors)
      forEachPiece(last - 1, [&](Value first, int64_t width) {
        ivs.back() = first;
        compute(width);
      });
    else
      compute(1);
    op->erase();
  }
};

struct TileGenericPass : lathe::passes::impl::TileGenericPassBase<TileGenericPass> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr(NNDialect::kKernelAttr))
      return;
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<linalg::LinalgOp, CopyOp>(op))
        ops.push_back(op);
    });
    if (ops.empty())
      return;
    TargetAttr target = targetOf(getOperation());
    if (!target)
      return signalPassFailure();
    for (Operation *op : ops)
      if (failed(tile(op, target)))
        return signalPassFailure();
  }

  LogicalResult tile(Operation *op, TargetAttr target) {
    if (auto copy = dyn_cast<CopyOp>(op)) {
      OpBuilder b(copy);
      op = linalg::makeMemRefCopyOp(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    }
    auto linalgOp = cast<linalg::LinalgOp>(op);
    if (linalgOp.getNumDpsInits() != 1 || !linalgOp.hasPureBufferSemantics())
      return op->emitOpError("expects one destination, and buffers");
    for (Operation &inner : linalgOp.getBlock()->without_terminator())
      if (inner.getNumResults() != 1 || inner.getNumRegions() != 0)
        return inner.emitOpError("expects operations of one result and no region in the body of a kernel");
    FailureOr<GenericNest> nest = GenericNest::analyse(linalgOp);
    if (failed(nest))
      return failure();
    unsigned bits = 8;
    for (Value v : op->getOperands()) {
      Type element = getElementTypeOrSelf(v.getType());
      if (!element.isIntOrFloat())
        return op->emitOpError("expects elements that are integers or floats (got ") << v.getType() << ")";
      bits = std::max(bits, element.getIntOrFloatBitWidth());
    }
    nest->orderForContiguousWrites();
    int64_t lanes = std::max<int64_t>(target.getLanes(bits), 1);
    // In the order of preference: lines that take turns, lanes that lie side by side everywhere, blocks that are turned, lanes that are picked from longer
    // lines, one element at a time.
    std::vector<GenericNest> variants{*nest};
    if (GenericNest split = *nest; split.splitQuotients())
      variants.insert(variants.begin(), std::move(split));
    for (GenericNest &variant : variants) {
      GenericNest other = variant;
      if (lathe::passes::tileInterleaved(linalgOp, other, lanes))
        return success();
    }
    for (GenericNest &variant : variants) {
      if (variant.isVectorisable(/*pick=*/false)) {
        Tiler(linalgOp, variant, lanes).tile();
        return success();
      }
      GenericNest other = variant;
      if (lathe::passes::tileTransposed(linalgOp, other, lanes))
        return success();
    }
    Tiler(linalgOp, *nest, lanes).tile();
    return success();
  }
};

} // namespace
