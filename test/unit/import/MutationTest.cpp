// The whole importer on damaged models: whatever the bytes are, it answers with a module or a message, and never with an internal error.
#include "compiler/import/Import.h"
#include "test/unit/import/Folder.h"

#include "compiler/import/onnx-ml.pb.h"
#include <gtest/gtest.h>
#include <random>

using namespace lathe;
using lathe::test::Folder;

namespace {

std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

struct MutationTest : testing::Test {
  void import(const std::string &bytes) {
    std::string path = folder.write("m.onnx", bytes);
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    ImportReport report;
    mlir::OwningOpRef<mlir::ModuleOp> module = importOnnx(context, path, {}, report);
    ++codes[report.exitCode];
    ASSERT_EQ(bool(module), report.exitCode == ImportReport::ok);
    ASSERT_EQ(report.messages.empty(), report.exitCode == ImportReport::ok);
    for (const std::string &message : report.messages)
      ASSERT_EQ(message.find('\n'), std::string::npos) << message;
    ASSERT_NE(report.exitCode, ImportReport::internalError) << report.messages.front();
  }

  Folder folder;
  std::string digits = readFile(TEST_DIGITS);
  // --gtest_random_seed=N --gtest_shuffle tries others.
  std::mt19937 random{unsigned(11 + testing::UnitTest::GetInstance()->random_seed())};
  std::map<int, int> codes;
};

// Mostly hits weights' bytes and protobuf's structure.
TEST_F(MutationTest, Bytes) {
  for (int i = 0; i < 400; ++i) {
    std::string damaged = digits;
    for (int n = 1 + random() % 8; n--;)
      damaged[random() % 4096] = char(random());
    import(damaged);
  }
  EXPECT_GT(codes[ImportReport::invalidModel], 10);
}

TEST_F(MutationTest, Truncation) {
  for (size_t size = 0; size < 3000; size += 7)
    import(digits.substr(0, size));
  EXPECT_EQ(codes[ImportReport::ok], 0);
}

// Well-formed protobuf with wrong content: gets further.
TEST_F(MutationTest, Fields) {
  const int64_t numbers[] = {0, 1, -1, 2, 3, 7, 8, 64, 1 << 20, 1ll << 31, INT64_MAX, INT64_MIN};
  const char *const ops[] = {"Conv",
                             "MaxPool",
                             "AveragePool",
                             "GlobalAveragePool",
                             "Gemm",
                             "MatMul",
                             "Add",
                             "Div",
                             "Reshape",
                             "Flatten",
                             "Squeeze",
                             "Unsqueeze",
                             "Shape",
                             "Gather",
                             "Slice",
                             "Concat",
                             "Cast",
                             "Constant",
                             "ConstantOfShape",
                             "Range",
                             "Equal",
                             "Where",
                             "Size",
                             "Identity",
                             "Dropout",
                             "BatchNormalization",
                             "Relu",
                             "If"};
  onnx::ModelProto original;
  ASSERT_TRUE(original.ParseFromString(digits));
  for (int i = 0; i < 1500; ++i) {
    onnx::ModelProto model = original;
    onnx::GraphProto &graph = *model.mutable_graph();
    for (int n = 1 + random() % 3; n--;) {
      onnx::NodeProto &node = *graph.mutable_node(random() % graph.node_size());
      onnx::TensorProto &tensor = *graph.mutable_initializer(random() % graph.initializer_size());
      int64_t number = numbers[random() % std::size(numbers)];
      switch (random() % 8) {
      case 0:
        node.set_op_type(ops[random() % std::size(ops)]);
        break;
      case 1:
        if (node.attribute_size()) {
          onnx::AttributeProto &attribute = *node.mutable_attribute(random() % node.attribute_size());
          if (attribute.ints_size())
            attribute.set_ints(random() % attribute.ints_size(), number);
          else
            attribute.set_i(number);
        }
        break;
      case 2:
        if (node.input_size())
          node.set_input(random() % node.input_size(), graph.node(random() % graph.node_size()).output(0));
        break;
      case 3:
        if (tensor.dims_size())
          tensor.set_dims(random() % tensor.dims_size(), number);
        break;
      case 4:
        tensor.set_data_type(int32_t(random() % 20));
        break;
      case 5:
        if (auto &shape = *graph.mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape(); shape.dim_size())
          shape.mutable_dim(random() % shape.dim_size())->set_dim_value(number);
        break;
      case 6:
        model.mutable_opset_import(0)->set_version(int64_t(random() % 30));
        break;
      case 7:
        node.add_input(graph.initializer(random() % graph.initializer_size()).name());
        break;
      }
    }
    import(model.SerializeAsString());
  }
  EXPECT_GT(codes[ImportReport::ok], 10);
  EXPECT_GT(codes[ImportReport::unsupportedModel], 10);
  EXPECT_GT(codes[ImportReport::invalidModel], 10);
}

} // namespace
