#include "compiler/artifact/Recipe.h"

#include "compiler/artifact/StridedTensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

using namespace mlir;
using namespace lathe;

static_assert(llvm::endianness::native == llvm::endianness::little, "files and artifacts hold little-endian numbers");

namespace {

LogicalResult fail(std::string &error, const Twine &message) {
  error = message.str();
  return failure();
}

FailureOr<StridedTensor> evaluate(nn::WeightAttr weight, SourceFiles &files, std::string &error);

FailureOr<StridedTensor> readSource(nn::WeightAttr weight, SourceFiles &files, std::string &error) {
  RankedTensorType type = weight.getType();
  if (!type.getElementType().isF32()) {
    llvm::raw_string_ostream(error) << "weight of type " << type << " cannot be evaluated (expects elements of type f32)";
    return failure();
  }
  if (auto file = dyn_cast<nn::FileAttr>(weight.getSource())) {
    // Not value-initialised: every byte is read from the file.
    std::shared_ptr<float[]> data(new float[type.getNumElements()]);
    if (failed(files.read(file, {reinterpret_cast<char *>(data.get()), static_cast<size_t>(file.getLength())}, error)))
      return failure();
    return StridedTensor(type.getShape(), data.get(), data);
  }
  auto elements = cast<DenseElementsAttr>(weight.getSource());
  if (elements.isSplat())
    return StridedTensor(type.getShape(), elements.getSplatValue<APFloat>().convertToDouble());
  auto values = elements.getValues<float>();
  auto data = std::make_shared<std::vector<float>>(values.begin(), values.end());
  return StridedTensor(type.getShape(), data->data(), data);
}

LogicalResult applyStep(nn::StepAttr step, StridedTensor &tensor, SourceFiles &files, std::string &error) {
  StringRef kind = step.getKind();
  ArrayRef<int64_t> args = step.getArgs();
  StridedTensor operand;
  if (step.getOperand()) {
    FailureOr<StridedTensor> evaluated = evaluate(step.getOperand(), files, error);
    if (failed(evaluated))
      return failure();
    operand = std::move(*evaluated);
  }
  double value = step.getValue() ? step.getValue().getValueAsDouble() : 0;
  if (kind == "transpose")
    tensor.transpose(args);
  else if (kind == "reshape")
    tensor.reshape(args);
  else if (kind == "pad")
    tensor.pad(args);
  else if (kind == "broadcast")
    tensor.broadcast(args);
  else if (kind == "expand_groups")
    tensor.expandGroups(args[0], args[1]);
  else if (kind == "scale")
    tensor.scale(args[0], std::move(operand));
  else if (kind == "mul_scalar")
    tensor.apply(Pointwise::mul, value);
  else if (kind == "div_sqrt")
    tensor.apply(Pointwise::divSqrt, std::move(operand), value);
  else if (kind == "add" || kind == "sub" || kind == "mul" || kind == "div")
    tensor.apply(
        llvm::StringSwitch<Pointwise::Kind>(kind).Case("add", Pointwise::add).Case("sub", Pointwise::sub).Case("mul", Pointwise::mul).Default(Pointwise::div),
        std::move(operand));
  else // the attribute's verifier knows every kind; one that this file lacks is our mistake
    return fail(error, "internal error: recipe step '" + kind + "' has no evaluation");
  return success();
}

FailureOr<StridedTensor> evaluate(nn::WeightAttr weight, SourceFiles &files, std::string &error) {
  FailureOr<StridedTensor> tensor = readSource(weight, files, error);
  if (failed(tensor))
    return failure();
  for (nn::StepAttr step : weight.getSteps())
    if (failed(applyStep(step, *tensor, files, error)))
      return failure();
  return tensor;
}

} // namespace

int64_t lathe::weightBytes(nn::WeightAttr weight) {
  FailureOr<SmallVector<int64_t>> shape = weight.getResultShape();
  return succeeded(shape) ? ShapedType::getNumElements(*shape) * static_cast<int64_t>(sizeof(float)) : 0;
}

LogicalResult lathe::evaluateWeight(nn::WeightAttr weight, SourceFiles &files, MutableArrayRef<char> to, std::string &error) {
  FailureOr<StridedTensor> tensor = evaluate(weight, files, error);
  if (failed(tensor))
    return failure();
  if (tensor->getNumElements() * sizeof(float) != to.size())
    return fail(error, "internal error: a weight of " + Twine(to.size()) + " bytes was evaluated to " + Twine(tensor->getNumElements()) + " elements");
  tensor->store(reinterpret_cast<float *>(to.data()));
  return success();
}

WeightLayout lathe::layOutWeights(ArrayRef<nn::WeightAttr> weights, uint64_t alignment) {
  WeightLayout layout;
  for (nn::WeightAttr weight : weights) {
    layout.offsets.push_back(layout.bytes);
    layout.bytes += llvm::alignTo(weightBytes(weight), alignment);
  }
  return layout;
}

LogicalResult lathe::evaluateWeights(ArrayRef<nn::WeightAttr> weights, const WeightLayout &layout, StringRef directory, unsigned threads,
                                     MutableArrayRef<char> to, std::string &error) {
  SourceFiles files(directory);
  std::vector<std::string> errors(weights.size());
  // Large ones first, so that no thread is left alone with one at the end.
  std::vector<size_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return weightBytes(weights[a]) > weightBytes(weights[b]); });
  std::atomic<size_t> next = 0;
  std::atomic<bool> stop = false;
  auto work = [&] {
    for (size_t i; !stop && (i = next++) < order.size();) {
      size_t w = order[i];
      uint64_t begin = layout.offsets[w], end = w + 1 < weights.size() ? layout.offsets[w + 1] : layout.bytes, bytes = weightBytes(weights[w]);
      if (failed(evaluateWeight(weights[w], files, to.slice(begin, bytes), errors[w])))
        stop = true;
      std::fill(to.data() + begin + bytes, to.data() + end, 0);
    }
  };
  std::vector<std::thread> pool;
  for (size_t t = 1; t < std::min<size_t>(threads, weights.size()); ++t)
    pool.emplace_back(work);
  work();
  for (std::thread &t : pool)
    t.join();
  for (const std::string &e : errors)
    if (!e.empty()) {
      error = e;
      return failure();
    }
  return success();
}
