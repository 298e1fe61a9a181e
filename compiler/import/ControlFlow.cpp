// If: exporters leave it in where a question about shapes decides, which is answered here.
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe::importer;

LogicalResult lathe::importer::importIf(NodeContext &node) {
  const OnnxGraph *yes = node.graph("then_branch"), *no = node.graph("else_branch");
  if (node.hasErrors())
    return failure();
  if (!yes || !no)
    return node.invalid(yes ? "expects attribute else_branch" : "expects attribute then_branch");
  std::optional<SmallVector<int64_t>> condition = node.constants(0, "cond");
  if (!condition)
    return failure();
  if (condition->size() != 1)
    return node.invalid("expects " + node.describeInput(0, "cond") + " to be one value (got " + Twine(condition->size()) + ")");
  const OnnxGraph &chosen = condition->front() ? *yes : *no;
  size_t outputs = node.getNode().outputs.size();
  if (chosen.inputs || chosen.outputs.size() != outputs)
    return node.invalid("expects a branch of no inputs and " + Twine(outputs) + " outputs (got " + Twine(chosen.inputs) + " and " +
                        Twine(chosen.outputs.size()) + ")");
  return node.inlineGraph(chosen);
}
