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
  SmallVector<nn::WindowedOpInterface> ops; // the kernel's operations at the end of phase memref
  SmallVector<nn::TilingAttr> first, chosen;
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
    SmallVector<nn::TilingAttr> tilings = llvm::map_to_vector(ops, [](nn::WindowedOpInterface op) { return op.getTilingOrNull(); });
    if (ops.empty() || llvm::is_contained(tilings, nn::TilingAttr()))
      continue;
    kernels[f.getName()] = {ops, tilings, tilings, 1, {}};
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

  // Of a kernel of several operations each in turn: which of them spills is not known.
  for (size_t member = 0; !spilling.empty(); ++member) {
    llvm::StringSet<> tried;
    for (auto &[name, kernel] : kernels)
      if (spilling.contains(name) && member < kernel.ops.size())
        tried.insert(name);
    if (tried.empty())
      break;
    for (int64_t number = 1; number <= kTries && !tried.empty(); ++number) {
      for (auto &[name, kernel] : kernels) {
        nn::TilingAttr tiling = tried.contains(name) ? smaller(kernel.first[member], number) : nn::TilingAttr();
        if (tiling)
          kernel.ops[member].setTiling(tiling);
        else
          tried.erase(name);
      }
      std::vector<Object> made;
      if (!tried.empty() && failed(generate(tried, made)))
        return failure();
      for (Object &object : made) {
        auto found = kernels.find(object.kernel);
        Kernel &kernel = found->second;
        if (!isSlowedBySpills(object))
          tried.erase(found->first);
        if (object.spills.slowness() < kernel.best.spills.slowness() * (1 - kGain)) {
          kernel.chosen[member] = kernel.ops[member].getTilingOrNull();
          kernel.best = std::move(object);
        }
      }
    }
    for (auto &[name, kernel] : kernels) {
      if (member < kernel.ops.size())
        kernel.ops[member].setTiling(kernel.chosen[member]);
      if (!isSlowedBySpills(kernel.best))
        spilling.erase(name);
    }
  }
  for (auto &[name, kernel] : kernels) {
    for (auto [op, first, chosen] : llvm::zip(kernel.ops, kernel.first, kernel.chosen))
      if (chosen != first)
        remark::analysis(op.getLoc(), remark::RemarkOpts::name("smaller").category("spill-check"))
            << llvm::formatv("made smaller, since vectors were spilled: ku = {0}, unroll = {1}, {2} pixels at most; predicted {3:f0} % of the time before",
                             chosen.getKu(), chosen.getUnroll(), std::max(chosen.getImages(), *llvm::max_element(chosen.getSegments())),
                             100 * kernel.best.spills.slowness() / kernel.before)
                   .str();
    if (kernel.chosen != kernel.first)
      objects.push_back(std::move(kernel.best));
    else
      remark::analysis(kernel.ops.front().getLoc(), remark::RemarkOpts::name("smaller").category("spill-check"))
          << "spills vectors; smaller ones would be slower";
  }
  return success();
}
