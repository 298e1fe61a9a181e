// lathe-narrow-storage: see Passes.td. What a tensor is stored in and what is computed with are two things: the operations stay what they are, f32, and see
// buffers of half the size through nn.stored_as.
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/PartialOp.h"
#include "passes/memref/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lathe::passes {
#define GEN_PASS_DEF_NARROWSTORAGEPASS
#include "passes/memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

class Narrower {
public:
  explicit Narrower(FloatType element) : element(element) {}

  void buffer(memref::AllocOp alloc) {
    OpBuilder b(alloc);
    auto narrow = memref::AllocOp::create(b, alloc.getLoc(), narrowed(alloc.getType()), alloc.getDynamicSizes());
    replace(alloc, narrow.getResult());
  }

  void weight(WeightOp op) {
    OpBuilder b(op);
    auto step = StepAttr::get(op.getContext(), element.isF16() ? "to_f16" : "to_bf16", {}, FloatAttr(), WeightAttr());
    auto narrow = cast<WeightOp>(op->clone());
    narrow.setWeightAttr(op.getWeight().withStep(step));
    narrow->getResult(0).setType(narrowed(cast<MemRefType>(op->getResult(0).getType())));
    b.insert(narrow);
    replace(op, narrow->getResult(0));
  }

private:
  MemRefType narrowed(MemRefType type) const { return MemRefType::get(type.getShape(), element, type.getLayout(), type.getMemorySpace()); }

  /// `op` by `narrow`, of which there are the same views; what computes sees them as they were.
  void replace(Operation *op, Value narrow) {
    Value wide = op->getResult(0), seen;
    for (OpOperand &use : llvm::make_early_inc_range(wide.getUses())) {
      Operation *user = use.getOwner();
      if (isa<memref::DeallocOp, memref::DimOp>(user)) {
        use.set(narrow);
      } else if (isa<ViewLikeOpInterface>(user)) {
        OpBuilder b(user);
        IRMapping map;
        map.map(wide, narrow);
        Operation *view = b.clone(*user, map);
        view->getResult(0).setType(narrowed(cast<MemRefType>(view->getResult(0).getType())));
        replace(user, view->getResult(0));
      } else {
        if (!seen) {
          OpBuilder b(op->getContext());
          b.setInsertionPointAfterValue(narrow);
          seen = StoredAsOp::create(b, op->getLoc(), wide.getType(), narrow);
        }
        use.set(seen);
      }
    }
    op->erase();
  }

  FloatType element;
};

/// Whether sums over a map are begun in `v`: they may be larger than what the narrow type can hold.
bool holdsPartialSums(Value v) {
  return llvm::any_of(v.getUsers(), [&](Operation *user) {
    auto partial = dyn_cast<PartialOp>(user);
    if (partial && partial.getInit() == v)
      return true;
    return isa<ViewLikeOpInterface>(user) && holdsPartialSums(user->getResult(0));
  });
}

struct NarrowStoragePass : lathe::passes::impl::NarrowStoragePassBase<NarrowStoragePass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    auto precision = function->getParentOfType<ModuleOp>()->getAttrOfType<StringAttr>(NNDialect::kPrecisionAttr);
    if (!precision || precision == "tf32" || function.isDeclaration() || function->hasAttr(NNDialect::kKernelAttr))
      return;
    MLIRContext *context = &getContext();
    if (precision != "f16" && precision != "bf16") {
      function.emitError("expects " + NNDialect::kPrecisionAttr + " to be \"tf32\", \"f16\" or \"bf16\" (got ") << precision << ")";
      return signalPassFailure();
    }
    Narrower narrower(precision == "f16" ? FloatType(Float16Type::get(context)) : FloatType(BFloat16Type::get(context)));
    SmallVector<memref::AllocOp> buffers;
    SmallVector<WeightOp> weights;
    int64_t kept = 0;
    function.walk([&](memref::AllocOp alloc) {
      if (!alloc.getType().getElementType().isF32())
        return;
      if (holdsPartialSums(alloc))
        ++kept;
      else
        buffers.push_back(alloc);
    });
    // What is multiplied. Biases, scales and tables are small, and some of them hold positions.
    function.walk([&](WeightOp op) {
      auto type = dyn_cast<MemRefType>(op->getResult(0).getType());
      if (type && type.getElementType().isF32() && llvm::all_of(op->getUses(), [&](OpOperand &use) {
            auto windowed = dyn_cast<WindowedOpInterface>(use.getOwner());
            return windowed && windowed.getWeightsOrNull() == use.get() && windowed.getInput() != use.get();
          }))
        weights.push_back(op);
    });
    for (memref::AllocOp alloc : buffers)
      narrower.buffer(alloc);
    for (WeightOp op : weights)
      narrower.weight(op);
    remark::analysis(function.getLoc(), remark::RemarkOpts::name("Storage").category(getArgument()))
        << (Twine(buffers.size()) + " buffers and " + Twine(weights.size()) + " weights are stored as " + precision.getValue() + "; " + Twine(kept) +
            " buffers of sums stay f32")
               .str();
  }
};

} // namespace
