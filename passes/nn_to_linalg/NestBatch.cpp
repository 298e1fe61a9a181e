#include "passes/nn_to_linalg/NestBatch.h"

#include "passes/nn_to_linalg/CostModel.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

namespace {

/// Much of what is read arrives while the arithmetic runs: groups go outside only where that saves half of the reading.
constexpr double kNestingGain = 0.5;

/// Bytes per image that an operation moves, and how they are read.
struct Traffic {
  double weights, group, input; // of all groups, of one group, of one image
  int64_t groups;
};

/// Cycles per image that reading takes, where a batch is so large that its first image does not count. A buffer that is read again before as much as half
/// of the second level has passed through it comes from there, else from beyond.
double readCycles(const Traffic &t, TargetAttr target, bool groupsOutside) {
  double half = target.getL2Bytes() / 2.0, near = target.getLoadsPerCycle() * target.getVectorBits() / 8 / 4.0, far = target.getL3BytesPerCycle();
  auto rate = [&](double bytes) { return bytes <= half ? near : far; };
  // Between two uses of a group's weights lies an image, between two uses of an image a group; or all of the others, which are more than the half.
  double weights = groupsOutside ? t.weights / rate(t.group) : t.weights / rate(t.weights);
  double input = t.groups * t.input / (groupsOutside ? far : rate(t.input));
  return weights + input;
}

/// The most images whose accumulators fit the registers beside the ku weights and the broadcast of a step.
int64_t imagesInRegisters(int64_t ku, TargetAttr target) {
  int64_t spare = target.getRegisters() >= 32 ? 3 : 1, images = 1;
  while ((2 * images + 1) * ku + 1 + spare <= target.getRegisters())
    images *= 2;
  return images;
}

/// Streams of memory that a core reads at once: the prefetchers of the caches follow each of them on its own, and more of them ask for more lines ahead.
/// Measured (docs/rationale/CostModel.md): one stream reads two thirds of what eight read from memory, and sixteen read no more.
constexpr int64_t kMostStreams = 8;
/// Of groups that are more than a thread is worth there should be as many as threads may want.
constexpr int64_t kManyThreads = 16;

/// Vectors of channels whose weights lie apart, for operations on single pixels: they read each weight once per image and do little with it. `padded` where
/// there may be vectors beyond the last one.
int64_t streamsOf(int64_t vectors, bool padded, int64_t depth, int64_t lanes) {
  int64_t most = std::clamp(std::max(vectors / kManyThreads, kThreadWorth / (depth * lanes)), int64_t(1), std::min(vectors, kMostStreams));
  for (int64_t streams = most; streams > 1; --streams) {
    int64_t covered = llvm::alignTo(vectors, streams);
    if (covered == vectors || (padded && (covered - vectors) * kManyThreads <= vectors))
      return streams;
  }
  return 1;
}

/// How many of the `streams` vectors several images go through together: what half of the second level keeps until all images have seen it.
int64_t vectorsForImages(int64_t streams, double vectorBytes, TargetAttr target) {
  int64_t most = std::clamp(static_cast<int64_t>(target.getL2Bytes() / 2 / vectorBytes), int64_t(1), streams);
  while (streams % most)
    --most;
  return most;
}

/// Whether an image is one output pixel, computed from one input pixel.
bool isPixel(WindowedOpInterface op) {
  if (isa<MatMulOp>(op.getOperation()))
    return op.getOutputType().getRank() == 2;
  auto all = [](ArrayRef<int64_t> values, int64_t wanted) { return llvm::all_of(values, [&](int64_t v) { return v == wanted; }); };
  int64_t spatial = op.getSpatialRank();
  return all(op.getOutputType().getShape().slice(2, spatial), 1) && all(cast<ShapedType>(op.getInput().getType()).getShape().slice(2, spatial), 1) &&
         all(op.getWindowShape(), 1) && all(op.getPadBegin(), 0) && all(op.getPadEnd(), 0);
}

/// Images of one pixel: their weights as streams, and as the pixels of a tile.
TilingAttr nestPixels(WindowedOpInterface op, TilingAttr tiling, TargetAttr target) {
  ShapedType out = op.getOutputType();
  int64_t bits = out.getElementTypeBitWidth(), lanes = target.getLanes(bits), depth = op.getInputChannels();
  double vectorBytes = static_cast<double>(depth * target.getVectorBits() / 8);
  bool single = out.getDimSize(0) == 1;
  if (tiling.getShare() > 1) // fewer bytes in all
    return single ? tiling
                  : TilingAttr::get(op->getContext(), tiling.getKu(), tiling.getUnroll(), tiling.getMerge(), tiling.getSegments(), {},
                                    imagesInRegisters(tiling.getKu(), target), {}, tiling.getShare());
  bool matrix = isa<MatMulOp>(op.getOperation()); // a blocked output has no room for vectors beyond its last one
  int64_t streams = streamsOf(llvm::divideCeil(op.getOutputChannels(), lanes), matrix, depth, lanes);
  int64_t ku = single ? streams : vectorsForImages(streams, vectorBytes, target), images = single ? 0 : imagesInRegisters(1, target);
  if (auto r = remark::analysis(op.getLoc(), remark::RemarkOpts::name("batch").category("nn-select-tiling"))) {
    std::string text = llvm::formatv("one image reads its weights, {0:f0} kB, as {1} stream{2}",
                                     llvm::divideCeil(op.getOutputChannels(), lanes) * vectorBytes / 1e3, streams, streams == 1 ? "" : "s");
    if (!single)
      text += llvm::formatv("; {0} images are the pixels of a tile, and all of them go through {1} vector{2} of channels before the next", images, ku,
                            ku == 1 ? "" : "s");
    r << text;
  }
  return TilingAttr::get(op->getContext(), ku, tiling.getUnroll(), tiling.getMerge(), tiling.getSegments(), {}, images, /*prefetch=*/{}, /*share=*/1, streams);
}

} // namespace

TilingAttr lathe::passes::nestBatch(WindowedOpInterface op, TilingAttr tiling, TargetAttr target) {
  ShapedType out = op.getOutputType();
  auto conv = dyn_cast<ConvOp>(op.getOperation());
  if (op.getReduction() != Reduction::dense || !op.getWeightsOrNull() || !tiling.getWinograd().empty())
    return tiling;
  int64_t bytes = out.getElementTypeBitWidth() / 8, lanes = target.getLanes(out.getElementTypeBitWidth());
  int64_t ku = tiling.getKu(), groups = llvm::divideCeil(op.getOutputChannels(), ku * lanes);
  double weights = static_cast<double>(cast<ShapedType>(op.getWeightsOrNull().getType()).getNumElements()) * bytes;
  double input = bytes;
  for (int64_t extent : cast<ShapedType>(op.getInput().getType()).getShape().drop_front())
    input *= extent;
  Traffic traffic{weights, weights / groups, input, groups};
  if (isPixel(op) && weights > target.getL1Bytes() / 2.0 && (!conv || conv.getGroups() == 1))
    return nestPixels(op, tiling, target);
  if (out.getDimSize(0) == 1 || readCycles(traffic, target, true) >= kNestingGain * readCycles(traffic, target, false))
    return tiling;
  if (auto r = remark::analysis(op.getLoc(), remark::RemarkOpts::name("batch").category("nn-select-tiling")))
    r << llvm::formatv("all images for a group of channels, then the next group: {0:f0} kB of weights are read once, not for each image", weights / 1e3).str();
  return TilingAttr::get(op->getContext(), ku, tiling.getUnroll(), tiling.getMerge(), tiling.getSegments(), tiling.getWinograd(), /*images=*/1,
                         tiling.getPrefetch(), tiling.getShare());
}
