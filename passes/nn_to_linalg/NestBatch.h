// How images and groups of output channels are nested: the part of the tiling that matters only for batches of more than one image.
#ifndef PASSES_NN_TO_LINALG_NESTBATCH_H
#define PASSES_NN_TO_LINALG_NESTBATCH_H

#include "dialects/nn/NNDialect.h"

namespace lathe::passes {

/// `tiling` with the nesting that reads the fewest bytes from beyond the second-level cache. A batch of one image takes the same path either way.
nn::TilingAttr nestBatch(nn::WindowedOpInterface op, nn::TilingAttr tiling, nn::TargetAttr target);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_NESTBATCH_H
