// NumPy's .npy files: formats 1.0 to 3.0, little-endian, C order, no objects. bfloat16, which NumPy does not know, is written as uint16.
#ifndef TOOLS_TENSORS_NPY_H
#define TOOLS_TENSORS_NPY_H

#include "tools/tensors/Tensor.h"

namespace lathe::tools {

// Both throw Failure: exit 3, or 6 for writing.
Tensor readNpy(const std::string &path);
Tensor parseNpy(const std::string &content, const std::string &path);
void writeNpy(const std::string &path, const Tensor &tensor);

} // namespace lathe::tools

#endif
