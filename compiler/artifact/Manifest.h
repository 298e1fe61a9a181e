// The artifact's manifest (runtime/include/lathe/artifact.h), from nn.plan and the module's attributes.
#ifndef COMPILER_ARTIFACT_MANIFEST_H
#define COMPILER_ARTIFACT_MANIFEST_H

#include "compiler/artifact/GpuCode.h"
#include "compiler/artifact/Recipe.h"
#include "dialects/nn/NNDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include <array>
#include <string>
#include <vector>

namespace lathe {

/// What the manifest says that is not in the module.
struct ManifestInput {
  std::vector<std::string> kernels; // symbols, in the order of the kernel table
  WeightLayout weights;
  std::string weightsFile; // relative to the artifact; empty if the weights are embedded
  std::array<uint8_t, 32> weightsHash = {};
  std::string flags;
  const GpuCode *gpu = nullptr; // then `kernels` is empty: they are in its launches
};

/// Where images lie among all of them.
struct ImageLayout {
  std::vector<uint64_t> offsets;
  uint64_t bytes = 0;
};
ImageLayout layOutImages(const GpuCode &code);

/// The section's bytes; how many they are does not depend on the hash, so that a file can be laid out before its weights are evaluated. Fails with one
/// line in `error` where the network has what the format cannot say.
mlir::FailureOr<std::vector<char>> buildManifest(mlir::ModuleOp module, const ManifestInput &input, std::string &error);

/// Fewest iterations of a launch that are worth a thread of their own: about 20 us of work, by the launch's arithmetic and traffic per iteration.
int64_t computeGrain(nn::LaunchOp launch, nn::TargetAttr target, int64_t batch);

} // namespace lathe

#endif // COMPILER_ARTIFACT_MANIFEST_H
