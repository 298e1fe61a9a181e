// NVIDIA targets: which architecture is compiled for, and what the cost model knows of it.
#ifndef COMPILER_TARGET_NVPTX_TARGET_H
#define COMPILER_TARGET_NVPTX_TARGET_H

#include "dialects/nn/NNDialect.h"

namespace lathe {

/// `arch` is "sm_80" …; the lowest one that is supported if empty. On failure `error` is one line.
mlir::FailureOr<nn::TargetAttr> resolveGpuTarget(mlir::MLIRContext &context, llvm::StringRef arch, std::string &error);

/// Optional passes that have no form for a warp: what they make lives in a thread's scratch memory, or in the caches of a CPU.
llvm::ArrayRef<llvm::StringLiteral> passesWithoutGpuForm();

/// Registers LLVM's NVPTX back end.
void initializeNVPTX();

} // namespace lathe

#endif // COMPILER_TARGET_NVPTX_TARGET_H
