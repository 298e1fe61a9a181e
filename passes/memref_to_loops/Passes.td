//===- Passes.td - from buffers to loops -------------------------------------------------------------------------------------------------------===//
#ifndef PASSES_MEMREF_TO_LOOPS_PASSES_TD
#define PASSES_MEMREF_TO_LOOPS_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileWindowedPass : Pass<"lathe-tile-windowed", "::mlir::func::FuncOp"> {
  let summary = "windowed operations to loops over register tiles";
  let description = [{
    **What.** In kernel functions, a windowed operation becomes one `scf.forall` over image, channel group and outer rows, and in it `nn.microkernel`
    operations that cover each line by the segments of the tiling attribute. The groups are its last dimension, marked `nn.last_outside`, where threads
    should share rows: where all weights are less to read than the part of the input that other threads have written. The window is clipped against the borders of the outer dimensions by
    index arithmetic; of a line's tiles only those that touch the padding are marked `edge`. Where the tiling says so, the loop over groups is outside of
    the one over images, or images of one pixel each are covered like the pixels of a line.

    A chain of operations (a scope with `nn.rows`, lathe-group) becomes one `scf.forall` over images and blocks of so many rows of its last operation. In it each
    operation in turn has loops over the rows that the block needs and the one before it has not computed; what passes between them is in the thread's
    scratch memory, a ring of rows. See docs/rationale/Groups.md.

    A convolution whose tiling names tiles of Winograd's algorithm becomes vector code at once: the input transform of a block of tiles into the thread's
    scratch memory, by the first iteration that needs it; a matrix multiplication per point of a tile; the output transform with the epilogue. See
    docs/rationale/Winograd.md.

    **Before/After.** test/passes/memref_to_loops/tile-windowed.mlir, tile-windowed-images.mlir, tile-chain.mlir, tile-winograd.mlir.

    **Requires / Leaves.** Requires bufferised windowed operations with a tiling attribute. Leaves scf, arith, memref, vector and `nn.microkernel`,
    `nn.scratch` and `nn.range_begin`.

    **Numerics.** None: what is computed for an element does not depend on its register tile; Winograd's algorithm rounds as its tiling says.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect"];
}

def TileGenericPass : Pass<"lathe-tile-generic", "::mlir::func::FuncOp"> {
  let summary = "linalg operations and copies to loops over vectors";
  let description = [{
    **What.** In kernel functions, a linalg operation or an nn.copy becomes one `scf.forall` over its outer dimensions, whose iterations threads share.
    Dimensions that all operands go through as through one are merged; one that an address divides (the channels of a blocked layout) becomes two. Then,
    what is possible first:
    - lines of the input that take turns in the output (depth to space, repeated pixels) are loaded as they lie, and interleaved in registers;
    - where the innermost dimension is contiguous or constant in every operand, it is computed in vectors, and what does not fill one in vectors of halved
      widths;
    - where an input's neighbours lie along another dimension (transpositions, layout changes), blocks of both are loaded as they lie in the input, turned
      in registers, and stored as they lie in the output;
    - where an input's elements are a few apart, they are picked out of whole vectors;
    - everything else (reductions, bodies that use indices) is computed element by element, in the order in which the output lies in memory.

    Only elementwise bodies have a vector form. Reductions stay inside one iteration of the forall. Operands are addressed through flat 1-D views.

    **Before/After.** test/passes/memref_to_loops/tile-generic.mlir, tile-transposed.mlir, tile-generic-scalar.mlir.

    **Requires / Leaves.** Requires kernels that hold one operation with one destination, buffers with offset 0 and static strides, and the module's
    `nn.target`. Leaves scf, vector, arith, memref, and the body's operations at vector type.

    **Numerics.** Bit-exact: the body's operations for each element, reductions in the order of the loops.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::vector::VectorDialect"];
}

def ExpandForeachPass : Pass<"lathe-expand-foreach", "::mlir::func::FuncOp"> {
  let summary = "programs over an index space to loops";
  let description = [{
    **What.** In kernel functions, an `nn.foreach` becomes one `scf.forall` over its space with the body in it. The last dimension becomes a loop inside,
    unless it is the only one or is long.

    **Before/After.** test/passes/memref_to_loops/expand-foreach.mlir.

    **Requires / Leaves.** Requires kernels that hold one bufferised operation. Leaves scf, arith, memref, math.

    **Numerics.** Bit-exact: the body as it is.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect"];
}

def TileReducePass : Pass<"lathe-tile-reduce", "::mlir::func::FuncOp"> {
  let summary = "nn.reduce to loops over vectors";
  let description = [{
    **What.** In kernel functions, an `nn.reduce` becomes one `scf.forall` over its parallel dimensions, with the reduced ones inside and the accumulators
    in registers. Vectors are neighbouring outputs or, where those are few or strided, neighbouring elements that are reduced, whose lanes are combined
    pairwise at the end. Outputs that read some of the same elements (rows of a product) are computed together. What does not fill a vector is computed in
    vectors of halved widths. A sum of products is contracted to multiply-adds.

    **Before/After.** test/passes/memref_to_loops/tile-reduce.mlir.

    **Requires / Leaves.** Requires kernels that hold one operation, buffers with offset 0 and static strides, and the module's `nn.target`. Leaves scf,
    vector, arith, memref, and the operations of the regions at vector type.

    **Numerics.** The order in which an output's elements are combined depends on shapes and target only: see TileReduce.cpp.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect"];
}

#endif // PASSES_MEMREF_TO_LOOPS_PASSES_TD
