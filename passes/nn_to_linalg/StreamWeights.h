// When the weights of which operation are fetched: a schedule over the whole function, after all tiles are chosen.
#ifndef PASSES_NN_TO_LINALG_STREAMWEIGHTS_H
#define PASSES_NN_TO_LINALG_STREAMWEIGHTS_H

#include "dialects/nn/NNDialect.h"

namespace lathe::passes {

/// An operation in the order of execution, with its tiling and packed weights.
struct StreamStep {
  nn::WindowedOpInterface op;
  double cycles; // of its arithmetic, predicted, per image
  bool fixed;    // its tiling is written by hand
};

/// What an operation reads of its input, per image.
int64_t inputBytes(nn::WindowedOpInterface op);

/// Adds to the tilings which weights are fetched meanwhile (`prefetch`).
void streamWeights(llvm::ArrayRef<StreamStep> steps, nn::TargetAttr target);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_STREAMWEIGHTS_H
