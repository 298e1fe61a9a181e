// lathe-kernel-to-llvm: upstream's conversions, kernel by kernel. What lies between them (descriptors, casts, branches over index types) is several
// times the size of the code and tells a reader nothing, hence one pass; run on the module, the same conversions would not run in parallel.
#include "dialects/nn/NNDialect.h"
#include "passes/loops_to_llvm/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace lathe::passes {
#define GEN_PASS_DEF_KERNELTOLLVMPASS
#include "passes/loops_to_llvm/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

struct KernelToLLVMPass : lathe::passes::impl::KernelToLLVMPassBase<KernelToLLVMPass> {
  KernelToLLVMPass() : conversions(func::FuncOp::getOperationName()) { addConversions(); }
  KernelToLLVMPass(const KernelToLLVMPass &other) : KernelToLLVMPassBase(other), conversions(func::FuncOp::getOperationName()) { addConversions(); }

  void getDependentDialects(DialectRegistry &registry) const override { conversions.getDependentDialects(registry); }

  void runOnOperation() override {
    if (getOperation()->hasAttr(NNDialect::kKernelAttr) && failed(runPipeline(conversions, getOperation())))
      signalPassFailure();
  }

private:
  void addConversions() {
    conversions.addPass(memref::createExpandStridedMetadataPass());
    conversions.addPass(createLowerAffinePass()); // in which views' addresses are written
    conversions.addPass(createSCFToControlFlowPass());
    ConvertToLLVMPassOptions options;
    // All but func: a pass may not replace the function that it runs on.
    options.filterDialects = {"arith", "cf", "index", "math", "memref", "ub", "vector"};
    options.allowPatternRollback = false; // halves the time
    conversions.addPass(createConvertToLLVMPass(options));
    // Folds the descriptors: without it LLVM takes 2.5 times as long.
    conversions.addPass(createCanonicalizerPass());
  }

  OpPassManager conversions;
};

} // namespace
