#include "tools/tensors/Tensor.h"

#include "tools/support/Status.h"

#include <cmath>
#include <cstring>

namespace lathe::tools {

Tensor Tensor::allocate(uint32_t dtype, std::vector<int64_t> dims, const std::string &what) {
  Tensor tensor;
  tensor.dtype = dtype;
  size_t bytes = lathe_dtype_size(dtype);
  for (int64_t dim : dims)
    if (dim < 0 || __builtin_mul_overflow(bytes, size_t(dim), &bytes) || bytes > SIZE_MAX / 4)
      throw Failure(InvalidInput, what + ": shape " + dimsText(dims) + " is too large");
  tensor.dims = std::move(dims);
  tensor.bytes = bytes;
  // 64 bytes: what a careful caller would give the kernels. calloc'ed pages would be untouched, so the first run would pay for them.
  size_t rounded = (bytes + 127) / 64 * 64;
  tensor.data.reset(static_cast<unsigned char *>(std::aligned_alloc(64, rounded)));
  if (!tensor.data)
    throw Failure(InvalidInput, what + ": no memory for " + std::to_string(bytes) + " bytes");
  std::memset(tensor.data.get(), 0, rounded);
  return tensor;
}

template <typename T> static T load(const unsigned char *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

static double halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 31 ? (fraction ? NAN : INFINITY) : exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
  return bits >> 15 ? -magnitude : magnitude;
}

double Tensor::at(size_t index) const {
  const unsigned char *from = data.get() + index * lathe_dtype_size(dtype);
  switch (dtype) {
  case LATHE_FLOAT32:
    return load<float>(from);
  case LATHE_FLOAT64:
    return load<double>(from);
  case LATHE_FLOAT16:
    return halfToDouble(load<uint16_t>(from));
  case LATHE_BFLOAT16: {
    uint32_t bits = uint32_t(load<uint16_t>(from)) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  case LATHE_INT8:
    return load<int8_t>(from);
  case LATHE_INT16:
    return load<int16_t>(from);
  case LATHE_INT32:
    return load<int32_t>(from);
  case LATHE_INT64:
    return double(load<int64_t>(from));
  case LATHE_UINT16:
    return load<uint16_t>(from);
  case LATHE_UINT32:
    return load<uint32_t>(from);
  case LATHE_UINT64:
    return double(load<uint64_t>(from));
  default: // uint8, bool
    return *from;
  }
}

std::string dimsText(const std::vector<int64_t> &dims) {
  if (dims.empty())
    return "scalar";
  std::string text;
  for (int64_t dim : dims)
    text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text;
}

std::string indexText(size_t index, const std::vector<int64_t> &dims) {
  std::vector<size_t> places(dims.size());
  for (size_t i = dims.size(); i-- > 0;) {
    places[i] = index % size_t(dims[i]);
    index /= size_t(dims[i]);
  }
  std::string text;
  for (size_t place : places)
    text += (text.empty() ? "" : ", ") + std::to_string(place);
  return "[" + text + "]";
}

} // namespace lathe::tools
