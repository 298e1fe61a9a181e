//===- Passes.td - from tensors to buffers -------------------------------------------------------------------------------------------------------===//
#ifndef PASSES_LINALG_TO_MEMREF_PASSES_TD
#define PASSES_LINALG_TO_MEMREF_PASSES_TD

include "mlir/Pass/PassBase.td"

def ResultsToArgumentsPass : Pass<"lathe-results-to-arguments", "::mlir::func::FuncOp"> {
  let summary = "results become destination arguments";
  let description = [{
    **What.** Each result of a public function becomes an argument after the inputs, in result order, with the result's attributes and `nn.output`.
    Where a result is a buffer that the function allocates (or a reshaped view of all of it), the argument takes the buffer's place; where it is an
    input, a weight, a part of a buffer, or a value that is returned twice, an `nn.copy` says so. Upstream's buffer-results-to-out-params crashes on the
    latter.

    **Before/After.** test/passes/linalg_to_memref/results-to-arguments.mlir.

    **Requires / Leaves.** Requires memref results with identity layout. Leaves functions without results.

    **Numerics.** None.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

#endif // PASSES_LINALG_TO_MEMREF_PASSES_TD
