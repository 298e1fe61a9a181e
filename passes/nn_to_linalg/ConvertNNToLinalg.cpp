// convert-nn-to-linalg: elementwise operations; ConvertLayoutOps.cpp and ConvertMoveOps.cpp have the rest.
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/nn_to_linalg/Passes.h"
#include "passes/nn_to_linalg/Patterns.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace lathe::passes {
#define GEN_PASS_DEF_CONVERTNNTOLINALGPASS
#include "passes/nn_to_linalg/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

Value lathe::passes::makeEmpty(OpBuilder &builder, Operation *op, RankedTensorType type) {
  SmallVector<Value> dynamic;
  if (!type.hasStaticShape())
    dynamic.push_back(batchOf(op->getParentOfType<FunctionOpInterface>()));
  return tensor::EmptyOp::create(builder, op->getLoc(), type, dynamic);
}

SmallVector<OpFoldResult> lathe::passes::mixedSizes(OpBuilder &builder, Operation *op, ArrayRef<int64_t> shape) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t d : shape)
    sizes.push_back(ShapedType::isDynamic(d) ? OpFoldResult(batchOf(op->getParentOfType<FunctionOpInterface>())) : OpFoldResult(builder.getIndexAttr(d)));
  return sizes;
}

namespace {

//   nn.add %a, %b : tensor<?x4xf32>, tensor<4xf32>   ->   linalg.generic maps (d0, d1) -> (d0, d1), (d0, d1) -> (d1), (d0, d1) -> (d0, d1)
struct ElementwiseToGeneric : OpInterfaceRewritePattern<ElementwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  /// Aligned at the end; a dim that broadcasts is read at 0.
  static AffineMap operandMap(RankedTensorType operand, RankedTensorType result) {
    MLIRContext *context = result.getContext();
    int64_t lead = result.getRank() - operand.getRank();
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < operand.getRank(); ++i) {
      bool broadcasts = operand.getDimSize(i) == 1 && result.getDimSize(lead + i) != 1;
      exprs.push_back(broadcasts ? getAffineConstantExpr(0, context) : getAffineDimExpr(lead + i, context));
    }
    return AffineMap::get(result.getRank(), 0, exprs, context);
  }

  LogicalResult matchAndRewrite(ElementwiseOpInterface op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "no ranked tensor");
    if (!type.hasStaticShape() && !batchOf(op->getParentOfType<FunctionOpInterface>()))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size");
    auto splatOf = [](Value v) {
      auto weight = v.getDefiningOp<WeightOp>();
      return weight ? weight.getWeight().getSplatElement() : TypedAttr();
    };
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    for (Value v : op->getOperands())
      if (!splatOf(v)) {
        inputs.push_back(v);
        maps.push_back(operandMap(cast<RankedTensorType>(v.getType()), type));
      }
    maps.push_back(rewriter.getMultiDimIdentityMap(type.getRank()));
    Value init = lathe::passes::makeEmpty(rewriter, op, type);
    SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
    auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
      SmallVector<Value> scalars;
      size_t next = 0;
      for (Value v : op->getOperands()) {
        if (TypedAttr splat = splatOf(v))
          scalars.push_back(arith::ConstantOp::create(b, loc, splat));
        else
          scalars.push_back(arguments[next++]);
      }
      linalg::YieldOp::create(b, loc, op.emitScalar(b, loc, scalars));
    };
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(op, TypeRange{type}, inputs, ValueRange{init}, maps, iterators, body);
    return success();
  }
};

struct ConvertNNToLinalgPass : lathe::passes::impl::ConvertNNToLinalgPassBase<ConvertNNToLinalgPass> {
  void runOnOperation() override {
    lathe::passes::shareConcatDestinations(getOperation());
    RewritePatternSet patterns(&getContext());
    patterns.add<ElementwiseToGeneric>(&getContext());
    lathe::passes::populateLayoutOpPatterns(patterns);
    lathe::passes::populateMoveOpPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    // One error per operation that is left; windowed operations and weights stay in nn.
    bool failed = false;
    getOperation().walk([&](Operation *op) {
      if (isa<ElementwiseOpInterface, BatchNormOp, ReshapeOp, PackOp, UnpackOp, InterleaveOp, ConcatOp, SliceOp, TransposeOp, PadOp>(op)) {
        op->emitOpError(isa<BatchNormOp>(op) ? "expects to be folded before the conversion to linalg"
                                             : "expects shapes without empty dimensions, and a function argument that gives the batch size");
        failed = true;
      }
    });
    if (failed)
      signalPassFailure();
  }
};

} // namespace
