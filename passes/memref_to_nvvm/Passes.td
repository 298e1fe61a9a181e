//===- Passes.td - what only the NVIDIA target runs ------------------------------------------------------------------------------------------------===//
#ifndef PASSES_MEMREF_TO_NVVM_PASSES_TD
#define PASSES_MEMREF_TO_NVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileBlockPass : Pass<"lathe-tile-block", "::mlir::func::FuncOp"> {
  let summary = "convolutions and products as tiles of a block of threads, in shared memory";
  let description = [{
    **What.** A kernel whose operation has a tiling with a `block` becomes what one thread of that block does (implicit GEMM): the next steps of both factors, 32
    channels of one window element each, are copied into a ring in shared memory (`nvvm.cp.async`, with fewer bytes where there is no input) while
    the one that has arrived is multiplied, by tensor cores (`nvvm.mma.sync`: f16, bf16, tf32, as the factors are stored and `nn.precision` says) or by
    multiply-adds of f32. Each warp has a part of the tile; then the epilogue is computed on the sums in registers, and stored.

    **Before/After.** test/passes/memref_to_nvvm/tile-block.mlir.

    **Requires / Leaves.** Requires kernels of phase `memref` with rows of whole 16 bytes. Leaves scf, arith, vector, memref, and operations of `llvm` and `nvvm` on shared
    memory; `nn.lanes` says how many threads a block has, `nn.scratch` holds the ring. Operations without a `block` are left alone.

    **Numerics.** One sum per output element, over blocks of channels, the window, and channels, in this order and from 0; f32 rounds at every multiply-add, tensor
    cores where they do. No part of a reduction is another block's, so results do not depend on the batch.
  }];
  let dependentDialects = ["::mlir::NVVM::NVVMDialect", "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect", "::mlir::math::MathDialect"];
}

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
