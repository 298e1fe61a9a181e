// Outputs whose size the run finds, tensors without elements, scalars. The demo's third kernel, which writes the batch somewhere, stands for one that counts.
#include "test/unit/runtime/Artifact.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lathe::test {
namespace {

class Bounds : public testing::Test {
protected:
  void load(const ManifestBuilder &builder, int64_t maxBatch = 10) {
    lathe_error error{};
    ASSERT_EQ(lathe_model_load(writeArtifact(folder / "m.so", builder).c_str(), &model, &error), LATHE_OK) << error.text;
    lathe_context_options options{.struct_size = sizeof options, .max_batch = maxBatch, .threads = 1, .parallel_for = nullptr, .parallel_user = nullptr};
    ASSERT_EQ(lathe_context_create(model, &options, &context, &error), LATHE_OK) << error.text;
  }
  void TearDown() override {
    lathe_context_destroy(context);
    lathe_model_destroy(model);
  }
  // "" if all is well.
  std::string dimsOf(size_t index, std::vector<int64_t> &dims) {
    lathe_error error{};
    status = lathe_context_output_dims(context, index, dims.data(), dims.size(), &error);
    return error.text;
  }

  TemporaryFolder folder;
  lathe_model *model = nullptr;
  lathe_context *context = nullptr;
  lathe_status status = LATHE_OK;
};

lathe_status runDemo(lathe_context *context, int64_t batch, std::vector<float> &sums, lathe_error *error) {
  std::vector<float> x = someNumbers(size_t(batch) * 24, 3), bias = someNumbers(6, 4);
  sums.assign(size_t(batch) * 4, -1);
  int64_t count = -1, xDims[] = {batch, 4, 6}, biasDims[] = {6}, sumsDims[] = {batch, 4}, countDims[] = {1};
  lathe_tensor inputs[] = {{sizeof(lathe_tensor), x.data(), x.size() * 4, LATHE_FLOAT32, 3, xDims},
                           {sizeof(lathe_tensor), bias.data(), 24, LATHE_FLOAT32, 1, biasDims}};
  lathe_tensor outputs[] = {{sizeof(lathe_tensor), sums.data(), sums.size() * 4, LATHE_FLOAT32, 2, sumsDims},
                            {sizeof(lathe_tensor), &count, 8, LATHE_INT64, 1, countDims}};
  return lathe_run(context, inputs, 2, outputs, 2, error);
}

TEST_F(Bounds, TrueDimsAfterEachRun) {
  load(boundedSums());
  std::vector<int64_t> dims(2), countDims(1);
  EXPECT_EQ(dimsOf(0, dims), "output 'sums' has no dims yet: the context has not run");
  EXPECT_EQ(status, LATHE_USAGE);
  for (int64_t batch : {3, 1, 4, 2}) {
    std::vector<float> sums;
    lathe_error error{};
    ASSERT_EQ(runDemo(context, batch, sums, &error), LATHE_OK) << error.text;
    EXPECT_EQ(dimsOf(0, dims), "");
    EXPECT_EQ(dims, (std::vector<int64_t>{batch, batch}));
    EXPECT_EQ(dimsOf(1, countDims), "") << "of an output that is not bounded too";
    EXPECT_EQ(countDims, std::vector<int64_t>{1});
  }
}

TEST_F(Bounds, DimsBeyondTheBoundAreNotPassedOn) {
  load(boundedSums());
  std::vector<float> sums;
  lathe_error error{};
  ASSERT_EQ(runDemo(context, 5, sums, &error), LATHE_OK) << error.text;
  std::vector<int64_t> dims(2);
  EXPECT_EQ(dimsOf(0, dims), "output 'sums': the run found 5 for dim 1, expected 0 to 4");
  EXPECT_EQ(status, LATHE_INTERNAL);
}

TEST_F(Bounds, Misuse) {
  load(boundedSums());
  std::vector<int64_t> one(1), two(2);
  EXPECT_EQ(dimsOf(0, one), "output 'sums': place for 1 dims, expected 2");
  EXPECT_EQ(status, LATHE_USAGE);
  EXPECT_EQ(dimsOf(2, two), "lathe_context_output_dims: index is 2, expected less than 2");
  lathe_error error{};
  EXPECT_EQ(lathe_context_output_dims(nullptr, 0, two.data(), 2, &error), LATHE_USAGE);
  EXPECT_EQ(lathe_context_output_dims(context, 0, nullptr, 2, &error), LATHE_USAGE);
}

TEST_F(Bounds, Description) {
  load(boundedSums());
  lathe_tensor_desc desc{};
  desc.struct_size = sizeof desc;
  ASSERT_EQ(lathe_model_output(model, 0, &desc, nullptr), LATHE_OK);
  EXPECT_EQ(desc.bounded, 1u);
  EXPECT_EQ(desc.dims_c0[1], 4);
  ASSERT_EQ(lathe_model_output(model, 1, &desc, nullptr), LATHE_OK);
  EXPECT_EQ(desc.bounded, 0u);
  // A caller that was compiled before the field existed has no place for it.
  desc.struct_size = offsetof(lathe_tensor_desc, bounded);
  desc.bounded = 77;
  ASSERT_EQ(lathe_model_output(model, 0, &desc, nullptr), LATHE_OK);
  EXPECT_EQ(desc.bounded, 77u);
  auto json = nlohmann::json::parse(lathe_model_manifest_json(model));
  EXPECT_EQ(json["outputs"][0]["extents"], (std::vector<int64_t>{8, 0}));
  EXPECT_FALSE(json["outputs"][1].contains("extents"));
}

// x: [N, 4, 0], sums: [N, 0]; the scalar count has rank 0.
TEST_F(Bounds, TensorsWithoutElementsAndScalars) {
  ManifestBuilder builder;
  builder.dims = {{0, 1}, {4, 0}, {0, 0}, {6, 0}, {0, 1}, {0, 0}};
  builder.inputs = {{builder.text("x"), LATHE_FLOAT32, 3, 0, 0}, {builder.text("bias"), LATHE_FLOAT32, 1, 3, 0}};
  builder.outputs = {{builder.text("sums"), LATHE_FLOAT32, 2, 4, 0}, {builder.text("count"), LATHE_INT64, 0, 0, 0}};
  builder.calls[0].space = builder.calls[1].space = {0, 0};
  builder.header.arena_bytes = {64, 0}; // where the empty intermediate begins is where the arena ends
  load(builder);
  std::vector<float> bias(6, 1);
  int64_t count = -1, xDims[] = {3, 4, 0}, biasDims[] = {6}, sumsDims[] = {3, 0};
  lathe_tensor inputs[] = {{sizeof(lathe_tensor), nullptr, 0, LATHE_FLOAT32, 3, xDims}, {sizeof(lathe_tensor), bias.data(), 24, LATHE_FLOAT32, 1, biasDims}};
  // Memory without extent cannot overlap what it lies in.
  lathe_tensor outputs[] = {{sizeof(lathe_tensor), bias.data() + 2, 0, LATHE_FLOAT32, 2, sumsDims}, {sizeof(lathe_tensor), &count, 8, LATHE_INT64, 0, nullptr}};
  lathe_error error{};
  ASSERT_EQ(lathe_run(context, inputs, 2, outputs, 2, &error), LATHE_OK) << error.text;
  EXPECT_EQ(count, 3);
  EXPECT_EQ(bias, std::vector<float>(6, 1));
  std::vector<int64_t> dims(2), none;
  EXPECT_EQ(dimsOf(0, dims), "");
  EXPECT_EQ(dims, (std::vector<int64_t>{3, 0}));
  EXPECT_EQ(dimsOf(1, none), "");
  outputs[1].data = nullptr;
  EXPECT_EQ(lathe_run(context, inputs, 2, outputs, 2, &error), LATHE_INVALID_INPUT);
  EXPECT_STREQ(error.text, "output 'count': data is null");
}

// A network may hand an input through: the names on both sides are the same, the memory is not.
TEST_F(Bounds, OutputThatIsAnInput) {
  ManifestBuilder builder;
  builder.outputs[0].name = builder.inputs[0].name;
  load(builder);
  std::vector<float> sums;
  lathe_error error{};
  ASSERT_EQ(runDemo(context, 2, sums, &error), LATHE_OK) << error.text;
  lathe_tensor_desc desc{};
  desc.struct_size = sizeof desc;
  ASSERT_EQ(lathe_model_output(model, 0, &desc, nullptr), LATHE_OK);
  EXPECT_STREQ(desc.name, "x");
  EXPECT_EQ(desc.rank, 2u);
}

} // namespace
} // namespace lathe::test
