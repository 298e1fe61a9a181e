// Steps of weight recipes, as the importer writes them.
#ifndef COMPILER_IMPORT_RECIPE_H
#define COMPILER_IMPORT_RECIPE_H

#include "dialects/nn/NNDialect.h"
#include "mlir/IR/Builders.h"

namespace lathe::importer {

inline nn::WeightAttr withStep(nn::WeightAttr weight, llvm::StringRef kind, llvm::ArrayRef<int64_t> args) {
  return weight.withStep(nn::StepAttr::get(weight.getContext(), kind, args, {}, {}));
}

/// Elementwise with another recipe: "add", "sub", "mul", "div".
inline nn::WeightAttr withOperand(nn::WeightAttr weight, llvm::StringRef kind, nn::WeightAttr operand) {
  return weight.withStep(nn::StepAttr::get(weight.getContext(), kind, {}, {}, operand));
}

/// x * factor; no step for a factor of 1.
inline nn::WeightAttr multipliedBy(nn::WeightAttr weight, double factor) {
  if (factor == 1)
    return weight;
  mlir::FloatAttr value = mlir::Builder(weight.getContext()).getF64FloatAttr(factor);
  return weight.withStep(nn::StepAttr::get(weight.getContext(), "mul_scalar", {}, value, {}));
}

inline nn::WeightAttr reshapedTo(nn::WeightAttr weight, llvm::ArrayRef<int64_t> dims) {
  return llvm::ArrayRef<int64_t>(*weight.getResultShape()) == dims ? weight : withStep(weight, "reshape", dims);
}

inline nn::WeightAttr broadcastTo(nn::WeightAttr weight, llvm::ArrayRef<int64_t> dims) {
  return llvm::ArrayRef<int64_t>(*weight.getResultShape()) == dims ? weight : withStep(weight, "broadcast", dims);
}

} // namespace lathe::importer

#endif // COMPILER_IMPORT_RECIPE_H
