// Grouped convolutions as dense tiles. A tile of `tile` output channels belongs to one or more groups of the convolution; it reduces over the input channels
// of all of them, with zero weights where an output channel's group does not hold the input channel. All tiles reduce over equally many channels, so that
// one kernel serves them: start + span never passes the last channel.
//
// Instead the weights may have the channels of one group only, each lane those of its own, so that nothing is multiplied by zero: where groups of as many
// channels in as out lie in one vector, and where a tile holds several whole groups whose borders are not those of vectors.
#ifndef DIALECTS_NN_GROUPSPAN_H
#define DIALECTS_NN_GROUPSPAN_H

#include <algorithm>
#include <cstdint>

namespace lathe::nn {

struct GroupSpan {
  int64_t inputChannels, outputChannels, groups, tile;

  /// Whether there are several groups in a vector, each of as many channels in as out.
  bool fitLanes(int64_t lanes) const {
    int64_t perGroup = inputPerGroup();
    return groups > 1 && inputChannels == outputChannels && perGroup > 1 && perGroup < lanes && lanes % perGroup == 0;
  }

  /// Whether a tile holds several whole groups, and vectors hold parts of two or more. Their number is the same in each tile.
  bool meetInVectors(int64_t lanes) const {
    int64_t perGroup = outputPerGroup();
    return groups > 1 && tile > perGroup && tile % perGroup == 0 && perGroup % lanes != 0 && lanes % perGroup != 0;
  }

  int64_t inputPerGroup() const { return inputChannels / groups; }
  int64_t outputPerGroup() const { return outputChannels / groups; }

  /// Input channels that each tile reduces over.
  int64_t span() const {
    int64_t most = 0;
    for (int64_t first = 0; first < outputChannels; first += tile) {
      int64_t last = std::min(first + tile, outputChannels) - 1;
      most = std::max(most, last / outputPerGroup() - first / outputPerGroup() + 1);
    }
    return most * inputPerGroup();
  }

  /// Whether the channels of every tile begin at a multiple of span(): a tile holds whole groups, or lies in one.
  bool isAligned() const { return inputChannels % span() == 0 && (tile % outputPerGroup() == 0 || outputPerGroup() % tile == 0); }
  /// Whether every tile reads whole blocks of `lanes` channels. No group but one of whole blocks is spread over several: in whatever tile an output is, it is
  /// summed in the same order.
  bool isOfWholeBlocks(int64_t lanes) const { return inputPerGroup() % lanes == 0 || (lanes % inputPerGroup() == 0 && isAligned() && span() % lanes == 0); }
  /// Whether the channels that a tile reads lie in one block of `lanes`.
  bool isInOneBlock(int64_t lanes) const { return isAligned() && lanes % span() == 0; }

  /// First input channel of tile `index`.
  int64_t start(int64_t index) const { return std::min(index * tile / outputPerGroup() * inputPerGroup(), inputChannels - span()); }
};

} // namespace lathe::nn

#endif // DIALECTS_NN_GROUPSPAN_H
