#include "compiler/artifact/Manifest.h"

#include "compiler/Version.h"
#include "lathe/artifact.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/JSON.h"
#include <cstring>
#include <limits>

using namespace mlir;
using namespace lathe;

namespace {

/// The runtime refuses longer names.
constexpr size_t kMaxName = 4096;
constexpr size_t kTableAlignment = 8;

/// ONNX's number of an element type; 0 if it has none.
uint32_t dtypeOf(Type type) {
  if (type.isF32())
    return LATHE_FLOAT32;
  if (type.isF64())
    return LATHE_FLOAT64;
  if (type.isF16())
    return LATHE_FLOAT16;
  if (type.isBF16())
    return LATHE_BFLOAT16;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return 0;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return LATHE_BOOL;
  case 8:
    return isUnsigned ? LATHE_UINT8 : LATHE_INT8;
  case 16:
    return isUnsigned ? LATHE_UINT16 : LATHE_INT16;
  case 32:
    return isUnsigned ? LATHE_UINT32 : LATHE_INT32;
  case 64:
    return isUnsigned ? LATHE_UINT64 : LATHE_INT64;
  }
  return 0;
}

/// Names that only inform (nodes, kernels) are made presentable; the runtime refuses control characters, broken UTF-8 and what is too long.
std::string presentable(StringRef name) {
  std::string text = llvm::json::isUTF8(name) ? name.str() : llvm::json::fixUTF8(name);
  for (char &c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  if (text.size() > kMaxName) {
    size_t end = kMaxName;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end; // not inside a character
    text.resize(end);
  }
  return text;
}

class ManifestBuilder {
public:
  ManifestBuilder(ModuleOp module, nn::PlanOp plan, const ManifestInput &input, std::string &error)
      : module(module), plan(plan), input(input), error(error), target(module->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr)) {}

  FailureOr<std::vector<char>> build();

private:
  lathe_range string(StringRef text) {
    auto [entry, isNew] = known.try_emplace(text, lathe_range{static_cast<uint32_t>(strings.size()), static_cast<uint32_t>(text.size())});
    if (isNew)
      strings += text;
    return entry->second;
  }
  StringRef moduleString(StringRef attribute) {
    auto text = module->getAttrOfType<StringAttr>(attribute);
    return text ? text.getValue() : "";
  }

  LogicalResult addTensors(ArrayAttr tensors, StringRef kind, std::vector<lathe_tensor_info> &to);
  LogicalResult addLaunch(nn::LaunchOp launch, const llvm::StringMap<uint32_t> &kernelNumbers);
  LogicalResult addModelHash();
  void addGpuCode();
  void addBatch();
  template <typename T> void addTable(lathe_table &table, const std::vector<T> &elements);

  ModuleOp module;
  nn::PlanOp plan;
  const ManifestInput &input;
  std::string &error;
  nn::TargetAttr target;

  lathe_manifest_header header = {};
  std::string strings;
  llvm::StringMap<lathe_range> known;
  std::vector<lathe_tensor_info> inputs, outputs;
  std::vector<lathe_affine> dims;
  std::vector<lathe_kernel_info> kernels;
  std::vector<lathe_call> calls;
  std::vector<lathe_arg> args;
  std::vector<lathe_range> nodes, features;
  lathe_gpu_info gpu = {};
  std::vector<lathe_gpu_image> images;
  std::vector<lathe_gpu_launch> launches;
  bool hasBatch = false;
  std::vector<char> bytes;
};

lathe_affine affine(ArrayRef<int64_t> values) { return {values[0], values[1]}; }

} // namespace

LogicalResult ManifestBuilder::addTensors(ArrayAttr tensors, StringRef kind, std::vector<lathe_tensor_info> &to) {
  for (Attribute a : tensors) {
    auto dict = cast<DictionaryAttr>(a);
    StringRef name = dict.getAs<StringAttr>("name").getValue();
    auto type = cast<RankedTensorType>(dict.getAs<TypeAttr>("type").getValue());
    if (name.empty() || presentable(name) != name) {
      error = (kind + " '" + presentable(name) + "' cannot be named in an artifact (expects 1 to " + Twine(kMaxName) + " bytes of printable UTF-8)").str();
      return failure();
    }
    lathe_tensor_info info = {string(name), dtypeOf(type.getElementType()), static_cast<uint32_t>(type.getRank()), static_cast<uint32_t>(dims.size()), 0};
    if (!info.dtype) {
      llvm::raw_string_ostream(error) << kind << " '" << name << "' has the element type " << type.getElementType() << ", which artifacts cannot carry";
      return failure();
    }
    for (int64_t d : type.getShape()) {
      bool isBatch = ShapedType::isDynamic(d);
      hasBatch |= isBatch;
      dims.push_back(isBatch ? lathe_affine{0, 1} : lathe_affine{d, 0});
    }
    // The true dims of an output whose size the run finds: where in the arena the plan leaves them.
    if (auto extents = dict.getAs<DenseI64ArrayAttr>("extents")) {
      if (extents.size() != 2) {
        llvm::raw_string_ostream(error) << kind << " '" << name << "': 'extents' expects 2 numbers (got " << extents.size() << ")";
        return failure();
      }
      info.flags = LATHE_TENSOR_BOUNDED;
      dims.push_back(affine(extents.asArrayRef()));
    }
    to.push_back(info);
  }
  return success();
}

LogicalResult ManifestBuilder::addLaunch(nn::LaunchOp launch, const llvm::StringMap<uint32_t> &kernelNumbers) {
  lathe_call call = {};
  auto kernel = kernelNumbers.find(launch.getKernel());
  if (kernel == kernelNumbers.end()) {
    error = "internal error: no code for kernel '" + launch.getKernel().str() + "'";
    return failure();
  }
  call.kernel = kernel->second;
  call.first_arg = args.size();
  call.arg_count = launch.getArgs().size();
  call.grain = computeGrain(launch, target, header.min_batch);
  call.space = affine(launch.getSpace());
  call.flops = affine(launch.getFlops());
  call.bytes = affine(launch.getBytes());
  call.first_node = nodes.size();
  call.node_count = launch.getNodes().size();
  for (Attribute a : launch.getArgs()) {
    auto arg = cast<nn::ArgAttr>(a);
    lathe_arg entry = {static_cast<uint32_t>(arg.getKind()), static_cast<uint32_t>(arg.getIndex()), {arg.getC0(), arg.getC1()}};
    if (arg.getKind() == nn::ArgKind::weights) {
      entry.index = 0;
      entry.offset.c0 += input.weights.offsets[arg.getIndex()];
    }
    args.push_back(entry);
  }
  for (Attribute a : launch.getNodes())
    nodes.push_back(string(presentable(cast<StringAttr>(a).getValue())));
  calls.push_back(call);
  return success();
}

LogicalResult ManifestBuilder::addModelHash() {
  StringRef hash = moduleString(nn::NNDialect::kModelHashAttr);
  std::string raw;
  if (!hash.empty() && (hash.size() != 2 * sizeof header.model_hash || !llvm::tryGetFromHex(hash, raw))) {
    error = (Twine("module attribute '") + nn::NNDialect::kModelHashAttr + "' expects 64 hex digits (got '" + hash + "')").str();
    return failure();
  }
  std::memcpy(header.model_hash, raw.data(), raw.size());
  std::memcpy(header.weights_hash, input.weightsHash.data(), sizeof header.weights_hash);
  return success();
}

void ManifestBuilder::addBatch() {
  header.min_batch = header.max_batch = 1; // a fixed batch is in the dims
  if (!hasBatch)
    return;
  header.max_batch = std::numeric_limits<int64_t>::max();
  if (auto range = module->getAttrOfType<DenseI64ArrayAttr>(nn::NNDialect::kBatchRangeAttr); range && range.size() == 2) {
    header.min_batch = range[0];
    header.max_batch = range[1];
  }
  header.batch_symbol = string(presentable(moduleString(nn::NNDialect::kBatchSymbolAttr)));
}

void ManifestBuilder::addGpuCode() {
  ImageLayout layout = layOutImages(*input.gpu);
  gpu.assembler = string(input.gpu->assembler);
  gpu.images_bytes = layout.bytes;
  for (auto [image, offset] : llvm::zip(input.gpu->images, layout.offsets)) {
    lathe_gpu_image entry = {};
    entry.kind = image.isPtx ? LATHE_IMAGE_PTX : LATHE_IMAGE_CUBIN;
    entry.flags = image.exact ? LATHE_IMAGE_EXACT : 0;
    entry.arch = image.arch;
    entry.isa = image.isa;
    entry.first_entry = image.firstEntry;
    entry.entry_count = image.entryCount;
    entry.offset = offset;
    entry.bytes = image.bytes.size();
    auto hash = llvm::BLAKE3::hash<32>({reinterpret_cast<const uint8_t *>(image.bytes.data()), image.bytes.size()});
    std::memcpy(entry.hash, hash.data(), sizeof entry.hash);
    images.push_back(entry);
  }
  for (const GpuLaunch &launch : input.gpu->launches)
    launches.push_back({launch.entry, launch.threads, launch.block, launch.sharedBytes});
}

template <typename T> void ManifestBuilder::addTable(lathe_table &table, const std::vector<T> &elements) {
  bytes.resize(llvm::alignTo(bytes.size(), kTableAlignment));
  table = {static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(elements.size())};
  auto *data = reinterpret_cast<const char *>(elements.data());
  bytes.insert(bytes.end(), data, data + elements.size() * sizeof(T));
}

FailureOr<std::vector<char>> ManifestBuilder::build() {
  std::memcpy(header.magic, LATHE_MANIFEST_MAGIC, sizeof header.magic);
  header.format_major = LATHE_FORMAT_MAJOR;
  header.format_minor = LATHE_FORMAT_MINOR;
  if (failed(addTensors(plan.getInputs(), "input", inputs)) || failed(addTensors(plan.getOutputs(), "output", outputs)) || failed(addModelHash()))
    return failure();
  addBatch();
  llvm::StringMap<uint32_t> kernelNumbers;
  auto addKernel = [&](const std::string &kernel) {
    kernelNumbers[kernel] = kernels.size();
    kernels.push_back({string(presentable(kernel))});
  };
  for (const std::string &kernel : input.kernels)
    addKernel(kernel);
  if (input.gpu)
    for (const GpuLaunch &launch : input.gpu->launches)
      addKernel(launch.kernel);
  for (auto launch : plan.getBody().front().getOps<nn::LaunchOp>())
    if (failed(addLaunch(launch, kernelNumbers)))
      return failure();
  llvm::SmallVector<StringRef> names;
  if (!input.gpu) // those of a GPU's code are PTX's own affair: they are in the images
    target.getFeatures().split(names, ',', -1, /*KeepEmpty=*/false);
  for (StringRef name : names)
    features.push_back(string(name.ltrim('+')));
  header.target_triple = string(target.getTriple());
  header.target_cpu = string(target.getCpu());
  header.compiler = string(compilerVersion());
  header.flags = string(presentable(input.flags));
  header.model_name = string(presentable(moduleString(nn::NNDialect::kModelNameAttr)));
  header.weights_file = string(input.weightsFile);
  header.weights_bytes = input.weights.bytes;
  header.arena_bytes = affine(plan.getArena());
  header.scratch_bytes = input.gpu ? 0 : plan.getScratch(); // a block's, which its launch says

  if (input.gpu)
    addGpuCode();
  bytes.resize(sizeof header + (input.gpu ? sizeof gpu : 0));
  addTable(header.inputs, inputs);
  addTable(header.outputs, outputs);
  addTable(header.dims, dims);
  addTable(header.kernels, kernels);
  addTable(header.calls, calls);
  addTable(header.args, args);
  addTable(header.nodes, nodes);
  addTable(header.features, features);
  if (input.gpu) {
    addTable(gpu.images, images);
    addTable(gpu.launches, launches);
  }
  addTable(header.strings, std::vector<char>(strings.begin(), strings.end()));
  bytes.resize(llvm::alignTo(bytes.size(), kTableAlignment));
  header.total_bytes = bytes.size();
  if (bytes.size() > std::numeric_limits<uint32_t>::max()) {
    error = "the manifest has " + std::to_string(bytes.size()) + " bytes, more than its 32-bit offsets reach";
    return failure();
  }
  std::memcpy(bytes.data(), &header, sizeof header);
  if (input.gpu)
    std::memcpy(bytes.data() + sizeof header, &gpu, sizeof gpu);
  return std::move(bytes);
}

ImageLayout lathe::layOutImages(const GpuCode &code) {
  ImageLayout layout;
  for (const GpuImage &image : code.images) {
    layout.bytes = llvm::alignTo(layout.bytes, LATHE_ALIGNMENT);
    layout.offsets.push_back(layout.bytes);
    layout.bytes += image.bytes.size();
  }
  return layout;
}

FailureOr<std::vector<char>> lathe::buildManifest(ModuleOp module, const ManifestInput &input, std::string &error) {
  auto plans = module.getOps<nn::PlanOp>();
  if (plans.empty() || !module->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr)) {
    error = "internal error: an artifact expects a module with nn.plan and nn.target";
    return failure();
  }
  return ManifestBuilder(module, *plans.begin(), input, error).build();
}

int64_t lathe::computeGrain(nn::LaunchOp launch, nn::TargetAttr target, int64_t batch) {
  // 5 us is several times what it costs to hand work to another thread, 0.6 us between threads that are awake; a cycle is taken as 1/3 ns.
  constexpr double kCycles = 5e3 * 3;
  auto at = [&](ArrayRef<int64_t> value) { return static_cast<double>(value[0]) + static_cast<double>(value[1]) * static_cast<double>(batch); };
  double space = at(launch.getSpace());
  if (space < 1)
    return 1;
  double arithmetic = at(launch.getFlops()) / (2.0 * target.getFmaPerCycle() * target.getLanes(32));
  double traffic = at(launch.getBytes()) / target.getL3BytesPerCycle();
  double perIteration = std::max({arithmetic, traffic, 1.0}) / space;
  double grain = std::ceil(kCycles / perIteration);
  return static_cast<int64_t>(std::clamp(grain, 1.0, static_cast<double>(std::numeric_limits<uint32_t>::max())));
}
