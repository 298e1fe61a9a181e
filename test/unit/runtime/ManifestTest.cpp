// The manifest reader against every kind of damage. The buffers are exactly as long as the manifest, so that sanitizers see a step beyond it.
#include "test/unit/runtime/Artifact.h"

extern "C" {
#include "runtime/core/Manifest.h"
}

#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <memory>

namespace lathe::test {
namespace {

struct Opened {
  lathe_status status;
  std::string text;
};

// Opens the bytes as the loader does, and goes on to use what is accepted.
Opened openBytes(const std::vector<unsigned char> &bytes) {
  std::unique_ptr<void, decltype(&std::free)> memory(std::malloc(bytes.empty() ? 1 : bytes.size()), &std::free);
  std::memcpy(memory.get(), bytes.data(), bytes.size());
  lt_manifest manifest;
  lathe_error error{};
  lathe_status status = lt_manifest_open(memory.get(), bytes.size(), "m.so", &manifest, &error);
  if (status == LATHE_OK) {
    std::unique_ptr<char, decltype(&std::free)> json(lt_manifest_json(&manifest), &std::free);
    EXPECT_NE(json, nullptr);
    for (int64_t batch : {int64_t(1), int64_t(1000), INT64_MAX})
      lt_manifest_check_batch(&manifest, batch, "m.so", LATHE_INVALID_INPUT, &error);
  } else {
    EXPECT_STRNE(error.text, "");
    EXPECT_EQ(std::strchr(error.text, '\n'), nullptr);
  }
  return {status, error.text};
}

TEST(Manifest, AcceptsAValidOne) {
  Opened opened = openBytes(ManifestBuilder().build());
  EXPECT_EQ(opened.status, LATHE_OK) << opened.text;
}

TEST(Manifest, AcceptsOneForGpus) {
  Opened opened = openBytes(forGpus().build());
  EXPECT_EQ(opened.status, LATHE_OK) << opened.text;
}

TEST(Manifest, RefusesEveryTruncation) {
  for (const ManifestBuilder &builder : {ManifestBuilder(), forGpus()}) {
    std::vector<unsigned char> bytes = builder.build();
    for (size_t size = 0; size < bytes.size(); ++size)
      EXPECT_EQ(openBytes({bytes.begin(), bytes.begin() + ptrdiff_t(size)}).status, LATHE_REFUSED) << size;
  }
}

TEST(Manifest, SurvivesEveryChangedByte) {
  const std::vector<unsigned char> bytes = ManifestBuilder().build();
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int value : {0x00, 0x01, 0x7f, 0x80, 0xff, bytes[i] ^ 1, bytes[i] ^ 0x80, bytes[i] + 1}) {
      std::vector<unsigned char> changed = bytes;
      changed[i] = (unsigned char)value;
      openBytes(changed);
    }
}

TEST(Manifest, SurvivesEveryChangedWord) {
  const std::vector<unsigned char> bytes = ManifestBuilder().build();
  for (size_t i = 0; i + 4 <= bytes.size(); i += 4)
    for (uint32_t value : {0u, 1u, 8u, 0x7fffffffu, 0x80000000u, 0xfffffff8u, 0xffffffffu}) {
      std::vector<unsigned char> changed = bytes;
      std::memcpy(&changed[i], &value, sizeof value);
      openBytes(changed);
    }
  for (size_t i = 0; i + 8 <= bytes.size(); i += 8)
    for (int64_t value : {INT64_MAX, INT64_MIN, int64_t(-1), INT64_MAX / 2, int64_t(1) << 32}) {
      std::vector<unsigned char> changed = bytes;
      std::memcpy(&changed[i], &value, sizeof value);
      openBytes(changed);
    }
}

TEST(Manifest, SurvivesRandomDamage) {
  uint32_t seed = 7;
  auto random = [&] { return (seed = seed * 1664525 + 1013904223) >> 8; };
  for (const ManifestBuilder &builder : {ManifestBuilder(), forGpus()}) {
    const std::vector<unsigned char> bytes = builder.build();
    for (int round = 0; round < 20000; ++round) {
      std::vector<unsigned char> changed = bytes;
      for (uint32_t count = 1 + random() % 4; count > 0; --count)
        changed[16 + random() % (changed.size() - 16)] = (unsigned char)random();
      openBytes(changed);
    }
  }
}

struct Damage {
  const char *what;
  std::function<void(ManifestBuilder &)> apply;
  const char *message;
};
// For the names of the tests.
void PrintTo(const Damage &value, std::ostream *stream) { *stream << value.what; }

class ManifestRule : public testing::TestWithParam<Damage> {};

TEST_P(ManifestRule, IsRefusedByName) {
  ManifestBuilder builder;
  GetParam().apply(builder);
  Opened opened = openBytes(builder.build());
  EXPECT_EQ(opened.status, LATHE_REFUSED);
  EXPECT_EQ(opened.text, std::string("m.so: ") + GetParam().message);
}

// Output 1 becomes bounded, with its true dims at this place.
void bound(ManifestBuilder &m, lathe_affine extents) {
  m.outputs[1].flags = LATHE_TENSOR_BOUNDED;
  m.dims.push_back(extents);
}

const Damage damages[] = {
    {"NewerMajor", [](auto &m) { m.header.format_major = 2; }, "has format 2.0, this runtime reads 1.0 to 1.2; use a newer runtime"},
    {"OlderMajor", [](auto &m) { m.header.format_major = 0; }, "has format 0.0, this runtime reads 1.0 to 1.2; recompile the model"},
    {"NewerMinor", [](auto &m) { m.header.format_minor = 3; }, "has format 1.3, this runtime reads 1.0 to 1.2; use a newer runtime"},
    {"BatchZero", [](auto &m) { m.header.min_batch = 0; }, "is damaged: batch range 0 to 1000"},
    {"BatchReversed", [](auto &m) { m.header.max_batch = 0; }, "is damaged: batch range 1 to 0"},
    {"StringOutside", [](auto &m) { m.header.compiler.length = 9999; }, "is damaged: the compiler's name lies outside the string table"},
    {"StringWraps", [](auto &m) { m.header.flags = {0xffffffff, 2}; }, "is damaged: the list of flags lies outside the string table"},
    {"NameNotUtf8", [](auto &m) { m.inputs[0].name = m.text("a\xff"); }, "is damaged: input is not printable UTF-8"},
    {"NameOverlong", [](auto &m) { m.inputs[0].name = m.text("\xc0\xaf"); }, "is damaged: input is not printable UTF-8"},
    {"NameSurrogate", [](auto &m) { m.nodes[0] = m.text("\xed\xa0\x80"); }, "is damaged: a node's name is not printable UTF-8"},
    {"NameCutOff", [](auto &m) { m.nodes[0] = m.text("\xe2\x82"); }, "is damaged: a node's name is not printable UTF-8"},
    {"NameControl", [](auto &m) { m.kernels[0].name = m.text("a\nb"); }, "is damaged: a kernel's name is not printable UTF-8"},
    {"NameLong", [](auto &m) { m.nodes[0] = m.text(std::string(5000, 'x')); }, "is damaged: a node's name has 5000 bytes, expected at most 4096"},
    {"NameEmpty", [](auto &m) { m.inputs[1].name.length = 0; }, "is damaged: input 1 has no name"},
    {"Type", [](auto &m) { m.outputs[0].dtype = 8; }, "is damaged: output 0 has the unknown type 8"},
    {"Flags", [](auto &m) { m.outputs[0].flags = 8; }, "is damaged: output 0 has unknown flags 0x8"},
    {"InputBounded", [](auto &m) { m.inputs[1].flags = LATHE_TENSOR_BOUNDED; }, "is damaged: input 1 is bounded, which only outputs can be"},
    {"ExtentsMissing", [](auto &m) { m.outputs[1].flags = LATHE_TENSOR_BOUNDED; }, "is damaged: dims of output 1 lie outside their table"},
    {"ExtentsUnaligned", [](auto &m) { bound(m, {4, 0}); }, "is damaged: the dims of output 1 lie outside the arena at batch 1"},
    {"ExtentsNegative", [](auto &m) { bound(m, {-8, 0}); }, "is damaged: the dims of output 1 lie outside the arena at batch 1"},
    {"ExtentsOutside", [](auto &m) { bound(m, {160, 0}); }, "is damaged: the dims of output 1 lie outside the arena at batch 1"},
    {"Rank", [](auto &m) { m.inputs[0].rank = 65; }, "is damaged: input 0 has rank 65, expected at most 64"},
    {"DimsOutside", [](auto &m) { m.inputs[0].first_dim = 2; }, "is damaged: dims of input 0 lie outside their table"},
    {"DimsWrap", [](auto &m) { m.inputs[0].first_dim = 0xffffffff; }, "is damaged: dims of input 0 lie outside their table"},
    {"DimNegative", [](auto &m) { m.dims[1] = {-1, 0}; }, "is damaged: dim 1 of input 0 is negative"},
    {"DimFalls", [](auto &m) { m.dims[1] = {10, -1}; }, "is damaged: dim 1 of input 0 is negative"},
    {"TwoBatchDims", [](auto &m) { m.dims[1] = {0, 1}; }, "is damaged: input 0 has 2 dims that depend on the batch, expected at most 1"},
    {"NoBatchDim", [](auto &m) { m.dims[0] = {4, 0}; }, "is damaged: the batch is free, but no input has a batch dim"},
    {"SizeOverflows", [](auto &m) { m.dims[1] = {INT64_MAX / 8, 0}; }, "batch 1 is too large: the size of input 0 overflows"},
    {"ArenaOverflows", [](auto &m) { m.header.arena_bytes = {INT64_MAX, 1}; }, "batch 1 is too large: the arena's size overflows"},
    {"ArenaNegative", [](auto &m) { m.header.arena_bytes = {-200, 96}; }, "batch 1 is too large: the arena's size overflows"},
    {"WeightsSize", [](auto &m) { m.header.weights_bytes = UINT64_MAX; }, "is damaged: the size of weights or scratch is not plausible"},
    {"ScratchSize", [](auto &m) { m.header.scratch_bytes = INT64_MAX; }, "is damaged: the size of weights or scratch is not plausible"},
    {"KernelIndex", [](auto &m) { m.calls[1].kernel = 3; }, "is damaged: call 1 names kernel 3 of 3"},
    {"ArgsOutside", [](auto &m) { m.calls[2].arg_count = 3; }, "is damaged: arguments of call 2 lie outside their table"},
    {"ArgsWrap", [](auto &m) { m.calls[2].first_arg = 0xffffffff; }, "is damaged: arguments of call 2 lie outside their table"},
    {"NodesOutside", [](auto &m) { m.calls[0].node_count = 5; }, "is damaged: nodes of call 0 lie outside their table"},
    {"Grain", [](auto &m) { m.calls[0].grain = 0; }, "is damaged: grain of call 0 is 0, expected at least 1"},
    {"SpaceNegative", [](auto &m) { m.calls[0].space = {-48, 24}; }, "batch 1 does not fit call 0: a count is negative or overflows"},
    {"FlopsOverflow", [](auto &m) { m.calls[0].flops = {INT64_MAX, 1}; }, "batch 1 does not fit call 0: a count is negative or overflows"},
    {"ArgKind", [](auto &m) { m.args[0].kind = 5; }, "is damaged: argument 0 has the unknown kind 5"},
    {"InputIndex", [](auto &m) { m.args[0].index = 2; }, "is damaged: argument 0 has the index 2, expected less than 2"},
    {"ArenaIndex", [](auto &m) { m.args[3].index = 1; }, "is damaged: argument 3 has the index 1, expected less than 1"},
    {"BatchOffset", [](auto &m) { m.args[6].offset.c0 = 8; }, "is damaged: argument 6 is the batch, but has an offset"},
    {"InputOffset", [](auto &m) { m.args[0].offset = {97, 0}; }, "is damaged: argument 0 lies outside its input at batch 1"},
    {"InputOffsetNegative", [](auto &m) { m.args[0].offset = {-4, 0}; }, "is damaged: argument 0 lies outside its input at batch 1"},
    {"OutputOffset", [](auto &m) { m.args[5].offset = {0, 17}; }, "is damaged: argument 5 lies outside its output at batch 1"},
    {"WeightsOffset", [](auto &m) { m.args[1].offset = {25, 0}; }, "is damaged: argument 1 lies outside the weights at batch 1"},
    {"ArenaOffset", [](auto &m) { m.args[3].offset = {65, 96}; }, "is damaged: argument 3 lies outside the arena at batch 1"},
    {"WeightsFileAbsolute", [](auto &m) { m.header.weights_file = m.text("/etc/passwd"); },
     "is damaged: weights file '/etc/passwd' is not a path below the artifact's folder"},
    {"WeightsFileAbove", [](auto &m) { m.header.weights_file = m.text("a/../../b"); },
     "is damaged: weights file 'a/../../b' is not a path below the artifact's folder"},
    {"WeightsFileIsAbove", [](auto &m) { m.header.weights_file = m.text(".."); }, "is damaged: weights file '..' is not a path below the artifact's folder"},
};

// What only artifacts for GPUs have.
class GpuManifestRule : public ManifestRule {};

TEST_P(GpuManifestRule, IsRefusedByName) {
  ManifestBuilder builder = forGpus();
  GetParam().apply(builder);
  Opened opened = openBytes(builder.build());
  EXPECT_EQ(opened.status, LATHE_REFUSED);
  EXPECT_EQ(opened.text, std::string("m.so: ") + GetParam().message);
}

const Damage gpuDamages[] = {
    {"OlderFormat", [](auto &m) { m.header.format_minor = 1; }, "is damaged: it is for GPUs, but does not say how its kernels are launched"},
    {"AssemblerOutside", [](auto &m) { m.gpu->assembler.length = 9999; }, "is damaged: the assembler's version lies outside the string table"},
    {"ImagesSize", [](auto &m) { m.gpu->images_bytes = UINT64_MAX; }, "is damaged: the size of the images is not plausible"},
    {"LaunchMissing", [](auto &m) { m.launches.pop_back(); }, "is damaged: it launches 2 kernels of 3"},
    {"Entry", [](auto &m) { m.launches[1].entry = 3; }, "is damaged: kernel 1 has the entry 3, expected less than 3"},
    {"BlockZero", [](auto &m) { m.launches[1].block = 0; }, "is damaged: kernel 1 has blocks of 0 threads, 128 for an iteration"},
    {"BlockLarge", [](auto &m) { m.launches[1].block = 2048; }, "is damaged: kernel 1 has blocks of 2048 threads, 128 for an iteration"},
    {"ThreadsZero", [](auto &m) { m.launches[0].threads = 0; }, "is damaged: kernel 0 has blocks of 128 threads, 0 for an iteration"},
    {"ThreadsMany", [](auto &m) { m.launches[0].threads = 256; }, "is damaged: kernel 0 has blocks of 128 threads, 256 for an iteration"},
    {"ThreadsOdd", [](auto &m) { m.launches[0].threads = 48; }, "is damaged: kernel 0 has blocks of 128 threads, 48 for an iteration"},
    {"Shared", [](auto &m) { m.launches[1].shared_bytes = 2 << 20; }, "is damaged: kernel 1 uses 2097152 bytes of shared memory, expected at most 1048576"},
    {"NoImage", [](auto &m) { m.images.clear(); }, "is damaged: it has kernels but no image"},
    {"ImageKind", [](auto &m) { m.images[2].kind = 2; }, "is damaged: image 2 has the unknown kind 2 or flags 0x0"},
    {"ImageFlags", [](auto &m) { m.images[2].flags = 2; }, "is damaged: image 2 has the unknown kind 1 or flags 0x2"},
    {"ImageArch", [](auto &m) { m.images[2].arch = 0; }, "is damaged: image 2 is for the implausible architecture 0 of version 70"},
    {"ImageOutside", [](auto &m) { m.images[2].bytes = 109; }, "is damaged: image 2 lies outside the images"},
    {"ImageWraps", [](auto &m) { m.images[2].offset = UINT64_MAX - 63; }, "is damaged: image 2 lies outside the images"},
    {"ImageUnaligned", [](auto &m) { m.images[1].offset = 104; }, "is damaged: image 1 lies outside the images"},
    {"ImageEmpty", [](auto &m) { m.images[1].bytes = 0; }, "is damaged: image 1 lies outside the images"},
    {"ImageOrder", [](auto &m) { std::swap(m.images[0], m.images[2]); }, "is damaged: image 1 is not in order"},
    {"EntryTwice", [](auto &m) { m.images[1].first_entry = 0; }, "is damaged: image 1 holds 1 entries from 0 on, expected them from 1 on, of 2"},
    {"EntryMissing", [](auto &m) { m.images[2].entry_count = 1; }, "is damaged: image 2 holds 1 entries from 0 on, expected them from 0 on, of 2"},
    {"EntryTooMany", [](auto &m) { m.images[2].entry_count = 3; }, "is damaged: image 2 holds 3 entries from 0 on, expected them from 0 on, of 2"},
    {"GridLarge", [](auto &m) { m.calls[0].space = {1 << 26, 24}; }, "batch 1 is too large for a GPU: call 0 has more than 2^31 - 1 threads"},
};

INSTANTIATE_TEST_SUITE_P(, GpuManifestRule, testing::ValuesIn(gpuDamages), [](const auto &info) { return info.param.what; });
INSTANTIATE_TEST_SUITE_P(, ManifestRule, testing::ValuesIn(damages), [](const auto &info) { return info.param.what; });

// The tables themselves, which the builder places: change their places afterwards.
TEST(Manifest, RefusesTablesOutsideItself) {
  const std::vector<unsigned char> bytes = ManifestBuilder().build();
  lathe_manifest_header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  lathe_table lathe_manifest_header::*const tables[] = {&lathe_manifest_header::strings, &lathe_manifest_header::inputs,  &lathe_manifest_header::outputs,
                                                        &lathe_manifest_header::dims,    &lathe_manifest_header::kernels, &lathe_manifest_header::calls,
                                                        &lathe_manifest_header::args,    &lathe_manifest_header::nodes};
  for (auto table : tables) {
    lathe_table original = header.*table;
    for (lathe_table wrong : {lathe_table{original.offset, 0xffffffff}, lathe_table{0xfffffff8, original.count}, lathe_table{0, original.count},
                              lathe_table{original.offset + 4, original.count}, lathe_table{uint32_t(bytes.size() + 7) / 8 * 8, 1}}) {
      std::vector<unsigned char> changed = bytes;
      lathe_manifest_header damaged = header;
      damaged.*table = wrong;
      std::memcpy(changed.data(), &damaged, sizeof damaged);
      EXPECT_EQ(openBytes(changed).status, LATHE_REFUSED) << wrong.offset << " " << wrong.count;
    }
  }
}

TEST(Manifest, ChecksTheLargestBatchToo) {
  ManifestBuilder builder;
  builder.args[3].offset = {64, 80}; // inside the arena at 1, and, as 64 + 80 N < 64 + 96 N, always
  EXPECT_EQ(openBytes(builder.build()).status, LATHE_OK);
  builder.header.arena_bytes = {200, 64};
  std::vector<unsigned char> bytes = builder.build();
  lt_manifest manifest;
  lathe_error error{};
  ASSERT_EQ(lt_manifest_open(bytes.data(), bytes.size(), "m.so", &manifest, &error), LATHE_OK) << error.text;
  EXPECT_EQ(lt_manifest_check_batch(&manifest, 8, "m.so", LATHE_INVALID_INPUT, &error), LATHE_OK);
  EXPECT_EQ(lt_manifest_check_batch(&manifest, 9, "m.so", LATHE_INVALID_INPUT, &error), LATHE_INVALID_INPUT);
  EXPECT_STREQ(error.text, "m.so: is damaged: argument 3 lies outside the arena at batch 9");
}

} // namespace
} // namespace lathe::test
