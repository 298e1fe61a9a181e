// The pattern sets of convert-nn-to-linalg, one file each.
#ifndef PASSES_NN_TO_LINALG_PATTERNS_H
#define PASSES_NN_TO_LINALG_PATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace lathe::passes {

/// nn.reshape, nn.pack and nn.unpack.
void populateLayoutOpPatterns(mlir::RewritePatternSet &patterns);

/// A destination for a result of this type: tensor.empty with the function's batch as dynamic size. `op` says where and in which function.
mlir::Value makeEmpty(mlir::OpBuilder &builder, mlir::Operation *op, mlir::RankedTensorType type);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_PATTERNS_H
