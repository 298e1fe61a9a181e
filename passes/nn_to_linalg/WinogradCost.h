// The cost model's part for Winograd's algorithm: whether it pays for a convolution, and with which tiles. See docs/rationale/Winograd.md.
#ifndef PASSES_NN_TO_LINALG_WINOGRADCOST_H
#define PASSES_NN_TO_LINALG_WINOGRADCOST_H

#include "passes/nn_to_linalg/CostModel.h"

#include <optional>

namespace lathe::passes {

/// A convolution of one group and steps of 1, per image.
struct WinogradWork {
  llvm::SmallVector<int64_t> output, window; // spatial extents
  int64_t inputChannels = 1, outputChannels = 1;
  int64_t epilogueLoads = 0; // elementwise operands that the epilogue loads per output vector
  // Bytes per cycle at which weights arrive that have not been used since the last inference.
  double coldBandwidth = 1;
};

struct WinogradTile {
  llvm::SmallVector<int64_t> m; // output pixels of a tile, per dimension
  int64_t ku = 1, unroll = 1;
  llvm::SmallVector<int64_t> segments; // widths, in tiles, of the register tiles of one block
  double cycles = 0;                   // predicted, per image
};

/// The cheapest way, or nothing if the window leaves nothing to save.
std::optional<WinogradTile> chooseWinograd(const WinogradWork &work, const Machine &machine);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_WINOGRADCOST_H
