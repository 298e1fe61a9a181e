// Passes on the loops phase; see Passes.td.
#ifndef PASSES_LOOPS_PASSES_H
#define PASSES_LOOPS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace lathe::passes {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/loops/Passes.h.inc"
} // namespace lathe::passes

#endif // PASSES_LOOPS_PASSES_H
