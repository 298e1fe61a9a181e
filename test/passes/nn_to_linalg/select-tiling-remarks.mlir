// RUN: lathe-opt %s '--nn-select-tiling=winograd=false' --remarks-filter=nn-select-tiling --remark-format=emitRemark --verify-diagnostics
// RUN: lathe-opt %s '--nn-select-tiling=naive=true' --remarks-filter=nn-select-tiling --remark-format=emitRemark 2>&1 | FileCheck %s
// Each decision says what it is, what it should cost, and what was nearly as good.
// CHECK: one vector of channels by one pixel: nothing is chosen at -O0
// CHECK: the tile that is written at the operation
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

func.func @chosen(%x: tensor<1x64x9x9x4xf32>) -> tensor<1x16x7x7x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<64x256x3x3xf32>, tensor<64x256x3x3xf32>> : tensor<64x256x3x3xf32>
  // expected-remark @+2 {{2 vectors of channels by 4 pixels, 8 accumulators; 2 tiles for a line; predicted}}
  // expected-remark @+1 {{of its 576 kB of weights 0 are there; fetches 504 kB meanwhile}}
  %0 = nn.conv ins(%x, %w : tensor<1x64x9x9x4xf32>, tensor<64x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 64>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x16x7x7x4xf32>
  return %0 : tensor<1x16x7x7x4xf32>
}

func.func @written(%x: tensor<1x2x6x6x4xf32>) -> tensor<1x2x3x3x4xf32> {
  // expected-remark @+1 {{the tile that is written at the operation}}
  %0 = nn.pool max ins(%x : tensor<1x2x6x6x4xf32>) attributes {window = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 8 : i64, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 1]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x3x3x4xf32>
  return %0 : tensor<1x2x3x3x4xf32>
}
}
