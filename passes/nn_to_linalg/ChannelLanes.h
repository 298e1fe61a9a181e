// Programs (nn.foreach) that treat all channels alike compute a block of them at once: loads and stores become vectors of V lanes, and so does what is
// computed from them; indices, weights and conditions stay scalars, once for all of the block.
#ifndef PASSES_NN_TO_LINALG_CHANNELLANES_H
#define PASSES_NN_TO_LINALG_CHANNELLANES_H

#include "dialects/nn/NNDialect.h"
#include <optional>

namespace lathe::passes {

/// For each operand of `op` (on tensors, with one result) whether it is [N, C, ...] of f32 and read at the iteration's channel only; none if `op` has another
/// relation to channels, dimension 1 of its space, or does with them what has no vector form.
std::optional<llvm::SmallVector<bool>> findChannelOperands(nn::ForeachOp op);

/// After those operands and the result have got their blocked types: the program for blocks of `lanes` channels.
void computeByLanes(nn::ForeachOp op, llvm::ArrayRef<bool> byChannel, int64_t lanes);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_CHANNELLANES_H
