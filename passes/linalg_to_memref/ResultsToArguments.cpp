// lathe-results-to-arguments: the caller owns the outputs. A result that is all of one local buffer lets the caller's buffer take its place, so that no
// copy remains; everything else is an nn.copy with its reason.
#include "dialects/nn/NNDialect.h"
#include "passes/linalg_to_memref/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lathe::passes {
#define GEN_PASS_DEF_RESULTSTOARGUMENTSPASS
#include "passes/linalg_to_memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

/// The views between a returned value and the buffer that all of it lives in, from the value back; the buffer is null if it is not a local one or the
/// value is only a part of it.
struct WholeBuffer {
  explicit WholeBuffer(Value returned) {
    Value v = returned;
    while (isa_and_nonnull<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(v.getDefiningOp())) {
      views.push_back(v.getDefiningOp());
      v = v.getDefiningOp()->getOperand(0);
    }
    alloc = v.getDefiningOp<memref::AllocOp>();
    bool dynamicView = llvm::any_of(views, [](Operation *view) { return !cast<MemRefType>(view->getOperand(0).getType()).hasStaticShape(); });
    if (alloc && dynamicView && alloc.getDynamicSizes().empty())
      alloc = nullptr; // a static buffer that was cast to a dynamic type
  }
  SmallVector<Operation *> views;
  memref::AllocOp alloc;
};

/// The buffer's type, rebuilt as a view of `argument`, which stands for the returned value.
Value undoViews(ImplicitLocOpBuilder &b, WholeBuffer &buffer, Value argument) {
  Value v = argument;
  for (Operation *view : buffer.views) {
    auto type = cast<MemRefType>(view->getOperand(0).getType());
    SmallVector<OpFoldResult> sizes;
    for (int64_t extent : type.getShape()) // each dynamic extent is the batch
      sizes.push_back(ShapedType::isDynamic(extent) ? OpFoldResult(buffer.alloc.getDynamicSizes().front()) : OpFoldResult(b.getIndexAttr(extent)));
    if (auto collapse = dyn_cast<memref::CollapseShapeOp>(view))
      v = memref::ExpandShapeOp::create(b, type, v, collapse.getReassociationIndices(), sizes);
    else if (auto expand = dyn_cast<memref::ExpandShapeOp>(view))
      v = memref::CollapseShapeOp::create(b, type, v, expand.getReassociationIndices());
    else
      v = memref::CastOp::create(b, type, v);
  }
  return v;
}

StringRef reasonOfCopy(Value returned, const DenseSet<Value> &outputs) {
  Value v = returned;
  bool part = false;
  while (auto view = v.getDefiningOp<ViewLikeOpInterface>()) {
    part |= isa<memref::SubViewOp>(view);
    v = view.getViewSource();
  }
  if (outputs.contains(v))
    return "the value is returned twice";
  if (isa<BlockArgument>(v))
    return "an input is returned";
  if (v.getDefiningOp<WeightOp>())
    return "a weight is returned";
  return part ? "a part of a larger buffer is returned" : "the result does not fill a buffer of its own";
}

struct ResultsToArgumentsPass : lathe::passes::impl::ResultsToArgumentsPassBase<ResultsToArgumentsPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || function.getNumResults() == 0)
      return;
    if (!function.getBody().hasOneBlock() || !isa<func::ReturnOp>(function.getBody().front().getTerminator())) {
      function.emitError("expects one block that ends in func.return");
      return signalPassFailure();
    }
    for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
      auto buffer = dyn_cast<MemRefType>(type);
      if (!buffer || !buffer.getLayout().isIdentity()) {
        function.emitError("expects result ") << i << " to be a memref with identity layout (got " << type << ")";
        return signalPassFailure();
      }
    }
    auto ret = cast<func::ReturnOp>(function.getBody().front().getTerminator());
    DenseSet<Value> outputs;
    for (unsigned i = 0, e = function.getNumResults(); i < e; ++i) {
      Value returned = ret.getOperand(i);
      NamedAttrList attrs(function.getResultAttrDict(i));
      attrs.set(NNDialect::kOutputAttr, UnitAttr::get(&getContext()));
      if (failed(function.insertArgument(function.getNumArguments(), returned.getType(), attrs.getDictionary(&getContext()), returned.getLoc())))
        return signalPassFailure();
      Value argument = function.getArguments().back();
      outputs.insert(argument);
      if (WholeBuffer buffer(returned); buffer.alloc) {
        ImplicitLocOpBuilder b(buffer.alloc.getLoc(), buffer.alloc);
        buffer.alloc.replaceAllUsesWith(undoViews(b, buffer, argument));
        buffer.alloc.erase();
        continue;
      }
      if (auto type = cast<MemRefType>(returned.getType()); type.hasStaticShape() && type.getNumElements() == 0)
        continue; // there is nothing to copy
      OpBuilder b(ret);
      StringRef reason = reasonOfCopy(returned, outputs);
      CopyOp::create(b, returned.getLoc(), returned, argument, reason);
      remark::missed(returned.getLoc(), remark::RemarkOpts::name("Copy").category("lathe-results-to-arguments")) << ("copied to an output: " + reason).str();
    }
    ret->setOperands({});
    if (failed(function.eraseResults(llvm::BitVector(function.getNumResults(), true))))
      signalPassFailure();
  }
};

} // namespace
