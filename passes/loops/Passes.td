//===- Passes.td - passes on loops -----------------------------------------------------------------------------------------------------------===//
#ifndef PASSES_LOOPS_PASSES_TD
#define PASSES_LOOPS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandMicroKernelPass : Pass<"lathe-expand-microkernel", "::mlir::func::FuncOp"> {
  let summary = "register tiles to vector code";
  let description = [{
    **What.** Every `nn.microkernel` becomes explicit loops over channels and window with all accumulators in registers, at the target's vector width:
    per step the weights' vectors are loaded once, then one broadcast per pixel feeds `ku` multiply-adds (`vector.fma`), in that order, which LLVM's
    scheduler keeps. Window elements of the last dimension that see the same pixels share a loop, so that borders need no masks and no padded copies.
    Then the epilogue is cloned per accumulator at vector type, and stored. Addresses are linear in one flat view per operand: the slow part of an
    address is computed once per loop, the rest are constants.

    **Before/After.** test/passes/loops/expand-microkernel.mlir.

    **Requires / Leaves.** Requires kernels after `lathe-tile-windowed`. Leaves scf, vector, arith, math and memref.

    **Numerics.** One multiply-add chain per output element, over channel blocks, window and channels in this order, from 0; the same in every tile and
    for every batch, so that results do not depend on tile widths, threads or batch.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect", "::mlir::memref::MemRefDialect"];
}

def ExpandMathPass : Pass<"lathe-expand-math", "::mlir::func::FuncOp"> {
  let summary = "exp, expm1, log, tanh and erf to arithmetic";
  let description = [{
    **What.** Every `math.exp`, `math.expm1`, `math.log`, `math.tanh` and `math.erf` of f32, scalar or vector, becomes polynomials in `arith` and
    `math.fma`, without branches: each operation in them is one instruction on every target, so that neither a call into a math library nor a scalar loop
    over the lanes remains. One expansion serves all operations that need it, in kernels of their own and in epilogues.

    **Before/After.** test/passes/loops/expand-math.mlir.

    **Requires / Leaves.** Requires nothing; runs when vectors have their width. Leaves arith and math. Other element types are left alone.

    **Numerics.** At most 2 ulp from the exact value over all floats, with and without hardware for fused multiply-add, denormal results included; NaN
    stays NaN, infinities and signs of zeros as in C. Lanes of a vector and scalars get the same bits.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif // PASSES_LOOPS_PASSES_TD
