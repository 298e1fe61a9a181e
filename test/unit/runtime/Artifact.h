// A hand-made artifact, so that the runtime is tested without the compiler, and a builder for its manifest, so that every field can be wrong.
//
//   inputs   x: float32 [N, 4, 6], bias: float32 [6];   N from 1 to 1000
//   outputs  sums: float32 [N, 4], count: int64 [1]
//   sums[n, r] = sum over k of x[n, r, k] * w[k] + bias[k];   count = N
#ifndef TEST_UNIT_RUNTIME_ARTIFACT_H
#define TEST_UNIT_RUNTIME_ARTIFACT_H

#include "lathe/artifact.h"
#include "lathe/lathe.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lathe::test {

struct ManifestBuilder {
  lathe_manifest_header header{};
  std::string strings;
  std::vector<lathe_tensor_info> inputs, outputs;
  std::vector<lathe_affine> dims;
  std::vector<lathe_kernel_info> kernels;
  std::vector<lathe_call> calls;
  std::vector<lathe_arg> args;
  std::vector<lathe_range> nodes, features;
  std::optional<lathe_gpu_info> gpu; // of artifacts for GPUs, with
  std::vector<lathe_gpu_image> images;
  std::vector<lathe_gpu_launch> launches;

  // The manifest of the artifact above.
  ManifestBuilder();
  lathe_range text(const std::string &value);
  // Fills in the tables' places and the magic; what the test has set otherwise stays.
  std::vector<unsigned char> build() const;
};

// The same with bounded sums: at most [N, 4]; the run leaves [N, N] at byte 8 of the arena. The kernel that writes the batch stands for one that counts.
ManifestBuilder boundedSums();

// The same manifest for GPUs: two cubins for sm_80 and one PTX, which hold the two entries of the three kernels.
ManifestBuilder forGpus();

// The artifact's weights.
inline constexpr float weights[6] = {1.5f, -2.0f, 0.25f, 3.0f, -0.5f, 0.125f};

// A folder of its own for each test, removed with it.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  const std::string path;
};

std::string readWhole(const std::string &path);
void writeWhole(const std::string &path, const std::string &content);

// The bytes of an artifact: the code of a variant ("demo", "demo_wrong_count" … of CMakeLists.txt) with this manifest.
std::string artifactBytes(const std::vector<unsigned char> &manifest, const std::string &variant = "demo");
// Writes it; returns the path.
std::string writeArtifact(const std::string &path, const ManifestBuilder &builder = {}, const std::string &variant = "demo");

// What the artifact must compute, by the formula above.
std::vector<float> expectedSums(const std::vector<float> &x, const std::vector<float> &bias);
std::vector<float> someNumbers(size_t count, uint32_t seed);

} // namespace lathe::test

#endif
