// Finds where in an ONNX file the bytes of its tensors are. Protobuf's parser copies them and forgets; recipes need file offsets.
#ifndef COMPILER_IMPORT_WIRESCANNER_H
#define COMPILER_IMPORT_WIRESCANNER_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace lathe::importer {

/// The payloads of one TensorProto that are the elements' bytes as they are. As protobuf does, the last raw_data counts and float_data add up.
struct WireTensor {
  struct Range {
    int64_t offset = 0, length = 0;
    int64_t pieces = 0; // 0: absent
  };
  Range raw, floats;
};

/// In the order in which protobuf hands the elements out.
struct WireTensors {
  std::vector<WireTensor> initializers;
  /// By list of nodes (0: the graph, i + 1: function i), node and attribute.
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, WireTensor> attributes;
};

/// False if the file is not well-formed as far as it was looked at; nothing is then known.
bool scanTensors(llvm::StringRef file, WireTensors &result);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_WIRESCANNER_H
