//===- Passes.td - passes on tensors in the linalg phase -----------------------------------------------------------------------------------------===//
#ifndef PASSES_LINALG_PASSES_TD
#define PASSES_LINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseElementwisePass : Pass<"lathe-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "fuses elementwise linalg.generic operations into their only consumer";
  let description = [{
    **What.** A producer whose result has one use, a `linalg.generic` that reads no element of it more than once, is computed there. A layout change
    (`nn.unpack` as linalg.generic) takes part like any other operation. An input that an operation has come to read twice, x of x * sigmoid(x), is one input from
    then on. A remark says for each producer whether it was fused, and else why not. The
    fused operation carries the locations of both.

    **Before/After.** test/passes/linalg/fuse-elementwise.mlir.

    **Requires / Leaves.** linalg on tensors.

    **Numerics.** Bit-exact: the same operations in the same order.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect"];
}

def MakeDestinationsPass : Pass<"lathe-make-destinations", "::mlir::func::FuncOp"> {
  let summary = "gives every operation a destination of its own";
  let description = [{
    **What.** Each windowed operation gets a `tensor.empty` as destination operand. Where several operations share a `tensor.empty`, each gets its own:
    merged ones would cost copies when they become buffers. So no CSE may run between this pass and bufferisation.

    **Before/After.** test/passes/linalg/make-destinations.mlir.

    **Requires / Leaves.** Leaves windowed operations in destination style.

    **Numerics.** None.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

#endif // PASSES_LINALG_PASSES_TD
