// BatchNormalization: with constant parameters -> nn.batch_norm, which folds into what is before it; else elementwise, in training by statistics of the batch.
#include "compiler/import/Indexing.h"
#include "compiler/import/Reduction.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static constexpr StringRef kRoles[] = {"scale", "B", "mean", "var"};

/// Whether all parameters are float32 (or float16) constants.
static bool hasConstantParameters(NodeContext &node) {
  for (auto [i, role] : llvm::enumerate(kRoles)) {
    const GraphValue *value = node.input(i + 1, role);
    if (!value || value->kind != GraphValue::Kind::weight || !isIn(value->dataType, setOf({kFloat, kFloat16})))
      return false;
  }
  return true;
}

static LogicalResult importFolded(NodeContext &node, double epsilon) {
  Value input = node.data(0, "X");
  if (!input)
    return failure();
  auto type = cast<RankedTensorType>(input.getType());
  if (type.getRank() < 2)
    return node.invalid("expects X of rank 2 or more (got " + Twine(type.getRank()) + ")");
  SmallVector<Value> operands;
  for (auto [i, role] : llvm::enumerate(kRoles)) {
    nn::WeightAttr weight = node.weight(i + 1, role, 1);
    if (!weight)
      return failure();
    int64_t count = weight.getResultShape()->front();
    if (count != type.getDimSize(1))
      return node.invalid("expects " + role + " of " + Twine(type.getDimSize(1)) + " values, one per channel (got " + Twine(count) + ")");
    operands.push_back(node.materialize(weight));
  }
  auto norm = nn::BatchNormOp::create(node.builder(), node.loc(), type, input, operands[0], operands[1], operands[2], operands[3],
                                      node.builder().getF32FloatAttr(epsilon));
  return node.define(norm.getResult());
}

/// Parameters that are computed, of any float type, or the batch's own statistics in training.
static LogicalResult importComputed(NodeContext &node, double epsilon, double momentum, bool training) {
  FloatInput x = floatInput(node, 0, "X");
  if (!x)
    return failure();
  if (x.rank() < (training ? 2 : 1))
    return node.invalid("expects X of rank 2 or more (got " + Twine(x.rank()) + ")");
  int64_t channels = x.rank() > 1 ? x.shape()[1] : 1;
  SmallVector<int64_t> shape(x.rank(), 1), axes;
  for (int64_t d = 0; d < x.rank(); ++d)
    d == 1 ? void(shape[1] = channels) : axes.push_back(d);
  SmallVector<Value> parameters;
  SmallVector<int32_t> dataTypes;
  for (auto [i, role] : llvm::enumerate(kRoles)) {
    FloatInput v = floatInput(node, i + 1, role);
    if (!v)
      return failure();
    if (v.rank() != 1 || v.shape()[0] != channels)
      return node.invalid("expects " + role + " of " + Twine(channels) + " values, one per channel (got shape " + shapeText(v.shape()) + ")");
    parameters.push_back(convertFloat(node, reshaped(node, v.value, shape), x.element()));
    dataTypes.push_back(v.dataType);
  }
  if (isEmpty(x.type()))
    return training ? node.unsupported("training_mode = 1 for a tensor without elements is not supported") : defineFloat(node, x.value, x.dataType);
  Value scale = parameters[0], bias = parameters[1], mean = parameters[2], variance = parameters[3];
  if (training) {
    if (failed(checkNotBatch(node, x.shape(), axes)))
      return failure();
    Value batchMean = meanOf(node, x.value, axes), batchVariance = varianceOf(node, x.value, batchMean, axes, [](ProgramBuilder &, Value v) { return v; });
    auto running = [&](Value old, Value current) {
      return map(node, {old, current}, shape, x.element(), [&](ProgramBuilder &b, ValueRange v) {
        Type type = v[0].getType();
        return b.add(b.mul(v[0], b.number(type, momentum)), b.mul(v[1], b.number(type, 1 - momentum)));
      });
    };
    (void)defineFloat(node, reshaped(node, running(mean, batchMean), channels), dataTypes[2], 1);
    (void)defineFloat(node, reshaped(node, running(variance, batchVariance), channels), dataTypes[3], 2);
    mean = batchMean;
    variance = batchVariance;
  }
  Value y = map(node, {x.value, scale, bias, mean, variance}, x.shape(), x.element(), [&](ProgramBuilder &b, ValueRange v) {
    Value deviation = math::SqrtOp::create(b, b.add(v[4], b.number(v[4].getType(), epsilon)));
    return b.add(b.mul(b.div(b.sub(v[0], v[3]), deviation), v[1]), v[2]);
  });
  return defineFloat(node, y, x.dataType);
}

LogicalResult lathe::importer::importBatchNormalization(NodeContext &node) {
  node.ignore({"consumed_inputs"}); // of opset 1, a hint for memory
  double epsilon = node.real("epsilon", 1e-5), momentum = node.real("momentum", 0.9);
  int64_t training = node.integer("training_mode", 0), spatial = node.integer("spatial", 1), isTest = node.integer("is_test", node.opset() >= 7);
  if (node.hasErrors())
    return failure();
  if (!isTest)
    return node.unsupported("attribute is_test = 0 is not supported; supported: 1; hint: export the model for inference");
  if (!spatial)
    return node.unsupported("attribute spatial = 0 is not supported; supported: 1");
  static const StringRef kTrainingOutputs[] = {"mean", "var", "saved_mean", "saved_var"};
  for (auto [i, role] : llvm::enumerate(kTrainingOutputs))
    node.defineUnavailable(i + 1, role);
  for (size_t i = 0; i <= std::size(kRoles); ++i)
    if (!node.input(i, i ? kRoles[i - 1] : StringRef("X")))
      return failure();
  if (training || !hasConstantParameters(node) || node.input(0, "X")->type() == kDouble)
    return importComputed(node, epsilon, momentum, training);
  return importFolded(node, epsilon);
}
