// The one reader of TensorProto: every way in which ONNX stores elements becomes little-endian bytes.
#ifndef COMPILER_IMPORT_TENSORREADER_H
#define COMPILER_IMPORT_TENSORREADER_H

#include "compiler/import/OnnxModel.h"
#include "compiler/import/WireScanner.h"

namespace onnx {
class TensorProto;
}

namespace lathe::importer {

/// Where a tensor is read from.
struct TensorSource {
  /// The file that holds the TensorProto and its path relative to the model's directory.
  llvm::StringRef file;
  std::string path;
  ExternalFiles &external;
  /// Of a tensor without a name, for messages: the node that holds it.
  llvm::StringRef nameless;
};

/// Checks and reads a tensor. `where` says where in the file its bytes are, if that is known. A tensor whose type is not read (dataTypeSize 0) has no
/// bytes and is no error. On failure `error` is a reason that names the tensor, or empty if it has been given before.
mlir::FailureOr<OnnxTensor> readTensor(const onnx::TensorProto &proto, const WireTensor *where, const TensorSource &source, std::string &error);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_TENSORREADER_H
