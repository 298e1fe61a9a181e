// RUN: lathe-opt %s --lathe-tile-block --split-input-file --verify-diagnostics | FileCheck %s
// What a thread of a block does: copies ahead, a barrier, products by tensor cores, an epilogue on its sums. test/e2e/test_block_kernels.py runs such kernels.

#gpu = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10, multiprocessors = 108,
  tensorFmaPerCycle = 1024, sharedBytes = 101376>

module attributes {nn.target = #gpu} {
  // CHECK-LABEL: func.func private @conv(
  // CHECK-SAME: attributes {nn.kernel, nn.lanes = 128 : i64}
  // Four stages of [32 + 32 rows] of 64 bytes, and 16 behind each.
  // CHECK: nn.scratch 0 : memref<20480xi8>
  // 36 rows are two tiles, of all images as many as they may need.
  // CHECK: scf.forall (%{{.*}}, %[[T:.*]], %[[C:.*]]) in (%{{.*}}, 2, 1)
  // CHECK: %[[TID:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %{{.*}}
  // CHECK: nvvm.cp.async.commit.group
  // CHECK: scf.for
  // CHECK-NEXT: nvvm.cp.async.wait.group 2
  // CHECK-NEXT: nvvm.barrier0
  // CHECK: scf.if
  // CHECK: nvvm.cp.async.shared.global
  // CHECK: nvvm.ldmatrix %{{.*}} {{{.*}}layout = #nvvm.mma_layout<row>
  // CHECK: nvvm.ldmatrix %{{.*}} {{{.*}}layout = #nvvm.mma_layout<col>
  // CHECK: nvvm.mma.sync {{.*}}shape = #nvvm.shape<m = 16, n = 8, k = 16>
  // CHECK: scf.yield
  // CHECK: scf.if
  // CHECK: arith.addf %{{.*}}, %{{.*}} : vector<2xf32>
  // CHECK: vector.store %{{.*}}, %{{.*}}[%{{.*}}] {alignment = 8 : i64} : memref<?xf32>, vector<2xf32>
  // CHECK-NOT: nn.conv
  func.func private @conv(%x: memref<?x2x6x6x32xf16>, %w: memref<1x2x3x3x32x32xf16>, %b: memref<32xf32>, %y: memref<?x1x6x6x32xf16>) attributes {nn.kernel} {
    %0 = nn.stored_as %x : memref<?x2x6x6x32xf16> as memref<?x2x6x6x32xf32>
    %1 = nn.stored_as %w : memref<1x2x3x3x32x32xf16> as memref<1x2x3x3x32x32xf32>
    %2 = nn.stored_as %y : memref<?x1x6x6x32xf16> as memref<?x1x6x6x32xf32>
    nn.conv ins(%0, %1 : memref<?x2x6x6x32xf32>, memref<1x2x3x3x32x32xf32>) extras(%b : memref<32xf32>) outs(%2 : memref<?x1x6x6x32xf32>) attributes {
      channels = array<i64: 64, 32>, dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [6], block = [32, 32, 2, 2, 4]>} epilogue {
    ^bb0(%acc: f32, %e: f32):
      %s = arith.addf %acc, %e : f32
      nn.yield %s : f32
    }
    return
  }
}

// -----

#gpu = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10, multiprocessors = 108,
  tensorFmaPerCycle = 1024, sharedBytes = 101376>

module attributes {nn.target = #gpu} {
  // Rows of 6 elements do not begin at multiples of 16 bytes: warps compute it.
  // CHECK-LABEL: func.func private @matmul(
  // CHECK-NOT: nvvm
  // CHECK: nn.matmul
  // CHECK-SAME: tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [10]>
  func.func private @matmul(%x: memref<1x10x6xf32>, %w: memref<1x1x1x32x32xf32>, %y: memref<1x10x8xf32>) attributes {nn.kernel} {
    nn.matmul ins(%x, %w : memref<1x10x6xf32>, memref<1x1x1x32x32xf32>) outs(%y : memref<1x10x8xf32>) attributes {channels = array<i64: 6, 8>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [10], block = [32, 32, 2, 2, 4]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    return
  }
}

// -----

#gpu = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10, multiprocessors = 108,
  tensorFmaPerCycle = 1024, sharedBytes = 101376>

module attributes {nn.target = #gpu} {
  func.func private @parts(%x: memref<1x10x8xf32>, %w: memref<1x1x1x32x32xf32>, %y: memref<1x10x8xf32>) attributes {nn.kernel} {
    // expected-error @+1 {{expects a block whose warps have multiples of 16 rows and columns, ku * 32 columns, and at least 2 stages}}
    nn.matmul ins(%x, %w : memref<1x10x8xf32>, memref<1x1x1x32x32xf32>) outs(%y : memref<1x10x8xf32>) attributes {channels = array<i64: 8, 8>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [10], block = [32, 32, 4, 1, 4]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    return
  }
}

// -----

#gpu = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10, multiprocessors = 108,
  tensorFmaPerCycle = 1024, sharedBytes = 101376>

module attributes {nn.target = #gpu} {
  func.func private @packing(%x: memref<1x10x64xf32>, %w: memref<1x2x1x32x32xf32>, %y: memref<1x10x8xf32>) attributes {nn.kernel} {
    // expected-error @+1 {{expects weights packed for its block (got 'memref<1x2x1x32x32xf32>')}}
    nn.matmul ins(%x, %w : memref<1x10x64xf32>, memref<1x2x1x32x32xf32>) outs(%y : memref<1x10x8xf32>) attributes {channels = array<i64: 64, 8>,
      tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [10], block = [32, 64, 2, 2, 4]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    return
  }
}
