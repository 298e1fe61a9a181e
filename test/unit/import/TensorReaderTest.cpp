// Every way in which ONNX stores elements gives the same bytes.
#include "compiler/import/TensorReader.h"
#include "test/unit/import/Folder.h"

#include "compiler/import/onnx-ml.pb.h"
#include <gtest/gtest.h>

using namespace lathe::importer;
using lathe::test::Folder;

namespace {

template <typename T> std::string bytesOf(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char *>(values.begin()), values.size() * sizeof(T));
}

struct TensorReaderTest : testing::Test {
  TensorReaderTest() { proto.set_name("t"); }

  void dims(std::initializer_list<int64_t> values, int type) {
    proto.clear_dims();
    for (int64_t d : values)
      proto.add_dims(d);
    proto.set_data_type(type);
  }
  /// The elements' bytes, or the error.
  std::string read(const WireTensor *where = nullptr, llvm::StringRef file = "") {
    ExternalFiles external(folder.path, "");
    std::string error;
    mlir::FailureOr<OnnxTensor> result = readTensor(proto, where, TensorSource{file, "m.onnx", external}, error);
    if (failed(result))
      return error;
    tensor = *result;
    return tensor.bytes.str();
  }

  Folder folder;
  onnx::TensorProto proto;
  OnnxTensor tensor;
};

TEST_F(TensorReaderTest, RawData) {
  dims({2}, kFloat);
  proto.set_raw_data(bytesOf({1.5f, -2.0f}));
  EXPECT_EQ(read(), bytesOf({1.5f, -2.0f}));
  EXPECT_EQ(tensor.file, "");
  EXPECT_EQ(tensor.elementCount(), 2);
}

TEST_F(TensorReaderTest, TypedFields) {
  dims({2}, kFloat);
  proto.add_float_data(1.5f);
  proto.add_float_data(-2.0f);
  EXPECT_EQ(read(), bytesOf({1.5f, -2.0f}));
  dims({1}, kDouble);
  proto.add_double_data(0.1);
  EXPECT_EQ(read(), bytesOf({0.1}));
  dims({2}, kInt64);
  proto.add_int64_data(-1);
  proto.add_int64_data(INT64_MAX);
  EXPECT_EQ(read(), bytesOf<int64_t>({-1, INT64_MAX}));
  dims({1}, kUInt64);
  proto.add_uint64_data(UINT64_MAX);
  EXPECT_EQ(read(), bytesOf<uint64_t>({UINT64_MAX}));
  dims({1}, kUInt32);
  proto.set_uint64_data(0, 4000000000u);
  EXPECT_EQ(read(), bytesOf<uint32_t>({4000000000u}));
  // int32_data holds all the small types.
  proto.add_int32_data(-2);
  dims({1}, kInt32);
  EXPECT_EQ(read(), bytesOf<int32_t>({-2}));
  dims({1}, kInt16);
  EXPECT_EQ(read(), bytesOf<int16_t>({-2}));
  dims({1}, kInt8);
  EXPECT_EQ(read(), bytesOf<int8_t>({-2}));
  proto.set_int32_data(0, 1);
  dims({1}, kBool);
  EXPECT_EQ(read(), bytesOf<uint8_t>({1}));
  proto.set_int32_data(0, 0x3c00);
  dims({1}, kFloat16);
  EXPECT_EQ(read(), bytesOf<uint16_t>({0x3c00}));
}

TEST_F(TensorReaderTest, ScalarsAndEmptyTensors) {
  dims({}, kFloat);
  proto.add_float_data(7);
  EXPECT_EQ(read(), bytesOf({7.0f}));
  proto.clear_float_data();
  dims({3, 0, 2}, kFloat);
  EXPECT_EQ(read(), "");
  EXPECT_EQ(tensor.elementCount(), 0);
}

TEST_F(TensorReaderTest, TypesThatAreNotReadHaveNoBytes) {
  for (int type : {int(kString), 14, 17, 22, 99, -1}) {
    dims({3}, type);
    proto.set_raw_data("abc");
    EXPECT_EQ(read(), "") << type;
    EXPECT_EQ(tensor.dataType, type);
  }
}

TEST_F(TensorReaderTest, BytesInTheFileAreNamedByTheirPlace) {
  dims({2}, kFloat);
  std::string data = bytesOf({1.5f, -2.0f}), file = "head" + data + "tail";
  proto.set_raw_data(data);
  WireTensor where;
  where.raw = {4, 8, 1};
  EXPECT_EQ(read(&where, file), data);
  EXPECT_EQ(tensor.file, "m.onnx");
  EXPECT_EQ(tensor.offset, 4);
  EXPECT_EQ(tensor.bytes.data(), file.data() + 4); // no copy
  // A place that holds something else is not believed.
  where.raw.offset = 5;
  EXPECT_EQ(read(&where, file), data);
  EXPECT_EQ(tensor.file, "");
}

TEST_F(TensorReaderTest, ExternalData) {
  folder.write("w.bin", "head" + bytesOf({1.5f, -2.0f}));
  dims({2}, kFloat);
  proto.set_data_location(onnx::TensorProto::EXTERNAL);
  auto set = [&](const char *key, const char *value) {
    onnx::StringStringEntryProto &entry = *proto.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  };
  set("location", "w.bin");
  set("offset", "4");
  EXPECT_EQ(read().size(), 8u); // the length may be absent
  set("length", "8");
  EXPECT_EQ(read().size(), 8u);
  EXPECT_EQ(tensor.file, "w.bin");
  EXPECT_EQ(tensor.offset, 4);
  proto.mutable_external_data(1)->set_value("5");
  EXPECT_EQ(read(), "tensor 't': external file 'w.bin' holds 12 bytes, but 8 bytes from offset 5 are asked for");
}

TEST_F(TensorReaderTest, SizesAreChecked) {
  dims({3}, kFloat);
  proto.set_raw_data(bytesOf({1.5f, -2.0f}));
  EXPECT_EQ(read(), "tensor 't': expects 12 bytes of raw_data (got 8)");
  dims({INT64_MAX, INT64_MAX}, kFloat);
  EXPECT_EQ(read(), "tensor 't': has more than 2^40 elements");
  dims({0, INT64_MAX}, kFloat);
  EXPECT_EQ(read(), "tensor 't': expects 0 bytes of raw_data (got 8)");
}

TEST(Printable, KeepsMessagesOnOneLine) {
  EXPECT_EQ(printable("/conv1/Conv"), "/conv1/Conv");
  EXPECT_EQ(printable(llvm::StringRef("a\n\0\x7f", 4)), "a\\x0a\\x00\\x7f");
  EXPECT_EQ(printable("größe"), "größe");
  EXPECT_EQ(printable(std::string(1000, 'a')).size(), 203u);
}

} // namespace
