#include "compiler/Registration.h"

#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

#define LATHE_FOLDER(header) __has_include(header)
#if LATHE_FOLDER("passes/nn/Passes.h")
#include "passes/nn/Passes.h"
#endif
#if LATHE_FOLDER("passes/nn_to_linalg/Passes.h")
#include "passes/nn_to_linalg/Passes.h"
#endif
#if LATHE_FOLDER("passes/linalg/Passes.h")
#include "passes/linalg/Passes.h"
#endif
#if LATHE_FOLDER("passes/linalg_to_memref/Passes.h")
#include "passes/linalg_to_memref/Passes.h"
#endif
#if LATHE_FOLDER("passes/memref/Passes.h")
#include "passes/memref/Passes.h"
#endif
#if LATHE_FOLDER("passes/memref_to_loops/Passes.h")
#include "passes/memref_to_loops/Passes.h"
#endif
#if LATHE_FOLDER("passes/loops/Passes.h")
#include "passes/loops/Passes.h"
#endif
#if LATHE_FOLDER("passes/loops_to_llvm/Passes.h")
#include "passes/loops_to_llvm/Passes.h"
#endif
#if LATHE_FOLDER("passes/verify/Passes.h")
#include "passes/verify/Passes.h"
#endif

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
#if LATHE_FOLDER("passes/nn/Passes.h")
  passes::registerNNPasses();
#endif
#if LATHE_FOLDER("passes/nn_to_linalg/Passes.h")
  passes::registerNNToLinalgPasses();
#endif
#if LATHE_FOLDER("passes/linalg/Passes.h")
  passes::registerLinalgPasses();
#endif
#if LATHE_FOLDER("passes/linalg_to_memref/Passes.h")
  passes::registerLinalgToMemrefPasses();
#endif
#if LATHE_FOLDER("passes/memref/Passes.h")
  passes::registerMemrefPasses();
#endif
#if LATHE_FOLDER("passes/memref_to_loops/Passes.h")
  passes::registerMemrefToLoopsPasses();
#endif
#if LATHE_FOLDER("passes/loops/Passes.h")
  passes::registerLoopsPasses();
#endif
#if LATHE_FOLDER("passes/loops_to_llvm/Passes.h")
  passes::registerLoopsToLLVMPasses();
#endif
#if LATHE_FOLDER("passes/verify/Passes.h")
  passes::registerVerifyPasses();
#endif
}
