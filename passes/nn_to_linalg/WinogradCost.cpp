#include "passes/nn_to_linalg/WinogradCost.h"

#include "dialects/nn/CookToom.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include <algorithm>
#include <map>

using namespace lathe::passes;
using lathe::nn::CookToom;

namespace {

// Rounding errors grow with the points of a transform: six give some 1e-5 of the largest output (docs/rationale/Winograd.md).
constexpr int64_t kMostPoints = 6;
// Cycles per vector that one pass of a transform reads, computes with and writes; measured on F(4, 3) in two dimensions.
constexpr double kTransformCycles = 4;
// Of the first level, what the weights of one point may take to stay there while the tiles of a block pass by.
constexpr double kFirstLevelShare = 0.7;
// Parts, blocks times groups, that threads can share; fewer where a part would not be worth a thread (in multiply-adds of the direct form). They may cost so
// much by this model, which overrates what further blocks cost: measured, a single thread is as fast with them (docs/rationale/Winograd.md).
constexpr int64_t kWantedParts = 4;
constexpr double kSharingCost = 1.10;
// Of arithmetic and traffic that could overlap, this share of the shorter one does not.
constexpr double kExposed = 0.25;

/// The algorithm with one choice of m.
struct Shape {
  int64_t points = 1, tiles = 1;        // of a tile; of an image
  double inputPass = 0, outputPass = 0; // vectors that all passes of a transform go through, per tile
};

Shape shapeOf(const WinogradWork &w, llvm::ArrayRef<int64_t> m) {
  Shape s;
  for (auto [d, extent] : llvm::enumerate(w.output)) {
    s.points *= m[d] + w.window[d] - 1;
    s.tiles *= ceilDiv(extent, m[d]);
  }
  double size = s.points;
  for (size_t d = w.output.size(); d-- > 0;) {
    s.inputPass += s.points;
    s.outputPass += size;
    size = size / (m[d] + w.window[d] - 1) * m[d];
  }
  return s;
}

double predict(const WinogradWork &w, const Machine &m, const Shape &s, int64_t ku, int64_t blockTiles, llvm::ArrayRef<int64_t> segments) {
  int64_t vectorBytes = m.lanes * m.elementBytes, channelBlocks = ceilDiv(w.inputChannels, m.lanes), groups = ceilDiv(ceilDiv(w.outputChannels, m.lanes), ku);
  double blocks = static_cast<double>(ceilDiv(s.tiles, blockTiles)), l1 = m.loadsPerCycle * vectorBytes, l2 = l1 / 4;
  // Products: one matrix multiplication per point, group and block. Its weights are read once per register tile, from the level that holds them.
  double perPoint = 0, rereads = w.inputChannels * ku * vectorBytes <= kFirstLevelShare * m.l1Bytes ? l1 : l2 / 2;
  for (int64_t p : segments) {
    double step = std::max({static_cast<double>(ku * p) / m.fmaPerCycle, static_cast<double>(ku + p) / m.loadsPerCycle, static_cast<double>(m.fmaLatency),
                            ku * vectorBytes / rereads});
    perPoint += w.inputChannels * (step + kStepOverhead) + ku * p + kTileOverhead;
  }
  double arithmetic = blocks * groups * s.points * perPoint;
  // Traffic: weights once from where they rest and again for each further block; V once per group, from the second level if it and M fit there.
  double weights = static_cast<double>(groups) * s.points * w.inputChannels * ku * vectorBytes;
  double v = static_cast<double>(s.points) * channelBlocks * blockTiles * vectorBytes, products = static_cast<double>(s.points) * ku * blockTiles * vectorBytes;
  double near = weights <= m.l2Bytes / 4 ? l2 : m.l3BytesPerCycle;
  double traffic = weights / w.coldBandwidth + (blocks - 1) * weights / near + blocks * groups * v / (v + products <= 0.6 * m.l2Bytes ? l2 : m.l3BytesPerCycle);
  double cycles = std::max(arithmetic, traffic) + kExposed * std::min(arithmetic, traffic);
  double pixels = 1;
  for (int64_t extent : w.output)
    pixels *= extent;
  cycles += s.tiles * (channelBlocks * s.inputPass + groups * ku * s.outputPass) * kTransformCycles;
  return cycles + groups * ku * pixels * (1.0 + static_cast<double>(w.epilogueLoads) / m.loadsPerCycle);
}

/// All tiles with up to kMostPoints points by dimension, those without a transform left out.
void forEachM(const WinogradWork &w, llvm::SmallVector<int64_t> &m, llvm::function_ref<void()> body) {
  if (m.size() == w.window.size()) {
    if (llvm::any_of(m, [](int64_t v) { return v > 1; }))
      body();
    return;
  }
  int64_t r = w.window[m.size()], extent = w.output[m.size()];
  for (int64_t v = 1; v == 1 || (r > 1 && v + r - 1 <= kMostPoints && v <= extent + 1); ++v) {
    m.push_back(v);
    forEachM(w, m, body);
    m.pop_back();
  }
}

} // namespace

std::optional<WinogradTile> lathe::passes::chooseWinograd(const WinogradWork &w, const Machine &machine) {
  int64_t vectors = ceilDiv(w.outputChannels, machine.lanes), spare = machine.registers >= 32 ? 3 : 1;
  int64_t work = w.inputChannels * w.outputChannels;
  for (auto [extent, window] : llvm::zip(w.output, w.window))
    work *= extent * window;
  std::map<int64_t, WinogradTile> best; // by the parts that threads can share, as a power of two, up to those that are wanted
  const int64_t wanted = llvm::bit_floor(static_cast<uint64_t>(std::clamp<int64_t>(work / kThreadWorth, 1, kWantedParts)));
  llvm::SmallVector<int64_t> m;
  forEachM(w, m, [&] {
    Shape shape = shapeOf(w, m);
    for (int64_t ku = 1; ku <= std::min<int64_t>(vectors, 6); ++ku) {
      int64_t most = (machine.registers - spare - ku - 1) / ku;
      if (vectors % ku || most < 1)
        continue;
      for (int64_t width = most; width >= std::max<int64_t>(1, most / 2); --width)
        for (int64_t count = 1; count <= 8; ++count) {
          int64_t blocks = ceilDiv(shape.tiles, width * count), blockTiles = ceilDiv(shape.tiles, blocks);
          auto segments = balancedSegments(blockTiles, width);
          double cycles = predict(w, machine, shape, ku, blockTiles, segments);
          int64_t parts = std::min<int64_t>(wanted, llvm::bit_floor(static_cast<uint64_t>(blocks * (vectors / ku))));
          auto found = best.find(parts);
          if (found == best.end() || cycles < found->second.cycles)
            best[parts] = WinogradTile{m, ku, std::min(kUnroll, machine.lanes), segments, cycles};
          if (blocks == 1)
            break;
        }
    }
  });
  if (best.empty())
    return std::nullopt;
  double least = llvm::min_element(best, [](const auto &a, const auto &b) { return a.second.cycles < b.second.cycles; })->second.cycles;
  auto most = llvm::find_if(llvm::reverse(best), [&](const auto &tile) { return tile.second.cycles <= kSharingCost * least; });
  return most->second;
}
