#include "compiler/import/OnnxReader.h"

#include "compiler/import/TensorReader.h"
#include "compiler/import/onnx-ml.pb.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Parallel.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace llvm;
using namespace lathe;
using namespace lathe::importer;

/// Operator set versions whose operators the importer knows.
static constexpr int64_t kMinOpset = 1, kMaxOpset = 28;

/// Tensors up to this many bytes become dense attributes; larger ones stay in their file and are named by hash.
static constexpr size_t kMaxDenseBytes = 1024;

static std::string blake3Hex(StringRef bytes) {
  BLAKE3Result<> digest = BLAKE3::hash(arrayRefFromStringRef(bytes));
  return toHex(digest, /*LowerCase=*/true);
}

namespace {

class Reader {
public:
  Reader(StringRef path, const ImportOptions &options, ImportReport &report) : path(path), options(options), report(report) {}

  mlir::FailureOr<OnnxModel> read() {
    std::string error;
    std::unique_ptr<MappedFile> mapped = MappedFile::open(path.str(), error);
    if (!mapped)
      return invalid(error);
    file = mapped->bytes();
    SmallString<128> directory = path;
    if (std::error_code code = sys::fs::make_absolute(directory))
      return invalid("cannot be made an absolute path: " + code.message());
    model.fileName = sys::path::filename(path).str();
    sys::path::remove_filename(directory);
    model.directory = directory.str().str();
    model.files = std::make_unique<ExternalFiles>(model.directory, options.externalDataRoot);
    model.files->keep(std::move(mapped));

    onnx::ModelProto proto;
    if (file.size() > size_t(INT_MAX))
      return unsupported("is larger than 2 GiB, which protobuf cannot read; hint: store the weights as external data");
    google::protobuf::io::ArrayInputStream stream(file.data(), file.size());
    google::protobuf::io::CodedInputStream coded(&stream);
    coded.SetTotalBytesLimit(INT_MAX);
    coded.SetRecursionLimit(100);
    if (!proto.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage())
      return invalid("is not an ONNX model: protobuf cannot parse it");
    if (mlir::failed(readHeader(proto)))
      return mlir::failure();
    readGraph(proto.graph());
    if (report.exitCode)
      return mlir::failure();
    hashTensors();
    return std::move(model);
  }

private:
  mlir::LogicalResult invalid(const Twine &reason) {
    report.add(ImportReport::invalidModel, printable(path) + ": " + reason);
    return mlir::failure();
  }
  mlir::LogicalResult unsupported(const Twine &reason) {
    report.add(ImportReport::unsupportedModel, printable(path) + ": " + reason);
    return mlir::failure();
  }

  mlir::LogicalResult readHeader(const onnx::ModelProto &proto) {
    if (!proto.has_graph())
      return invalid("is not an ONNX model: it has no graph");
    for (const onnx::OperatorSetIdProto &set : proto.opset_import())
      if (set.domain().empty() || set.domain() == "ai.onnx")
        model.opset = set.version();
    if (!model.opset)
      return invalid("imports no version of the standard operator set");
    report.opset = model.opset;
    if (model.opset < kMinOpset || model.opset > kMaxOpset)
      return unsupported("opset " + Twine(model.opset) + " is not supported; supported: " + Twine(kMinOpset) + " to " + Twine(kMaxOpset));
    for (const onnx::FunctionProto &function : proto.functions())
      model.functions.insert(function.domain() + ":" + function.name());
    if (proto.graph().sparse_initializer_size())
      return unsupported("sparse initializers are not supported; found: '" + printable(proto.graph().sparse_initializer(0).values().name()) + "'");
    return mlir::success();
  }

  void readGraph(const onnx::GraphProto &graph) {
    WireTensors where;
    // A file that protobuf can parse and the scanner cannot is legal; its tensors are then copied.
    bool located = scanTensors(file, where);
    if (located && int(where.initializers.size()) != graph.initializer_size())
      located = false;
    TensorSource source{file, model.fileName, *model.files};
    for (auto [i, proto] : enumerate(graph.initializer()))
      if (std::optional<OnnxTensor> tensor = readOne(proto, located ? &where.initializers[i] : nullptr, source))
        model.initializers.push_back(std::move(*tensor));
    for (auto [i, proto] : enumerate(graph.node())) {
      OnnxNode &node = model.nodes.emplace_back();
      node.op = proto.op_type();
      node.name = proto.name().empty() ? node.op + "_" + std::to_string(i) : proto.name();
      node.domain = proto.domain() == "ai.onnx" ? "" : proto.domain();
      node.inputs.assign(proto.input().begin(), proto.input().end());
      node.outputs.assign(proto.output().begin(), proto.output().end());
      for (auto [j, attribute] : enumerate(proto.attribute())) {
        auto found = where.attributes.find({uint32_t(i), uint32_t(j)});
        readAttribute(attribute, located && found != where.attributes.end() ? &found->second : nullptr, source, node);
      }
      ++report.operators[node.op];
    }
    readValues(graph.input(), model.inputs);
    readValues(graph.output(), model.outputs);
  }

  std::optional<OnnxTensor> readOne(const onnx::TensorProto &proto, const WireTensor *where, const TensorSource &source) {
    std::string error;
    mlir::FailureOr<OnnxTensor> tensor = readTensor(proto, where, source, error);
    if (mlir::succeeded(tensor))
      return std::move(*tensor);
    if (!error.empty())
      report.add(ImportReport::invalidModel, error);
    return std::nullopt;
  }

  void readAttribute(const onnx::AttributeProto &proto, const WireTensor *where, const TensorSource &source, OnnxNode &node) {
    OnnxAttribute &attribute = node.attributes.emplace_back();
    using Kind = OnnxAttribute::Kind;
    attribute.name = proto.name();
    switch (kindOf(proto)) {
    case onnx::AttributeProto::INT:
      attribute.kind = Kind::integer;
      attribute.integer = proto.i();
      break;
    case onnx::AttributeProto::FLOAT:
      attribute.kind = Kind::real;
      attribute.real = proto.f();
      break;
    case onnx::AttributeProto::STRING:
      attribute.kind = Kind::text;
      attribute.text = proto.s();
      break;
    case onnx::AttributeProto::INTS:
      attribute.kind = Kind::integers;
      attribute.integers.assign(proto.ints().begin(), proto.ints().end());
      break;
    case onnx::AttributeProto::FLOATS:
      attribute.kind = Kind::reals;
      attribute.reals.assign(proto.floats().begin(), proto.floats().end());
      break;
    case onnx::AttributeProto::TENSOR:
      if (std::optional<OnnxTensor> tensor = readOne(proto.t(), where, source)) {
        attribute.kind = Kind::tensor;
        attribute.tensor = std::move(*tensor);
        if (attribute.tensor.name.empty())
          attribute.tensor.name = node.name;
      }
      break;
    default: // whoever reads the attribute says that its type is wrong
      break;
    }
  }

  /// Files of the first ONNX versions leave the type out.
  static onnx::AttributeProto::AttributeType kindOf(const onnx::AttributeProto &proto) {
    if (proto.type() != onnx::AttributeProto::UNDEFINED)
      return proto.type();
    if (proto.has_i())
      return onnx::AttributeProto::INT;
    if (proto.has_f())
      return onnx::AttributeProto::FLOAT;
    if (proto.has_s())
      return onnx::AttributeProto::STRING;
    if (proto.has_t())
      return onnx::AttributeProto::TENSOR;
    if (proto.ints_size())
      return onnx::AttributeProto::INTS;
    if (proto.floats_size())
      return onnx::AttributeProto::FLOATS;
    return onnx::AttributeProto::UNDEFINED;
  }

  template <typename Protos> static void readValues(const Protos &protos, std::vector<OnnxValueInfo> &values) {
    for (const onnx::ValueInfoProto &proto : protos) {
      OnnxValueInfo &value = values.emplace_back();
      value.name = proto.name();
      value.isTensor = proto.type().has_tensor_type();
      const onnx::TypeProto::Tensor &type = proto.type().tensor_type();
      value.dataType = type.elem_type();
      if (!type.has_shape())
        continue;
      value.dims.emplace();
      for (const onnx::TensorShapeProto::Dimension &proto : type.shape().dim()) {
        OnnxDim &dim = value.dims->emplace_back();
        // Some exporters write an unknown dimension as -1.
        if (proto.has_dim_value() && proto.dim_value() >= 0)
          dim.value = proto.dim_value();
        else if (proto.has_dim_param())
          dim.symbol = proto.dim_param();
      }
    }
  }

  /// Hashes, in parallel, the file and each tensor that is too large to be written into the IR.
  void hashTensors() {
    std::vector<OnnxTensor *> tensors;
    auto add = [&](OnnxTensor &tensor) {
      if (!tensor.file.empty() && tensor.bytes.size() > kMaxDenseBytes)
        tensors.push_back(&tensor);
    };
    for_each(model.initializers, add);
    for (OnnxNode &node : model.nodes)
      for (OnnxAttribute &attribute : node.attributes)
        add(attribute.tensor);
    parallelFor(0, tensors.size() + 1, [&](size_t i) {
      if (i == tensors.size())
        model.hash = blake3Hex(file);
      else
        tensors[i]->hash = blake3Hex(tensors[i]->bytes);
    });
  }

  StringRef path;
  const ImportOptions &options;
  ImportReport &report;
  StringRef file;
  OnnxModel model;
};

} // namespace

mlir::FailureOr<OnnxModel> importer::readOnnx(StringRef path, const ImportOptions &options, ImportReport &report) {
  return Reader(path, options, report).read();
}
