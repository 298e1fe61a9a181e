//===- Passes.td - what only the NVIDIA target runs ------------------------------------------------------------------------------------------------===//
#ifndef PASSES_MEMREF_TO_NVVM_PASSES_TD
#define PASSES_MEMREF_TO_NVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def DistributeLanesPass : Pass<"lathe-distribute-lanes", "::mlir::func::FuncOp"> {
  let summary = "a kernel's vectors become one element for each thread of a warp";
  let description = [{
    **What.** For NVIDIA targets, whose vectors are as long as a warp has threads, an iteration of a kernel is run by a warp, and element i of a vector lives in its
    thread i. Loads and stores of a vector are those of neighbouring elements by neighbouring threads; scalars are computed by all of them; shuffles go
    through `nvvm.shfl.sync`; scalars are stored by thread 0. Vectors of fewer elements leave the threads behind them idle: these load the last element again
    and store nothing. A kernel without vectors is run by one thread for each iteration. `nn.lanes` says how many threads run an iteration.

    **Before/After.** test/passes/memref_to_nvvm/distribute-lanes.mlir.

    **Requires / Leaves.** Requires kernels in phase `loops` with flat buffers. Leaves no vector type. Other targets' modules are left alone.

    **Numerics.** Bit-exact.
  }];
  let dependentDialects = ["::mlir::NVVM::NVVMDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

#endif // PASSES_MEMREF_TO_NVVM_PASSES_TD
