// Bufferisation that operations with destinations share.
#ifndef DIALECTS_NN_BUFFERIZE_H
#define DIALECTS_NN_BUFFERIZE_H

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"

namespace lathe::nn {

/// Replaces `op`, whose last `destinations` operands are what its results are written to, by the same operation on buffers: location, attributes, operand
/// segments and regions stay. Fails, with an error, if a destination is missing.
mlir::LogicalResult bufferizeWithDestinations(mlir::Operation *op, unsigned destinations, mlir::RewriterBase &rewriter,
                                              const mlir::bufferization::BufferizationOptions &options, mlir::bufferization::BufferizationState &state);

} // namespace lathe::nn

#endif // DIALECTS_NN_BUFFERIZE_H
