#include "compiler/import/OnnxReader.h"

#include "compiler/import/GraphReader.h"
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

/// The newest version of the file format that is known.
static constexpr int64_t kMaxIRVersion = 14;

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
    GraphReader(file, model, report).read(proto);
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
    if (proto.ir_version() < 1)
      return invalid("expects an ir_version of at least 1 (got " + Twine(proto.ir_version()) + ")");
    if (proto.ir_version() > kMaxIRVersion)
      return unsupported("ir_version " + Twine(proto.ir_version()) + " is not supported; supported: up to " + Twine(kMaxIRVersion));
    llvm::StringMap<int64_t> sets;
    for (const onnx::OperatorSetIdProto &set : proto.opset_import()) {
      auto [entry, isNew] = sets.try_emplace(set.domain() == "ai.onnx" ? "" : set.domain(), set.version());
      if (!isNew && entry->second != set.version())
        return invalid("imports opset " + Twine(entry->second) + " and opset " + Twine(set.version()) + " of the same domain '" + printable(set.domain()) +
                       "'");
    }
    auto standard = sets.find("");
    if (standard == sets.end())
      return invalid("imports no version of the standard operator set");
    model.opset = standard->second;
    if (model.opset < 1)
      return invalid("expects an opset of at least 1 (got " + Twine(model.opset) + ")");
    report.opset = model.opset;
    if (model.opset < kMinOpset || model.opset > kMaxOpset)
      return unsupported("opset " + Twine(model.opset) + " is not supported; supported: " + Twine(kMinOpset) + " to " + Twine(kMaxOpset));
    if (proto.graph().sparse_initializer_size())
      return unsupported("sparse initializers are not supported; found: '" + printable(proto.graph().sparse_initializer(0).values().name()) + "'");
    return mlir::success();
  }

  /// The tensors that are too large to be written into the IR.
  template <typename Tensors> static void collect(Tensors &tensors, std::vector<OnnxNode> &nodes, std::vector<OnnxTensor *> &large) {
    auto add = [&](OnnxTensor &tensor) {
      if (!tensor.file.empty() && tensor.bytes.size() > kMaxDenseBytes)
        large.push_back(&tensor);
    };
    for_each(tensors, add);
    for (OnnxNode &node : nodes)
      for (OnnxAttribute &attribute : node.attributes) {
        add(attribute.tensor);
        if (attribute.graph)
          collect(attribute.graph->initializers, attribute.graph->nodes, large);
      }
  }

  /// Hashes, in parallel, the file and each large tensor.
  void hashTensors() {
    std::vector<OnnxTensor *> tensors;
    collect(model.initializers, model.nodes, tensors);
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
