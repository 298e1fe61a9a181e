#include "compiler/import/ResizeAxis.h"

#include <algorithm>
#include <cmath>

using namespace lathe::importer;

/// The place in the input, in elements, of result element `i`.
static double sourceOf(const ResizeMode &mode, const ResizeAxis &axis, int64_t i) {
  double x = static_cast<double>(i), in = static_cast<double>(axis.in), scale = axis.scale;
  // The length that the scale asks for; the result's is that, rounded down.
  double length = scale * in;
  switch (mode.coordinates) {
  case Coordinates::halfPixel:
    return (x + 0.5) / scale - 0.5;
  case Coordinates::halfPixelSymmetric:
    return in / 2 * (1 - static_cast<double>(axis.out) / length) + (x + 0.5) / scale - 0.5;
  case Coordinates::pytorchHalfPixel:
    return axis.out > 1 ? (x + 0.5) / scale - 0.5 : 0;
  case Coordinates::alignCorners:
    return axis.out > 1 ? x * (in - 1) / (length - 1) : 0;
  case Coordinates::asymmetric:
    return x / scale;
  case Coordinates::tfHalfPixelForNN:
    return (x + 0.5) / scale;
  case Coordinates::tfCropAndResize:
    return axis.out > 1 ? axis.begin * (in - 1) + x * (axis.end - axis.begin) * (in - 1) / (length - 1) : 0.5 * (axis.begin + axis.end) * (in - 1);
  }
  return 0;
}

static double nearestOf(Rounding rounding, double x, double scale) {
  switch (rounding) {
  case Rounding::preferFloor:
    return std::ceil(x - 0.5);
  case Rounding::preferCeil:
    return std::floor(x + 0.5);
  case Rounding::floor:
    return std::floor(x);
  case Rounding::ceil:
    return std::ceil(x);
  case Rounding::downCeil:
    return scale < 1 ? std::ceil(x) : std::floor(x);
  }
  return 0;
}

/// The weight of an element at this distance. R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with a for -1/2.
static double kernelAt(const ResizeMode &mode, double distance) {
  double x = std::abs(distance);
  if (mode.interpolation == Interpolation::linear)
    return std::max(1 - x, 0.0);
  double a = mode.cubicA;
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// Only what shrinks is smoothed: the kernel is as much wider as the result is smaller.
static double kernelScale(const ResizeMode &mode, const ResizeAxis &axis) { return mode.antialias ? std::min(axis.scale, 1.0) : 1.0; }

/// Taps to the left of the element before the place; as many are to the right.
static int64_t tapsBefore(const ResizeMode &mode, const ResizeAxis &axis) {
  double radius = mode.interpolation == Interpolation::linear ? 1 : 2;
  return -static_cast<int64_t>(std::floor(-radius / kernelScale(mode, axis)) + 1);
}

int64_t lathe::importer::tapCount(const ResizeMode &mode, const ResizeAxis &axis) {
  return mode.interpolation == Interpolation::nearest ? 1 : 2 + 2 * tapsBefore(mode, axis);
}

Taps lathe::importer::computeTaps(const ResizeMode &mode, const ResizeAxis &axis) {
  Taps taps;
  taps.count = tapCount(mode, axis);
  auto clamped = [&](double i) { return static_cast<int32_t>(std::clamp(i, 0.0, static_cast<double>(axis.in - 1))); };
  for (int64_t i = 0; i < axis.out; ++i) {
    double x = sourceOf(mode, axis, i);
    if (mode.coordinates == Coordinates::tfCropAndResize && (x < 0 || x > static_cast<double>(axis.in - 1))) {
      taps.indices.append(taps.count, -1);
      taps.weights.append(taps.count, 0);
      continue;
    }
    if (mode.interpolation == Interpolation::nearest) {
      taps.indices.push_back(clamped(nearestOf(mode.rounding, x, axis.scale)));
      taps.weights.push_back(1);
      continue;
    }
    // A whole place counts as the right end of its interval, as in the reference evaluator: that decides which elements are outside.
    double left = std::ceil(x) - 1, first = left - static_cast<double>(tapsBefore(mode, axis)), sum = 0;
    size_t begin = taps.weights.size();
    for (int64_t k = 0; k < taps.count; ++k) {
      double at = first + static_cast<double>(k);
      bool outside = at < 0 || at >= static_cast<double>(axis.in);
      taps.indices.push_back(clamped(at));
      taps.weights.push_back(mode.excludeOutside && outside ? 0 : kernelAt(mode, (at - x) * kernelScale(mode, axis)));
      sum += taps.weights.back();
    }
    bool normalise = mode.antialias || mode.excludeOutside;
    for (size_t k = begin; k < taps.weights.size() && normalise && sum != 0; ++k)
      taps.weights[k] /= sum;
  }
  return taps;
}
