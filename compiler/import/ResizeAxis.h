// The arithmetic of Resize along one axis. It depends on shapes only and is done at compile time, in double.
// Source: the operator's description in the ONNX specification (Resize-10 to Resize-19) and, where that is silent, onnx's reference evaluator.
#ifndef COMPILER_IMPORT_RESIZEAXIS_H
#define COMPILER_IMPORT_RESIZEAXIS_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>

namespace lathe::importer {

enum class Coordinates { halfPixel, halfPixelSymmetric, pytorchHalfPixel, alignCorners, asymmetric, tfHalfPixelForNN, tfCropAndResize };
enum class Interpolation { nearest, linear, cubic };
/// `downCeil`: what opset 10 means: down for a magnified axis, up for one that shrinks.
enum class Rounding { preferFloor, preferCeil, floor, ceil, downCeil };

struct ResizeMode {
  Coordinates coordinates = Coordinates::halfPixel;
  Interpolation interpolation = Interpolation::nearest;
  Rounding rounding = Rounding::preferFloor;
  double cubicA = -0.75, extrapolation = 0;
  bool excludeOutside = false, antialias = false;
};

struct ResizeAxis {
  int64_t axis, in, out;     // out: of the result, >= 1
  double scale;              // result / input, as given or as the sizes have it
  double begin = 0, end = 1; // region of interest, relative
  bool isIdentity() const { return in == out && scale == 1 && begin == 0 && end == 1; }
};

/// Each result element is a sum of `count` weighted elements. An index of -1 means that the result element is the extrapolation value.
struct Taps {
  int64_t count = 1;
  llvm::SmallVector<int32_t> indices; // [out][count]
  llvm::SmallVector<double> weights;  // the same
};
/// How many elements each sum has: to be checked before the taps are made.
int64_t tapCount(const ResizeMode &mode, const ResizeAxis &axis);
Taps computeTaps(const ResizeMode &mode, const ResizeAxis &axis);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_RESIZEAXIS_H
