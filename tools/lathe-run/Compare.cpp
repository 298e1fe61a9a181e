#include "tools/lathe-run/Compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace lathe::tools {

static std::string number(double value, const char *format = "%.9g") {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

Comparison compare(const Tensor &got, const Tensor &expected, const Tolerance &tolerance) {
  if (got.dtype != expected.dtype)
    return {false, std::string("type is ") + lathe_dtype_name(got.dtype) + ", expected " + lathe_dtype_name(expected.dtype)};
  if (got.dims != expected.dims)
    return {false, "shape is " + dimsText(got.dims) + ", expected " + dimsText(expected.dims)};
  double maxAbsolute = 0, maxRelative = 0;
  size_t different = 0, first = 0;
  for (size_t i = 0, count = got.count(); i < count; ++i) {
    double a = got.at(i), b = expected.at(i);
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    double error = std::fabs(a - b); // NaN if one of them is
    bool fits = error <= tolerance.absolute + tolerance.relative * std::fabs(b) && std::isfinite(error);
    maxAbsolute = std::isfinite(error) ? std::max(maxAbsolute, error) : INFINITY;
    maxRelative = std::isfinite(error) && b != 0 ? std::max(maxRelative, error / std::fabs(b)) : INFINITY;
    if (!fits && different++ == 0)
      first = i;
  }
  std::string text = "max abs error " + number(maxAbsolute, "%.3g") + ", max rel error " + number(maxRelative, "%.3g");
  if (different)
    text += "; " + std::to_string(different) + " of " + std::to_string(got.count()) + " differ, first at " + indexText(first, got.dims) + ": got " +
            number(got.at(first)) + ", expected " + number(expected.at(first));
  return {different == 0, text};
}

} // namespace lathe::tools
