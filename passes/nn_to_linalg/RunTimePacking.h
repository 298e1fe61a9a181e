// Weights that the network computes, such as normalised ones, are packed by a program, once per run.
#ifndef PASSES_NN_TO_LINALG_RUNTIMEPACKING_H
#define PASSES_NN_TO_LINALG_RUNTIMEPACKING_H

#include "dialects/nn/NNDialect.h"

namespace lathe::passes {

/// `op`'s weights [K, C / G, window...] (a matrix's [C, K]) as nn.foreach of the packed shape [groups, channel blocks, window..., Cv, ku V], zero where
/// there is no channel: what a recipe does to weights that are known (packWeights). `op` is to reduce over Cb * Cv channels.
mlir::Value packAtRunTime(nn::WindowedOpInterface op, llvm::ArrayRef<int64_t> packed);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_RUNTIMEPACKING_H
