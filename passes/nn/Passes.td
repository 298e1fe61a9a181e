//===- Passes.td - passes on the nn dialect (phase nn) -------------------------------------------------------------------------------------===//
#ifndef PASSES_NN_PASSES_TD
#define PASSES_NN_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // PASSES_NN_PASSES_TD
