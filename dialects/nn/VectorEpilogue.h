// The epilogue of a windowed operation at vector type.
#ifndef DIALECTS_NN_VECTOREPILOGUE_H
#define DIALECTS_NN_VECTOREPILOGUE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Region.h"

namespace lathe::nn {

/// Clones the operations of `epilogue` for vectors of `lanes` elements and returns what it yields. `extras` are the values of its arguments after the
/// accumulator. Every operation of the body is elementwise mappable (the verifier's rule), so that the same operation at vector type is its vector form.
mlir::Value cloneAsVectors(mlir::OpBuilder &b, mlir::Region &epilogue, int64_t lanes, mlir::Value accumulator, llvm::ArrayRef<mlir::Value> extras);

} // namespace lathe::nn

#endif // DIALECTS_NN_VECTOREPILOGUE_H
