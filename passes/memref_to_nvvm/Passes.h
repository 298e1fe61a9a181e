// Passes of the NVIDIA target; see Passes.td.
#ifndef PASSES_MEMREF_TO_NVVM_PASSES_H
#define PASSES_MEMREF_TO_NVVM_PASSES_H

#include "mlir/Pass/Pass.h"

namespace lathe::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/memref_to_nvvm/Passes.h.inc"
} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_NVVM_PASSES_H
