//===- Passes.td - from loops to the LLVM dialect and the plan -----------------------------------------------------------------------------------===//
#ifndef PASSES_LOOPS_TO_LLVM_PASSES_TD
#define PASSES_LOOPS_TO_LLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelAbiPass : Pass<"lathe-kernel-abi", "::mlir::func::FuncOp"> {
  let summary = "kernel functions to k(args, scratch, begin, end)";
  let description = [{
    **What.** A kernel's buffers become pointers loaded from the argument table, and its `scf.forall` a loop over iterations [begin, end) of the
    linearised space, innermost dimension fastest. Where the forall has `nn.last_outside`, the same iterations are gone through with the last dimension
    outside of all others but the first. Buffers are rebuilt inside from plain pointers and their static types, so that no descriptor crosses a
    call. The size of the space is left in the attribute `nn.space` as array<i64: c0, c1>: c0 + c1 * N iterations. A kernel that counts images in an inner
    loop, or does anything else with the batch than to iterate over it outside of all loops, gets it as the first entry of its argument table, and the
    attribute `nn.batch_argument`.

    **Before/After.** test/passes/loops_to_llvm/kernel-abi.mlir.

    **Requires / Leaves.** Requires one top-level scf.forall per kernel, of whose upper bounds one may be the batch. Leaves the body as it is;
    lathe-kernel-to-llvm finishes the job.

    **Numerics.** None.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect"];
}

def KernelToLLVMPass : Pass<"lathe-kernel-to-llvm", "::mlir::func::FuncOp"> {
  let summary = "a kernel's body to the llvm dialect";
  let description = [{
    **What.** Runs upstream's `expand-strided-metadata`, `lower-affine`, `convert-scf-to-cf`, `convert-to-llvm` and `canonicalize` on each kernel: views
    become address arithmetic, loops become branches, and memref descriptors, which never leave a kernel, fold away. To see the forms in between, run
    these passes by name: `func.func(expand-strided-metadata,lower-affine,convert-scf-to-cf,
    convert-to-llvm{filter-dialects=arith,cf,index,math,memref,ub,vector},canonicalize)`.

    **Before/After.** test/passes/loops_to_llvm/kernel-to-llvm.mlir.

    **Requires / Leaves.** Requires kernels with the signature that lathe-kernel-abi gives them; leaves other functions alone. The function itself stays a
    func.func, which lathe-build-plan turns into an llvm.func.

    **Numerics.** None: vector.fma stays fused, nothing is reassociated.
  }];
}

def BuildPlanPass : Pass<"lathe-build-plan", "::mlir::ModuleOp"> {
  let summary = "the entry function to nn.plan, kernels to llvm.func";
  let description = [{
    **What.** The calls of the entry function become `nn.launch` operations, whose arguments are data: input, output, weight or arena, and an offset
    c0 + c1 * N found by following views. Weights are listed in the order of first use. Kernels, whose bodies are in the llvm dialect already, become
    llvm.func.

    **Before/After.** test/passes/loops_to_llvm/build-plan.mlir.

    **Requires / Leaves.** Requires kernels with `nn.space` and an entry function of calls and views only. Leaves no entry function.

    **Numerics.** None.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif // PASSES_LOOPS_TO_LLVM_PASSES_TD
