#include "dialects/nn/Parts.h"

#include "dialects/nn/Segments.h"

using namespace mlir;
using namespace lathe::nn;

int64_t lathe::nn::groupsOf(WindowedOpInterface op) {
  TilingAttr tiling = op.getTilingOrNull();
  if (Value weights = op.getWeightsOrNull())
    return cast<ShapedType>(weights.getType()).getDimSize(0) / std::max<int64_t>(tiling.getStreams(), 1);
  return op.getOutputType().getDimSize(1) / tiling.getKu(); // pools: channel blocks
}

int64_t lathe::nn::linesOf(WindowedOpInterface op) {
  int64_t lines = 1, spatial = op.getSpatialRank();
  for (int64_t d = 0; d + 1 < spatial; ++d) {
    int64_t extent = op.getOutputType().getDimSize(2 + d);
    lines *= d + 2 == spatial ? extent / op.getTilingOrNull().getMerge() : extent;
  }
  return lines;
}

int64_t lathe::nn::piecesOfLine(WindowedOpInterface op) {
  constexpr int64_t kEnough = 256;
  int64_t lines = std::max<int64_t>(groupsOf(op), 1) * std::max<int64_t>(linesOf(op), 1);
  return std::clamp<int64_t>(std::min(op.getFlopsPerImage() / 2 / lines / kThreadWorth, kEnough / lines), 1, op.getTilingOrNull().getSegments().size());
}

int64_t lathe::nn::partsOfImage(WindowedOpInterface op) {
  TilingAttr tiling = op.getTilingOrNull();
  if (tiling.getImages() > 1)
    return 1;
  auto conv = dyn_cast<ConvOp>(op.getOperation());
  if (!conv || !conv.hasTransformedWeights())
    return linesOf(op) * piecesOfLine(op);
  int64_t tiles = 1, block = 0;
  for (auto [m, extent] : llvm::zip(tiling.getWinograd(), op.getOutputType().getShape().drop_front(2)))
    tiles *= llvm::divideCeil(extent, m);
  for (int64_t width : tiling.getSegments())
    block += width;
  return llvm::divideCeil(tiles, block);
}
