#include "tools/lathe-run/Model.h"

#include "tools/support/Status.h"
#include "tools/support/Suggest.h"

namespace lathe::tools {

static void check(lathe_status status, const lathe_error &error) {
  if (status != LATHE_OK)
    throw Failure(status, error.text);
}

std::vector<int64_t> TensorDescription::dimsAt(int64_t batch) const {
  std::vector<int64_t> dims;
  for (size_t i = 0; i < c0.size(); ++i) {
    int64_t dim;
    if (__builtin_mul_overflow(c1[i], batch, &dim) || __builtin_add_overflow(dim, c0[i], &dim))
      throw Failure(InvalidInput, "batch " + std::to_string(batch) + " is too large");
    dims.push_back(dim);
  }
  return dims;
}

int64_t TensorDescription::batchOf(const std::vector<int64_t> &dims) const {
  for (size_t i = 0; i < c0.size() && i < dims.size(); ++i)
    if (c1[i] != 0 && dims[i] > c0[i] && (dims[i] - c0[i]) % c1[i] == 0)
      return (dims[i] - c0[i]) / c1[i];
  return 0;
}

std::string TensorDescription::text(const std::string &batchSymbol) const {
  std::string result;
  for (size_t i = 0; i < c0.size(); ++i) {
    std::string dim = c1[i] == 0 ? std::to_string(c0[i]) : batchSymbol;
    if (c1[i] > 1)
      dim = std::to_string(c1[i]) + "*" + dim;
    if (c1[i] != 0 && c0[i] != 0)
      dim += "+" + std::to_string(c0[i]);
    result += (i ? "x" : "") + dim;
  }
  return result.empty() ? "scalar" : result;
}

Model::Model(const std::string &path) {
  lathe_error error;
  lathe_model *loaded;
  check(lathe_model_load(path.c_str(), &loaded, &error), error);
  model.reset(loaded);
  lathe_model_batch_range(loaded, &minBatch, &maxBatch);
  auto describe = [&](auto query, size_t index) {
    lathe_tensor_desc desc{};
    desc.struct_size = sizeof desc;
    check(query(loaded, index, &desc, &error), error);
    return TensorDescription{desc.name, desc.dtype, {desc.dims_c0, desc.dims_c0 + desc.rank}, {desc.dims_c1, desc.dims_c1 + desc.rank}};
  };
  for (size_t i = 0; i < lathe_model_input_count(loaded); ++i)
    inputs.push_back(describe(lathe_model_input, i));
  for (size_t i = 0; i < lathe_model_output_count(loaded); ++i)
    outputs.push_back(describe(lathe_model_output, i));
}

size_t Model::inputIndex(const std::string &name) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].name == name)
      return i;
    names.push_back(inputs[i].name);
  }
  std::string all;
  for (const std::string &known : names)
    all += (all.empty() ? "'" : ", '") + known + "'";
  std::string near = didYouMean(name, names);
  throw Failure(InvalidInput, "the model has no input '" + name + "'" + (near.empty() ? "; it has " + all : near));
}

std::vector<Tensor> Model::makeOutputs(int64_t batch) const {
  std::vector<Tensor> result;
  for (const TensorDescription &output : outputs)
    result.push_back(Tensor::allocate(output.dtype, output.dimsAt(batch), "output '" + output.name + "'"));
  return result;
}

Context::Context(const Model &model, int64_t maxBatch, int threads) {
  lathe_error error;
  lathe_context *created;
  lathe_context_options options{sizeof options, maxBatch, threads, nullptr, nullptr, nullptr};
  check(lathe_context_create(model.get(), &options, &created, &error), error);
  context.reset(created);
}

void Context::run(const std::vector<lathe_tensor> &inputs, const std::vector<lathe_tensor> &outputs) {
  lathe_error error;
  check(lathe_run(context.get(), inputs.data(), inputs.size(), outputs.data(), outputs.size(), &error), error);
}

double Context::deviceMilliseconds() const {
  lathe_error error;
  double milliseconds;
  check(lathe_context_device_milliseconds(context.get(), &milliseconds, &error), error);
  return milliseconds;
}

void Context::takeTrueDims(std::vector<Tensor> &outputs) const {
  lathe_error error;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Tensor &output = outputs[i];
    check(lathe_context_output_dims(context.get(), i, output.dims.data(), output.dims.size(), &error), error);
    output.bytes = lathe_dtype_size(output.dtype);
    for (int64_t dim : output.dims) // at most the bounds, whose product was allocated
      output.bytes *= size_t(dim);
  }
}

std::vector<lathe_tensor> views(const std::vector<Tensor> &tensors) {
  std::vector<lathe_tensor> result;
  for (const Tensor &tensor : tensors)
    result.push_back(tensor.view());
  return result;
}

} // namespace lathe::tools
