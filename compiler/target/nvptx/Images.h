// What of a network's code an artifact carries: cubins for the architectures that were asked for, and PTX that the driver compiles.
#ifndef COMPILER_TARGET_NVPTX_IMAGES_H
#define COMPILER_TARGET_NVPTX_IMAGES_H

#include "compiler/artifact/GpuCode.h"
#include "mlir/IR/BuiltinOps.h"

namespace lathe {

/// Ascending, without repetition.
struct GpuArchs {
  std::vector<unsigned> cubins, ptx;

  /// The one whose description tiles are chosen by, and whose instructions all images have.
  unsigned lowest() const;
};

/// "sm_80,sm_90,compute_80". PTX for compute_80 is always among them, unless `noPtx` and not listed. On failure `error` is one line.
mlir::FailureOr<GpuArchs> parseGpuArchs(llvm::StringRef list, bool noPtx, std::string &error);

/// Code for the module, which is in phase llvm and has an nn.target for the lowest of the architectures. Remarks of category "codegen" tell what ptxas says of
/// each kernel. The result depends on the module and the version of ptxas only. On failure `error` is one line and `exitCode` the tool's exit status.
mlir::LogicalResult buildGpuCode(mlir::ModuleOp module, const GpuArchs &archs, unsigned threads, GpuCode &code, std::string &error, int &exitCode);

} // namespace lathe

#endif // COMPILER_TARGET_NVPTX_IMAGES_H
