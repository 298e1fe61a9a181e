// How the elements of a reduction are combined, as vectors or scalars.
#ifndef PASSES_MEMREF_TO_LOOPS_COMBINE_H
#define PASSES_MEMREF_TO_LOOPS_COMBINE_H

#include "dialects/nn/NNDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lathe::passes {

/// What changes nothing that it is combined with.
mlir::TypedAttr identityOf(nn::Combine kind, mlir::Type element);
mlir::Value combine(mlir::ImplicitLocOpBuilder &b, nn::Combine kind, mlir::Value x, mlir::Value y);

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_COMBINE_H
