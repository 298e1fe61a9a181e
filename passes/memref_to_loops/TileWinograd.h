// Convolutions by Winograd's algorithm; part of lathe-tile-windowed.
#ifndef PASSES_MEMREF_TO_LOOPS_TILEWINOGRAD_H
#define PASSES_MEMREF_TO_LOOPS_TILEWINOGRAD_H

#include "dialects/nn/NNDialect.h"

namespace lathe::passes {

/// Replaces a bufferised convolution whose tiling names tiles of Winograd's algorithm by loops over vectors.
void tileWinograd(nn::ConvOp op);

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_TILEWINOGRAD_H
