// The cost model: from the shape of a windowed operation and the target description to a register tile. No table of layers, no timing at compile time.
//
// A register tile is ku vectors of output channels times some pixels of a line. Cycles of one step (one input channel of one window element):
//
//     max( ku * pixels / fma per cycle, (ku + pixels) / loads per cycle, fma latency, bytes of weights / bandwidth of the level that holds them )
//
// plus a small cost of the loop; per tile its epilogue is added. Measured on dense kernels within about 10 % (docs/rationale/CostModel.md).
#ifndef PASSES_NN_TO_LINALG_COSTMODEL_H
#define PASSES_NN_TO_LINALG_COSTMODEL_H

#include "dialects/nn/Segments.h"

#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace lathe::passes {

// Cycles of loop control per step and per tile, whatever the algorithm.
inline constexpr double kStepOverhead = 0.25, kTileOverhead = 12;
// Input channels per iteration of the innermost loop: four are as fast as sixteen, and compile in half the time.
inline constexpr int64_t kUnroll = 4;
using nn::balancedSegments;
using nn::kThreadWorth;

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// What the model knows of the machine; the numbers of #nn.target, one core. Sizes in bytes, bandwidths in bytes per cycle.
struct Machine {
  int64_t lanes; // of a full vector of the operation's element type
  int64_t registers;
  int64_t fmaPerCycle, loadsPerCycle, fmaLatency;
  int64_t l1Bytes, l2Bytes, l3BytesPerCycle, memoryBytesPerCycle;
  int64_t elementBytes = 4;
};

/// One windowed operation, per image.
struct Work {
  bool multiply = true;      // multiply-add with weights; else a pool
  bool channelwise = false;  // each output channel reduces over its own input channel: a pool or a depthwise convolution
  int64_t inputChannels = 1; // that one output element reduces over (1 for a pool)
  int64_t outputChannels = 1;
  int64_t groups = 1;         // of a convolution: a tile reduces over the input channels of all groups that it touches (GroupSpan.h)
  int64_t windowElements = 1; // product of the window's extents
  int64_t lineWidth = 1;      // output pixels in the last dimension
  int64_t lines = 1;          // output lines: product of the other dimensions
  int64_t mergeableLines = 1; // neighbouring lines that may be treated as one (a divisor of `lines`), 1 if none
  int64_t inputBytes = 0;     // of one image
  int64_t epilogueLoads = 0;  // elementwise operands that the epilogue loads per output vector
  int64_t mostVectors = 8;    // of output channels in a tile
  int64_t mostShare = 1;      // input channels that may share a register of the last vector of output channels: a power of two
  bool ownChannels = false;   // where groups meet in vectors, each lane may have the weights of its own group
  bool paddedChannels = true; // output channels may be padded up to whole tiles of ku vectors (else ku must divide their vectors)
};

struct Tile {
  int64_t ku = 1, unroll = 1, merge = 1;
  llvm::SmallVector<int64_t> segments;
  double cycles = 0; // predicted, per image
  int64_t share = 1; // input channels in a register of the last vector of output channels
};

/// The cheapest tile and, in `others`, up to `count` next best with another ku or widest segment.
Tile chooseTile(const Work &work, const Machine &machine, llvm::SmallVectorImpl<Tile> *others = nullptr, size_t count = 2);

} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_COSTMODEL_H
