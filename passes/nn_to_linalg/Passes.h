// Passes from the nn dialect to blocked layouts, tilings and linalg; see Passes.td.
#ifndef PASSES_NN_TO_LINALG_PASSES_H
#define PASSES_NN_TO_LINALG_PASSES_H

#include "mlir/Pass/Pass.h"

namespace lathe::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/nn_to_linalg/Passes.h.inc"
} // namespace lathe::passes

#endif // PASSES_NN_TO_LINALG_PASSES_H
