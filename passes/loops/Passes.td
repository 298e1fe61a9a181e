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
    Where the tiling says so, each iteration fetches lines of weights that are needed later (`prefetch`), and input channels share the registers of a last
    vector of few channels (`share`); the groups of a convolution that lie within a vector get their channels by shuffles.
    Then the epilogue is cloned per accumulator at vector type, and stored. Addresses are linear in one flat view per operand: the slow part of an
    address is computed once per loop, the rest are constants.

    **Before/After.** test/passes/loops/expand-microkernel.mlir.

    **Requires / Leaves.** Requires kernels after `lathe-tile-windowed`. Leaves scf, vector, arith, math and memref.

    **Numerics.** One multiply-add chain per output element, over channel blocks, window and channels in this order, from 0; the same in every tile and
    for every batch, so that results do not depend on tile widths, threads or batch. With `share` a channel of the last vector is the sum of so many chains, in
    a fixed order; in groups within a vector the order is rows of the window, its columns, channels.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect", "::mlir::memref::MemRefDialect"];
}

def LowerStoragePass : Pass<"lathe-lower-storage", "::mlir::func::FuncOp"> {
  let summary = "loads and stores through nn.stored_as extend and round";
  let description = [{
    **What.** Where a kernel sees a buffer of f16 or bf16 as one of f32, its loads become those of the stored type and `arith.extf`, its stores
    `arith.truncf` and those of the stored type; views likewise.

    **Before/After.** test/passes/loops/lower-storage.mlir.

    **Requires / Leaves.** Requires kernels without operations on whole buffers. Leaves no `nn.stored_as`.

    **Numerics.** Extension is exact; rounding is to nearest, ties to even; what is too large becomes infinite.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect", "::mlir::memref::MemRefDialect"];
}

def ExpandMathPass : Pass<"lathe-expand-math", "::mlir::func::FuncOp"> {
  let summary = "functions, and conversions without an instruction, to arithmetic";
  let description = [{
    **What.** These become polynomials and bit operations in `arith`, and `math.fma`, scalar or vector, without branches: each operation in them is an
    instruction on every target, so that neither a call into a math library nor a scalar loop over the lanes remains. One expansion serves all operations
    that need it, in kernels of their own and in epilogues.
    - of f32: `math.exp`, `math.expm1`, `math.log`, `math.tanh`, `math.erf`, `math.sin`, `math.cos`, `math.tan`;
    - of f64: `math.exp`, `math.expm1`, `math.log`, `math.tanh`, `math.atan`;
    - `arith.extf` and `arith.truncf` of f16, where the target (`nn.target`) has no instruction for them, and always `arith.truncf` from f64 to f16.

    **Before/After.** test/passes/loops/expand-math.mlir.

    **Requires / Leaves.** Requires nothing; runs when vectors have their width. Leaves arith and math. Other functions and types are left alone.

    **Numerics.** Of f32 at most 2 ulp from the exact value over all floats, sin, cos and tan at most 0.51; of f64 at most 3 ulp; with and without hardware
    for fused multiply-add, denormal results included; NaN stays NaN, infinities and signs of zeros as in C. Conversions round once, to nearest, halves to
    even. Lanes of a vector and scalars get the same bits.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif // PASSES_LOOPS_PASSES_TD
