// Passes from tensors to buffers; see Passes.td.
#ifndef PASSES_LINALG_TO_MEMREF_PASSES_H
#define PASSES_LINALG_TO_MEMREF_PASSES_H

#include "mlir/Pass/Pass.h"

namespace lathe::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/linalg_to_memref/Passes.h.inc"
} // namespace lathe::passes

#endif // PASSES_LINALG_TO_MEMREF_PASSES_H
