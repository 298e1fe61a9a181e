// Loading: the file around the manifest, the machine it is for, and the code behind it.
#include "test/unit/runtime/Artifact.h"

extern "C" {
#include "runtime/core/Elf.h"
}

#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lathe::test {
namespace {

class Load : public testing::Test {
protected:
  // "" if it loads.
  std::string refusal(const std::string &path) {
    lathe_model *model = nullptr;
    lathe_error error{};
    status = lathe_model_load(path.c_str(), &model, &error);
    EXPECT_EQ(model != nullptr, status == LATHE_OK);
    lathe_model_destroy(model);
    std::string text = error.text;
    return text.rfind(folder.path + "/", 0) == 0 ? text.substr(folder.path.size() + 1) : text;
  }
  std::string refusal(const ManifestBuilder &builder, const std::string &variant = "demo") { return refusal(writeArtifact(folder / "m.so", builder, variant)); }

  TemporaryFolder folder;
  lathe_status status = LATHE_OK;
};

TEST_F(Load, ValidArtifact) { EXPECT_EQ(refusal(ManifestBuilder()), ""); }

TEST_F(Load, Null) {
  lathe_error error{};
  lathe_model *model;
  EXPECT_EQ(lathe_model_load(nullptr, &model, &error), LATHE_USAGE);
  EXPECT_EQ(lathe_model_load("x", nullptr, &error), LATHE_USAGE);
  EXPECT_EQ(lathe_model_load("no such file", &model, nullptr), LATHE_INVALID_INPUT);
}

TEST_F(Load, NotAnArtifact) {
  EXPECT_EQ(refusal(folder / "none.so"), "none.so: cannot be opened: No such file or directory");
  EXPECT_EQ(status, LATHE_INVALID_INPUT);
  EXPECT_EQ(refusal(folder.path), folder.path + ": is not a Lathe artifact (not a regular file)");
  writeWhole(folder / "m.onnx", "\x08\x07 some other file, long enough to hold the header of an ELF file, as such files mostly are");
  EXPECT_EQ(refusal(folder / "m.onnx"), "m.onnx: is not a Lathe artifact (not an ELF file)");
  EXPECT_EQ(status, LATHE_REFUSED);
  writeWhole(folder / "empty.so", "");
  EXPECT_EQ(refusal(folder / "empty.so"), "empty.so: is not a Lathe artifact (not an ELF file)");
  EXPECT_NE(refusal(std::string(TEST_ARTIFACTS) + "/plain.so").find("is not a Lathe artifact (no section .lathe.manifest)"), std::string::npos);
  mkfifo((folder / "fifo").c_str(), 0600);
  EXPECT_EQ(refusal(folder / "fifo"), "fifo: is not a Lathe artifact (not a regular file)");
}

TEST_F(Load, OtherMachines) {
  std::string good = artifactBytes(ManifestBuilder().build());
  auto withHeader = [&](auto change) {
    std::string bytes = good;
    change(*reinterpret_cast<Elf64_Ehdr *>(bytes.data()));
    writeWhole(folder / "m.so", bytes);
    return refusal(folder / "m.so");
  };
  EXPECT_EQ(withHeader([](Elf64_Ehdr &h) { h.e_ident[EI_CLASS] = ELFCLASS32; }), "m.so: is not a Lathe artifact (not a 64-bit ELF file)");
  EXPECT_EQ(withHeader([](Elf64_Ehdr &h) { h.e_ident[EI_DATA] = ELFDATA2MSB; }), "m.so: is not a Lathe artifact (not a little-endian ELF file)");
  EXPECT_EQ(withHeader([](Elf64_Ehdr &h) { h.e_type = ET_EXEC; }), "m.so: is not a Lathe artifact (not a shared object)");
#if defined(__x86_64__)
  EXPECT_EQ(withHeader([](Elf64_Ehdr &h) { h.e_machine = EM_AARCH64; }), "m.so: is compiled for aarch64, this machine is x86_64");
  ManifestBuilder builder;
  builder.header.target_triple = builder.text("aarch64-unknown-linux-gnu");
  EXPECT_EQ(refusal(builder), "m.so: is compiled for aarch64-unknown-linux-gnu, this machine is x86_64");
  builder.header.target_triple = builder.text("");
  EXPECT_EQ(refusal(builder), "m.so: is compiled for , this machine is x86_64");
#endif
}

TEST_F(Load, Features) {
  ManifestBuilder builder;
  builder.features = {builder.text("frobnicate")};
  EXPECT_EQ(refusal(builder), "m.so: needs the CPU feature frobnicate, which this runtime does not know; use a newer runtime");
  EXPECT_EQ(status, LATHE_REFUSED);
#if defined(__x86_64__)
  builder.features = {builder.text("sse2"), builder.text("64bit")};
  EXPECT_EQ(refusal(builder), "");
  if (!__builtin_cpu_supports("fma4")) { // AMD's, gone since 2017
    builder.features = {builder.text("sse2"), builder.text("fma4")};
    EXPECT_EQ(refusal(builder).find("m.so: needs the CPU feature fma4, which this machine lacks; recompile with --mcpu=x86-64"), 0u);
  }
#endif
}

TEST_F(Load, CodeThatContradictsTheManifest) {
  EXPECT_EQ(refusal({}, "demo_no_entry"), "m.so: is not a Lathe artifact (no symbol lathe_artifact_v1)");
  EXPECT_EQ(refusal({}, "demo_wrong_magic"), "m.so: is damaged: its entry has another format than its manifest");
  EXPECT_EQ(refusal({}, "demo_wrong_count"), "m.so: is damaged: the manifest has 3 kernels, the code 2");
  EXPECT_EQ(refusal({}, "demo_far_kernels"), "m.so: is damaged: its table of kernels does not lie in the object");
  EXPECT_EQ(refusal({}, "demo_data_kernel"), "m.so: is damaged: kernel 'demo_count' does not lie in the code");
  EXPECT_EQ(refusal({}, "demo_far_weights"), "m.so: is damaged: its weights do not lie in the object");
  EXPECT_EQ(refusal({}, "demo_no_weights"), "m.so: is damaged: it has no weights");
  ManifestBuilder builder;
  builder.header.weights_bytes = 1 << 20;
  EXPECT_EQ(refusal(builder), "m.so: is damaged: its weights do not lie in the object");
}

TEST_F(Load, WeightsFile) {
  ManifestBuilder builder;
  builder.header.weights_file = builder.text("m.weights");
  EXPECT_EQ(refusal(builder), "m.so: is damaged: its weights are both embedded and in a file");
  EXPECT_NE(refusal(builder, "demo_no_weights").find("cannot open its weights file"), std::string::npos);
  EXPECT_EQ(status, LATHE_INVALID_INPUT);
  writeWhole(folder / "m.weights", "too short");
  EXPECT_NE(refusal(builder, "demo_no_weights").find("has 9 bytes, expected 24"), std::string::npos);
  writeWhole(folder / "m.weights", std::string(reinterpret_cast<const char *>(weights), sizeof weights));
  EXPECT_EQ(refusal(builder, "demo_no_weights"), "");
}

TEST_F(Load, EveryTruncationIsRefused) {
  std::string good = artifactBytes(ManifestBuilder().build());
  for (size_t size = 0; size < good.size(); size += size < 256 ? 1 : 61) {
    writeWhole(folder / "m.so", good.substr(0, size));
    EXPECT_NE(refusal(folder / "m.so"), "") << size;
  }
}

// Only our reader sees these files: what the dynamic linker makes of damaged code is its own matter.
TEST_F(Load, ElfReaderSurvivesChangedHeaders) {
  const std::string good = artifactBytes(ManifestBuilder().build());
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof header);
  std::vector<size_t> places;
  for (size_t i = 0; i < sizeof header + header.e_phnum * sizeof(Elf64_Phdr); ++i)
    places.push_back(i);
  for (size_t i = 0; i < header.e_shnum * sizeof(Elf64_Shdr); ++i)
    places.push_back(header.e_shoff + i);
  int file = memfd_create("elf", 0);
  ASSERT_GE(file, 0);
  ASSERT_EQ(pwrite(file, good.data(), good.size(), 0), ssize_t(good.size()));
  for (size_t place : places)
    for (unsigned char value : {0x00, 0x01, 0x7f, 0xff}) {
      pwrite(file, &value, 1, off_t(place));
      lt_elf elf;
      lathe_error error{};
      if (lt_elf_read(file, "m.so", &elf, &error) == LATHE_OK)
        std::free(elf.manifest);
      pwrite(file, &good[place], 1, off_t(place));
    }
  close(file);
}

float biasedFirstSum(lathe_model *model) {
  std::vector<float> x(24, 1), bias(6, 0), sums(4);
  int64_t count = 0, xDims[] = {1, 4, 6}, biasDims[] = {6}, sumsDims[] = {1, 4}, countDims[] = {1};
  lathe_tensor inputs[] = {{sizeof(lathe_tensor), x.data(), 96, LATHE_FLOAT32, 3, xDims}, {sizeof(lathe_tensor), bias.data(), 24, LATHE_FLOAT32, 1, biasDims}};
  lathe_tensor outputs[] = {{sizeof(lathe_tensor), sums.data(), 16, LATHE_FLOAT32, 2, sumsDims}, {sizeof(lathe_tensor), &count, 8, LATHE_INT64, 1, countDims}};
  lathe_context *context = nullptr;
  lathe_error error{};
  EXPECT_EQ(lathe_context_create(model, nullptr, &context, &error), LATHE_OK) << error.text;
  EXPECT_EQ(lathe_run(context, inputs, 2, outputs, 2, &error), LATHE_OK) << error.text;
  lathe_context_destroy(context);
  return sums[0];
}

// A process that recompiles a model and loads it again while the old one still serves: the new file's code, not the old mapping.
TEST_F(Load, ReplacedArtifact) {
  ManifestBuilder builder;
  builder.header.weights_file = builder.text("w");
  writeWhole(folder / "w", std::string(reinterpret_cast<const char *>(weights), sizeof weights));
  std::string path = writeArtifact(folder / "m.so", builder, "demo_no_weights");
  lathe_error error{};
  lathe_model *first = nullptr, *second = nullptr, *third = nullptr;
  ASSERT_EQ(lathe_model_load(path.c_str(), &first, &error), LATHE_OK) << error.text;
  // The replacement has its weights (other ones) inside.
  writeArtifact(folder / "new.so", {}, "demo_other_weights");
  std::filesystem::rename(folder / "new.so", path);
  ASSERT_EQ(lathe_model_load(path.c_str(), &second, &error), LATHE_OK) << error.text;
  EXPECT_EQ(biasedFirstSum(first), 2.375f);
  EXPECT_EQ(biasedFirstSum(second), 6.0f);
  // The same file twice shares its mapping, and outlives the first.
  ASSERT_EQ(lathe_model_load(path.c_str(), &third, &error), LATHE_OK) << error.text;
  lathe_model_destroy(second);
  EXPECT_EQ(biasedFirstSum(third), 6.0f);
  EXPECT_EQ(biasedFirstSum(first), 2.375f);
  lathe_model_destroy(first);
  lathe_model_destroy(third);
}

TEST_F(Load, OverwrittenInPlace) {
  std::string path = writeArtifact(folder / "m.so");
  lathe_error error{};
  lathe_model *model = nullptr;
  ASSERT_EQ(lathe_model_load(path.c_str(), &model, &error), LATHE_OK) << error.text;
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_EQ(refusal(path), "m.so: was overwritten in place while a model loaded from it is in use; replace artifacts by renaming");
  lathe_model_destroy(model);
  EXPECT_EQ(refusal(path), "");
}

TEST_F(Load, Queries) {
  lathe_model *model = nullptr;
  lathe_error error{};
  ASSERT_EQ(lathe_model_load(writeArtifact(folder / "m.so").c_str(), &model, &error), LATHE_OK) << error.text;
  ASSERT_EQ(lathe_model_input_count(model), 2u);
  ASSERT_EQ(lathe_model_output_count(model), 2u);
  lathe_tensor_desc desc{};
  EXPECT_EQ(lathe_model_input(model, 0, &desc, &error), LATHE_USAGE);
  EXPECT_STREQ(error.text, "lathe_model_input: struct_size of the description is 0, expected at least 40");
  desc.struct_size = sizeof desc;
  ASSERT_EQ(lathe_model_input(model, 0, &desc, &error), LATHE_OK);
  EXPECT_STREQ(desc.name, "x");
  EXPECT_EQ(desc.dtype, uint32_t(LATHE_FLOAT32));
  ASSERT_EQ(desc.rank, 3u);
  EXPECT_EQ(desc.dims_c1[0], 1);
  EXPECT_EQ(desc.dims_c0[2], 6);
  ASSERT_EQ(lathe_model_output(model, 1, &desc, &error), LATHE_OK);
  EXPECT_STREQ(desc.name, "count");
  EXPECT_EQ(lathe_model_output(model, 2, &desc, &error), LATHE_USAGE);
  int64_t min, max;
  lathe_model_batch_range(model, &min, &max);
  EXPECT_EQ(min, 1);
  EXPECT_EQ(max, 1000);
  uint64_t bytes;
  EXPECT_EQ(lathe_model_memory_required(model, 2, 3, &bytes, &error), LATHE_OK);
  EXPECT_EQ(bytes, 256u + 3 * 128);
  EXPECT_EQ(lathe_model_memory_required(model, 1001, 1, &bytes, &error), LATHE_INVALID_INPUT);
  EXPECT_NE(std::string(error.text).find("max_batch is 1001, expected 1 to 1000"), std::string::npos);
  EXPECT_EQ(lathe_model_memory_required(model, 1, 0, &bytes, &error), LATHE_USAGE);
  auto json = nlohmann::json::parse(lathe_model_manifest_json(model));
  EXPECT_EQ(json["inputs"][0]["dims"][0], (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(json["flags"], "-O3 --mcpu=\"generic\"");
  EXPECT_EQ(json["calls"][0]["nodes"][1], "Add_1");
  EXPECT_EQ(lathe_model_manifest_json(model), lathe_model_manifest_json(model));
  EXPECT_EQ(std::memcmp(lathe_model_weights(model, &bytes), weights, sizeof weights), 0);
  EXPECT_EQ(bytes, sizeof weights);
  lathe_model_destroy(model);
}

} // namespace
} // namespace lathe::test
