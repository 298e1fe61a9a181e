// OnnxModel -> module of nn operations.
#ifndef COMPILER_IMPORT_GRAPHIMPORTER_H
#define COMPILER_IMPORT_GRAPHIMPORTER_H

#include "compiler/import/Import.h"
#include "compiler/import/OnnxModel.h"

namespace lathe::importer {

/// Null if the report holds an error; all nodes have been looked at even then.
mlir::OwningOpRef<mlir::ModuleOp> importGraph(mlir::MLIRContext &context, const OnnxModel &model, const ImportOptions &options, ImportReport &report);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_GRAPHIMPORTER_H
