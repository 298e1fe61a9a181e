#include "compiler/import/TensorReader.h"

#include "compiler/import/onnx-ml.pb.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <bit>
#include <utility>

using namespace llvm;
using namespace lathe::importer;

static_assert(std::endian::native == std::endian::little, "ONNX stores little-endian; reading it elsewhere needs swaps here");

/// Elements that a tensor may have: enough for every network, and small enough that sizes in bytes cannot wrap.
static constexpr int64_t kMaxElements = int64_t(1) << 40;

std::string lathe::importer::dataTypeName(int32_t type) {
  static const char *const names[] = {"undefined", "float32", "uint8",   "int8",   "uint16", "int16",     "int32",      "int64",   "string",
                                      "bool",      "float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"};
  return type >= 0 && type < int32_t(std::size(names)) ? names[type] : "data type " + std::to_string(type);
}

int64_t lathe::importer::dataTypeSize(int32_t type) {
  switch (type) {
  case kUInt8:
  case kInt8:
  case kBool:
    return 1;
  case kUInt16:
  case kInt16:
  case kFloat16:
  case kBFloat16:
    return 2;
  case kFloat:
  case kInt32:
  case kUInt32:
    return 4;
  case kInt64:
  case kUInt64:
  case kDouble:
    return 8;
  default:
    return 0;
  }
}

std::string lathe::importer::printable(StringRef name) {
  constexpr size_t kLongest = 200;
  std::string text;
  raw_string_ostream stream(text);
  for (size_t i = 0; i < std::min(name.size(), kLongest);) {
    // Bytes above 127 stay where they are UTF-8.
    size_t length =
        uint8_t(name[i]) < 128 ? 1 : getUTF8SequenceSize(reinterpret_cast<const UTF8 *>(name.data() + i), reinterpret_cast<const UTF8 *>(name.end()));
    if (length == 0 || uint8_t(name[i]) < 32 || name[i] == 127) {
      stream << "\\x" << format_hex_no_prefix(uint8_t(name[i]), 2);
      length = 1;
    } else {
      stream << name.substr(i, length);
    }
    i += length;
  }
  if (name.size() > kLongest)
    stream << "...";
  return text;
}

namespace {

/// The typed field's values, cut down to the element type; false if one of them does not fit. Bit patterns of half floats are written as numbers of 16 bits.
template <typename Element, typename Field> bool narrow(const Field &values, std::string &bytes) {
  bytes.resize(values.size() * sizeof(Element));
  for (int i = 0; i < values.size(); ++i) {
    auto element = static_cast<Element>(values[i]);
    if constexpr (std::is_integral_v<Element>)
      if (!std::in_range<Element>(values[i]))
        return false;
    std::memcpy(bytes.data() + i * sizeof(Element), &element, sizeof(Element));
  }
  return true;
}

/// The elements from the field in which ONNX stores this type; false if one of them is none of the type.
bool typedElements(const onnx::TensorProto &proto, std::string &bytes) {
  switch (proto.data_type()) {
  case kFloat:
    return narrow<float>(proto.float_data(), bytes);
  case kDouble:
    return narrow<double>(proto.double_data(), bytes);
  case kInt64:
    return narrow<int64_t>(proto.int64_data(), bytes);
  case kUInt64:
    return narrow<uint64_t>(proto.uint64_data(), bytes);
  case kUInt32:
    return narrow<uint32_t>(proto.uint64_data(), bytes);
  case kInt32:
    return narrow<int32_t>(proto.int32_data(), bytes);
  case kInt16:
    return narrow<int16_t>(proto.int32_data(), bytes);
  case kInt8:
    return narrow<int8_t>(proto.int32_data(), bytes);
  default: // unsigned, truth values and half floats
    return dataTypeSize(proto.data_type()) == 1 ? narrow<uint8_t>(proto.int32_data(), bytes) : narrow<uint16_t>(proto.int32_data(), bytes);
  }
}

/// How many elements stand in fields of numbers, whichever.
int64_t typedCount(const onnx::TensorProto &proto) {
  return int64_t(proto.float_data_size()) + proto.int32_data_size() + proto.int64_data_size() + proto.double_data_size() + proto.uint64_data_size() +
         proto.string_data_size();
}

class Reader {
public:
  Reader(const onnx::TensorProto &proto, const WireTensor *where, const TensorSource &source, std::string &error)
      : proto(proto), where(where), source(source), error(error) {}

  mlir::FailureOr<OnnxTensor> read() {
    tensor.name = proto.name().empty() ? source.nameless.str() : proto.name();
    tensor.dataType = proto.data_type();
    if (mlir::failed(readDims()))
      return mlir::failure();
    if (proto.has_segment())
      return fail("is stored in segments, which is not supported");
    if (!dataTypeSize(tensor.dataType)) // whoever uses the tensor says that its type is not supported
      return std::move(tensor);
    expected = tensor.elementCount() * dataTypeSize(tensor.dataType);
    mlir::LogicalResult result = proto.data_location() == onnx::TensorProto::EXTERNAL ? readExternal() : readInline();
    if (mlir::failed(result))
      return mlir::failure();
    return std::move(tensor);
  }

private:
  mlir::LogicalResult fail(const Twine &reason) {
    error = ("tensor '" + printable(tensor.name) + "': " + reason).str();
    return mlir::failure();
  }

  mlir::LogicalResult readDims() {
    if (proto.dims_size() > 64)
      return fail("has " + Twine(proto.dims_size()) + " dimensions; supported: up to 64");
    int64_t count = 1;
    for (int64_t d : proto.dims()) {
      if (d < 0)
        return fail("expects dimensions of at least 0 (got " + Twine(d) + ")");
      std::optional<int64_t> product = checkedMul(count, d);
      if (!product || *product > kMaxElements)
        return fail("has more than 2^40 elements");
      count = *product;
      tensor.dims.push_back(d);
    }
    return mlir::success();
  }

  mlir::LogicalResult readInline() {
    bool raw = proto.has_raw_data();
    if (raw && int64_t(proto.raw_data().size()) != expected)
      return fail("expects " + Twine(expected) + " bytes of raw_data (got " + Twine(proto.raw_data().size()) + ")");
    if (raw && typedCount(proto))
      return fail("has both raw_data and " + Twine(typedCount(proto)) + " elements in fields of numbers");
    std::string typed;
    if (!raw && !typedElements(proto, typed))
      return fail("has an element that is no " + dataTypeName(tensor.dataType));
    if (!raw && int64_t(typed.size()) != expected)
      return fail("expects " + Twine(tensor.elementCount()) + " elements (got " + Twine(typed.size() / dataTypeSize(tensor.dataType)) + ")");
    StringRef bytes = raw ? StringRef(proto.raw_data()) : StringRef(typed);
    if (!checkTruth(bytes))
      return fail("has an element that is no bool");
    // What the scanner found is used only if it is what protobuf read.
    if (where && (raw || tensor.dataType == kFloat)) {
      const WireTensor::Range &range = raw ? where->raw : where->floats;
      if (range.pieces == 1 && source.file.substr(range.offset, range.length) == bytes) {
        tensor.bytes = source.file.substr(range.offset, range.length);
        tensor.file = source.path;
        tensor.offset = range.offset;
        return mlir::success();
      }
    }
    tensor.owned = std::make_shared<std::string>(raw ? proto.raw_data() : std::move(typed));
    tensor.bytes = *tensor.owned;
    return mlir::success();
  }

  /// Truth values are bytes of 0 and 1 everywhere below.
  bool checkTruth(StringRef bytes) const {
    return tensor.dataType != kBool || llvm::all_of(bytes, [](char c) { return c == 0 || c == 1; });
  }

  /// A decimal number in external_data.
  mlir::LogicalResult readNumber(StringRef key, StringRef text, uint64_t &value) {
    if (text.getAsInteger(10, value) || value > uint64_t(INT64_MAX))
      return fail("expects a byte count as external " + key + " (got '" + printable(text) + "')");
    return mlir::success();
  }

  mlir::LogicalResult readExternal() {
    if (proto.has_raw_data() || typedCount(proto))
      return fail("has both external and inline data");
    std::string location;
    uint64_t offset = 0, length = expected;
    StringSet<> keys;
    for (const onnx::StringStringEntryProto &entry : proto.external_data()) {
      if (!keys.insert(entry.key()).second)
        return fail("has external " + printable(entry.key()) + " twice");
      if (entry.key() == "location")
        location = entry.value();
      else if (entry.key() == "offset" && mlir::failed(readNumber("offset", entry.value(), offset)))
        return mlir::failure();
      else if (entry.key() == "length" && mlir::failed(readNumber("length", entry.value(), length)))
        return mlir::failure();
      // The last two are written by onnx and ONNX Runtime for themselves.
      StringRef key = entry.key();
      if (!is_contained({"location", "offset", "length", "checksum", "basepath"}, key) && !key.starts_with("prepacked_"))
        return fail("has external data with key '" + printable(key) + "'; expects location, offset, length and checksum");
    }
    if (location.empty())
      return fail("is external without a location");
    if (length != uint64_t(expected))
      return fail("expects " + Twine(expected) + " bytes of external data (got length " + Twine(length) + ")");
    std::string reason;
    mlir::FailureOr<StringRef> bytes = source.external.read(location, offset, length, reason);
    if (mlir::failed(bytes)) {
      if (!reason.empty())
        return fail(reason);
      error.clear();
      return mlir::failure();
    }
    if (!checkTruth(*bytes))
      return fail("has an element that is no bool");
    tensor.bytes = *bytes;
    tensor.file = location;
    tensor.offset = offset;
    return mlir::success();
  }

  const onnx::TensorProto &proto;
  const WireTensor *where;
  const TensorSource &source;
  std::string &error;
  OnnxTensor tensor;
  int64_t expected = 0;
};

} // namespace

mlir::FailureOr<OnnxTensor> lathe::importer::readTensor(const onnx::TensorProto &proto, const WireTensor *where, const TensorSource &source,
                                                        std::string &error) {
  return Reader(proto, where, source, error).read();
}
