// How the kernel of a tiled operation cuts its output: what passes above the tiling and the tiling itself have to agree on.
#ifndef DIALECTS_NN_PARTS_H
#define DIALECTS_NN_PARTS_H

#include "dialects/nn/NNDialect.h"

namespace lathe::nn {

/// Groups of output-channel vectors.
int64_t groupsOf(WindowedOpInterface op);
/// Lines of merged rows in an image.
int64_t linesOf(WindowedOpInterface op);
/// The pieces that a line is cut into. A line that is a large part of the image (many rows are merged, or there is one spatial dimension) is cut, or threads
/// would have nothing to share. No piece is smaller than what is worth a thread, and there are no more than many threads could use.
int64_t piecesOfLine(WindowedOpInterface op);
/// Into how many parts the iterations of the kernel cut an image of a block of channels.
int64_t partsOfImage(WindowedOpInterface op);

} // namespace lathe::nn

#endif // DIALECTS_NN_PARTS_H
