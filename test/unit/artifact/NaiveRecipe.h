// Evaluates recipes element by element, straight from the table in NNAttrs.td: slow, and with nothing in common with the compiler's evaluation.
#ifndef TEST_UNIT_ARTIFACT_NAIVERECIPE_H
#define TEST_UNIT_ARTIFACT_NAIVERECIPE_H

#include "dialects/nn/NNDialect.h"
#include <functional>
#include <vector>

namespace lathe::test {

using Index = std::vector<int64_t>;

/// A tensor as its shape and a function of the index.
struct NaiveTensor {
  std::vector<int64_t> shape;
  std::function<double(const Index &)> at;
};

/// `read` gives element `i` of a file's floats.
NaiveTensor evaluateNaively(nn::WeightAttr weight, std::function<float(nn::FileAttr, int64_t i)> read);

/// All elements in row-major order, rounded to float.
std::vector<float> elementsOf(const NaiveTensor &tensor);

} // namespace lathe::test

#endif // TEST_UNIT_ARTIFACT_NAIVERECIPE_H
