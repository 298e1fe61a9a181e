// RUN: lathe-opt %s '--nn-select-tiling=winograd=false' --mlir-print-local-scope --split-input-file | FileCheck %s
// The tile follows from the numbers of #nn.target; a tile that is written at the operation is kept.

// 32 registers: 2 vectors of 13 pixels need 26 accumulators, 2 weights and a broadcast.
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
// CHECK-LABEL: func @many_registers
// CHECK: tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [13, 13]>
func.func @many_registers(%x: tensor<1x64x28x28x4xf32>) -> tensor<1x2x26x26x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x256x3x3xf32>, tensor<8x256x3x3xf32>> : tensor<8x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x64x28x28x4xf32>, tensor<8x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x26x26x4xf32>
  return %0 : tensor<1x2x26x26x4xf32>
}

// CHECK-LABEL: func @kept
// CHECK: nn.weight {{.*}} steps = [<"reshape", [2, 4, 64, 4, 3, 3]>, <"transpose", [0, 2, 4, 5, 3, 1]>]> : tensor<2x64x3x3x4x4xf32>
// CHECK: tiling = #nn.tiling<ku = 1, unroll = 2, merge = 1, segments = [20, 6]>
func.func @kept(%x: tensor<1x64x28x28x4xf32>) -> tensor<1x2x26x26x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x256x3x3xf32>, tensor<8x256x3x3xf32>> : tensor<8x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x64x28x28x4xf32>, tensor<8x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 8>,
    tiling = #nn.tiling<ku = 1, unroll = 2, merge = 1, segments = [20, 6]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x26x26x4xf32>
  return %0 : tensor<1x2x26x26x4xf32>
}
}

// -----

// 16 registers: 2 vectors of 6 pixels are 12 accumulators, and need 15 registers.
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
// CHECK-LABEL: func @few_registers
// CHECK: tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [6, 5, 5, 5, 5]>
func.func @few_registers(%x: tensor<1x64x28x28x4xf32>) -> tensor<1x2x26x26x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x256x3x3xf32>, tensor<8x256x3x3xf32>> : tensor<8x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x64x28x28x4xf32>, tensor<8x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x26x26x4xf32>
  return %0 : tensor<1x2x26x26x4xf32>
}
}
