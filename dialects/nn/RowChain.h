// Chains of windowed operations that are computed together, a block of rows at a time (lathe-group): how many rows of what passes between them are in memory.
#ifndef DIALECTS_NN_ROWCHAIN_H
#define DIALECTS_NN_ROWCHAIN_H

#include "dialects/nn/NNDialect.h"

namespace lathe::nn {

/// Extent of the dimension that blocks cut, of a blocked buffer or a plain image.
inline int64_t rowsOf(mlir::Value buffer) { return mlir::cast<mlir::ShapedType>(buffer.getType()).getDimSize(2); }

/// Rows of the input that `rows` neighbouring output rows need.
inline int64_t rowsNeeded(WindowedOpInterface op, int64_t rows) {
  return (rows - 1) * op.getWindowStrides()[0] + dilatedWindow(op.getWindowShape()[0], op.getWindowDilations()[0]);
}

/// For each operation of the chain but the last, the rows of its result that are in memory at once where the last one computes `rows` together. A block needs
/// of its predecessor's rows what its windows overlap, and as many as the later operations of the block have not computed yet.
inline llvm::SmallVector<int64_t> rowsInMemory(llvm::ArrayRef<WindowedOpInterface> chain, int64_t rows) {
  llvm::SmallVector<int64_t> kept(chain.size() - 1);
  for (size_t i = kept.size(); i-- > 0;) {
    WindowedOpInterface reader = chain[i + 1];
    rows = kept[i] = std::min(rowsNeeded(reader, rows), rowsOf(reader.getInput()));
  }
  return kept;
}

/// Distance of channel blocks in a buffer of `rows` rows, in elements: an odd number of vectors, so that a pixel's blocks do not fall into one set of a cache.
inline int64_t blockDistance(mlir::MemRefType map, int64_t rows) {
  int64_t pixels = rows;
  for (int64_t extent : map.getShape().drop_front(3).drop_back())
    pixels *= extent;
  return (pixels | 1) * map.getShape().back();
}

/// Bytes of a buffer of `rows` rows of `map`.
inline int64_t bytesOfRows(mlir::MemRefType map, int64_t rows) { return map.getDimSize(1) * blockDistance(map, rows) * map.getElementTypeBitWidth() / 8; }

} // namespace lathe::nn

#endif // DIALECTS_NN_ROWCHAIN_H
