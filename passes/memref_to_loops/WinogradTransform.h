// One-dimensional linear transforms of vectors, as Winograd's algorithm applies them along each dimension.
#ifndef PASSES_MEMREF_TO_LOOPS_WINOGRADTRANSFORM_H
#define PASSES_MEMREF_TO_LOOPS_WINOGRADTRANSFORM_H

#include "dialects/nn/CookToom.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lathe::passes {

/// matrix * values: one result per row. Rows, or columns, that differ only in the sign of every other element share the sums of their even and their odd
/// part; with the points of CookToom this halves the additions.
llvm::SmallVector<mlir::Value> applyTransform(mlir::ImplicitLocOpBuilder &b, const nn::Matrix &matrix, llvm::ArrayRef<mlir::Value> values);

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_WINOGRADTRANSFORM_H
