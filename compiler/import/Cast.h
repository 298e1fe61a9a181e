// Conversions between the element types of ONNX.
#ifndef COMPILER_IMPORT_CAST_H
#define COMPILER_IMPORT_CAST_H

#include "compiler/import/Program.h"

namespace lathe::importer {

/// `x` of DataType `from` as `to`, both in kAllTypes. Between integers bits are cut off or the value is kept, as in C. Floats become integers towards zero;
/// what ONNX leaves open is defined: a float beyond the integer's range becomes its nearest end, and a NaN 0. Numbers other than 0, NaN included, are true.
mlir::Value castElement(ProgramBuilder &b, mlir::Value x, int32_t from, int32_t to);

/// The same of a tensor; the value itself if the types are equal.
mlir::Value castTensor(NodeContext &node, mlir::Value x, int32_t from, int32_t to);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_CAST_H
