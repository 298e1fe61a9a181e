#include "passes/nn_to_linalg/CostModel.h"
#include "dialects/nn/GroupSpan.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <vector>

using namespace lathe::passes;

namespace {

// Cycles per distinct width: code that the instruction cache holds besides.
constexpr double kVariantOverhead = 60;
// Adding up what input channels that share a register have summed, per pixel.
constexpr double kShareSum = 4;
// A reduction this shallow is over before the epilogue of the tile before it: fewer accumulators let the two overlap.
constexpr int64_t kShallow = 128, kShallowAccumulators = 16;

lathe::nn::GroupSpan spanOf(const Work &w, int64_t ku, const Machine &m) { return {w.inputChannels * w.groups, w.outputChannels, w.groups, ku * m.lanes}; }

bool lanesOwnChannels(const Work &w, int64_t ku, const Machine &m) { return w.ownChannels && spanOf(w, ku, m).meetInVectors(m.lanes); }

/// Steps of a tile of `ku` vectors.
int64_t depthOf(const Work &w, int64_t ku, const Machine &m) {
  return (w.groups == 1 || lanesOwnChannels(w, ku, m) ? w.inputChannels : spanOf(w, ku, m).span()) * w.windowElements;
}

/// What one pixel's step takes besides multiply-adds: a broadcast for each group, and blends of them, one for each border of groups within a vector.
struct Meeting {
  int64_t broadcasts = 1, blends = 0;
  Meeting(const Work &w, int64_t ku, const Machine &m) {
    if (!lanesOwnChannels(w, ku, m))
      return;
    int64_t perGroup = w.outputChannels / w.groups;
    broadcasts = ku * m.lanes / perGroup;
    for (int64_t border = perGroup; border < ku * m.lanes; border += perGroup)
      blends += border % m.lanes != 0;
  }
};

/// Accumulators and the registers that one step needs besides: ku weight vectors and a broadcast. LLVM's scheduler needs some room, else it spills in the
/// innermost loop: three of 32 registers; of 16 one for a second broadcast, unless three multiply-adds or more wait for the first.
int64_t mostPixels(int64_t ku, int64_t depth, const Machine &m, int64_t broadcasts = 1) {
  int64_t spare = m.registers >= 32 ? 3 : ku < 3 ? 1 : 0;
  int64_t room = m.registers - spare - ku - broadcasts;
  if (depth <= kShallow)
    room = std::min(room, kShallowAccumulators);
  return room / ku;
}

double stepCycles(int64_t ku, int64_t share, int64_t pixels, double weightBandwidth, const Work &w, const Machine &m) {
  // The last vector takes part in one of `share` steps, with a broadcast of its own if it shares.
  double vectors = ku - 1 + 1.0 / share, broadcasts = share == 1 ? 1 : (ku > 1) + 1.0 / share;
  Meeting groups(w, ku, m); // blends use the ports of multiply-adds
  broadcasts *= static_cast<double>(groups.broadcasts);
  double fma = (vectors + static_cast<double>(groups.blends)) * pixels / m.fmaPerCycle;
  // Dense: one broadcast per pixel serves ku vectors; channelwise: each vector is loaded.
  double loads = ((w.multiply ? vectors : 0) + pixels * (w.channelwise ? ku : broadcasts)) / m.loadsPerCycle;
  double latency = static_cast<double>(m.fmaLatency) / (ku > 1 ? 1 : share);
  double weights = w.multiply ? ku * m.lanes * m.elementBytes / weightBandwidth : 0;
  return std::max({fma, loads, latency, weights}) + kStepOverhead;
}

/// A line covered by tiles whose widths differ by at most one, without a list of them: lines may be long and candidates many.
struct Cover {
  int64_t narrow, count, wider; // `wider` of the `count` tiles have a pixel more
  Cover(int64_t width, int64_t most) {
    count = ceilDiv(width, std::max<int64_t>(most, 1));
    narrow = width / count;
    wider = width % count;
  }
  int64_t widest() const { return narrow + (wider > 0); }
};

double predict(const Tile &tile, const Cover &cover, const Work &w, const Machine &m) {
  int64_t depth = depthOf(w, tile.ku, m), vectors = ceilDiv(w.outputChannels, m.lanes), groups = ceilDiv(vectors, tile.ku);
  int64_t vectorBytes = m.lanes * m.elementBytes, groupBytes = tile.ku * vectorBytes * depth;
  // A group's weights are read once per tile, from the level that holds them.
  double l1 = m.loadsPerCycle * vectorBytes, bandwidth = groupBytes <= m.l1Bytes / 2 ? l1 : groupBytes <= m.l2Bytes / 2 ? l1 / 4 : m.l3BytesPerCycle;
  auto tileCycles = [&](int64_t pixels) {
    double epilogue = tile.ku * pixels * (1.0 + static_cast<double>(w.epilogueLoads) / m.loadsPerCycle);
    if (tile.share > 1)
      epilogue += pixels * kShareSum;
    return depth * stepCycles(tile.ku, tile.share, pixels, bandwidth, w, m) + epilogue + kTileOverhead;
  };
  double line = (cover.count - cover.wider) * tileCycles(cover.narrow);
  if (cover.wider)
    line += cover.wider * tileCycles(cover.narrow + 1);
  int64_t variants = cover.wider ? 2 : 1;
  double compute = groups * (w.lines / tile.merge) * line + variants * kVariantOverhead;
  // Each group reads its part of the input: its own channels, or, again and again, all of those that it reduces over. Half of that hides behind the arithmetic.
  double inputBandwidth = w.inputBytes <= m.l2Bytes / 2 ? l1 / 4 : m.l3BytesPerCycle;
  double part = w.channelwise ? 1.0 / groups : static_cast<double>(depth) / static_cast<double>(w.inputChannels * w.groups * w.windowElements);
  return compute + 0.5 * groups * static_cast<double>(w.inputBytes) * part / inputBandwidth;
}

} // namespace

Tile lathe::passes::chooseTile(const Work &w, const Machine &m, llvm::SmallVectorImpl<Tile> *others, size_t count) {
  int64_t vectors = ceilDiv(w.outputChannels, m.lanes);
  std::vector<std::pair<Tile, Cover>> tiles;
  for (int64_t ku = 1; ku <= std::min(vectors, w.mostVectors); ++ku) {
    // Stores beyond the last vector of a blocked output are left out only where groups meet.
    if (!w.paddedChannels && vectors % ku && !lanesOwnChannels(w, ku, m))
      continue;
    int64_t depth = depthOf(w, ku, m), room = mostPixels(ku, depth, m, Meeting(w, ku, m).broadcasts);
    int64_t widest = w.channelwise ? std::min(room, 16 / ku) : room;
    if (widest < 1 && ku > 1)
      continue;
    widest = std::max<int64_t>(widest, 1); // a machine with next to no registers still needs a tile
    for (int64_t merge = 1; merge <= w.mergeableLines; ++merge) {
      if (w.mergeableLines % merge)
        continue;
      int64_t previous = 0;
      for (int64_t most = std::min(widest, w.lineWidth * merge); most >= 1; --most) {
        Cover cover(w.lineWidth * merge, most);
        if (cover.widest() == previous)
          continue; // the same cover again
        previous = cover.widest();
        for (int64_t share = 1; share <= (ku == vectors ? w.mostShare : 1); share *= 2) {
          // Shared channels have a weight and a load of their own: with all registers in use, measured, they spill.
          if (share > 1 && cover.widest() > 1 && ku * cover.widest() > mostPixels(1, depth, m) - 2)
            continue;
          Tile tile{ku, std::min(std::max(kUnroll, share), w.inputChannels), merge, {}};
          tile.share = share;
          tile.cycles = predict(tile, cover, w, m);
          tiles.push_back({std::move(tile), cover});
        }
        if (most <= widest / 3)
          break; // ever narrower tiles only add steps
      }
    }
  }
  // Ties go to the earlier candidate: fewer channel vectors, fewer merged lines, wider tiles.
  llvm::stable_sort(tiles, [](const auto &a, const auto &b) { return a.first.cycles < b.first.cycles; });
  auto finished = [&](size_t i) {
    tiles[i].first.segments = balancedSegments(w.lineWidth * tiles[i].first.merge, tiles[i].second.widest());
    return tiles[i].first;
  };
  Tile best = finished(0);
  for (size_t i = 1; others && i < tiles.size() && others->size() < count; ++i) {
    auto alike = [&](const Tile &t) { return t.ku == tiles[i].first.ku && t.segments.front() == tiles[i].second.widest(); };
    if (!alike(best) && llvm::none_of(*others, alike))
      others->push_back(finished(i));
  }
  return best;
}
