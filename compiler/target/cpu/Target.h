// From `--mtriple` and `--mcpu` to #nn.target.
#ifndef COMPILER_TARGET_CPU_TARGET_H
#define COMPILER_TARGET_CPU_TARGET_H

#include "dialects/nn/NNDialect.h"
#include <string>

namespace lathe {

/// The target of a compilation. `triple`: x86_64 or aarch64 on Linux, empty for this machine's. `mcpu`: any CPU that LLVM knows, `native`, or empty (native
/// if the triple is this machine's, else the most general CPU). `descriptionFile` replaces the built-in description. On failure `error` is one line, and
/// the user's request is at fault.
///
/// `features` of the result is complete: the code generator uses these and the architecture's baseline, whatever else `cpu` has. `cpu` is only
/// tuned for, so an artifact made with `native` runs on every CPU of the same level.
mlir::FailureOr<nn::TargetAttr> resolveTarget(mlir::MLIRContext &context, llvm::StringRef triple, llvm::StringRef mcpu, std::string &error,
                                              llvm::StringRef descriptionFile = "");

/// Makes LLVM's code generators for the supported architectures known; called by everything here that needs them.
void initializeLLVMTargets();

} // namespace lathe

#endif // COMPILER_TARGET_CPU_TARGET_H
