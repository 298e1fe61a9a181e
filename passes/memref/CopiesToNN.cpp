// lathe-copies-to-nn: what bufferisation could not avoid becomes visible.
#include "dialects/nn/NNDialect.h"
#include "passes/memref/Passes.h"
#include "passes/memref/Views.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lathe::passes {
#define GEN_PASS_DEF_COPIESTONNPASS
#include "passes/memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::rootOf;

namespace {

/// What made bufferisation copy, as far as the operands tell.
StringRef reasonOf(memref::CopyOp copy) {
  if (copy.getTarget().getDefiningOp<memref::SubViewOp>())
    return "its producer cannot write into the slice of a larger buffer";
  if (llvm::any_of(copy.getTarget().getUsers(), llvm::IsaPred<memref::CollapseShapeOp, memref::ExpandShapeOp>))
    return "a reshape needs contiguous elements";
  Value source = rootOf(copy.getSource());
  if (source.getDefiningOp<WeightOp>())
    return "a weight must not be overwritten";
  if (isa<BlockArgument>(source))
    return "an input must not be overwritten";
  auto target = dyn_cast<BlockArgument>(copy.getTarget());
  if (target && cast<MemRefType>(copy.getSource().getType()).getStridesAndOffset().first != cast<MemRefType>(target.getType()).getStridesAndOffset().first)
    return "a result has no room for lanes beyond its channels";
  return "the source is still needed when its copy is overwritten";
}

struct CopiesToNNPass : lathe::passes::impl::CopiesToNNPassBase<CopiesToNNPass> {
  void runOnOperation() override {
    getOperation().walk([&](memref::CopyOp copy) {
      if (copy.getSource() != copy.getTarget()) {
        OpBuilder b(copy);
        StringRef reason = reasonOf(copy);
        CopyOp::create(b, copy.getLoc(), copy.getSource(), copy.getTarget(), reason);
        remark::missed(copy.getLoc(), remark::RemarkOpts::name("Copy").category("lathe-copies-to-nn")) << reason;
      }
      copy.erase();
    });
  }
};

} // namespace
