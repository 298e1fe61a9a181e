// An ONNX model as the importer works on it: what protobuf said, checked and without protobuf.
#ifndef COMPILER_IMPORT_ONNXMODEL_H
#define COMPILER_IMPORT_ONNXMODEL_H

#include "compiler/import/ExternalFile.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lathe::importer {

/// TensorProto.DataType: the numbers that the importer tells apart.
enum DataType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUInt8 = 2,
  kInt8 = 3,
  kUInt16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUInt32 = 12,
  kUInt64 = 13,
  kBFloat16 = 16,
};
/// "float32", "int64", …; "data type 99" for a number that ONNX does not define.
std::string dataTypeName(int32_t type);
/// Bytes per element, or 0 for types whose elements the importer does not read.
int64_t dataTypeSize(int32_t type);

/// A name from the file, fit for one line of a message: control characters escaped, cut to a sensible length.
std::string printable(llvm::StringRef name);

struct OnnxTensor {
  std::string name;
  int32_t dataType = kUndefined;
  llvm::SmallVector<int64_t> dims;
  /// The elements, little-endian and row-major; empty for types that are not read.
  llvm::StringRef bytes;
  /// Keeps `bytes` alive where they are not in a mapped file.
  std::shared_ptr<std::string> owned;
  /// Where the bytes are: path relative to the model's directory, offset. An empty path: nowhere in one piece.
  std::string file;
  int64_t offset = 0;
  /// BLAKE3 of the bytes, hex; only of tensors that become #nn.file.
  std::string hash;

  int64_t elementCount() const {
    int64_t n = 1;
    for (int64_t d : dims)
      n *= d; // checked by the reader
    return n;
  }
};

struct OnnxGraph;

struct OnnxAttribute {
  enum class Kind { integer, real, text, integers, reals, tensor, graph, other };
  std::string name;
  Kind kind = Kind::other;
  int64_t integer = 0;
  float real = 0;
  std::string text;
  std::vector<int64_t> integers;
  std::vector<float> reals;
  OnnxTensor tensor;
  std::shared_ptr<OnnxGraph> graph; // of a branch
};

struct OnnxNode {
  std::string name; // never empty: OpType_index for a node without a name
  std::string op, domain;
  std::vector<std::string> inputs, outputs;
  std::vector<OnnxAttribute> attributes;
  int64_t opset = 0; // the model's if 0; nodes of functions may be of another one
};

/// A branch of an If: names are unique in the whole model, and those from outside are the ones outside.
struct OnnxGraph {
  std::vector<OnnxTensor> initializers;
  std::vector<OnnxNode> nodes;
  size_t inputs = 0;
  std::vector<std::string> outputs;
};

struct OnnxDim {
  std::optional<int64_t> value; // unknown if absent
  std::string symbol;           // dim_param, may be empty
};

/// A declared input or output.
struct OnnxValueInfo {
  std::string name;
  bool isTensor = false;
  int32_t dataType = kUndefined;
  std::optional<std::vector<OnnxDim>> dims; // absent: not even the rank is known
};

struct OnnxModel {
  std::string directory; // of the file, absolute
  std::string fileName;
  std::string hash; // BLAKE3 of the file, hex
  int64_t opset = 0;
  std::vector<OnnxNode> nodes; // calls of the model's functions inlined
  std::vector<OnnxTensor> initializers;
  std::vector<OnnxValueInfo> inputs, outputs;
  llvm::StringMap<OnnxValueInfo> preprocessed; // the model's own declaration of inputs that the artifact takes as raw data
  std::unique_ptr<ExternalFiles> files;        // the mapped files, this one included
};

} // namespace lathe::importer

#endif // COMPILER_IMPORT_ONNXMODEL_H
