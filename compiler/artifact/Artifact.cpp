#include "compiler/artifact/Artifact.h"

#include "compiler/artifact/DataObject.h"
#include "compiler/artifact/Link.h"
#include "compiler/artifact/Manifest.h"
#include "compiler/artifact/OutputFile.h"
#include "compiler/artifact/Recipe.h"
#include "dialects/nn/NNDialect.h"
#include "lathe/artifact.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace lathe;

namespace {

class Writer {
public:
  Writer(ModuleOp module, ArrayRef<Object> objects, const ArtifactOptions &options, std::string &error, int &exitCode)
      : module(module), objects(objects), options(options), error(error), exitCode(exitCode) {}

  LogicalResult write();

private:
  LogicalResult fail(int code) {
    exitCode = code;
    return failure();
  }
  LogicalResult fail(int code, const Twine &message) {
    error = message.str();
    return fail(code);
  }

  LogicalResult writeAssembly();
  LogicalResult writeLinked();
  LogicalResult evaluate(MutableArrayRef<char> to);
  LogicalResult writeWeightsFile();
  LogicalResult writeDataObject(MemoryFile &file);

  ModuleOp module;
  ArrayRef<Object> objects;
  const ArtifactOptions &options;
  std::string &error;
  int &exitCode;

  SmallVector<nn::WeightAttr> weights;
  ManifestInput manifest;
  OutputFile output, weightsOutput;
};

} // namespace

LogicalResult Writer::write() {
  auto plans = module.getOps<nn::PlanOp>();
  if (plans.empty() || !module->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr))
    return fail(kInternalError, "internal error: an artifact expects a module with nn.plan and nn.target");
  if (options.weightsInFile && options.emit != Emit::so)
    return fail(kUsage, "weights can be kept in a file of a shared object only");
  // Before the expensive part: nothing is evaluated for an output that cannot be written.
  if (failed(output.create(options.output, error)))
    return fail(kOutputFailed);
  if (options.emit == Emit::assembly)
    return writeAssembly();
  for (Attribute a : (*plans.begin()).getWeights())
    weights.push_back(cast<nn::WeightAttr>(a));
  manifest.weights = layOutWeights(weights, LATHE_ALIGNMENT);
  manifest.flags = options.flags;
  for (const Object &object : objects)
    manifest.kernels.push_back(object.kernel);
  manifest.gpu = options.gpu;
  return writeLinked();
}

LogicalResult Writer::writeAssembly() {
  llvm::raw_fd_ostream os(output.descriptor(), /*shouldClose=*/false);
  for (const Object &object : objects) {
    if (object.assembly.empty())
      return fail(kInternalError, "internal error: code generation did not keep the assembly of '" + object.kernel + "'");
    os << "# ---- " << object.kernel << " ----\n" << object.assembly;
  }
  os.flush();
  if (os.has_error()) {
    std::string reason = os.error().message();
    os.clear_error();
    return fail(kOutputFailed, "'" + options.output + "' cannot be written: " + reason);
  }
  return succeeded(output.commit(error)) ? success() : fail(kOutputFailed);
}

/// Evaluates the recipes into `to` and hashes them.
LogicalResult Writer::evaluate(MutableArrayRef<char> to) {
  auto directory = module->getAttrOfType<StringAttr>(nn::NNDialect::kModelDirAttr);
  if (failed(evaluateWeights(weights, manifest.weights, directory ? directory.getValue() : "", options.threads, to, error)))
    return fail(StringRef(error).starts_with("internal error") ? kInternalError : kInvalidInput);
  manifest.weightsHash = llvm::BLAKE3::hash<32>({reinterpret_cast<const uint8_t *>(to.data()), to.size()});
  return success();
}

LogicalResult Writer::writeWeightsFile() {
  std::string path = options.output + ".weights";
  if (failed(weightsOutput.create(path, error)))
    return fail(kOutputFailed);
  manifest.weightsFile = llvm::sys::path::filename(path).str();
  FileMapping mapping;
  if (failed(mapping.map(weightsOutput.descriptor(), manifest.weights.bytes, error)))
    return fail(kOutputFailed, "'" + path + "' cannot be written: " + error);
  return evaluate(mapping.bytes());
}

/// Weights are evaluated straight into the object that the linker reads.
LogicalResult Writer::writeDataObject(MemoryFile &file) {
  // The manifest's size does not depend on the hash that is still missing.
  FailureOr<std::vector<char>> draft = buildManifest(module, manifest, error);
  if (failed(draft))
    return fail(StringRef(error).starts_with("internal error") ? kInternalError : kUnsupportedModel);
  DataObjectInput input;
  // Images for GPUs come in an object of the machine that feeds the GPU: this one.
  std::string triple = options.gpu ? llvm::sys::getProcessTriple() : module->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr).getTriple().str();
  input.isX86 = StringRef(triple).starts_with("x86_64");
  input.kernels = manifest.kernels;
  input.weightsBytes = options.weightsInFile ? 0 : manifest.weights.bytes;
  input.manifestBytes = draft->size();
  input.imagesBytes = options.gpu ? layOutImages(*options.gpu).bytes : 0;
  DataObject object(input);
  FileMapping mapping;
  if (failed(file.create(error)) || failed(mapping.map(file.descriptor(), object.size(), error)))
    return fail(kInternalError, "internal error: " + error);
  if (input.weightsBytes && failed(evaluate(object.weights(mapping.bytes()))))
    return failure();
  FailureOr<std::vector<char>> bytes = buildManifest(module, manifest, error);
  if (failed(bytes) || bytes->size() != draft->size())
    return fail(kInternalError, "internal error: the manifest changed its size");
  object.write(mapping.bytes());
  if (options.gpu)
    for (auto [image, offset] : llvm::zip(options.gpu->images, layOutImages(*options.gpu).offsets))
      llvm::copy(image.bytes, object.images(mapping.bytes()).begin() + offset);
  llvm::copy(*bytes, object.manifest(mapping.bytes()).begin());
  return success();
}

LogicalResult Writer::writeLinked() {
  if (options.weightsInFile && !weights.empty() && failed(writeWeightsFile()))
    return failure();
  uint64_t bytes = options.weightsInFile ? 0 : manifest.weights.bytes;
  for (const Object &object : objects)
    bytes += object.bytes.size();
  if (options.gpu)
    bytes += layOutImages(*options.gpu).bytes;
  if (failed(output.checkSpace(bytes, error)))
    return fail(kOutputFailed);
  MemoryFile data;
  if (failed(writeDataObject(data)))
    return failure();
  SmallVector<int> files{data.descriptor()};
  std::vector<MemoryFile> code(objects.size());
  for (auto [file, object] : llvm::zip(code, objects)) {
    if (failed(file.create(error)) || failed(file.write(object.bytes, error)))
      return fail(kInternalError, "internal error: " + error);
    files.push_back(file.descriptor());
  }
  if (failed(linkObjects(files, options.emit == Emit::so ? LinkKind::sharedObject : LinkKind::relocatable, output.temporary(), error)))
    return fail(kOutputFailed, "'" + options.output + "' cannot be linked: " + error);
  if (!weightsOutput.temporary().empty() && failed(weightsOutput.commit(error)))
    return fail(kOutputFailed);
  return succeeded(output.commit(error)) ? success() : fail(kOutputFailed);
}

LogicalResult lathe::writeArtifact(ModuleOp module, ArrayRef<Object> objects, const ArtifactOptions &options, std::string &error, int &exitCode) {
  exitCode = kOk;
  return Writer(module, objects, options, error, exitCode).write();
}
