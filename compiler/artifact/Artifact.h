// Writes the artifact: objects, evaluated weights and manifest, linked in process.
#ifndef COMPILER_ARTIFACT_ARTIFACT_H
#define COMPILER_ARTIFACT_ARTIFACT_H

#include "compiler/Options.h"
#include "compiler/artifact/GpuCode.h"
#include "compiler/target/cpu/Codegen.h"

namespace lathe {

struct ArtifactOptions {
  std::string output;
  Emit emit = Emit::so;
  bool weightsInFile = false; // in `output` + ".weights" instead of in the artifact; shared objects only
  unsigned threads = 1;
  std::string flags;            // those that change code, for the manifest
  const GpuCode *gpu = nullptr; // of a network for GPUs, which has no objects
};

/// Writes `options.output`: a shared object, one relocatable object with the same content, or the kernels' assembly (which code generation must have
/// kept). Files appear whole or not at all. On failure `error` is one line and `exitCode` the tool's exit status: the weights are missing or not those that
/// were imported, the output cannot be written, or an internal error.
mlir::LogicalResult writeArtifact(mlir::ModuleOp module, llvm::ArrayRef<Object> objects, const ArtifactOptions &options, std::string &error, int &exitCode);

} // namespace lathe

#endif // COMPILER_ARTIFACT_ARTIFACT_H
