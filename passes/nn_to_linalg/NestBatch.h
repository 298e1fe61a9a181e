// How images and groups of output channels are nested, and how the weights of single pixels are read: the parts of the tiling that follow from where weights
// come from, not from the registers.
#ifndef PASSES_NN_TO_LINALG_NESTBATCH_H
#define PASSES_NN_TO_LINALG_NESTBATCH_H

#include "dialects/nn/NNDialect.h"

namespace lathe::passes {

/// `tiling` with the nesting that reads the fewest bytes from beyond the second-level cache, and with weights as streams where images are single pixels.
nn::TilingAttr nestBatch(nn::WindowedOpInterface op, nn::TilingAttr tiling, nn::TargetAttr target);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_NESTBATCH_H
