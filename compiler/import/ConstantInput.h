// The value of an input that the compilation knows.
#ifndef COMPILER_IMPORT_CONSTANTINPUT_H
#define COMPILER_IMPORT_CONSTANTINPUT_H

#include <cstdint>
#include <string>
#include <vector>

namespace lathe {

/// What an initializer would hold.
struct ConstantInput {
  int32_t dataType = 0; // ONNX TensorProto.DataType
  std::vector<int64_t> dims;
  std::string bytes; // row-major, little-endian
};

} // namespace lathe

#endif // COMPILER_IMPORT_CONSTANTINPUT_H
