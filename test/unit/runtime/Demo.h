// The hand-made artifact, loaded, with tensors of its shapes.
#ifndef TEST_UNIT_RUNTIME_DEMO_H
#define TEST_UNIT_RUNTIME_DEMO_H

#include "test/unit/runtime/Artifact.h"

#include <gtest/gtest.h>

namespace lathe::test {

// One call's tensors. Fields are public so that tests can make them wrong.
struct Call {
  explicit Call(int64_t batch, uint32_t seed = 1)
      : x(someNumbers(size_t(batch) * 24, seed)), bias(someNumbers(6, seed + 1)), sums(size_t(batch) * 4, -1), xDims{batch, 4, 6}, sumsDims{batch, 4} {
    inputs[0] = {sizeof(lathe_tensor), x.data(), x.size() * 4, LATHE_FLOAT32, 3, xDims};
    inputs[1] = {sizeof(lathe_tensor), bias.data(), 24, LATHE_FLOAT32, 1, biasDims};
    outputs[0] = {sizeof(lathe_tensor), sums.data(), sums.size() * 4, LATHE_FLOAT32, 2, sumsDims};
    outputs[1] = {sizeof(lathe_tensor), &count, 8, LATHE_INT64, 1, countDims};
  }
  Call(const Call &) = delete;

  std::vector<float> x, bias, sums;
  int64_t count = -1;
  int64_t xDims[3], biasDims[1] = {6}, sumsDims[2], countDims[1] = {1};
  lathe_tensor inputs[2], outputs[2];

  lathe_status run(lathe_context *context, lathe_error *error) { return lathe_run(context, inputs, 2, outputs, 2, error); }
  void expectRight() const {
    EXPECT_EQ(sums, expectedSums(x, bias));
    EXPECT_EQ(count, xDims[0]);
  }
};

class DemoTest : public testing::Test {
protected:
  void SetUp() override {
    lathe_error error{};
    ASSERT_EQ(lathe_model_load(writeArtifact(folder / "demo.so").c_str(), &model, &error), LATHE_OK) << error.text;
  }
  void TearDown() override {
    for (lathe_context *context : contexts)
      lathe_context_destroy(context);
    lathe_model_destroy(model);
  }
  lathe_context *makeContext(int64_t maxBatch, int threads) {
    lathe_context_options options{sizeof options, maxBatch, threads, nullptr, nullptr};
    lathe_error error{};
    lathe_context *context = nullptr;
    EXPECT_EQ(lathe_context_create(model, &options, &context, &error), LATHE_OK) << error.text;
    contexts.push_back(context);
    return context;
  }

  TemporaryFolder folder;
  lathe_model *model = nullptr;
  std::vector<lathe_context *> contexts;
};

} // namespace lathe::test

#endif
