// Evaluates weight recipes: from #nn.weight to bytes.
#ifndef COMPILER_ARTIFACT_RECIPE_H
#define COMPILER_ARTIFACT_RECIPE_H

#include "compiler/artifact/SourceFile.h"

namespace lathe {

/// Writes the weight's elements in row-major order to `to`, which has exactly their bytes. On failure `error` is one line that names the file or the
/// recipe: the input is missing or not what was imported.
mlir::LogicalResult evaluateWeight(nn::WeightAttr weight, SourceFiles &files, llvm::MutableArrayRef<char> to, std::string &error);

/// Bytes of the evaluated weight; the recipe has been verified.
int64_t weightBytes(nn::WeightAttr weight);

/// Where weights lie when they are packed one after the other.
struct WeightLayout {
  llvm::SmallVector<uint64_t> offsets;
  uint64_t bytes = 0;
};
WeightLayout layOutWeights(llvm::ArrayRef<nn::WeightAttr> weights, uint64_t alignment);

/// Evaluates all weights into `to` (of `layout.bytes`), several at a time; gaps are zeroed.
mlir::LogicalResult evaluateWeights(llvm::ArrayRef<nn::WeightAttr> weights, const WeightLayout &layout, llvm::StringRef directory, unsigned threads,
                                    llvm::MutableArrayRef<char> to, std::string &error);

} // namespace lathe

#endif // COMPILER_ARTIFACT_RECIPE_H
