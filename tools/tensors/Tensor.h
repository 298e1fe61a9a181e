// A tensor in memory: what the file readers give and the runtime takes.
#ifndef TOOLS_TENSORS_TENSOR_H
#define TOOLS_TENSORS_TENSOR_H

#include "lathe/artifact.h"
#include "lathe/lathe.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace lathe::tools {

struct Tensor {
  uint32_t dtype = LATHE_FLOAT32;
  std::vector<int64_t> dims;
  size_t bytes = 0;
  std::unique_ptr<unsigned char, decltype(&std::free)> data{nullptr, &std::free};

  // Zeroed memory for the given type and dims. Throws Failure if the size overflows or there is no memory for it; `what` names the tensor.
  static Tensor allocate(uint32_t dtype, std::vector<int64_t> dims, const std::string &what);

  size_t count() const { return bytes / lathe_dtype_size(dtype); }
  // Element `index` as a number: exact for all types but 64-bit integers beyond 2^53.
  double at(size_t index) const;
  lathe_tensor view() const { return {sizeof(lathe_tensor), data.get(), bytes, dtype, uint32_t(dims.size()), dims.data()}; }
};

// "2x3x224x224"; "scalar" for rank 0.
std::string dimsText(const std::vector<int64_t> &dims);
// The place of a flat index, as "[0, 5, 3]".
std::string indexText(size_t index, const std::vector<int64_t> &dims);

} // namespace lathe::tools

#endif
