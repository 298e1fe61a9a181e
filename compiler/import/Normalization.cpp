// BatchNormalization -> nn.batch_norm.
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

LogicalResult lathe::importer::importBatchNormalization(NodeContext &node) {
  node.ignore({"momentum"}); // of training
  double epsilon = node.real("epsilon", 1e-5);
  int64_t training = node.integer("training_mode", 0), spatial = node.integer("spatial", 1);
  if (node.hasErrors())
    return failure();
  if (training)
    return node.unsupported("attribute training_mode = " + Twine(training) + " is not supported; supported: 0; hint: export the model for inference");
  if (!spatial)
    return node.unsupported("attribute spatial = 0 is not supported; supported: 1");
  static const StringRef kTrainingOutputs[] = {"mean", "var", "saved_mean", "saved_var"};
  for (auto [i, role] : llvm::enumerate(kTrainingOutputs))
    node.defineUnavailable(i + 1, role);

  Value input = node.data(0, "X");
  if (!input)
    return failure();
  auto type = cast<RankedTensorType>(input.getType());
  if (type.getRank() < 2)
    return node.invalid("expects X of rank 2 or more (got " + Twine(type.getRank()) + ")");
  static const StringRef kRoles[] = {"scale", "B", "mean", "var"};
  SmallVector<nn::WeightAttr> weights;
  for (auto [i, role] : llvm::enumerate(kRoles)) {
    nn::WeightAttr weight = node.weight(i + 1, role, 1);
    if (!weight)
      return failure();
    int64_t count = weight.getResultShape()->front();
    if (count != type.getDimSize(1))
      return node.invalid("expects " + role + " of " + Twine(type.getDimSize(1)) + " values, one per channel (got " + Twine(count) + ")");
    weights.push_back(weight);
  }
  SmallVector<Value> operands;
  for (nn::WeightAttr weight : weights)
    operands.push_back(node.materialize(weight));
  auto norm = nn::BatchNormOp::create(node.builder(), node.loc(), type, input, operands[0], operands[1], operands[2], operands[3],
                                      node.builder().getF32FloatAttr(epsilon));
  return node.define(norm.getResult());
}
