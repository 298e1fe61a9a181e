#include "compiler/import/ConstantBudget.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// Of what all tensors of the model take; those that share bytes of a file count more than once, but then each of them is in the file.
static int64_t storedBytes(ArrayRef<OnnxTensor> initializers, ArrayRef<OnnxNode> nodes) {
  int64_t bytes = 0;
  for (const OnnxTensor &tensor : initializers)
    bytes += tensor.bytes.size();
  for (const OnnxNode &node : nodes)
    for (const OnnxAttribute &attribute : node.attributes) {
      bytes += attribute.tensor.bytes.size();
      if (attribute.graph)
        bytes += storedBytes(attribute.graph->initializers, attribute.graph->nodes);
    }
  return bytes;
}

ConstantBudget::ConstantBudget(const OnnxModel &model) : limit((int64_t(64) << 20) + 32 * storedBytes(model.initializers, model.nodes)) {}

ConstantBudget::Cost ConstantBudget::costOf(nn::WeightAttr weight) {
  if (auto known = costs.find(weight); known != costs.end())
    return known->second;
  Cost cost;
  if (weight.getSplatElement())
    return cost;
  auto elementBytes = [&](ArrayRef<int64_t> shape) {
    uint64_t bytes = llvm::divideCeil(weight.getType().getElementTypeBitWidth(), 8);
    for (int64_t d : shape)
      bytes = llvm::SaturatingMultiply(bytes, uint64_t(std::max<int64_t>(d, 0)));
    return bytes;
  };
  uint64_t bytes = 0;
  for (auto [i, step] : llvm::enumerate(weight.getSteps())) {
    if (nn::WeightAttr operand = step.getOperand()) {
      Cost inner = costOf(operand);
      bytes = llvm::SaturatingAdd(bytes, uint64_t(inner.bytes));
      cost.depth = std::max(cost.depth, inner.depth + 1);
    }
    bool moves = llvm::is_contained({"reshape", "transpose", "broadcast", "slice"}, step.getKind());
    auto before = nn::WeightAttr::get(weight.getContext(), weight.getSource(), weight.getType(), weight.getSteps().take_front(i + 1));
    if (!moves)
      if (FailureOr<SmallVector<int64_t>> shape = before.getResultShape(); succeeded(shape))
        bytes = llvm::SaturatingAdd(bytes, elementBytes(*shape));
  }
  if (FailureOr<SmallVector<int64_t>> shape = weight.getResultShape(); succeeded(shape))
    bytes = llvm::SaturatingAdd(bytes, elementBytes(*shape));
  cost.bytes = int64_t(std::min<uint64_t>(bytes, INT64_MAX));
  costs[weight] = cost;
  return cost;
}

std::string ConstantBudget::tooLarge(int64_t bytes) const {
  return ("to compute the constants takes " + Twine(bytes >> 20) + " MB, much more than the model stores; supported: up to " + Twine(limit >> 20) + " MB here")
      .str();
}

std::string ConstantBudget::refusal(nn::WeightAttr weight) {
  if (weight.getSteps().size() > kMaxSteps)
    return "a constant that is computed in more than " + std::to_string(kMaxSteps) + " steps is not supported";
  Cost cost = costOf(weight);
  if (cost.depth > kMaxDepth)
    return "a constant that is computed from others, " + std::to_string(kMaxDepth) + " deep, is not supported";
  return cost.bytes > limit ? tooLarge(cost.bytes) : "";
}

void ConstantBudget::check(ModuleOp module, ImportReport &report) {
  int64_t total = 0;
  llvm::DenseSet<Attribute> seen;
  module.walk([&](nn::WeightOp op) {
    if (op->use_empty() || !seen.insert(op.getWeightAttr()).second)
      return WalkResult::advance();
    int64_t bytes = costOf(op.getWeightAttr()).bytes;
    total = bytes > INT64_MAX - total ? INT64_MAX : total + bytes;
    if (total <= limit)
      return WalkResult::advance();
    auto name = dyn_cast<NameLoc>(op.getLoc());
    report.add(ImportReport::unsupportedModel, "node '" + printable(name ? name.getName().getValue() : "") + "': " + tooLarge(total));
    return WalkResult::interrupt();
  });
}
