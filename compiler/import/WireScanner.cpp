// The protobuf wire format is a list of (key, value) with key = field number * 8 + wire type. We descend only on the fixed way
// model > graph > initializer and model > graph or function > node > attribute > tensor, so that the depth is bounded whatever the bytes are.
#include "compiler/import/WireScanner.h"

#include "llvm/ADT/STLFunctionalExtras.h"

using namespace llvm;
using namespace lathe::importer;

namespace {

enum WireType { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

// Field numbers of onnx-ml.proto.
enum {
  kModelGraph = 7,
  kModelFunction = 25,
  kFunctionNode = 7,
  kGraphNode = 1,
  kGraphInitializer = 5,
  kNodeAttribute = 5,
  kAttributeTensor = 5,
  kTensorFloats = 4,
  kTensorRaw = 9
};

/// A message: a range of the file.
struct Message {
  StringRef file;
  uint64_t begin, end;
};

bool readVarint(const Message &message, uint64_t &position, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (position >= message.end)
      return false;
    uint8_t byte = message.file[position++];
    value |= uint64_t(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return true;
  }
  return false;
}

/// Calls `visit(field number, wire type, payload)` for each field. Groups, which ONNX does not use, end the scan.
bool forEachField(const Message &message, function_ref<bool(uint64_t, WireType, Message)> visit) {
  uint64_t position = message.begin;
  while (position < message.end) {
    uint64_t key, size;
    if (!readVarint(message, position, key))
      return false;
    auto type = WireType(key & 7);
    uint64_t value, begin = position;
    switch (unsigned(type)) {
    case kVarint:
      if (!readVarint(message, position, value))
        return false;
      size = position - begin;
      break;
    case kFixed64:
      size = 8;
      break;
    case kFixed32:
      size = 4;
      break;
    case kLength:
      if (!readVarint(message, position, size))
        return false;
      begin = position;
      break;
    default:
      return false;
    }
    if (size > message.end - begin)
      return false;
    position = begin + size;
    if (!visit(key >> 3, type, Message{message.file, begin, position}))
      return false;
  }
  return true;
}

bool scanTensor(const Message &tensor, WireTensor &result) {
  return forEachField(tensor, [&](uint64_t field, WireType type, Message payload) {
    WireTensor::Range range{int64_t(payload.begin), int64_t(payload.end - payload.begin), 1};
    if (field == kTensorRaw && type == kLength) {
      result.raw = range;
    } else if (field == kTensorFloats && (type == kLength || type == kFixed32)) {
      range.pieces += result.floats.pieces;
      result.floats = range;
    }
    return true;
  });
}

} // namespace

bool lathe::importer::scanTensors(StringRef file, WireTensors &result) {
  uint32_t list = 0, functions = 0, node = 0, graphNodes = 0, attribute = 0;
  auto visitAttribute = [&](uint64_t field, WireType type, Message payload) {
    return field != kAttributeTensor || type != kLength || scanTensor(payload, result.attributes[{list, node, attribute}]);
  };
  auto visitNode = [&](uint64_t field, WireType type, Message payload) {
    if (field != kNodeAttribute || type != kLength)
      return true;
    bool ok = forEachField(payload, visitAttribute);
    ++attribute;
    return ok;
  };
  auto visitGraph = [&](uint64_t field, WireType type, Message payload) {
    if (field == kGraphInitializer && type == kLength)
      return scanTensor(payload, result.initializers.emplace_back());
    if (field != kGraphNode || type != kLength)
      return true;
    list = 0;
    node = graphNodes++; // a graph may be written in several pieces
    attribute = 0;
    return forEachField(payload, visitNode);
  };
  auto visitFunction = [&](uint64_t field, WireType type, Message payload) {
    if (field != kFunctionNode || type != kLength)
      return true;
    attribute = 0;
    bool ok = forEachField(payload, visitNode);
    ++node;
    return ok;
  };
  return forEachField({file, 0, file.size()}, [&](uint64_t field, WireType type, Message payload) {
    if (type != kLength || (field != kModelGraph && field != kModelFunction))
      return true;
    if (field == kModelGraph)
      return forEachField(payload, visitGraph);
    list = ++functions;
    node = 0;
    return forEachField(payload, visitFunction);
  });
}
