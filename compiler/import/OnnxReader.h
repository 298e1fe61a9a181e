// .onnx file -> OnnxModel: everything that can be checked without knowing an operator.
#ifndef COMPILER_IMPORT_ONNXREADER_H
#define COMPILER_IMPORT_ONNXREADER_H

#include "compiler/import/Import.h"
#include "compiler/import/OnnxModel.h"

namespace lathe::importer {

/// Reads the model and every tensor of it. On failure the report says why.
mlir::FailureOr<OnnxModel> readOnnx(llvm::StringRef path, const ImportOptions &options, ImportReport &report);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_ONNXREADER_H
