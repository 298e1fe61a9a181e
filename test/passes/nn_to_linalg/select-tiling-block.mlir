// RUN: lathe-opt %s --nn-select-tiling | FileCheck %s
// RUN: sed 's/sharedBytes = 101376/sharedBytes = 40000/' %s | lathe-opt --nn-select-tiling | FileCheck %s --check-prefix=SMALL
// RUN: sed 's/multiprocessors = 108/multiprocessors = 4/' %s | lathe-opt --nn-select-tiling | FileCheck %s --check-prefix=FEW
// On a GPU a block of threads computes a tile of the product; how large a tile, the description decides.

module attributes {nn.precision = "f16", nn.target = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10, multiprocessors = 108,
  tensorFmaPerCycle = 1024, sharedBytes = 101376>} {
  // Many rows: few tiles are large, and many small ones serve many multiprocessors.
  // CHECK-LABEL: func.func @conv
  // CHECK: tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [14, 14, 14, 14], block = [64, 64, 2, 2, 4]>
  // Half of the shared memory holds fewer stages.
  // SMALL-LABEL: func.func @conv
  // SMALL: block = [64, 64, 2, 2, 3]>
  // FEW-LABEL: func.func @conv
  // FEW: block = [128, 128, 2, 2, 2]>
  func.func @conv(%x: tensor<1x4x56x56x32xf32>, %b: tensor<128xf32>) -> tensor<1x4x56x56x32xf32> {
    %w = nn.weight <dense<0.5> : tensor<128x128x3x3xf32>, tensor<128x128x3x3xf32>> : tensor<128x128x3x3xf32>
    %0 = nn.conv ins(%x, %w : tensor<1x4x56x56x32xf32>, tensor<128x128x3x3xf32>) attributes {channels = array<i64: 128, 128>, groups = 1 : i64,
      strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<1x4x56x56x32xf32>
    return %0 : tensor<1x4x56x56x32xf32>
  }

  // One row reads its weights, which warps do.
  // CHECK-LABEL: func.func @row
  // CHECK-NOT: block
  // CHECK: return
  func.func @row(%x: tensor<?x512xf32>) -> tensor<?x1000xf32> {
    %w = nn.weight <dense<0.5> : tensor<512x1000xf32>, tensor<512x1000xf32>> : tensor<512x1000xf32>
    %0 = nn.matmul ins(%x, %w : tensor<?x512xf32>, tensor<512x1000xf32>) attributes {channels = array<i64: 512, 1000>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x1000xf32>
    return %0 : tensor<?x1000xf32>
  }
}
