// lathe-make-destinations: one tensor.empty per operation that writes. The last step of the linalg phase, since CSE would merge them again.
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/linalg/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

namespace lathe::passes {
#define GEN_PASS_DEF_MAKEDESTINATIONSPASS
#include "passes/linalg/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

struct MakeDestinationsPass : lathe::passes::impl::MakeDestinationsPassBase<MakeDestinationsPass> {
  void runOnOperation() override {
    unshare();
    WalkResult result = getOperation().walk([&](WindowedOpInterface op) {
      if (!isa<RankedTensorType>(op.getOutputType()) || op.getInitOrNull())
        return WalkResult::advance();
      return succeeded(addDestination(op)) ? WalkResult::advance() : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    result = getOperation().walk([&](ForeachOp op) {
      for (Type type : op.getInits().empty() ? SmallVector<Type>(op.getResultTypes()) : SmallVector<Type>()) {
        Value empty = makeEmpty(op, cast<RankedTensorType>(type));
        if (!empty)
          return WalkResult::interrupt();
        op.getInitsMutable().append(empty);
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    result = getOperation().walk([&](ReduceOp op) {
      if (!op.getResult() || op.getInit())
        return WalkResult::advance();
      Value empty = makeEmpty(op, cast<RankedTensorType>(op.getResult().getType()));
      if (empty)
        op.getInitMutable().assign(empty);
      return empty ? WalkResult::advance() : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  /// Null after an error.
  Value makeEmpty(Operation *op, RankedTensorType type) {
    SmallVector<Value> dynamic;
    if (!type.hasStaticShape()) {
      Value batch = batchOf(getOperation());
      if (!batch)
        return op->emitOpError("expects a function argument that gives the batch size"), Value();
      dynamic.push_back(batch);
    }
    OpBuilder b(op);
    return tensor::EmptyOp::create(b, op->getLoc(), type, dynamic);
  }

  LogicalResult addDestination(WindowedOpInterface op) {
    Value empty = makeEmpty(op, cast<RankedTensorType>(op.getOutputType()));
    if (!empty)
      return failure();
    TypeSwitch<Operation *>(op).Case<ConvOp, PoolOp, MatMulOp>([&](auto o) { o.getInitMutable().assign(empty); });
    return success();
  }

  /// Each user of a shared tensor.empty gets a copy in front of it.
  void unshare() {
    SmallVector<tensor::EmptyOp> empties;
    getOperation().walk([&](tensor::EmptyOp op) { empties.push_back(op); });
    for (tensor::EmptyOp empty : empties) {
      if (empty->hasOneUse())
        continue;
      for (OpOperand &use : llvm::make_early_inc_range(empty->getUses())) {
        OpBuilder b(use.getOwner());
        use.set(b.clone(*empty)->getResult(0));
      }
      empty->erase();
    }
  }
};

} // namespace
