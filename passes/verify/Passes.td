//===- Passes.td - the contracts of the phases ---------------------------------------------------------------------------------------------===//
#ifndef PASSES_VERIFY_PASSES_TD
#define PASSES_VERIFY_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyPhasePass : Pass<"lathe-verify-phase", "::mlir::ModuleOp"> {
  let summary = "checks what the IR must be at the end of a phase";
  let description = [{
    **What.** Each phase ends in this pass. It checks, from one table in the code, which dialects and which nn operations are legal, and these rules:

    | phase | rules |
    |---|---|
    | `nn` | one function, `@main`; windowed operations in logical form (plain tensors, no destination, no tiling, weights not packed); recipes hold no bytes but splats and sources of at most 1 KB |
    | `linalg` | one function, `@main`; every windowed operation has a tiling, packed weights and a destination; no `tensor.empty` is the destination of two operations |
    | `memref` | `@main` has no results, holds only `nn.call`, `nn.weight`, views, constants and index arithmetic, and takes at most one arena, last; every other function is a kernel, which takes memrefs at offset 0, holds one operation and its constants, and returns nothing |
    | `loops` | `@main` as in `memref`; in every kernel one top-level `scf.forall`, after constants, `memref.dim` and views only, and no nn operation |
    | `llvm` | one `nn.plan`; every function is `llvm.func @k(ptr, ptr, i64, i64)`, or one of `memcpy`, `memmove`, `memset` |

    In `nn` and `linalg` all values are scalars or tensors, from `memref` on no value is a tensor; up to `memref` only the leading dimension may be dynamic.

    **Before/After.** Nothing changes. Every rule has a case in test/passes/verify/verify-phase-errors.mlir that breaks it.

    **Requires / Leaves.** Any module; at most ten violations are reported.

    **Numerics.** None.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"]; // the kernels' type is made to compare with
  let options = [Option<"phase", "phase", "std::string", "", "the phase that has just ended: nn, linalg, memref, loops or llvm">];
}

#endif // PASSES_VERIFY_PASSES_TD
