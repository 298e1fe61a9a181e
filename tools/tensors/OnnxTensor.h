// ONNX TensorProto files (input_0.pb of ONNX test data), read without protobuf: a small message, and the runtime's tools stay light.
#ifndef TOOLS_TENSORS_ONNXTENSOR_H
#define TOOLS_TENSORS_ONNXTENSOR_H

#include "tools/tensors/Tensor.h"

namespace lathe::tools {

struct NamedTensor {
  std::string name; // may be empty
  Tensor tensor;
};

// Both throw Failure (exit 3).
NamedTensor readOnnxTensor(const std::string &path);
NamedTensor parseOnnxTensor(const std::string &content, const std::string &path);

/// A file of either kind: ONNX's by its suffix .pb, else .npy. Throws Failure.
Tensor readTensor(const std::string &path);

} // namespace lathe::tools

#endif
