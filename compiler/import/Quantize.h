// Numbers as scaled integers: real = (integer - zero point) * scale.
#ifndef COMPILER_IMPORT_QUANTIZE_H
#define COMPILER_IMPORT_QUANTIZE_H

#include "compiler/import/Program.h"

namespace lathe::importer {

/// The nearest end of the integer type's range (of at most 16 bits) or the whole number `x`; a NaN becomes the lowest number.
mlir::Value quantize(ProgramBuilder &b, mlir::Value x, int32_t type);

/// Integers as float32; of a constant, by its recipe.
mlir::Value asFloat(NodeContext &node, const Operand &x);

/// round(x / scale) + zero, halves to the even number, as `type`: float32 tensors, of which scale and zero (which may be null) broadcast.
mlir::Value quantizeTensor(NodeContext &node, mlir::Value x, mlir::Value scale, mlir::Value zero, int32_t type);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_QUANTIZE_H
