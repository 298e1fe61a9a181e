#include "tools/tensors/OnnxTensor.h"

#include "tools/support/Status.h"
#include "tools/tensors/File.h"
#include "tools/tensors/Npy.h"

#include <cstring>
#include <string_view>

namespace lathe::tools {

namespace {

// Field numbers of onnx.TensorProto.
enum Field {
  Dims = 1,
  DataType = 2,
  FloatData = 4,
  Int32Data = 5,
  StringData = 6,
  Int64Data = 7,
  Name = 8,
  RawData = 9,
  DoubleData = 10,
  Uint64Data = 11,
  ExternalData = 13,
  DataLocation = 14
};

// Protobuf's wire format: a key (number and kind), then a varint, 4 or 8 bytes, or a length and bytes.
class WireReader {
public:
  WireReader(std::string_view bytes, const std::string &path) : bytes(bytes), path(path) {}

  bool atEnd() const { return at == bytes.size(); }

  [[noreturn]] void fail(const std::string &why) const { throw Failure(InvalidInput, path + ": " + why); }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (atEnd())
        break;
      auto byte = (unsigned char)bytes[at++];
      value |= uint64_t(byte & 127) << shift;
      if (byte < 128)
        return value;
    }
    fail("is not an ONNX tensor file");
  }
  std::string_view take(size_t count) {
    if (count > bytes.size() - at)
      fail("is not an ONNX tensor file, or cut off");
    at += count;
    return bytes.substr(at - count, count);
  }
  std::string_view block() { return take(varint()); }

private:
  std::string_view bytes;
  const std::string &path;
  size_t at = 0;
};

struct Contents {
  std::vector<int64_t> dims;
  uint64_t dataType = 0;
  std::string_view name, raw;
  bool hasRaw = false;
  std::string fixed;             // float_data or double_data, as they lie on the wire
  std::vector<uint64_t> varints; // int32_data, int64_data or uint64_data
  int typedField = 0;
};

} // namespace

static Contents parseMessage(std::string_view content, const std::string &path) {
  Contents result;
  WireReader reader(content, path);
  auto varints = [&](unsigned kind, auto &&add) {
    if (kind == 0) {
      add(reader.varint());
    } else {
      WireReader packed(reader.block(), path);
      while (!packed.atEnd())
        add(packed.varint());
    }
  };
  while (!reader.atEnd()) {
    uint64_t key = reader.varint();
    unsigned kind = key & 7;
    uint64_t field = key >> 3;
    bool isInteger = kind == 0 || kind == 2;
    if (field == Dims && isInteger) {
      varints(kind, [&](uint64_t v) { result.dims.push_back(int64_t(v)); });
    } else if (field == DataType && kind == 0) {
      result.dataType = reader.varint();
    } else if ((field == Int32Data || field == Int64Data || field == Uint64Data) && isInteger) {
      result.typedField = int(field);
      varints(kind, [&](uint64_t v) { result.varints.push_back(v); });
    } else if ((field == FloatData && (kind == 5 || kind == 2)) || (field == DoubleData && (kind == 1 || kind == 2))) {
      result.typedField = int(field);
      result.fixed += kind == 2 ? reader.block() : reader.take(kind == 5 ? 4 : 8);
    } else if (field == Name && kind == 2) {
      result.name = reader.block();
    } else if (field == RawData && kind == 2) {
      result.hasRaw = true;
      result.raw = reader.block();
    } else if (field == StringData || field == ExternalData || (field == DataLocation && kind == 0 && reader.varint() != 0)) {
      reader.fail("holds strings or external data, expected the numbers themselves");
    } else if (field != DataLocation) { // doc_string and what later versions add
      if (kind == 0)
        reader.varint();
      else if (kind == 1)
        reader.take(8);
      else if (kind == 2)
        reader.block();
      else if (kind == 5)
        reader.take(4);
      else
        reader.fail("is not an ONNX tensor file");
    }
  }
  return result;
}

// The typed field that ONNX prescribes for a type.
static int typedFieldOf(uint32_t dtype) {
  switch (dtype) {
  case LATHE_FLOAT32:
    return FloatData;
  case LATHE_FLOAT64:
    return DoubleData;
  case LATHE_INT64:
    return Int64Data;
  case LATHE_UINT32:
  case LATHE_UINT64:
    return Uint64Data;
  default:
    return Int32Data;
  }
}

NamedTensor parseOnnxTensor(const std::string &content, const std::string &path) {
  Contents message = parseMessage(content, path);
  auto dtype = uint32_t(message.dataType);
  size_t element = message.dataType > 255 ? 0 : lathe_dtype_size(dtype), needed = element;
  if (element == 0)
    throw Failure(InvalidInput, path + ": has the ONNX type " + std::to_string(message.dataType) + ", expected a float, integer or bool type");
  for (int64_t dim : message.dims)
    if (dim < 0 || __builtin_mul_overflow(needed, size_t(dim), &needed))
      throw Failure(InvalidInput, path + ": shape " + dimsText(message.dims) + " is not possible");
  if (message.typedField && message.typedField != typedFieldOf(dtype))
    throw Failure(InvalidInput, path + ": has its numbers in a field that does not belong to " + lathe_dtype_name(dtype));

  std::string_view raw = message.hasRaw ? message.raw : std::string_view(message.fixed);
  bool asVarints = !message.hasRaw && typedFieldOf(dtype) != FloatData && typedFieldOf(dtype) != DoubleData;
  size_t available = asVarints ? message.varints.size() * element : raw.size();
  if (available != needed)
    throw Failure(InvalidInput, path + ": has " + std::to_string(available) + " bytes of data, expected " + std::to_string(needed) + " for " +
                                    dimsText(message.dims) + " " + lathe_dtype_name(dtype));
  NamedTensor result{std::string(message.name), Tensor::allocate(dtype, message.dims, path)};
  unsigned char *to = result.tensor.data.get();
  if (asVarints)
    for (uint64_t value : message.varints) {
      std::memcpy(to, &value, element); // little-endian: the low bytes are the value
      to += element;
    }
  else if (needed)
    std::memcpy(to, raw.data(), needed);
  return result;
}

NamedTensor readOnnxTensor(const std::string &path) { return parseOnnxTensor(readFile(path), path); }

Tensor readTensor(const std::string &path) { return std::string_view(path).ends_with(".pb") ? readOnnxTensor(path).tensor : readNpy(path); }

} // namespace lathe::tools
