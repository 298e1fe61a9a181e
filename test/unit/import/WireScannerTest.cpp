// Offsets found by the scanner, against the place of the bytes in what protobuf has written.
#include "compiler/import/WireScanner.h"

#include "compiler/import/onnx-ml.pb.h"
#include "llvm/ADT/STLExtras.h"
#include <gtest/gtest.h>
#include <random>

using namespace lathe::importer;

namespace {

onnx::ModelProto exampleModel() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("test");
  onnx::GraphProto &graph = *model.mutable_graph();
  for (int i = 0; i < 3; ++i) {
    onnx::NodeProto &node = *graph.add_node();
    node.set_op_type("Constant");
    node.add_attribute()->set_i(i);
    onnx::TensorProto &tensor = *node.add_attribute()->mutable_t();
    tensor.add_dims(8);
    tensor.set_raw_data("node-" + std::to_string(i));
  }
  graph.add_initializer()->set_raw_data("first initializer");
  for (int i = 0; i < 40; ++i)
    graph.mutable_initializer(0)->add_float_data(i); // both fields: each is found
  graph.add_initializer();                           // empty
  graph.add_initializer()->set_raw_data(std::string(300, 'x'));
  return model;
}

std::string at(const std::string &file, const WireTensor::Range &range) { return file.substr(range.offset, range.length); }

TEST(WireScanner, FindsTheBytes) {
  std::string file = exampleModel().SerializeAsString();
  WireTensors found;
  ASSERT_TRUE(scanTensors(file, found));
  ASSERT_EQ(found.initializers.size(), 3u);
  EXPECT_EQ(at(file, found.initializers[0].raw), "first initializer");
  EXPECT_EQ(found.initializers[0].raw.offset, int64_t(file.find("first initializer")));
  ASSERT_EQ(found.initializers[0].floats.length, 160);
  EXPECT_EQ(found.initializers[0].floats.pieces, 1);
  float last;
  std::memcpy(&last, file.data() + found.initializers[0].floats.offset + 156, 4);
  EXPECT_EQ(last, 39);
  EXPECT_EQ(found.initializers[1].raw.pieces, 0);
  EXPECT_EQ(at(file, found.initializers[2].raw), std::string(300, 'x'));
  ASSERT_EQ(found.attributes.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i)
    EXPECT_EQ(at(file, found.attributes.at({0, i, 1}).raw), "node-" + std::to_string(i));
}

// A message may come in pieces, which protobuf merges.
TEST(WireScanner, CountsAsProtobufMerges) {
  onnx::ModelProto first = exampleModel(), second = exampleModel();
  std::string file = first.SerializeAsString() + second.SerializeAsString();
  onnx::ModelProto merged;
  ASSERT_TRUE(merged.ParseFromString(file));
  WireTensors found;
  ASSERT_TRUE(scanTensors(file, found));
  ASSERT_EQ(int(found.initializers.size()), merged.graph().initializer_size());
  for (auto [i, tensor] : llvm::enumerate(merged.graph().initializer()))
    EXPECT_EQ(at(file, found.initializers[i].raw), tensor.raw_data());
}

// field 4, wire type 5: floats one by one. Two pieces are no range of bytes.
TEST(WireScanner, UnpackedFloatsArePieces) {
  onnx::ModelProto model;
  model.mutable_graph()->add_initializer()->mutable_unknown_fields()->append("\x25\0\0\0\0\x25\0\0\0\0", 10);
  WireTensors found;
  ASSERT_TRUE(scanTensors(model.SerializeAsString(), found));
  EXPECT_EQ(found.initializers[0].floats.pieces, 2);
}

TEST(WireScanner, RefusesWhatIsCutOrMalformed) {
  std::string file = exampleModel().SerializeAsString();
  WireTensors found;
  EXPECT_FALSE(scanTensors(llvm::StringRef(file).drop_back(), found));
  EXPECT_FALSE(scanTensors(llvm::StringRef("\x3b", 1), found));                                          // a group
  EXPECT_FALSE(scanTensors(llvm::StringRef("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), found)); // a varint without end
  EXPECT_FALSE(scanTensors(llvm::StringRef("\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), found)); // a length that wraps
  EXPECT_TRUE(scanTensors("", found));
}

// Whatever the bytes are, every range lies in the file.
TEST(WireScanner, RangesStayInside) {
  std::string file = exampleModel().SerializeAsString();
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = file;
    for (int n = 1 + random() % 4; n--;)
      damaged[random() % damaged.size()] = char(random());
    WireTensors found;
    (void)scanTensors(damaged, found);
    auto inside = [&](const WireTensor::Range &range) {
      return range.offset >= 0 && range.length >= 0 && range.offset + range.length <= int64_t(damaged.size());
    };
    for (const WireTensor &tensor : found.initializers)
      ASSERT_TRUE(inside(tensor.raw) && inside(tensor.floats));
    for (auto &entry : found.attributes)
      ASSERT_TRUE(inside(entry.second.raw) && inside(entry.second.floats));
  }
}

} // namespace
