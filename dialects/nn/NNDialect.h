// The nn dialect: see NNOps.td for the operations and docs/generated/NN.md for the reference page.
#ifndef DIALECTS_NN_NNDIALECT_H
#define DIALECTS_NN_NNDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include "dialects/nn/NNDialect.h.inc"
#include "dialects/nn/NNEnums.h.inc"

namespace lathe::nn {

/// How an epilogue reads an extra operand, told by its type.
enum class ExtraKind {
  scalar,      // rank 0
  channel,     // rank 1: one value per output channel (padded in packed form)
  elementwise, // the output's shape and layout
  invalid,
};
ExtraKind classifyExtra(mlir::Type extra, mlir::ShapedType output);

/// Extent of a window with dilation: (window - 1) * dilation + 1.
inline int64_t dilatedWindow(int64_t window, int64_t dilation) { return (window - 1) * dilation + 1; }

/// Output extent of a convolution (ONNX Conv, opset 11, without ceil_mode); negative if the window does not fit.
int64_t convOutputExtent(int64_t input, int64_t window, int64_t stride, int64_t dilation, int64_t padBegin, int64_t padEnd);

/// Numpy broadcasting of two shapes; failure if they do not agree. A dynamic dimension agrees with itself and with 1.
mlir::FailureOr<llvm::SmallVector<int64_t>> broadcastShapes(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

/// "[?, 16, 7]", for the assembly of operations: a dynamic extent is a question mark.
mlir::ParseResult parseExtents(mlir::OpAsmParser &parser, mlir::DenseI64ArrayAttr &extents);
void printExtents(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::DenseI64ArrayAttr extents);

} // namespace lathe::nn

#define GET_ATTRDEF_CLASSES
#include "dialects/nn/NNAttrs.h.inc"

#include "dialects/nn/NNInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialects/nn/NNOps.h.inc"

#endif // DIALECTS_NN_NNDIALECT_H
