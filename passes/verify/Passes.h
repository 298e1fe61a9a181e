// The contracts of the phases; see Passes.td.
#ifndef PASSES_VERIFY_PASSES_H
#define PASSES_VERIFY_PASSES_H

#include "mlir/Pass/Pass.h"

namespace lathe::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/verify/Passes.h.inc"
} // namespace lathe::passes

#endif // PASSES_VERIFY_PASSES_H
