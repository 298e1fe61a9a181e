// Every message of lathe_run.
#include "test/unit/runtime/Demo.h"

#include <functional>

namespace lathe::test {
namespace {

struct Mistake {
  const char *what;
  std::function<void(Call &)> make;
  const char *message;
};
// For the names of the tests.
void PrintTo(const Mistake &value, std::ostream *stream) { *stream << value.what; }

class CheckTensors : public DemoTest, public testing::WithParamInterface<Mistake> {};

TEST_P(CheckTensors, IsRefusedByName) {
  Call call(2);
  GetParam().make(call);
  lathe_error error{};
  EXPECT_EQ(call.run(makeContext(5, 1), &error), LATHE_INVALID_INPUT);
  EXPECT_STREQ(error.text, GetParam().message);
  EXPECT_EQ(call.sums, std::vector<float>(8, -1)) << "nothing may have run";
}

const Mistake mistakes[] = {
    {"StructSize", [](Call &c) { c.inputs[0].struct_size = 0; }, "input 'x': struct_size is 0, expected 40"},
    {"Type", [](Call &c) { c.inputs[0].dtype = LATHE_FLOAT64; }, "input 'x': type is float64, expected float32"},
    {"TypeUnknown", [](Call &c) { c.outputs[1].dtype = 99; }, "output 'count': type is unknown, expected int64"},
    {"Rank", [](Call &c) { c.inputs[1].rank = 2; }, "input 'bias': rank is 2, expected 1"},
    {"DimsNull", [](Call &c) { c.inputs[1].dims = nullptr; }, "input 'bias': dims is null"},
    {"DataNull", [](Call &c) { c.outputs[0].data = nullptr; }, "output 'sums': data is null"},
    {"Unaligned", [](Call &c) { c.inputs[0].data = reinterpret_cast<char *>(c.x.data()) + 2; }, "input 'x': data is not aligned to 4 bytes"},
    {"UnalignedOutput", [](Call &c) { c.outputs[1].data = c.sums.data() + 1; }, "output 'count': data is not aligned to 8 bytes"},
    {"Dim", [](Call &c) { c.xDims[2] = 7; }, "input 'x': dim 2 is 7, expected 6"},
    {"DimNegative", [](Call &c) { c.xDims[1] = -4; }, "input 'x': dim 1 is -4, expected 4"},
    {"OutputDim", [](Call &c) { c.sumsDims[0] = 3; }, "output 'sums': dim 0 is 3, expected 2"},
    {"BatchZero", [](Call &c) { c.xDims[0] = 0; }, "input 'x': dim 0 is 0, expected 0 + 1 times the batch"},
    {"BatchNegative", [](Call &c) { c.xDims[0] = INT64_MIN; }, "input 'x': dim 0 is -9223372036854775808, expected 0 + 1 times the batch"},
    {"BatchTooLarge", [](Call &c) { c.xDims[0] = 1001; }, "input 'x': batch is 1001, expected 1 to 1000"},
    {"BatchBeyondContext", [](Call &c) { c.xDims[0] = 6; }, "input 'x': batch is 6, but the context was made for at most 5"},
    {"Bytes", [](Call &c) { c.inputs[0].byte_size = 191; }, "input 'x': byte size is 191, expected at least 192"},
    {"OutputBytes", [](Call &c) { c.outputs[0].byte_size = 0; }, "output 'sums': byte size is 0, expected at least 32"},
    {"AddressWraps", [](Call &c) { c.inputs[0].data = reinterpret_cast<void *>(UINTPTR_MAX - 15); },
     "input 'x': 192 bytes from its data reach beyond the address space"},
    {"OverlapsInput", [](Call &c) { c.outputs[0].data = c.x.data() + 47; }, "output 'sums': memory overlaps that of input 'x'"},
    {"OverlapsOutput", [](Call &c) { c.outputs[1].data = c.sums.data() + 6; }, "output 'count': memory overlaps that of output 'sums'"},
};

INSTANTIATE_TEST_SUITE_P(, CheckTensors, testing::ValuesIn(mistakes), [](const auto &info) { return info.param.what; });

using CheckCall = DemoTest;

TEST_F(CheckCall, Counts) {
  Call call(1);
  lathe_context *context = makeContext(1, 1);
  lathe_error error{};
  EXPECT_EQ(lathe_run(context, call.inputs, 1, call.outputs, 2, &error), LATHE_INVALID_INPUT);
  EXPECT_STREQ(error.text, "got 1 inputs, expected 2");
  EXPECT_EQ(lathe_run(context, call.inputs, 2, call.outputs, 3, &error), LATHE_INVALID_INPUT);
  EXPECT_STREQ(error.text, "got 3 outputs, expected 2");
  EXPECT_EQ(lathe_run(context, nullptr, 2, call.outputs, 2, &error), LATHE_USAGE);
  EXPECT_STREQ(error.text, "lathe_run: inputs is null");
  EXPECT_EQ(lathe_run(context, call.inputs, 2, nullptr, 2, &error), LATHE_USAGE);
  EXPECT_STREQ(error.text, "lathe_run: outputs is null");
  EXPECT_EQ(lathe_run(nullptr, call.inputs, 2, call.outputs, 2, nullptr), LATHE_USAGE);
}

TEST_F(CheckCall, SharedInputsAndLargerMemoryAreFine) {
  Call call(2);
  call.inputs[1].data = call.x.data(); // inputs may overlap each other
  call.bias.assign(call.x.begin(), call.x.begin() + 6);
  call.inputs[0].byte_size += 100;
  lathe_error error{};
  ASSERT_EQ(call.run(makeContext(2, 1), &error), LATHE_OK) << error.text;
  call.expectRight();
}

TEST(CheckTwoBatches, InputsMustAgree) {
  TemporaryFolder folder;
  ManifestBuilder builder;
  builder.inputs[1] = {builder.text("bias"), LATHE_FLOAT32, 2, 4, 0};
  builder.dims.insert(builder.dims.end(), {{1, 2}, {6, 0}}); // 1 + 2 N
  lathe_error error{};
  lathe_model *model = nullptr;
  ASSERT_EQ(lathe_model_load(writeArtifact(folder / "m.so", builder).c_str(), &model, &error), LATHE_OK) << error.text;
  lathe_context *context = nullptr;
  lathe_context_options options{sizeof options, 5, 1, nullptr, nullptr};
  ASSERT_EQ(lathe_context_create(model, &options, &context, &error), LATHE_OK) << error.text;
  Call call(2);
  std::vector<float> bias(5 * 6);
  int64_t biasDims[] = {7, 6};
  call.inputs[1] = {sizeof(lathe_tensor), bias.data(), 7 * 24, LATHE_FLOAT32, 2, biasDims};
  EXPECT_EQ(call.run(context, &error), LATHE_INVALID_INPUT);
  EXPECT_STREQ(error.text, "input 'bias': dim 0 means batch 3, but input 'x' has batch 2");
  biasDims[0] = 6;
  EXPECT_EQ(call.run(context, &error), LATHE_INVALID_INPUT);
  EXPECT_STREQ(error.text, "input 'bias': dim 0 is 6, expected 1 + 2 times the batch");
  biasDims[0] = 5;
  call.inputs[1].byte_size = 5 * 24;
  EXPECT_EQ(call.run(context, &error), LATHE_OK) << error.text;
  lathe_context_destroy(context);
  lathe_model_destroy(model);
}

} // namespace
} // namespace lathe::test
