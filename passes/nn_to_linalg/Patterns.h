// The pattern sets of convert-nn-to-linalg, one file each.
#ifndef PASSES_NN_TO_LINALG_PATTERNS_H
#define PASSES_NN_TO_LINALG_PATTERNS_H

#include "mlir/IR/PatternMatch.h"

namespace lathe::passes {

/// nn.reshape, nn.pack and nn.unpack.
void populateLayoutOpPatterns(mlir::RewritePatternSet &patterns);
/// nn.concat, nn.slice, nn.transpose and nn.pad.
void populateMoveOpPatterns(mlir::RewritePatternSet &patterns);
/// Concatenations that begin with the operands of another one: one destination for all of them, before the patterns give each its own.
void shareConcatDestinations(mlir::Operation *function);

/// A destination for a result of this type: tensor.empty with the function's batch as dynamic size. `op` says where and in which function.
mlir::Value makeEmpty(mlir::OpBuilder &builder, mlir::Operation *op, mlir::RankedTensorType type);

/// `shape` as sizes of a slice; a dynamic extent is the batch.
llvm::SmallVector<mlir::OpFoldResult> mixedSizes(mlir::OpBuilder &builder, mlir::Operation *op, llvm::ArrayRef<int64_t> shape);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_PATTERNS_H
