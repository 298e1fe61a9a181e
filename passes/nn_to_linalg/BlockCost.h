// The cost model of blocks: how a block of a GPU's threads shares a product of matrices, from its shape and the target description.
//
// Tiles are dealt to the multiprocessors. One that has t of them needs
//
//     max( t * steps * max( multiply-adds / rate, bytes of both factors / bandwidth of the second level ), rounds * steps * latency / stages in flight )
//
// cycles: either its units are busy, or the few tiles that it can hold at once wait for memory.
#ifndef PASSES_NN_TO_LINALG_BLOCKCOST_H
#define PASSES_NN_TO_LINALG_BLOCKCOST_H

#include "dialects/nn/NNDialect.h"
#include <optional>

namespace lathe::passes {

struct BlockTile {
  int64_t rows = 0, columns = 0, warpsOfRows = 0, warpsOfColumns = 0, stages = 0;
  double cycles = 0; // predicted, for one image
};

/// The cheapest tile for a product of `rows` by `columns` over `depth` (blocks of 32 of it); none if no block fits. `vectors` of 32 columns must be covered by
/// whole tiles if `exact`. `precision` is that of the module: "", "tf32", "f16" or "bf16".
std::optional<BlockTile> chooseBlock(int64_t rows, int64_t columns, int64_t depth, bool exact, llvm::StringRef precision, nn::TargetAttr target);

/// Whether a block of threads may compute `op`; said of tensors, before buffers have strides.
bool admitsBlock(nn::WindowedOpInterface op, llvm::StringRef precision, nn::TargetAttr target);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_BLOCKCOST_H
