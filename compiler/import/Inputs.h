// The types of the graph's inputs: which dimension is the batch, and what --shapes says of the others.
#ifndef COMPILER_IMPORT_INPUTS_H
#define COMPILER_IMPORT_INPUTS_H

#include "compiler/import/Import.h"
#include "compiler/import/OnnxModel.h"

namespace lathe::importer {

struct InputShapes {
  /// Per input of the graph that is no initializer: its position in OnnxModel::inputs and its shape; the batch is ShapedType::kDynamic.
  struct Input {
    const OnnxValueInfo *info;
    llvm::SmallVector<int64_t> shape;
  };
  llvm::SmallVector<Input> inputs;
  /// Absent if the batch is fixed.
  std::optional<std::string> batchSymbol;
  DimRange batchRange{1, INT64_MAX};
  /// The --shapes that would fix the batch at 1, for hints.
  std::string staticShapes;
};

/// Failure after reporting.
mlir::FailureOr<InputShapes> resolveInputs(const OnnxModel &model, const ImportOptions &options, ImportReport &report);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_INPUTS_H
