// Passes on tensors in the linalg phase; see Passes.td.
#ifndef PASSES_LINALG_PASSES_H
#define PASSES_LINALG_PASSES_H

#include "mlir/Pass/Pass.h"

namespace lathe::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/linalg/Passes.h.inc"
} // namespace lathe::passes

#endif // PASSES_LINALG_PASSES_H
