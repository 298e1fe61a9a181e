//===- Passes.td - passes on buffers in the memref phase -----------------------------------------------------------------------------------------===//
#ifndef PASSES_MEMREF_PASSES_TD
#define PASSES_MEMREF_PASSES_TD

include "mlir/Pass/PassBase.td"

def CoalesceCopiesPass : Pass<"lathe-coalesce-copies", "::mlir::func::FuncOp"> {
  let summary = "buffers live where they would be copied to";
  let description = [{
    **What.** A buffer that is copied, whole or in parts that keep their distances, into a part of another buffer becomes a view of that part, if nobody else
    writes there while the buffer is in use, or reads there before the copy. So the operands of a concatenation, and the inner part of a padded image, are
    computed in their place even where they have other readers, are reshaped on the way, or are halves of one value. A remark says so.

    **Before/After.** test/passes/memref/coalesce-copies.mlir:

    ```mlir
    %a = memref.alloc() : memref<8x4xf32>
    linalg.fill ins(%f : f32) outs(%a : memref<8x4xf32>)
    %b = memref.alloc() : memref<16x4xf32>
    %s = memref.subview %b[8, 0] [8, 4] [1, 1] : memref<16x4xf32> to memref<8x4xf32, strided<[4, 1], offset: 32>>
    memref.copy %a, %s : memref<8x4xf32> to memref<8x4xf32, strided<[4, 1], offset: 32>>
    ```
    becomes
    ```mlir
    %b = memref.alloc() : memref<16x4xf32>
    %s = memref.subview %b[8, 0] [8, 4] [1, 1] : memref<16x4xf32> to memref<8x4xf32, strided<[4, 1], offset: 32>>
    linalg.fill ins(%f : f32) outs(%s : memref<8x4xf32, strided<[4, 1], offset: 32>>)
    ```

    **Requires / Leaves.** Buffers with static strides, of which the last stays 1; rows of an image stay without gaps where a tiling merges them.

    **Numerics.** None.
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def CopiesToNNPass : Pass<"lathe-copies-to-nn", "::mlir::func::FuncOp"> {
  let summary = "memref.copy to nn.copy, with the reason";
  let description = [{
    **What.** Every copy that bufferisation left becomes an `nn.copy`, so that copies are kernels like everything else; its reason says what forced it.
    A copy of a buffer to itself is erased.

    **Before/After.** test/passes/memref/copies-to-nn.mlir.

    **Requires / Leaves.** Leaves no memref.copy.

    **Numerics.** None.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect"];
}

def NarrowStoragePass : Pass<"lathe-narrow-storage", "::mlir::func::FuncOp"> {
  let summary = "intermediate values and weights are stored as f16 or bf16";
  let description = [{
    **What.** With `nn.precision` of f16 or bf16 (`--fp16`, `--bf16`), buffers of f32 that are not arguments are stored in that type, and so are the weights of
    windowed and matrix operations, whose recipes get a last step that rounds. Every operation computes in f32 as before: it sees such buffers through
    `nn.stored_as`. Buffers of partial sums, and weights that are no factors, stay f32.

    **Before/After.** test/passes/memref/narrow-storage.mlir:

    ```mlir
    %0 = memref.alloc() : memref<4x32xf32>
    linalg.fill ins(%f : f32) outs(%0 : memref<4x32xf32>)
    ```
    becomes
    ```mlir
    %0 = memref.alloc() : memref<4x32xf16>
    %1 = nn.stored_as %0 : memref<4x32xf16> as memref<4x32xf32>
    linalg.fill ins(%f : f32) outs(%1 : memref<4x32xf32>)
    ```

    **Requires / Leaves.** Requires an entry function on buffers, before the arena is planned.

    **Numerics.** One rounding for each intermediate value, to nearest, ties to even.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::memref::MemRefDialect"];
}

def FuseProloguePass : Pass<"lathe-fuse-prologue", "::mlir::func::FuncOp"> {
  let summary = "elementwise operations into the pointwise convolutions that read them";
  let description = [{
    **What.** An elementwise linalg operation whose result only a convolution with a window of one element reads, and that could not go into its own
    producer (batch normalisation and activation of a concatenation, a gate of squeeze-and-excite), joins the convolution in a `memref.alloca_scope`. The two are
    one kernel, which computes as many rows of the operation's result at a time as fit a quarter of the second cache level, and lets the convolution read
    them there: the map is never in memory as a whole. The tiling's merged rows are cut down to that. A remark says so, or why not.

    **Before/After.** test/passes/memref/fuse-prologue.mlir:

    ```mlir
    linalg.generic … ins(%x, %scale : …) outs(%t : memref<?x6x56x56x16xf32>) {…}
    nn.conv ins(%t, %w : …) outs(%y : …) …
    ```
    becomes
    ```mlir
    memref.alloca_scope {
      %t = memref.alloca(%n) : memref<?x6x56x56x16xf32>
      linalg.generic … ins(%x, %scale : …) outs(%t : memref<?x6x56x56x16xf32>) {…}
      nn.conv ins(%t, %w : …) outs(%y : …) …
    }
    ```

    **Requires / Leaves.** Requires the module's `nn.target` and buffers with static strides; only constants and views between the two operations.

    **Numerics.** Bit-exact.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def GroupPass : Pass<"lathe-group", "::mlir::func::FuncOp"> {
  let summary = "chains of windowed operations into one kernel";
  let description = [{
    **What.** Convolutions and pools in a row, of which each alone reads the result of the one before, join in a `memref.alloca_scope` if that result is more
    than half of the second cache level. They are one kernel, which computes a block of the last one's rows at a time, `nn.rows` of them; of what passes between
    them only the rows that the block and the next one need are in memory, in the thread's scratch. So a 1x1 convolution, the depthwise one that reads it and
    the next 1x1 one never write their maps. A remark says so, or why not: a map that is small enough, weights that every block would read again, rows that
    threads compute twice. `nn.rows` written at a windowed operation in an earlier phase is kept: it joins what it reads and computes so many rows at a time
    whatever that costs, or with 0 stays apart.

    **Before/After.** test/passes/memref/group.mlir:

    ```mlir
    nn.conv ins(%x, %w : …) outs(%t : memref<?x6x112x112x16xf32>) …
    nn.conv ins(%t, %v : …) outs(%y : memref<?x6x56x56x16xf32>) …
    ```
    becomes
    ```mlir
    memref.alloca_scope {
      %t = memref.alloca(%n) : memref<?x6x112x112x16xf32>
      nn.conv ins(%x, %w : …) outs(%t : memref<?x6x112x112x16xf32>) …
      nn.conv ins(%t, %v : …) outs(%y : memref<?x6x56x56x16xf32>) …
    } {nn.rows = 4 : i64}
    ```

    **Requires / Leaves.** Requires the module's `nn.target` and tilings; in a chain, tilings that merge no rows remain.

    **Numerics.** Bit-exact.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def FuseStatisticsPass : Pass<"lathe-fuse-statistics", "::mlir::func::FuncOp"> {
  let summary = "reductions of a whole map into the operation that writes it";
  let description = [{
    **What.** Reductions over all pixels of a map that a convolution or pool writes (the mean and variance of a normalisation, the global pool of
    squeeze-and-excite, a maximum) begin where the map is written: an `nn.partial`, in a `memref.alloca_scope` with that operation, reduces what each iteration of
    its kernel has just written, and the reduction goes over these parts only. A variance becomes the parts' means and sums of squared differences, and is put
    together by the formula of Chan, Golub and LeVeque. Maps that the second cache level keeps are left alone, and so are parts of few pixels. A remark
    says so, or why not.

    **Before/After.** test/passes/memref/fuse-statistics.mlir:

    ```mlir
    nn.conv ins(%x, %w : …) outs(%y : memref<?x4x56x56x16xf32>) …
    nn.reduce sum maps […] ins(%y : memref<?x4x56x56x16xf32>) outs(%mean : memref<?x4x1x1x16xf32>) body {…} finish {…}
    ```
    becomes
    ```mlir
    %p = memref.alloc(%n) : memref<?x4x1x56x16xf32>
    memref.alloca_scope {
      nn.conv ins(%x, %w : …) outs(%y : memref<?x4x56x56x16xf32>) …
      nn.partial sum ins(%y : memref<?x4x56x56x16xf32>) outs(%p : memref<?x4x1x56x16xf32>) body {…}
    }
    nn.reduce sum maps […] ins(%p : memref<?x4x1x56x16xf32>) outs(%mean : memref<?x4x1x1x16xf32>) body {…} finish {…}
    ```

    **Requires / Leaves.** Requires the module's `nn.target`; buffers of which nobody else writes a part. Leaves kernels of several destinations.

    **Numerics.** Another order of summation, which depends on shapes and target only; a variance is as accurate as one of two passes.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def PlanArenaPass : Pass<"lathe-plan-arena", "::mlir::func::FuncOp"> {
  let summary = "all intermediate buffers in one planned arena";
  let description = [{
    **What.** Every memref.alloc of a function with allocations becomes a memref.view of one byte buffer, the last argument. Buffers that are never
    needed at the same time share memory. Static buffers lie in [0, c0), buffers with a batch dimension at c0 + c1 * N; the function attribute `nn.arena`
    holds the arena's total as [c0, c1]. A destination takes the buffer of an elementwise operand that is not read again (of a windowed operation's
    extras, or of a linalg.generic). A remark gives the size, and the most that is ever needed at once.

    **Before/After.** test/passes/memref/plan-arena.mlir.

    **Requires / Leaves.** Requires allocations at the function's top level whose only dynamic dimension is the leading one; results are arguments.
    Leaves no memref.alloc. Offsets are multiples of 64 bytes.

    **Numerics.** None.
  }];
  let options = [Option<"reuse", "reuse", "bool", "true", "false: no two buffers share memory, for finding a lifetime that is wrong">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def OutlineKernelsPass : Pass<"lathe-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "one function per kernel, equal kernels once";
  let description = [{
    **What.** Each windowed operation, linalg operation, nn.copy and memref.alloca_scope becomes an `nn.call` of a private function that holds just it. Argument types are
    normalised to offset 0, so that equal operations on different slices share one function; locations are ignored when kernels are compared. Kernels are
    numbered by first use and named after the ONNX nodes of that use; each call lists its own nodes, arithmetic and compulsory traffic.

    **Before/After.** test/passes/memref/outline-kernels.mlir.

    **Requires / Leaves.** Requires buffers with static strides. Leaves `nn.call`, weights, views and index arithmetic in the entry function.

    **Numerics.** None.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::func::FuncDialect"];
}

#endif // PASSES_MEMREF_PASSES_TD
