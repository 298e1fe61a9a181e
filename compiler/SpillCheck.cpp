#include "compiler/SpillCheck.h"

#include "compiler/inspect/Runner.h"
#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "passes/nn_to_linalg/CostModel.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lathe;

namespace {

/// Tiles that are tried besides the first.
constexpr int64_t kTries = 4;
/// What spilled vectors may cost, and what another tile has to bring: less is within what counting instructions can tell.
constexpr double kMatters = 0.02, kGain = 0.01;

struct Kernel {
  nn::WindowedOpInterface op; // the kernel's operation at the end of phase memref
  nn::TilingAttr first;
  double before = 1;
  Object best;
};

/// The tile that the kernel gets at the try of this number: a pixel less, two, a quarter, half of them, or fewer images; where that is no longer possible,
/// fewer channels per iteration. Null if there is none. What lies in memory, and what is computed for an output, stays.
nn::TilingAttr smaller(nn::TilingAttr t, int64_t number) {
  if (t.getStreams())
    return {}; // one image reads all streams whatever the tile
  int64_t images = t.getImages(), unroll = t.getUnroll();
  SmallVector<int64_t> segments(t.getSegments());
  int64_t widest = *llvm::max_element(segments);
  int64_t fewer = number <= 2 ? number : std::max(number, widest >> (kTries + 1 - number));
  if (images > 1) {
    images >>= number;
    if (images < 1)
      return {};
  } else if (widest > fewer) {
    segments = passes::balancedSegments(std::accumulate(segments.begin(), segments.end(), int64_t(0)), widest - fewer);
  } else {
    int64_t times = std::max<int64_t>(number - (widest - 1), 1);
    unroll = std::max(t.getShare(), t.getUnroll() >> times);
    if (unroll == t.getUnroll() || unroll % t.getShare())
      return {};
  }
  return nn::TilingAttr::get(t.getContext(), t.getKu(), unroll, t.getMerge(), segments, t.getWinograd(), images, t.getPrefetch(), t.getShare());
}

/// `module` with these kernels and calls only.
OwningOpRef<ModuleOp> only(ModuleOp module, const llvm::StringSet<> &kernels) {
  OwningOpRef<ModuleOp> part = module.clone();
  SmallVector<Operation *> others;
  part->walk([&](nn::CallOp call) {
    if (!kernels.contains(call.getKernel()))
      others.push_back(call);
  });
  for (auto f : part->getOps<func::FuncOp>())
    if (f->hasAttr(nn::NNDialect::kKernelAttr) && !kernels.contains(f.getName()))
      others.push_back(f);
  for (Operation *op : others)
    op->erase();
  return part;
}

} // namespace

bool lathe::isSlowedBySpills(const Object &kernel) { return kernel.spills.share() > kMatters; }

LogicalResult lathe::avoidSpills(ModuleOp module, const PassSelection &passes, const CodegenOptions &codegen, std::vector<Object> &objects,
                                 std::string &error) {
  llvm::MapVector<StringRef, Kernel> kernels;
  llvm::StringSet<> all;
  for (auto f : module.getOps<func::FuncOp>()) {
    if (!f->hasAttr(nn::NNDialect::kKernelAttr))
      continue;
    SmallVector<nn::WindowedOpInterface> ops;
    f.walk([&](nn::WindowedOpInterface op) { ops.push_back(op); });
    if (ops.size() != 1 || !ops.front().getTilingOrNull())
      continue;
    kernels[f.getName()] = {ops.front(), ops.front().getTilingOrNull(), 1, {}};
    all.insert(f.getName());
  }
  auto generate = [&](const llvm::StringSet<> &names, std::vector<Object> &made) -> LogicalResult {
    OwningOpRef<ModuleOp> part = only(module, names);
    RunOptions run;
    run.verify = false;
    return success(succeeded(runPipeline(*part, buildPipeline(Phase::memref, Phase::llvm, passes), run, error)) &&
                   succeeded(generateCode(*part, codegen, made, error)));
  };
  if (objects.empty() && !all.empty() && failed(generate(all, objects)))
    return failure();
  llvm::StringSet<> spilling;
  for (Object &object : objects) {
    auto found = kernels.find(object.kernel);
    if (found == kernels.end() || !isSlowedBySpills(object))
      continue;
    found->second.before = object.spills.slowness();
    found->second.best = object;
    spilling.insert(object.kernel);
  }
  kernels.remove_if([&](auto &entry) { return !spilling.contains(entry.first); });
  objects.clear();

  llvm::DenseMap<StringRef, nn::TilingAttr> chosen;
  for (int64_t number = 1; number <= kTries && !spilling.empty(); ++number) {
    for (auto &[name, kernel] : kernels) {
      nn::TilingAttr tiling = spilling.contains(name) ? smaller(kernel.first, number) : nn::TilingAttr();
      if (tiling)
        kernel.op.setTiling(tiling);
      else
        spilling.erase(name);
    }
    std::vector<Object> made;
    if (!spilling.empty() && failed(generate(spilling, made)))
      return failure();
    for (Object &object : made) {
      Kernel &kernel = kernels[object.kernel];
      bool clean = !isSlowedBySpills(object);
      StringRef name = kernels.find(object.kernel)->first;
      if (object.spills.slowness() < kernel.best.spills.slowness() * (1 - kGain)) {
        chosen[name] = kernel.op.getTilingOrNull();
        kernel.best = std::move(object);
      }
      if (clean)
        spilling.erase(name);
    }
  }
  for (auto &[name, kernel] : kernels) {
    nn::TilingAttr tiling = chosen.lookup(name);
    kernel.op.setTiling(tiling ? tiling : kernel.first);
    if (auto remark = remark::analysis(kernel.op.getLoc(), remark::RemarkOpts::name("smaller").category("spill-check"))) {
      if (tiling)
        remark << llvm::formatv("made smaller, since vectors were spilled: ku = {0}, unroll = {1}, {2} pixels at most; predicted {3:f0} % of the time before",
                                tiling.getKu(), tiling.getUnroll(), std::max(tiling.getImages(), *llvm::max_element(tiling.getSegments())),
                                100 * kernel.best.spills.slowness() / kernel.before)
                      .str();
      else
        remark << "spills vectors; smaller ones would be slower";
    }
    if (tiling)
      objects.push_back(std::move(kernel.best));
  }
  return success();
}
