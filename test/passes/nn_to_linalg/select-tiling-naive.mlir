// RUN: lathe-opt %s '--nn-select-tiling=naive=true' --mlir-print-local-scope | FileCheck %s
// -O0: one vector by one pixel, whatever the machine; the loops are then as easy to read as they can be.
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// CHECK-LABEL: func @pool
// CHECK: tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1, 1, 1]>
func.func @pool(%x: tensor<1x2x6x6x4xf32>) -> tensor<1x2x3x3x4xf32> {
  %0 = nn.pool max ins(%x : tensor<1x2x6x6x4xf32>) attributes {window = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 8 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x3x3x4xf32>
  return %0 : tensor<1x2x3x3x4xf32>
}
}
