// Weights come from beyond the second level once per run, in the order of execution, and memory is idle while an operation computes with what it has. So
// the reading is a stream of its own: it runs ahead of the arithmetic as far as the second level has room, and takes the time of operations with much
// arithmetic and few weights for those with few arithmetic and many (docs/rationale/CostModel.md).
#include "passes/nn_to_linalg/StreamWeights.h"

#include "dialects/nn/PrefetchRanges.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/FormatVariadic.h"
#include <limits>

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

namespace {

// Of the second level, what weights that wait and the operation's own maps may fill together.
constexpr double kRoom = 0.3;
// Beyond so many times the time of the arithmetic the operation itself waits for its weights, and a prefetch is but one more instruction; below this share of
// it nothing is to be gained.
constexpr double kMostFetch = 4, kLeastFetch = 0.02;
// Ranges are rounded to this many lines, so that operations of one shape stay one kernel.
constexpr int64_t kGrain = 512;

int64_t bytesOf(Value v) {
  auto type = cast<ShapedType>(v.getType());
  int64_t elements = 1;
  for (int64_t extent : type.getShape())
    elements *= ShapedType::isDynamic(extent) ? 1 : extent;
  return elements * (type.getElementTypeBitWidth() / 8);
}

/// Of one image.
int64_t mapBytes(Value v) {
  auto type = cast<ShapedType>(v.getType());
  return type.getRank() && !type.isDynamicDim(0) ? bytesOf(v) / std::max<int64_t>(type.getDimSize(0), 1) : bytesOf(v);
}

/// What one operation does to the stream, in bytes.
struct Reader {
  int64_t weights = 0, group = 0; // of the operation, and of one of its groups of channels; the operands of the epilogue count
  int64_t maps = 0;               // what it reads and writes besides, per image
  bool fetches = false;           // its tiles can fetch while they run

  explicit Reader(WindowedOpInterface op) {
    Value packed = op.getWeightsOrNull();
    maps = inputBytes(op) + mapBytes(op->getResult(0));
    for (size_t i = 0; i < op.getExtras().size(); ++i)
      (op.getExtraKind(i) == ExtraKind::elementwise ? maps : weights) +=
          op.getExtraKind(i) == ExtraKind::elementwise ? mapBytes(op.getExtras()[i]) : bytesOf(op.getExtras()[i]);
    if (!packed || !packed.getDefiningOp<WeightOp>())
      return;
    auto type = cast<ShapedType>(packed.getType());
    TilingAttr tiling = op.getTilingOrNull();
    weights += bytesOf(packed);
    group = bytesOf(packed) / type.getDimSize(0);
    int64_t pixels = 1, spatial = op.getSpatialRank();
    auto out = op.getOutputType();
    if (isa<MatMulOp>(op.getOperation()))
      pixels = out.getRank() == 3 ? out.getDimSize(1) : 1;
    else
      for (int64_t extent : out.getShape().slice(2, spatial))
        pixels *= extent;
    if (!tiling.getWinograd().empty()) { // [groups, points..., channels, ku V]: fetched while a point is multiplied
      for (int64_t points : type.getShape().drop_front().drop_back(2))
        group /= points;
      maps = std::numeric_limits<int32_t>::max(); // transformed input and products leave no room
      fetches = type.getDimSize(type.getRank() - 2) >= type.getDimSize(type.getRank() - 1) / tiling.getKu();
      return;
    }
    auto conv = dyn_cast<ConvOp>(op.getOperation());
    bool grouped = conv && conv.getGroups() > 1 && op.getReduction() == Reduction::dense;
    fetches = !grouped && pixels > 1 && tiling.getImages() <= 1;
  }
};

} // namespace

int64_t lathe::passes::inputBytes(WindowedOpInterface op) {
  auto type = cast<ShapedType>(op.getInput().getType());
  auto conv = dyn_cast<ConvOp>(op.getOperation());
  if (!conv || !conv.getPlaces())
    return mapBytes(op.getInput());
  int64_t bytes = op.getInputChannels() * (type.getElementTypeBitWidth() / 8);
  for (int64_t extent : type.getShape().slice(2, op.getSpatialRank()))
    bytes *= extent;
  return bytes;
}

void lathe::passes::streamWeights(ArrayRef<StreamStep> steps, TargetAttr target) {
  // Also where the third level would give more: lines on their way take buffers that the operands of the multiply-adds need.
  double bandwidth = target.getMemoryBytesPerCycle();
  SmallVector<Reader> readers;
  int64_t left = 0; // bytes from the first weights of the operation to the last of the function
  for (const StreamStep &s : steps)
    left += readers.emplace_back(s.op).weights;
  int64_t ahead = 0; // of them, so many have been fetched before
  for (auto [s, r] : llvm::zip(steps, readers)) {
    WindowedOpInterface op = s.op;
    TilingAttr t = op.getTilingOrNull();
    auto lines = [](double bytes) { return static_cast<int64_t>(bytes) / (kGrain * kCacheLineBytes) * kGrain; };
    int64_t room = std::max<int64_t>(kRoom * target.getL2Bytes() - r.maps, 0), reach = ahead;
    if (s.fixed) {
      reach = t.getPrefetch().empty() ? reach : t.getPrefetch()[1] * kCacheLineBytes;
    } else if (r.fetches && r.weights <= kMostFetch * s.cycles * target.getL3BytesPerCycle()) {
      // The first group comes when it is asked for, unless it is there. All that the operation needs itself is fetched; and beyond that what memory delivers
      // meanwhile, if there is room.
      int64_t from = std::max(ahead, r.group) / kCacheLineBytes, own = r.weights + r.group;
      int64_t to = lines(std::min<double>({ahead + s.cycles * bandwidth, static_cast<double>(r.weights + room)}));
      to = std::min(std::max(to, own / kCacheLineBytes), left / kCacheLineBytes);
      if ((to - from) * kCacheLineBytes > kLeastFetch * s.cycles * bandwidth) {
        if (ahead >= r.group)
          from = std::max(lines(ahead), r.group / kCacheLineBytes);
        reach = to * kCacheLineBytes;
        op.setTiling(TilingAttr::get(t.getContext(), t.getKu(), t.getUnroll(), t.getMerge(), t.getSegments(), t.getWinograd(), t.getImages(), {from, to},
                                     t.getShare(), t.getStreams()));
        if (auto remark = remark::analysis(op.getLoc(), remark::RemarkOpts::name("stream").category("nn-select-tiling")))
          remark << llvm::formatv("of its {0} kB of weights {1} are there; fetches {2} kB meanwhile", r.weights >> 10, std::min(ahead, r.weights) >> 10,
                                  ((to - from) * kCacheLineBytes) >> 10)
                        .str();
      }
    }
    ahead = std::max<int64_t>(reach - r.weights, 0);
    left -= r.weights;
  }
}
