// Passes from loops to the LLVM dialect; see Passes.td.
#ifndef PASSES_LOOPS_TO_LLVM_PASSES_H
#define PASSES_LOOPS_TO_LLVM_PASSES_H

#include "mlir/Pass/Pass.h"

namespace lathe::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/loops_to_llvm/Passes.h.inc"
} // namespace lathe::passes

#endif // PASSES_LOOPS_TO_LLVM_PASSES_H
