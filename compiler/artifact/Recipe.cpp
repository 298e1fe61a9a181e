#include "compiler/artifact/Recipe.h"

#include "compiler/artifact/StridedTensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <atomic>
#include <cmath>
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

int64_t elementBytes(Type type) { return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8); }

/// One element of a source as a number; integers count as signed unless `isUnsigned`.
double numberAt(const char *bytes, Type type, bool isUnsigned) {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes, elementBytes(type));
  if (auto floating = dyn_cast<FloatType>(type))
    return APFloat(floating.getFloatSemantics(), APInt(floating.getWidth(), bits)).convertToDouble();
  APInt integer(type.getIntOrFloatBitWidth(), bits);
  return isUnsigned ? static_cast<double>(integer.getZExtValue()) : static_cast<double>(integer.getSExtValue());
}

/// The bytes of a source that is no splat.
LogicalResult readBytes(nn::WeightAttr weight, SourceFiles &files, MutableArrayRef<char> to, std::string &error) {
  if (auto file = dyn_cast<nn::FileAttr>(weight.getSource()))
    return files.read(file, to, error);
  ArrayRef<char> raw = cast<DenseElementsAttr>(weight.getSource()).getRawData();
  std::copy(raw.begin(), raw.end(), to.begin());
  return success();
}

FailureOr<StridedTensor> readSource(nn::WeightAttr weight, SourceFiles &files, std::string &error) {
  RankedTensorType type = weight.getType();
  Type element = type.getElementType();
  bool isUnsigned =
      llvm::any_of(weight.getSteps(), [](nn::StepAttr step) { return step.getKind() == "to_float" && !step.getArgs().empty() && step.getArgs()[0]; });
  int64_t count = type.getNumElements();
  if (auto elements = dyn_cast<DenseElementsAttr>(weight.getSource()); elements && elements.isSplat())
    return StridedTensor(type.getShape(), numberAt(elements.getRawData().data(), element, isUnsigned));
  if (element.isF32()) { // not value-initialised: every byte is written
    std::shared_ptr<float[]> data(new float[count]);
    if (failed(readBytes(weight, files, {reinterpret_cast<char *>(data.get()), count * sizeof(float)}, error)))
      return failure();
    return StridedTensor(type.getShape(), data.get(), data);
  }
  std::vector<char> bytes(count * elementBytes(element));
  if (failed(readBytes(weight, files, bytes, error)))
    return failure();
  std::shared_ptr<double[]> data(new double[count]);
  for (int64_t i = 0; i < count; ++i)
    data[i] = numberAt(bytes.data() + i * elementBytes(element), element, isUnsigned);
  return StridedTensor(type.getShape(), data.get(), data);
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
  else if (kind == "slice")
    tensor.slice(args.take_front(args.size() / 3), args.slice(args.size() / 3, args.size() / 3), args.take_back(args.size() / 3));
  else if (kind == "to_float" || kind == "to_f16" || kind == "to_bf16") // what was read are numbers already; what is stored is rounded at the end
    return success();
  else if (kind == "expand_groups")
    tensor.expandGroups(args[0], args[1]);
  else if (kind == "share_rows")
    tensor.shareRows(args[0], args[1]);
  else if (kind == "winograd")
    tensor.transformWindows(args);
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

/// Elements that are not f32 are moved, never computed with: bytes, so that 64-bit integers stay what they are.
static LogicalResult moveElements(nn::WeightAttr weight, SourceFiles &files, MutableArrayRef<char> to, std::string &error) {
  RankedTensorType type = weight.getType();
  int64_t size = elementBytes(type.getElementType()), count = type.getNumElements();
  auto dense = dyn_cast<DenseElementsAttr>(weight.getSource());
  bool splat = dense && dense.isSplat();
  std::vector<char> bytes(splat ? size : count * size);
  if (failed(readBytes(weight, files, bytes, error)))
    return failure();
  if (weight.getSteps().empty() && !splat) {
    std::copy(bytes.begin(), bytes.end(), to.begin());
    return success();
  }
  // The steps move element numbers, counted from 1; padding is 0.
  std::shared_ptr<double[]> numbers(new double[splat ? 0 : count]);
  for (int64_t i = 0; i < count && !splat; ++i)
    numbers[i] = static_cast<double>(i + 1);
  StridedTensor tensor = splat ? StridedTensor(type.getShape(), 1.0) : StridedTensor(type.getShape(), numbers.get(), numbers);
  for (nn::StepAttr step : weight.getSteps())
    if (failed(applyStep(step, tensor, files, error)))
      return failure();
  std::vector<double> from(to.size() / size);
  tensor.store(from.data());
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] == 0)
      std::fill_n(to.data() + i * size, size, 0);
    else
      std::copy_n(bytes.data() + (static_cast<int64_t>(from[i]) - 1) * size, size, to.data() + i * size);
  return success();
}

/// Round to nearest, ties to even. In two steps, the first of which keeps in its last bit that something was lost: so there is one rounding.
static uint16_t toBFloat16(double value) {
  auto single = static_cast<float>(value);
  if (std::isnan(single))
    return 0x7fc0;
  auto bits = llvm::bit_cast<uint32_t>(single);
  if (std::fabs(single) > std::fabs(value)) // the next one towards zero
    --bits;
  if (llvm::bit_cast<float>(bits) != value)
    bits |= 1;
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

int64_t lathe::weightBytes(nn::WeightAttr weight) {
  FailureOr<SmallVector<int64_t>> shape = weight.getResultShape();
  return succeeded(shape) ? ShapedType::getNumElements(*shape) * elementBytes(weight.getResultElementType()) : 0;
}

LogicalResult lathe::evaluateWeight(nn::WeightAttr weight, SourceFiles &files, MutableArrayRef<char> to, std::string &error) {
  if (static_cast<int64_t>(to.size()) != weightBytes(weight))
    return fail(error, "internal error: a weight of " + Twine(weightBytes(weight)) + " bytes was given " + Twine(to.size()));
  if (to.empty())
    return success();
  Type type = weight.getResultElementType();
  bool half = !weight.getSteps().empty() && (weight.getSteps().back().getKind() == "to_f16" || weight.getSteps().back().getKind() == "to_bf16");
  if (!type.isF32() && !half)
    return moveElements(weight, files, to, error);
  FailureOr<StridedTensor> tensor = evaluate(weight, files, error);
  if (failed(tensor))
    return failure();
  if (!half) {
    tensor->store(reinterpret_cast<float *>(to.data()));
    return success();
  }
  std::vector<double> numbers(to.size() / 2);
  tensor->store(numbers.data());
  for (size_t i = 0; i < numbers.size(); ++i) {
    uint16_t bits = type.isF16() ? llvm::bit_cast<uint16_t>(static_cast<_Float16>(numbers[i])) : toBFloat16(numbers[i]);
    std::memcpy(to.data() + 2 * i, &bits, sizeof bits);
  }
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
