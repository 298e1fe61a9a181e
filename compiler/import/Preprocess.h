// Preprocessing in front of the model (InputFormat.h), as part of the graph.
#ifndef COMPILER_IMPORT_PREPROCESS_H
#define COMPILER_IMPORT_PREPROCESS_H

#include "compiler/import/Import.h"
#include "compiler/import/OnnxModel.h"

namespace lathe::importer {

struct GraphState;

/// Replaces the declarations of the model's inputs that have a format by what the artifact takes, and keeps the model's own in `OnnxModel::preprocessed`.
/// Failure after reporting.
mlir::LogicalResult declareRawInputs(OnnxModel &model, const ImportOptions &options, ImportReport &report);

/// Defines the model's input from `raw`, which the artifact takes: converts, resizes, brings the channels into the model's order and place, and computes
/// (x - mean) * scale, in float32. The resize is that of Pillow's BILINEAR filter (a triangle as wide as the input's pixels where it shrinks), without
/// its rounding between the two axes. Failure after reporting.
mlir::LogicalResult preprocess(GraphState &state, const OnnxValueInfo &declared, const InputFormat &format, mlir::Value raw);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_PREPROCESS_H
