#include "passes/nn_to_linalg/NestBatch.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace lathe::nn;

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

/// Fewer vectors of channels leave registers for more images; as many as it takes to wait for no accumulator while weights arrive for one image.
/// `whole` is 0, or the number of vectors that tiles may not go beyond.
int64_t vectorsForImages(int64_t ku, int64_t whole, double weights, TargetAttr target) {
  int64_t vectorBytes = target.getVectorBits() / 8;
  double rate = weights > target.getL2Bytes() / 2.0 ? target.getL3BytesPerCycle() : target.getLoadsPerCycle() * vectorBytes / 4.0;
  int64_t least = std::clamp<int64_t>(std::ceil(rate * target.getFmaLatency() / vectorBytes), 1, ku), best = ku;
  for (int64_t fewer = ku - 1; fewer >= least; --fewer)
    if (whole % fewer == 0 && imagesInRegisters(fewer, target) > imagesInRegisters(best, target))
      best = fewer;
  return best;
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

} // namespace

TilingAttr lathe::passes::nestBatch(WindowedOpInterface op, TilingAttr tiling, TargetAttr target) {
  ShapedType out = op.getOutputType();
  if (out.getDimSize(0) == 1 || op.getReduction() != Reduction::dense || !op.getWeightsOrNull() || !tiling.getWinograd().empty())
    return tiling;
  int64_t bytes = out.getElementTypeBitWidth() / 8, lanes = target.getLanes(out.getElementTypeBitWidth());
  int64_t ku = tiling.getKu(), groups = llvm::divideCeil(op.getOutputChannels(), ku * lanes);
  double weights = static_cast<double>(cast<ShapedType>(op.getWeightsOrNull().getType()).getNumElements()) * bytes;
  double input = bytes;
  for (int64_t extent : cast<ShapedType>(op.getInput().getType()).getShape().drop_front())
    input *= extent;
  Traffic traffic{weights, weights / groups, input, groups};
  int64_t images = 0;
  if (isPixel(op) && weights > target.getL1Bytes() / 2.0) {
    // A blocked output has no room for vectors beyond its last one.
    int64_t whole = isa<MatMulOp>(op.getOperation()) ? 0 : llvm::divideCeil(op.getOutputChannels(), lanes);
    ku = vectorsForImages(ku, whole, weights, target);
    images = imagesInRegisters(ku, target);
  } else if (readCycles(traffic, target, true) < kNestingGain * readCycles(traffic, target, false)) {
    images = 1;
  }
  if (images == 0)
    return tiling;
  if (auto r = remark::analysis(op.getLoc(), remark::RemarkOpts::name("batch").category("nn-select-tiling"))) {
    std::string nesting = images > 1 ? llvm::formatv("{0} images are the pixels of a tile of {1} vectors of channels", images, ku).str()
                                     : "all images for a group of channels, then the next group";
    r << llvm::formatv("{0}: {1:f0} kB of weights are read once, not for each image", nesting, weights / 1e3).str();
  }
  return TilingAttr::get(op->getContext(), ku, tiling.getUnroll(), tiling.getMerge(), tiling.getSegments(), tiling.getWinograd(), images,
                         images > 1 ? 0 : tiling.getPrefetch(), ku == tiling.getKu() ? tiling.getShare() : 1);
}
