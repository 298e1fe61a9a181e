// RUN: lathe-opt %s '--nn-select-tiling=winograd=false' --mlir-print-local-scope --split-input-file | FileCheck %s
// One convolution on machines that differ in the sizes of their caches. A tile of ku vectors reads ku * 16 * 256 * 9 bytes of weights for each few pixels.

// Everything in the first level: weights are cheap, so that few pixels may share them.
// CHECK: tiling = #nn.tiling<ku = 4, unroll = 4, merge = 1, segments = [2, 2, 2, 1]>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 1048576, l2Bytes = 4194304, l3BytesPerCycle = 4, memoryBytesPerCycle = 4>} {
func.func @f(%x: tensor<1x64x9x9x4xf32>) -> tensor<1x16x7x7x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<64x256x3x3xf32>, tensor<64x256x3x3xf32>> : tensor<64x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x64x9x9x4xf32>, tensor<64x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 64>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x16x7x7x4xf32>
  return %0 : tensor<1x16x7x7x4xf32>
}
}

// -----

// In the second level, at a quarter of the rate: more pixels share a weight.
// CHECK: tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [4, 3], prefetch = [1152, 9216]>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 4, memoryBytesPerCycle = 4>} {
func.func @f(%x: tensor<1x64x9x9x4xf32>) -> tensor<1x16x7x7x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<64x256x3x3xf32>, tensor<64x256x3x3xf32>> : tensor<64x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x64x9x9x4xf32>, tensor<64x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 64>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x16x7x7x4xf32>
  return %0 : tensor<1x16x7x7x4xf32>
}
}

// -----

// Beyond both: as many pixels as there are.
// CHECK: tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [7], prefetch = [576, 9216]>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 4096, l2Bytes = 8192, l3BytesPerCycle = 4, memoryBytesPerCycle = 4>} {
func.func @f(%x: tensor<1x64x9x9x4xf32>) -> tensor<1x16x7x7x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<64x256x3x3xf32>, tensor<64x256x3x3xf32>> : tensor<64x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x64x9x9x4xf32>, tensor<64x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 64>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x16x7x7x4xf32>
  return %0 : tensor<1x16x7x7x4xf32>
}
}
