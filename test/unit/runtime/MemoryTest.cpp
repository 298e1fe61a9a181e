// Artifacts that lie in memory; and what a long-lived process holds after many models and many inferences.
#include "test/unit/runtime/Demo.h"

#include <filesystem>
#include <fstream>

namespace lathe::test {
namespace {

using LoadMemory = DemoTest;

lathe_status loadFrom(std::string bytes, lathe_model **model, lathe_error *error, const char *name = nullptr) {
  lathe_status status = lathe_model_load_memory(bytes.data(), bytes.size(), name, model, error);
  std::fill(bytes.begin(), bytes.end(), '\xcc'); // the model must not need them any more
  return status;
}

void expectRight(lathe_model *model) {
  lathe_context *context = nullptr;
  lathe_error error{};
  ASSERT_EQ(lathe_context_create(model, nullptr, &context, &error), LATHE_OK) << error.text;
  Call call(1);
  EXPECT_EQ(call.run(context, &error), LATHE_OK) << error.text;
  call.expectRight();
  lathe_context_destroy(context);
}

float firstSumOfOnes(lathe_model *model) {
  lathe_context *context = nullptr;
  EXPECT_EQ(lathe_context_create(model, nullptr, &context, nullptr), LATHE_OK);
  Call call(1);
  std::fill(call.x.begin(), call.x.end(), 1.0f);
  std::fill(call.bias.begin(), call.bias.end(), 0.0f);
  EXPECT_EQ(call.run(context, nullptr), LATHE_OK);
  lathe_context_destroy(context);
  return call.sums[0];
}

TEST_F(LoadMemory, Runs) {
  lathe_model *loaded = nullptr;
  lathe_error error{};
  ASSERT_EQ(loadFrom(artifactBytes(ManifestBuilder().build()), &loaded, &error), LATHE_OK) << error.text;
  expectRight(loaded);
  lathe_model_destroy(loaded);
}

// The second one gets the first one's file number, under which the dynamic linker knows the first.
TEST_F(LoadMemory, TwoAtATimeAreTwo) {
  lathe_model *first = nullptr, *second = nullptr;
  lathe_error error{};
  ASSERT_EQ(loadFrom(artifactBytes(ManifestBuilder().build()), &first, &error), LATHE_OK) << error.text;
  ASSERT_EQ(loadFrom(artifactBytes(ManifestBuilder().build(), "demo_other_weights"), &second, &error), LATHE_OK) << error.text;
  EXPECT_EQ(firstSumOfOnes(first), 2.375f);
  EXPECT_EQ(firstSumOfOnes(second), 6.0f);
  EXPECT_EQ(firstSumOfOnes(model), 2.375f) << "beside one from a file";
  lathe_model_destroy(first);
  EXPECT_EQ(firstSumOfOnes(second), 6.0f);
  lathe_model_destroy(second);
}

TEST_F(LoadMemory, Refusals) {
  lathe_model *loaded = nullptr;
  lathe_error error{};
  EXPECT_EQ(lathe_model_load_memory(nullptr, 1, nullptr, &loaded, &error), LATHE_USAGE);
  EXPECT_STREQ(error.text, "lathe_model_load_memory: bytes is null");
  EXPECT_EQ(lathe_model_load_memory("", 0, nullptr, &loaded, &error), LATHE_REFUSED);
  EXPECT_STREQ(error.text, "the artifact in memory: is not a Lathe artifact (not an ELF file)");
  std::string good = artifactBytes(ManifestBuilder().build());
  EXPECT_EQ(loadFrom(good.substr(0, good.size() / 2), &loaded, &error, "the plug-in's network"), LATHE_REFUSED);
  EXPECT_EQ(std::string(error.text).find("the plug-in's network: is damaged: "), 0u) << error.text;
  ManifestBuilder builder;
  builder.header.weights_file = builder.text("m.weights");
  EXPECT_EQ(loadFrom(artifactBytes(builder.build(), "demo_no_weights"), &loaded, &error, "n"), LATHE_INVALID_INPUT);
  EXPECT_STREQ(error.text, "n: its weights are in a file, 'm.weights', which cannot be found from memory; load it from its file");
  EXPECT_EQ(loaded, nullptr);
}

// What the process holds: open files, mappings, resident bytes of its own (pages of files come and go with the machine's load).
struct Held {
  long files = 0, mappings = 0, resident = 0;
  static Held now() {
    Held held;
    for ([[maybe_unused]] auto &file : std::filesystem::directory_iterator("/proc/self/fd"))
      ++held.files;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
      ++held.mappings;
    std::ifstream rollup("/proc/self/smaps_rollup");
    for (std::string line; std::getline(rollup, line);)
      if (line.rfind("Anonymous:", 0) == 0)
        held.resident = std::stol(line.substr(10)) << 10;
    return held;
  }
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr long slack = 256l << 20; // sanitizers keep what is freed
#endif
#endif
#if !defined(__has_feature) || !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
constexpr long slack = 4l << 20; // the system may turn pages into a huge one meanwhile, which adds up to 2 MB once
#endif

TEST_F(LoadMemory, AThousandModelsComeAndGo) {
  const std::string bytes = artifactBytes(ManifestBuilder().build()), path = folder / "demo.so";
  auto round = [&](int i) {
    lathe_model *loaded = nullptr;
    lathe_error error{};
    ASSERT_EQ(i % 2 ? lathe_model_load(path.c_str(), &loaded, &error) : lathe_model_load_memory(bytes.data(), bytes.size(), nullptr, &loaded, &error), LATHE_OK)
        << error.text;
    expectRight(loaded);
    EXPECT_NE(lathe_model_manifest_json(loaded), nullptr);
    lathe_model_destroy(loaded);
  };
  for (int i = 0; i < 100; ++i)
    round(i);
  Held before = Held::now();
  for (int i = 0; i < 1000 && !HasFatalFailure(); ++i)
    round(i);
  Held after = Held::now();
  EXPECT_EQ(after.files, before.files);
  EXPECT_GT(before.resident, 0) << "or this test sees nothing";
  EXPECT_LE(after.mappings, before.mappings + 4) << "the allocator may have grown a little";
  EXPECT_LE(after.resident, before.resident + slack);
}

TEST_F(LoadMemory, TenThousandInferencesHoldNothing) {
  lathe_context *context = makeContext(60, 2);
  Call large(60), small(3, 7);
  auto round = [&](int i) { ASSERT_EQ((i % 2 ? large : small).run(context, nullptr), LATHE_OK); };
  for (int i = 0; i < 100; ++i)
    round(i);
  Held before = Held::now();
  for (int i = 0; i < 10000 && !HasFatalFailure(); ++i)
    round(i);
  Held after = Held::now();
  EXPECT_EQ(after.files, before.files);
  EXPECT_GT(before.resident, 0) << "or this test sees nothing";
  EXPECT_EQ(after.mappings, before.mappings);
  EXPECT_LE(after.resident, before.resident + slack);
  large.expectRight();
  small.expectRight();
}

} // namespace
} // namespace lathe::test
