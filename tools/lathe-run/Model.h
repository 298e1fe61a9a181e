// RAII over the C API, with failures as exceptions.
#ifndef TOOLS_LATHE_RUN_MODEL_H
#define TOOLS_LATHE_RUN_MODEL_H

#include "tools/tensors/Tensor.h"

namespace lathe::tools {

struct TensorDescription {
  std::string name;
  uint32_t dtype;
  std::vector<int64_t> c0, c1; // dims[i] = c0[i] + c1[i] * batch

  std::vector<int64_t> dimsAt(int64_t batch) const;
  // The batch that these dims mean, 0 if they do not tell (no batch dim, or they do not fit).
  int64_t batchOf(const std::vector<int64_t> &dims) const;
  // "Nx3x224x224"
  std::string text(const std::string &batchSymbol) const;
};

class Model {
public:
  explicit Model(const std::string &path);

  std::vector<TensorDescription> inputs, outputs;
  int64_t minBatch, maxBatch;
  lathe_model *get() const { return model.get(); }

  // Index of an input by name, or throws Failure with the nearest name.
  size_t inputIndex(const std::string &name) const;
  // Zeroed tensors for all outputs, as large as they can become.
  std::vector<Tensor> makeOutputs(int64_t batch) const;

private:
  std::unique_ptr<lathe_model, decltype(&lathe_model_destroy)> model{nullptr, &lathe_model_destroy};
};

class Context {
public:
  // threads 0: the runtime's default.
  Context(const Model &model, int64_t maxBatch, int threads);
  void run(const std::vector<lathe_tensor> &inputs, const std::vector<lathe_tensor> &outputs);
  // Of the last run, once lathe_context_measure_device is on.
  double deviceMilliseconds() const;
  // Cuts the outputs of the last run to the size that it found.
  void takeTrueDims(std::vector<Tensor> &outputs) const;
  lathe_context *get() const { return context.get(); }

private:
  std::unique_ptr<lathe_context, decltype(&lathe_context_destroy)> context{nullptr, &lathe_context_destroy};
};

std::vector<lathe_tensor> views(const std::vector<Tensor> &tensors);

} // namespace lathe::tools

#endif
