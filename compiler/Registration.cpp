#include "compiler/Registration.h"

#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

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

using namespace mlir;

void lathe::registerPipelineDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<nn::NNDialect>();
}

void lathe::registerEverything(DialectRegistry &registry) {
  registerPipelineDialects(registry);
  registerAllPasses();
}

void lathe::registerLathePasses() {
  passes::registerNNPasses();
  passes::registerNNToLinalgPasses();
  passes::registerLinalgPasses();
  passes::registerLinalgToMemrefPasses();
  passes::registerMemrefPasses();
  passes::registerMemrefToLoopsPasses();
  passes::registerLoopsPasses();
  passes::registerMemrefToNVVMPasses();
  passes::registerLoopsToLLVMPasses();
  passes::registerVerifyPasses();
}
