// What the constants of a model may cost: a small file must not stand for gigabytes of constants, or for hours of arithmetic on them.
#ifndef COMPILER_IMPORT_CONSTANTBUDGET_H
#define COMPILER_IMPORT_CONSTANTBUDGET_H

#include "compiler/import/Import.h"
#include "compiler/import/OnnxModel.h"
#include "dialects/nn/NNDialect.h"
#include "llvm/ADT/DenseMap.h"

namespace lathe::importer {

/// The limit is 64 MB and 32 times the bytes that the model stores. A weight costs the bytes of its result and of each arithmetic step on the way, and what
/// its operands cost each time they stand in it; a splat costs nothing, since it stays one number.
class ConstantBudget {
public:
  static constexpr size_t kMaxSteps = 256;
  static constexpr int kMaxDepth = 64;

  explicit ConstantBudget(const OnnxModel &model);
  /// Why this weight alone is too much, or nothing.
  std::string refusal(nn::WeightAttr weight);
  /// Reports the first operation with which all weights together are too much, with exit code 2.
  void check(mlir::ModuleOp module, ImportReport &report);

private:
  struct Cost {
    int64_t bytes = 0; // saturates
    int depth = 1;
  };
  Cost costOf(nn::WeightAttr weight);
  std::string tooLarge(int64_t bytes) const;

  int64_t limit;
  llvm::DenseMap<mlir::Attribute, Cost> costs;
};

} // namespace lathe::importer

#endif // COMPILER_IMPORT_CONSTANTBUDGET_H
