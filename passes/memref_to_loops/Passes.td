//===- Passes.td - from buffers to loops -------------------------------------------------------------------------------------------------------===//
#ifndef PASSES_MEMREF_TO_LOOPS_PASSES_TD
#define PASSES_MEMREF_TO_LOOPS_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileWindowedPass : Pass<"lathe-tile-windowed", "::mlir::func::FuncOp"> {
  let summary = "windowed operations to loops over register tiles";
  let description = [{
    **What.** In kernel functions, a windowed operation becomes one `scf.forall` over image, channel group and outer rows, and in it `nn.microkernel`
    operations that cover each line by the segments of the tiling attribute. The window is clipped against the borders of the outer dimensions by
    index arithmetic; of a line's tiles only those that touch the padding are marked `edge`.

    **Before/After.** test/passes/memref_to_loops/tile-windowed.mlir.

    **Requires / Leaves.** Requires bufferised windowed operations with a tiling attribute. Leaves scf, arith, memref and `nn.microkernel`.

    **Numerics.** None: what is computed for an element does not depend on its tile.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect"];
}

def TileGenericPass : Pass<"lathe-tile-generic", "::mlir::func::FuncOp"> {
  let summary = "linalg operations and copies to loops over vectors";
  let description = [{
    **What.** In kernel functions, a linalg operation or an nn.copy becomes one `scf.forall` over its outer dimensions.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // PASSES_MEMREF_TO_LOOPS_PASSES_TD
