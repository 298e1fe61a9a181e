// Constant folding: an operation on weights becomes a step of a recipe, so that constant subgraphs vanish without a byte being read. Splats are computed
// at once and stay splats.
#include "dialects/nn/NNDialect.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace lathe::nn;

static StepAttr shapeStep(StringRef kind, RankedTensorType type) { return StepAttr::get(type.getContext(), kind, type.getShape(), {}, {}); }

LogicalResult ReshapeOp::canonicalize(ReshapeOp op, PatternRewriter &rewriter) {
  auto weight = op.getInput().getDefiningOp<WeightOp>();
  if (!weight)
    return rewriter.notifyMatchFailure(op, "expects a weight as input");
  rewriter.replaceOpWithNewOp<WeightOp>(op, weight.getWeight().withStep(shapeStep("reshape", cast<RankedTensorType>(op.getType()))));
  return success();
}

/// One value of the operation's element type, rounded once.
static APFloat evaluate(StringRef step, APFloat a, const APFloat &b) {
  constexpr auto mode = APFloat::rmNearestTiesToEven;
  if (step == "add")
    a.add(b, mode);
  else if (step == "sub")
    a.subtract(b, mode);
  else if (step == "mul")
    a.multiply(b, mode);
  else
    a.divide(b, mode);
  return a;
}

static std::optional<APFloat> splatOf(WeightAttr weight) {
  if (!weight.getSplatValue())
    return std::nullopt;
  return cast<DenseElementsAttr>(weight.getSource()).getSplatValue<APFloat>();
}

/// op(weight, weight) -> weight, where `step` is the recipe step of the same name.
static LogicalResult foldBinary(Operation *op, StringRef step, PatternRewriter &rewriter) {
  auto lhs = op->getOperand(0).getDefiningOp<WeightOp>(), rhs = op->getOperand(1).getDefiningOp<WeightOp>();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!lhs || !rhs)
    return rewriter.notifyMatchFailure(op, "expects two weights");
  auto a = splatOf(lhs.getWeight()), b = splatOf(rhs.getWeight());
  if (a && b) {
    auto value = DenseElementsAttr::get(type, evaluate(step, *a, *b));
    rewriter.replaceOpWithNewOp<WeightOp>(op, WeightAttr::get(op->getContext(), value, type, {}));
    return success();
  }
  auto broadcast = [&](WeightOp weight) { return weight.getType() == type ? weight.getWeight() : weight.getWeight().withStep(shapeStep("broadcast", type)); };
  WeightAttr result = broadcast(lhs).withStep(StepAttr::get(op->getContext(), step, {}, {}, broadcast(rhs)));
  rewriter.replaceOpWithNewOp<WeightOp>(op, result);
  return success();
}

LogicalResult AddOp::canonicalize(AddOp op, PatternRewriter &rewriter) { return foldBinary(op, "add", rewriter); }
LogicalResult SubOp::canonicalize(SubOp op, PatternRewriter &rewriter) { return foldBinary(op, "sub", rewriter); }
LogicalResult MulOp::canonicalize(MulOp op, PatternRewriter &rewriter) { return foldBinary(op, "mul", rewriter); }
LogicalResult DivOp::canonicalize(DivOp op, PatternRewriter &rewriter) { return foldBinary(op, "div", rewriter); }
