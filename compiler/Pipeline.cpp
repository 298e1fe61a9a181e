#include "compiler/Pipeline.h"

#include "passes/linalg/Passes.h"
#include "passes/linalg_to_memref/Passes.h"
#include "passes/loops/Passes.h"
#include "passes/loops_to_llvm/Passes.h"
#include "passes/memref/Passes.h"
#include "passes/memref_to_loops/Passes.h"
#include "passes/memref_to_nvvm/Passes.h"
#include "passes/nn/Passes.h"
#include "passes/nn_to_linalg/Passes.h"
#include "passes/verify/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::passes;

namespace {

class List {
public:
  List(std::vector<PipelineStep> &steps, Phase phase, const PassSelection &selection) : selection(selection), steps(steps), phase(phase) {}

  /// A pass over each function.
  void functions(std::function<std::unique_ptr<Pass>()> create, const char *reason) { add("func.func", std::move(create), reason); }
  void canonicalize(const char *reason) {
    if (selection.runs("canonicalize"))
      functions([] { return createCanonicalizerPass(); }, reason);
  }
  void cse(const char *reason) {
    if (selection.runs("cse"))
      functions([] { return createCSEPass(); }, reason);
  }
  /// A pass over the module.
  void module(std::function<std::unique_ptr<Pass>()> create, const char *reason) { add("", std::move(create), reason); }
  /// Each phase ends by checking its contract.
  void verify() {
    module([name = phaseName(phase).str()] { return createVerifyPhasePass({name}); }, "the contract of the phase");
  }

  const PassSelection selection; // a copy: passes are created, and ask it, after the caller's is gone

private:
  void add(const char *anchor, std::function<std::unique_ptr<Pass>()> create, const char *reason) {
    steps.push_back({phaseName(phase).str(), anchor, std::move(create), reason});
  }
  std::vector<PipelineStep> &steps;
  Phase phase;
};

// IN: nn, logical forms as imported  OUT: nn, fused
void nnPhase(List l) {
  l.canonicalize("folds reshapes and neutral elements, drops what nothing uses");
  l.functions([=] { return createFoldBatchNormPass({/*intoProducer=*/l.selection.runs("nn-fold-batch-norm")}); },
              "before fusion, which then finds convolutions next to their activations");
  if (l.selection.runs("nn-fuse-epilogue"))
    l.functions([] { return createFuseEpiloguePass(); }, "elementwise consumers into the stores of their producers");
  if (l.selection.runs("nn-gather-channels"))
    l.functions([] { return createGatherChannelsPass(); }, "what reads moved channels has taken its activations; layouts come later");
  l.canonicalize("removes weights that recipes have absorbed");
  l.cse("equal weights become one");
  l.verify();
}

// IN: nn  OUT: nn (windowed, packed, with destinations), linalg, tensor, arith, math, scf
void linalgPhase(List l) {
  l.functions([=] { return createPropagateLayoutPass({/*propagate=*/l.selection.runs("nn-propagate-layout")}); },
              "layouts first: tiles and packed weights depend on them");
  l.functions(
      [=] {
        return createSelectTilingPass({/*naive=*/!l.selection.runs("nn-select-tiling"), /*winograd=*/l.selection.runs("winograd"),
                                       /*shareLanes=*/l.selection.runs("share-lanes"), /*prefetch=*/l.selection.runs("prefetch")});
      },
      "the cost model's tiles; weights into the order that they ask for");
  l.functions([] { return createConvertNNToLinalgPass(); }, "everything that is not windowed");
  l.canonicalize("pairs of layout changes and shape changes cancel");
  l.cse("equal weights and layout changes become one");
  if (l.selection.runs("lathe-fuse-elementwise"))
    l.functions([] { return createFuseElementwisePass(); }, "chains of elementwise operations into one loop");
  l.functions([] { return createMakeDestinationsPass(); }, "last: CSE would merge equal destinations, which then cost copies");
  l.verify();
}

// IN: linalg phase on tensors  OUT: the same operations on buffers of one arena, one kernel function each
void memrefPhase(List l) {
  if (l.selection.runs("eliminate-empty-tensors"))
    l.module([] { return bufferization::createEmptyTensorEliminationPass(); }, "producers of a concat write into their slice");
  l.module(
      [] {
        bufferization::OneShotBufferizePassOptions o;
        o.bufferizeFunctionBoundaries = true;
        o.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
        o.unknownTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
        return bufferization::createOneShotBufferizePass(o);
      },
      "tensors to buffers, in place where nothing reads the old content");
  l.functions([] { return createResultsToArgumentsPass(); }, "results go straight to the caller's buffers");
  l.canonicalize("folds views, so that equal ones are seen");
  l.cse("equal views become one");
  l.canonicalize("copies between equal views vanish");
  if (l.selection.runs("lathe-coalesce-copies")) {
    l.functions([] { return createCoalesceCopiesPass(); }, "buffers live where they would be copied to");
    l.canonicalize("folds their views");
  }
  l.functions([] { return createCopiesToNNPass(); }, "each remaining copy is named");
  if (l.selection.runs("lathe-fuse-prologue"))
    l.functions([] { return createFuseProloguePass(); }, "buffers and their readers are final: what is read at one place need not be a map");
  if (l.selection.runs("lathe-group"))
    l.functions([] { return createGroupPass(); },
                "after what precedes convolutions has joined them: what is left between two of them need not be a map either");
  if (l.selection.runs("lathe-fuse-statistics"))
    l.functions([] { return createFuseStatisticsPass(); }, "after prologues, which change how many rows a tile merges");
  l.functions([] { return createNarrowStoragePass(); }, "with --fp16 and --bf16: buffers are final, and take less of the arena");
  l.functions([=] { return createPlanArenaPass({/*reuse=*/l.selection.runs("lathe-plan-arena")}); }, "lifetimes are final now");
  l.module([] { return createOutlineKernelsPass(); }, "equal operations are compiled once, and later passes run per kernel");
  l.verify();
}

// IN: kernels that hold one operation each  OUT: kernels as scf, vector, memref, arith, math
void loopsPhase(List l) {
  l.functions([] { return createTileBlockPass(); }, "for GPUs: convolutions and products that a block of threads computes");
  l.functions([] { return createTileWindowedPass(); }, "windowed operations to register tiles: border arithmetic");
  l.functions([] { return createExpandForeachPass(); }, "programs over an index space to loops: they are scalar code already");
  l.functions([] { return createTileReducePass(); }, "reductions to vector loops with accumulators in registers");
  l.functions([] { return createTileGenericPass(); }, "everything else to vector loops");
  l.functions([] { return createExpandMicroKernelPass(); }, "register tiles to vector code: instruction choice");
  l.functions([] { return createLowerStoragePass(); }, "narrow buffers: all accesses are there, and conversions are expanded next");
  l.functions([] { return createExpandMathPass(); }, "functions to polynomials: no calls into a math library");
  l.functions([] { return createLowerAffinePass(); }, "index maps to arithmetic");
  l.verify();
}

// IN: loops  OUT: llvm, and the plan as data
void llvmPhase(List l) {
  l.functions([] { return createDistributeLanesPass(); }, "for GPUs only: vectors become the registers of a warp");
  l.functions([] { return createKernelAbiPass(); }, "kernels take plain pointers and a range of iterations");
  l.functions([] { return createKernelToLLVMPass(); }, "kernel by kernel, in parallel");
  l.module([] { return createBuildPlanPass(); }, "the entry function becomes a table for the runtime");
  l.verify();
}

constexpr OptionalPass kOptionalPasses[] = {
    {"canonicalize", "nothing is simplified", false},
    {"nn-fold-batch-norm", "batch normalisations become multiplications and additions of their own", false},
    {"nn-fuse-epilogue", "elementwise operations stay beside the convolutions that produce their operands", true},
    {"nn-gather-channels", "shuffles, splits and concatenations of channels that fill no whole vectors are copies", true},
    {"cse", "equal operations are computed twice", false},
    {"nn-propagate-layout", "values are plain, not blocked, between operations", false},
    {"nn-select-tiling", "register tiles of one pixel by one vector", true},
    {"winograd", "no convolution is computed by Winograd's algorithm", true},
    {"share-lanes", "input channels are summed one after the other, also where lanes are left", true},
    {"prefetch", "weights are read when they are needed, not while others are multiplied", true},
    {"lathe-fuse-elementwise", "each elementwise operation is a loop of its own", true},
    {"eliminate-empty-tensors", "results are copied into the parts of a concatenation", false},
    {"lathe-coalesce-copies", "values that have other readers are copied into the parts of a concatenation", false},
    {"lathe-fuse-prologue", "what precedes a convolution and is not in its producer is a loop of its own", true},
    {"lathe-group", "every convolution and pool is a loop of its own", true},
    {"lathe-fuse-statistics", "means and variances of a map are computed from the whole of it", true},
    {"lathe-plan-arena", "no two intermediate buffers share memory", false},
    {"spill-check", "register tiles that spill vectors stay", true},
    {"codegen", "machine code is not optimised", true},
};

} // namespace

ArrayRef<OptionalPass> lathe::optionalPasses() { return kOptionalPasses; }

bool PassSelection::runs(StringRef pass) const {
  const OptionalPass *info = llvm::find_if(kOptionalPasses, [&](const OptionalPass &p) { return pass == p.name; });
  assert(info != std::end(kOptionalPasses) && "only optional passes may be asked about");
  return !(optLevel == 0 && info->offAtO0) && !llvm::is_contained(disabled, pass);
}

constexpr llvm::StringLiteral kDisableFlag = " --disable-pass=";

std::string PassSelection::flags() const {
  std::string text = optLevel == 0 ? "-O0" : "-O3";
  for (const std::string &pass : disabled)
    text += kDisableFlag.str() + pass;
  return text;
}

PassSelection PassSelection::fromFlags(StringRef flags) {
  PassSelection selection;
  auto [level, rest] = flags.split(kDisableFlag);
  selection.optLevel = level == "-O0" ? 0 : 3;
  while (!rest.empty()) {
    auto [pass, others] = rest.split(kDisableFlag);
    selection.disabled.push_back(pass.str());
    rest = others;
  }
  return selection;
}

std::vector<PipelineStep> lathe::buildPipeline(std::optional<Phase> from, Phase to, const PassSelection &selection) {
  std::vector<PipelineStep> steps;
  for (const PhaseInfo &info : allPhases()) {
    if ((from && info.phase <= *from) || info.phase > to)
      continue;
    List list(steps, info.phase, selection);
    switch (info.phase) {
    case Phase::nn:
      nnPhase(list);
      break;
    case Phase::linalg:
      linalgPhase(list);
      break;
    case Phase::memref:
      memrefPhase(list);
      break;
    case Phase::loops:
      loopsPhase(list);
      break;
    case Phase::llvm:
      llvmPhase(list);
      break;
    }
  }
  return steps;
}
