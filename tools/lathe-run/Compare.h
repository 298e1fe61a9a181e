// Compares an output with what is expected of it.
#ifndef TOOLS_LATHE_RUN_COMPARE_H
#define TOOLS_LATHE_RUN_COMPARE_H

#include "tools/tensors/Tensor.h"

namespace lathe::tools {

struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;
};

struct Comparison {
  bool equal = true;
  std::string text; // one line
};

// An element fits if |got - expected| <= absolute + relative * |expected|, or both are the same infinity, or both are NaN.
Comparison compare(const Tensor &got, const Tensor &expected, const Tolerance &tolerance);

} // namespace lathe::tools

#endif
