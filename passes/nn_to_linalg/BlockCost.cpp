#include "passes/nn_to_linalg/BlockCost.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

namespace {

constexpr int64_t kDepth = 32, kWarps = 4, kGrain = 16; // channels of a step; warps of a block; rows and columns of a warp's part are multiples of the last
// Cycles from the request of a step to its arrival when nothing else is going on, and of a tile's beginning and end.
constexpr double kLatency = 700, kTile = 1500;
// Of work and waiting, what the other does not hide.
constexpr double kOverlapLoss = 0.125;
// Of the second level, in multiples of the memory's bandwidth: 5120 bytes per cycle beside 1100 (NVIDIA A100 whitepaper).
constexpr double kSecondLevel = 4;
// Fewer rows than this are read rather than multiplied: what counts is how many warps ask for weights at once.
constexpr int64_t kFewestRows = 8;

int64_t bytesOfElement(StringRef precision) { return precision == "f16" || precision == "bf16" ? 2 : 4; }

// What a thread may hold, with some room below the 255 that there are: beyond it ptxas spills.
constexpr int64_t kMostRegisters = 236;

/// Sums, one fragment of both factors, what is known of each row that is copied, and the rest.
int64_t registersOf(const BlockTile &tile, StringRef precision) {
  constexpr int64_t kThreads = kWarps * 32, kChunk = 16, kOfRow = 5, kRest = 32;
  int64_t size = bytesOfElement(precision), rows = tile.rows / tile.warpsOfRows, columns = tile.columns / tile.warpsOfColumns;
  int64_t fragments = precision.empty() ? rows / 8 * 4 + columns / 16 * 4 : rows / 16 * 4 + columns / 8 * 2;
  return tile.rows * tile.columns / kThreads + fragments + llvm::divideCeil(tile.rows * kDepth * size / kChunk, kThreads) * kOfRow + kRest;
}

/// Shared memory of one step, with the gaps of StepLayout.
int64_t bytesOfStep(int64_t rows, int64_t columns, int64_t elementBytes) {
  return rows * (kDepth * elementBytes + 16) + kDepth * (columns * elementBytes + 32);
}

} // namespace

std::optional<BlockTile> lathe::passes::chooseBlock(int64_t rows, int64_t columns, int64_t depth, bool exact, StringRef precision, TargetAttr target) {
  int64_t size = bytesOfElement(precision), vectors = llvm::divideCeil(columns, kDepth), steps = llvm::divideCeil(depth, kDepth);
  double rate = static_cast<double>(precision.empty() ? target.getFmaPerCycle() * kDepth : target.getTensorFmaPerCycle() / (size == 4 ? 2 : 1));
  double bandwidth = kSecondLevel * static_cast<double>(target.getMemoryBytesPerCycle());
  std::optional<BlockTile> best;
  for (int64_t blockRows : {32, 64, 128})
    for (int64_t ku : {1, 2, 3, 4}) {
      int64_t blockColumns = ku * kDepth, step = bytesOfStep(blockRows, blockColumns, size);
      if (exact ? vectors % ku != 0 : ku > vectors)
        continue;
      BlockTile tile{blockRows, blockColumns, 0, 0, std::min<int64_t>(4, target.getSharedBytes() / 2 / step)};
      if (tile.stages < 2)
        tile.stages = target.getSharedBytes() / step;
      if (tile.stages < 2)
        continue;
      // The squarest parts read the least from shared memory.
      int64_t least = INT64_MAX;
      for (int64_t along = 1; along <= kWarps; along *= 2) {
        int64_t across = kWarps / along;
        if (blockRows % (along * kGrain) || blockColumns % (across * kGrain) || blockRows / along + blockColumns / across >= least)
          continue;
        least = blockRows / along + blockColumns / across;
        tile.warpsOfRows = along;
        tile.warpsOfColumns = across;
      }
      if (least == INT64_MAX || registersOf(tile, precision) > kMostRegisters)
        continue;
      double busy =
          std::max(static_cast<double>(blockRows * blockColumns * kDepth) / rate, static_cast<double>((blockRows + blockColumns) * kDepth * size) / bandwidth);
      int64_t tiles = llvm::divideCeil(rows, blockRows) * llvm::divideCeil(vectors, ku), mine = llvm::divideCeil(tiles, target.getMultiprocessors());
      int64_t resident = std::max<int64_t>(target.getSharedBytes() / (tile.stages * step), 1);
      double waiting = static_cast<double>(llvm::divideCeil(mine, resident) * steps) * kLatency / static_cast<double>(tile.stages - 1);
      double working = static_cast<double>(mine * steps) * busy;
      tile.cycles = std::max(working, waiting) + kOverlapLoss * std::min(working, waiting) + static_cast<double>(mine) * kTile;
      if (!best || tile.cycles < best->cycles)
        best = tile;
    }
  return best;
}

bool lathe::passes::admitsBlock(WindowedOpInterface op, StringRef precision, TargetAttr target) {
  if (!target.isGpu() || target.getSharedBytes() == 0 || op.getReduction() != Reduction::dense)
    return false;
  auto weights = op.getWeightsOrNull().getDefiningOp<WeightOp>();
  auto input = cast<ShapedType>(op.getInput().getType());
  ShapedType output = op.getOutputType();
  if (!weights || !output.getElementType().isF32())
    return false;
  int64_t pixels = 1, images = output.isDynamicDim(0) ? 1 : output.getDimSize(0), size = bytesOfElement(precision);
  if (auto conv = dyn_cast<ConvOp>(op.getOperation())) {
    if (conv.getGroups() != 1 || conv.getPlaces() || !op.isBlocked(op.getInput()) || output.getRank() != op.getSpatialRank() + 3)
      return false;
    for (int64_t extent : output.getShape().slice(2, op.getSpatialRank()))
      pixels *= extent;
  } else {
    if (input.getShape().back() * size % 16)
      return false;
    pixels = output.getRank() == 3 ? output.getDimSize(1) : 1;
  }
  // Threads count rows, and elements of an image, in 32 bits.
  int64_t elements = 1;
  for (int64_t extent : input.getShape().drop_front())
    elements *= extent;
  return pixels * images >= kFewestRows && elements < (int64_t(1) << 29) && pixels * images < (int64_t(1) << 31);
}
