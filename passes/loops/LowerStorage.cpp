// lathe-lower-storage: see Passes.td.
#include "dialects/nn/NNDialect.h"
#include "passes/loops/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"

namespace lathe::passes {
#define GEN_PASS_DEF_LOWERSTORAGEPASS
#include "passes/loops/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

class StorageLowering {
public:
  explicit StorageLowering(Type element) : element(element) {}

  /// Every use of `wide`, which is what `op` returns, becomes one of `narrow`; then erases `op`.
  LogicalResult replace(Operation *op, Value narrow) {
    Value wide = op->getResult(0);
    for (OpOperand &use : llvm::make_early_inc_range(wide.getUses())) {
      Operation *user = use.getOwner();
      OpBuilder b(user);
      if (isa<memref::DimOp, memref::PrefetchOp>(user)) {
        use.set(narrow);
      } else if (isa<ViewLikeOpInterface>(user)) {
        IRMapping map;
        map.map(wide, narrow);
        Operation *view = b.clone(*user, map);
        auto type = cast<MemRefType>(view->getResult(0).getType());
        view->getResult(0).setType(MemRefType::get(type.getShape(), element, type.getLayout(), type.getMemorySpace()));
        if (failed(replace(user, view->getResult(0))))
          return failure();
      } else if (failed(access(b, user, narrow))) {
        return user->emitOpError("expects only loads, stores and views of a buffer that is stored in another type");
      }
    }
    op->erase();
    return success();
  }

private:
  VectorType narrowed(VectorType type) const { return type.clone(element); }
  Value extend(OpBuilder &b, Location loc, Type to, Value v) const { return arith::ExtFOp::create(b, loc, to, v); }
  Value truncate(OpBuilder &b, Location loc, Value v) const {
    auto vector = dyn_cast<VectorType>(v.getType());
    return arith::TruncFOp::create(b, loc, vector ? Type(narrowed(vector)) : element, v);
  }

  /// Half of what an access of f32 was promised.
  template <typename Op> static void halveAlignment(Op from, Op to) {
    if (auto alignment = from.getAlignment())
      to.setAlignment(std::max<uint64_t>(*alignment / 2, 1));
  }

  LogicalResult access(OpBuilder &b, Operation *user, Value narrow) const {
    Location loc = user->getLoc();
    auto loaded = [&](Operation *load) {
      user->getResult(0).replaceAllUsesWith(extend(b, loc, user->getResult(0).getType(), load->getResult(0)));
      user->erase();
      return success();
    };
    auto stored = [&] {
      user->erase();
      return success();
    };
    return llvm::TypeSwitch<Operation *, LogicalResult>(user)
        .Case([&](memref::LoadOp op) { return loaded(memref::LoadOp::create(b, loc, narrow, op.getIndices())); })
        .Case([&](vector::LoadOp op) {
          auto load = vector::LoadOp::create(b, loc, narrowed(op.getVectorType()), narrow, op.getIndices());
          halveAlignment(op, load);
          return loaded(load);
        })
        .Case([&](vector::MaskedLoadOp op) {
          return loaded(
              vector::MaskedLoadOp::create(b, loc, narrowed(op.getVectorType()), narrow, op.getIndices(), op.getMask(), truncate(b, loc, op.getPassThru())));
        })
        .Case([&](vector::GatherOp op) {
          return loaded(vector::GatherOp::create(b, loc, narrowed(op.getVectorType()), narrow, op.getOffsets(), op.getIndices(), op.getMask(),
                                                 truncate(b, loc, op.getPassThru())));
        })
        .Case([&](memref::StoreOp op) {
          if (op.getValue() == narrow)
            return failure();
          memref::StoreOp::create(b, loc, truncate(b, loc, op.getValue()), narrow, op.getIndices());
          return stored();
        })
        .Case([&](vector::StoreOp op) {
          auto store = vector::StoreOp::create(b, loc, truncate(b, loc, op.getValueToStore()), narrow, op.getIndices());
          halveAlignment(op, store);
          return stored();
        })
        .Case([&](vector::MaskedStoreOp op) {
          vector::MaskedStoreOp::create(b, loc, narrow, op.getIndices(), op.getMask(), truncate(b, loc, op.getValueToStore()));
          return stored();
        })
        .Default([](Operation *) { return failure(); });
  }

  Type element;
};

struct LowerStoragePass : lathe::passes::impl::LowerStoragePassBase<LowerStoragePass> {
  void runOnOperation() override {
    SmallVector<StoredAsOp> ops;
    getOperation().walk([&](StoredAsOp op) { ops.push_back(op); });
    for (StoredAsOp op : ops)
      if (failed(StorageLowering(cast<MemRefType>(op.getSource().getType()).getElementType()).replace(op, op.getSource())))
        return signalPassFailure();
  }
};

} // namespace
