// nn-fold-batch-norm: see Passes.td. All arithmetic is left to the weights' recipes.
#include "passes/nn/Passes.h"

#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#define DEBUG_TYPE "nn-fold-batch-norm"

namespace lathe::passes {
#define GEN_PASS_DEF_FOLDBATCHNORMPASS
#include "passes/nn/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

WeightAttr recipeOf(Value v) {
  auto op = v.getDefiningOp<WeightOp>();
  return op ? op.getWeight() : WeightAttr();
}

StepAttr step(MLIRContext *context, StringRef kind, ArrayRef<int64_t> args, FloatAttr value, WeightAttr with) {
  return StepAttr::get(context, kind, args, value, with);
}

WeightAttr apply(WeightAttr weight, StringRef kind, WeightAttr with) { return weight.withStep(step(weight.getContext(), kind, {}, {}, with)); }

/// x * factor + (bias - mean * factor), each a recipe with one value per channel.
struct Affine {
  WeightAttr factor, bias, mean;

  /// What is added to x * factor.
  WeightAttr offset() const { return apply(bias, "sub", apply(mean, "mul", factor)); }
  /// The same if `existing` had been added to x before.
  WeightAttr offsetAfter(WeightAttr existing) const { return apply(apply(apply(existing, "sub", mean), "mul", factor), "add", bias); }
};

/// The producer's weights and bias, if the batch normalisation can go there.
struct Target {
  WindowedOpInterface op;
  int64_t channelAxis = 0; // of the weights
  int64_t biasExtra = -1;  // number of the extra operand that is the bias, or -1
};

/// Whether the epilogue is acc, or acc + extra with an extra that is a per-channel weight; else says why not.
bool matchBias(WindowedOpInterface op, Target &target, std::string &why) {
  Block &body = op.getEpilogue().front();
  Value yielded = cast<YieldOp>(body.getTerminator()).getOperand(0);
  if (yielded == body.getArgument(0) && op.getExtras().empty())
    return true;
  auto add = yielded.getDefiningOp<arith::AddFOp>();
  bool plain = add && op.getExtras().size() == 1 &&
               ((add.getLhs() == body.getArgument(0) && add.getRhs() == body.getArgument(1)) ||
                (add.getLhs() == body.getArgument(1) && add.getRhs() == body.getArgument(0)));
  if (!plain || op.getExtraKind(0) != ExtraKind::channel || !recipeOf(op.getExtras()[0])) {
    why = "the producer's epilogue is more than a bias";
    return false;
  }
  target.biasExtra = 0;
  return true;
}

/// The convolution or matrix multiplication that can take the batch normalisation; else says why there is none.
bool matchProducer(BatchNormOp norm, Target &target, std::string &why) {
  auto conv = norm.getInput().getDefiningOp<ConvOp>();
  auto matmul = norm.getInput().getDefiningOp<MatMulOp>();
  if (!conv && !matmul) {
    why = "the input is no result of nn.conv or nn.matmul";
    return false;
  }
  target.op = cast<WindowedOpInterface>(norm.getInput().getDefiningOp());
  target.channelAxis = conv ? 0 : 1;
  if (matmul && cast<ShapedType>(norm.getType()).getRank() != 2) {
    why = "dimension 1 holds the rows of the nn.matmul, not its channels";
    return false;
  }
  if (!norm.getInput().hasOneUse()) {
    why = llvm::formatv("the producer's result has {0} uses", std::distance(norm.getInput().use_begin(), norm.getInput().use_end()));
    return false;
  }
  if (!recipeOf(target.op.getWeightsOrNull())) {
    why = "the producer's weights are no nn.weight";
    return false;
  }
  return matchBias(target.op, target, why);
}

void foldInto(BatchNormOp norm, Target target, const Affine &affine) {
  WindowedOpInterface op = target.op;
  OpBuilder builder(op);
  auto makeWeight = [&](WeightAttr recipe, Location loc) -> Value { return WeightOp::create(builder, loc, recipe); };
  Value weights = op.getWeightsOrNull();
  WeightAttr scaled = recipeOf(weights).withStep(step(norm.getContext(), "scale", target.channelAxis, {}, affine.factor));
  op->replaceUsesOfWith(weights, makeWeight(scaled, weights.getLoc()));
  if (target.biasExtra >= 0) {
    Value bias = op.getExtras()[target.biasExtra];
    op->replaceUsesOfWith(bias, makeWeight(affine.offsetAfter(recipeOf(bias)), bias.getLoc()));
  } else {
    op.addExtra(makeWeight(affine.offset(), norm.getBias().getLoc()));
    Block &body = op.getEpilogue().front();
    Operation *yield = body.getTerminator();
    Type element = body.getArgument(0).getType();
    OpBuilder inner(yield);
    Value bias = body.addArgument(element, norm.getLoc());
    yield->setOperand(0, arith::AddFOp::create(inner, norm.getLoc(), yield->getOperand(0), bias));
  }
  op->setLoc(FusedLoc::get(norm.getContext(), {op->getLoc(), norm.getLoc()}));
  norm.replaceAllUsesWith(op->getResult(0));
}

/// nn.mul by [C, 1, ...], nn.add of [C, 1, ...].
void decompose(BatchNormOp norm, const Affine &affine) {
  OpBuilder builder(norm);
  auto type = cast<RankedTensorType>(norm.getType());
  SmallVector<int64_t> shape(type.getRank() - 1, 1);
  shape[0] = type.getDimSize(1);
  auto makeWeight = [&](WeightAttr recipe) -> Value {
    if (shape.size() > 1)
      recipe = recipe.withStep(step(norm.getContext(), "reshape", shape, {}, {}));
    return WeightOp::create(builder, norm.getLoc(), recipe);
  };
  Value scaled = MulOp::create(builder, norm.getLoc(), type, norm.getInput(), makeWeight(affine.factor));
  norm.replaceAllUsesWith(AddOp::create(builder, norm.getLoc(), type, scaled, makeWeight(affine.offset())).getResult());
}

struct FoldBatchNormPass : lathe::passes::impl::FoldBatchNormPassBase<FoldBatchNormPass> {
  using FoldBatchNormPassBase::FoldBatchNormPassBase;

  void runOnOperation() override {
    SmallVector<BatchNormOp> norms;
    getOperation().walk([&](BatchNormOp norm) { norms.push_back(norm); });
    for (BatchNormOp norm : norms)
      if (failed(lower(norm)))
        return signalPassFailure();
  }

  LogicalResult lower(BatchNormOp norm) {
    for (auto [what, v] :
         {std::pair("scale", norm.getScale()), std::pair("bias", norm.getBias()), std::pair("mean", norm.getMean()), std::pair("variance", norm.getVariance())})
      if (!recipeOf(v))
        return norm.emitOpError("expects its ") << what << " to be an nn.weight";
    Affine affine;
    affine.factor = recipeOf(norm.getScale()).withStep(step(norm.getContext(), "div_sqrt", {}, norm.getEpsilonAttr(), recipeOf(norm.getVariance())));
    affine.bias = recipeOf(norm.getBias());
    affine.mean = recipeOf(norm.getMean());

    Target target;
    std::string why;
    auto options = remark::RemarkOpts::name("fold-batch-norm").category(DEBUG_TYPE);
    if (!intoProducer)
      why = "into-producer is false";
    if (intoProducer && matchProducer(norm, target, why)) {
      foldInto(norm, target, affine);
      remark::passed(norm.getLoc(), options) << remark::add("folded into the weights of '{0}'", target.op->getName().getStringRef());
    } else {
      decompose(norm, affine);
      remark::missed(norm.getLoc(), options) << remark::reason("{0}; it became nn.mul and nn.add", why);
    }
    norm.erase();
    return success();
  }
};

} // namespace
