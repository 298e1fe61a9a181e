#include "test/unit/runtime/Artifact.h"

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace lathe::test {

#if defined(__x86_64__)
static const char triple[] = "x86_64-unknown-linux-gnu";
#else
static const char triple[] = "aarch64-unknown-linux-gnu";
#endif

ManifestBuilder::ManifestBuilder() {
  dims = {{0, 1}, {4, 0}, {6, 0}, {1, 0}};
  inputs = {{text("x"), LATHE_FLOAT32, 3, 0, 0}, {text("bias"), LATHE_FLOAT32, 1, 2, 0}};
  outputs = {{text("sums"), LATHE_FLOAT32, 2, 0, 0}, {text("count"), LATHE_INT64, 1, 3, 0}};
  kernels = {{text("demo_scale")}, {text("demo_sum")}, {text("demo_count")}};
  nodes = {text("Mul_0"), text("Add_1"), text("ReduceSum_2"), text("Shape_3")};
  args = {{LATHE_ARG_INPUT, 0, {0, 0}},  {LATHE_ARG_WEIGHTS, 0, {0, 0}}, {LATHE_ARG_INPUT, 1, {0, 0}}, {LATHE_ARG_ARENA, 0, {64, 0}},
          {LATHE_ARG_ARENA, 0, {64, 0}}, {LATHE_ARG_OUTPUT, 0, {0, 0}},  {LATHE_ARG_BATCH, 0, {0, 0}}, {LATHE_ARG_OUTPUT, 1, {0, 0}}};
  calls = {{0, 0, 4, 8, {0, 24}, {0, 48}, {48, 192}, 0, 2}, {1, 4, 2, 2, {0, 4}, {0, 24}, {0, 112}, 2, 1}, {2, 6, 2, 1, {1, 0}, {0, 0}, {8, 0}, 3, 1}};
  header.format_major = LATHE_FORMAT_MAJOR;
  header.target_triple = text(triple);
  header.target_cpu = text("generic");
  header.compiler = text("by hand");
  header.flags = text("-O3 --mcpu=\"generic\"");
  header.model_name = text("demo.onnx");
  header.batch_symbol = text("N");
  header.weights_bytes = sizeof weights;
  header.min_batch = 1;
  header.max_batch = 1000;
  header.arena_bytes = {64, 96};
  header.scratch_bytes = 24;
}

ManifestBuilder boundedSums() {
  ManifestBuilder builder;
  builder.outputs[0] = {builder.text("sums"), LATHE_FLOAT32, 2, 4, LATHE_TENSOR_BOUNDED};
  builder.dims.insert(builder.dims.end(), {{0, 1}, {4, 0}, {8, 0}});
  for (int64_t place : {8, 16}) {
    uint32_t first = uint32_t(builder.args.size());
    builder.args.push_back({LATHE_ARG_BATCH, 0, {0, 0}});
    builder.args.push_back({LATHE_ARG_ARENA, 0, {place, 0}});
    builder.calls.push_back({2, first, 2, 1, {1, 0}, {0, 0}, {8, 0}, 3, 1});
  }
  return builder;
}

ManifestBuilder forGpus() {
  ManifestBuilder builder;
  builder.header.format_minor = 2;
  builder.header.target_triple = builder.text("nvptx64-nvidia-cuda");
  builder.header.scratch_bytes = 0;
  builder.gpu = lathe_gpu_info{};
  builder.gpu->assembler = builder.text("13.0.88");
  builder.gpu->images_bytes = 300;
  builder.images = {
      {LATHE_IMAGE_CUBIN, 0, 80, 0, 0, 1, 0, 100, {}}, {LATHE_IMAGE_CUBIN, 0, 80, 0, 1, 1, 128, 60, {}}, {LATHE_IMAGE_PTX, 0, 80, 70, 0, 2, 192, 108, {}}};
  builder.launches = {{0, 32, 128, 0}, {1, 128, 128, 1024}, {0, 32, 128, 0}};
  return builder;
}

lathe_range ManifestBuilder::text(const std::string &value) {
  lathe_range range{uint32_t(strings.size()), uint32_t(value.size())};
  strings += value;
  return range;
}

template <typename T> static lathe_table append(std::vector<unsigned char> &bytes, const T *data, size_t count) {
  bytes.resize((bytes.size() + 7) / 8 * 8);
  lathe_table table{uint32_t(bytes.size()), uint32_t(count)};
  auto raw = reinterpret_cast<const unsigned char *>(data);
  bytes.insert(bytes.end(), raw, raw + count * sizeof(T));
  return table;
}

std::vector<unsigned char> ManifestBuilder::build() const {
  std::vector<unsigned char> bytes(sizeof(lathe_manifest_header) + (gpu ? sizeof *gpu : 0));
  lathe_manifest_header h = header;
  std::memcpy(h.magic, LATHE_MANIFEST_MAGIC, sizeof h.magic);
  h.inputs = append(bytes, inputs.data(), inputs.size());
  h.outputs = append(bytes, outputs.data(), outputs.size());
  h.dims = append(bytes, dims.data(), dims.size());
  h.kernels = append(bytes, kernels.data(), kernels.size());
  h.calls = append(bytes, calls.data(), calls.size());
  h.args = append(bytes, args.data(), args.size());
  h.nodes = append(bytes, nodes.data(), nodes.size());
  h.features = append(bytes, features.data(), features.size());
  if (gpu) {
    lathe_gpu_info info = *gpu;
    info.images = append(bytes, images.data(), images.size());
    info.launches = append(bytes, launches.data(), launches.size());
    std::memcpy(bytes.data() + sizeof h, &info, sizeof info);
  }
  h.strings = append(bytes, strings.data(), strings.size());
  h.total_bytes = bytes.size();
  std::memcpy(bytes.data(), &h, sizeof h);
  return bytes;
}

static std::string makeFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "lathe-test-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::runtime_error("no temporary folder");
  return std::filesystem::canonical(name).string();
}

TemporaryFolder::TemporaryFolder() : path(makeFolder()) {}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string readWhole(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error("cannot read " + path);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

void writeWhole(const std::string &path, const std::string &content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), std::streamsize(content.size()));
  if (!file.flush())
    throw std::runtime_error("cannot write " + path);
}

// Appends the manifest to the file and lets its section header say so.
std::string artifactBytes(const std::vector<unsigned char> &manifest, const std::string &variant) {
  std::string file = readWhole(std::string(TEST_ARTIFACTS) + "/" + variant + ".so");
  auto *elf = reinterpret_cast<Elf64_Ehdr *>(file.data());
  auto *sections = reinterpret_cast<Elf64_Shdr *>(file.data() + elf->e_shoff);
  const char *names = file.data() + sections[elf->e_shstrndx].sh_offset;
  for (unsigned i = 0; i < elf->e_shnum; ++i)
    if (std::strcmp(names + sections[i].sh_name, LATHE_MANIFEST_SECTION) == 0) {
      size_t place = (file.size() + 7) / 8 * 8;
      sections[i].sh_offset = place;
      sections[i].sh_size = manifest.size();
      file.resize(place);
      file.append(manifest.begin(), manifest.end());
      return file;
    }
  throw std::runtime_error("no manifest section in " + variant);
}

std::string writeArtifact(const std::string &path, const ManifestBuilder &builder, const std::string &variant) {
  writeWhole(path, artifactBytes(builder.build(), variant));
  return path;
}

std::vector<float> expectedSums(const std::vector<float> &x, const std::vector<float> &bias) {
  std::vector<float> sums(x.size() / 6);
  for (size_t r = 0; r < sums.size(); ++r)
    for (size_t k = 0; k < 6; ++k)
      sums[r] += x[6 * r + k] * weights[k] + bias[k];
  return sums;
}

std::vector<float> someNumbers(size_t count, uint32_t seed) {
  std::vector<float> numbers(count);
  for (float &number : numbers) {
    seed = seed * 1664525 + 1013904223;
    number = float(int32_t(seed) >> 20) * 0.25f; // few bits: the sums are exact, whatever the compiler contracts
  }
  return numbers;
}

} // namespace lathe::test
