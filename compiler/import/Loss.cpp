// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss (opset 12, 13): composites.
#include "compiler/import/Composite.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;
using Name = Composite::Name;

/// loss = -weight[target] * logProbabilities[target], reduced; elements whose target is to be ignored count nothing.
static LogicalResult defineLoss(NodeContext &node, Composite &c, Name logProbabilities) {
  std::string reduction = node.text("reduction", "mean");
  bool ignores = node.hasAttribute("ignore_index");
  int64_t ignored = node.integer("ignore_index", 0);
  if (node.hasErrors())
    return failure();
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    return node.invalid("expects attribute reduction to be none, sum or mean (got '" + printable(reduction) + "')");
  Name target = c.input(1);
  int32_t element = c.typeOf(logProbabilities), index = c.typeOf(target);
  if (c.failed())
    return failure();
  Name zero = c.number(0, element), counted, weights;
  if (ignores) {
    counted = c.op("Not", {c.op("Equal", {target, c.number(ignored, index)})});
    target = c.op("Where", {counted, target, c.number(0, index)}); // in range, and then left out
  }
  Name picked = c.op("GatherElements", {logProbabilities, c.op("Unsqueeze", {target, c.integers(1)})}, {{"axis", int64_t(1)}});
  Name loss = c.op("Neg", {c.op("Squeeze", {picked, c.integers(1)})});
  if (node.hasInput(2))
    weights = c.op("Gather", {c.input(2), target});
  if (ignores)
    weights = c.op("Where", {counted, weights.empty() ? c.number(1, element) : weights, zero});
  if (!weights.empty())
    loss = ignores ? c.op("Where", {counted, c.op("Mul", {loss, weights}), zero}) : c.op("Mul", {loss, weights});
  if (reduction == "none")
    return c.define(loss);
  bool divides = reduction == "mean" && !weights.empty();
  Name total = c.op(reduction == "sum" || divides ? "ReduceSum" : "ReduceMean", {loss}, {{"keepdims", int64_t(0)}});
  return c.define(divides ? c.op("Div", {total, c.op("ReduceSum", {weights}, {{"keepdims", int64_t(0)}})}) : total);
}

LogicalResult lathe::importer::importNegativeLogLikelihoodLoss(NodeContext &node) {
  Composite c(node);
  return defineLoss(node, c, c.input(0));
}

LogicalResult lathe::importer::importSoftmaxCrossEntropyLoss(NodeContext &node) {
  Composite c(node);
  Name logProbabilities = c.op("LogSoftmax", {c.input(0)}, {{"axis", int64_t(1)}});
  if (failed(defineLoss(node, c, logProbabilities)))
    return failure();
  return c.define(logProbabilities, 1);
}
