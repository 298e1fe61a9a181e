// RUN: lathe-opt %s --nn-select-tiling --mlir-print-local-scope --split-input-file --verify-diagnostics | FileCheck %s
// Input channels share the registers of a last vector that is at most half full, if they lie side by side and their number allows it.

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 256, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 2097152, l3BytesPerCycle = 10, memoryBytesPerCycle = 5>} {
// 12 channels of 8 lanes: a vector and a half.
// CHECK-LABEL: func @half(
// CHECK: nn.weight {{.*}}<"transpose", [0, 2, 4, 5, 3, 1]>, <"share_rows", [8, 2]>]> : tensor<1x2x3x3x8x16xf32>
// CHECK: tiling = #nn.tiling<ku = 2, unroll = 4, {{.*}}, share = 2>
func.func @half(%x: tensor<1x2x28x28x8xf32>) -> tensor<1x2x26x26x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<12x16x3x3xf32>, tensor<12x16x3x3xf32>> : tensor<12x16x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x2x28x28x8xf32>, tensor<12x16x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 12>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x26x26x8xf32>
  return %0 : tensor<1x2x26x26x8xf32>
}

// One channel: all eight lanes are different input channels.
// CHECK-LABEL: func @one(
// CHECK: <"share_rows", [8, 8]>
// CHECK: tiling = #nn.tiling<ku = 1, unroll = 8, {{.*}}, share = 8>
func.func @one(%x: tensor<1x2x28x28x8xf32>) -> tensor<1x1x26x26x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<1x16x3x3xf32>, tensor<1x16x3x3xf32>> : tensor<1x16x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x2x28x28x8xf32>, tensor<1x16x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 1>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1x26x26x8xf32>
  return %0 : tensor<1x1x26x26x8xf32>
}

// 15 input channels have no pairs; what lies beyond them is unspecified.
// CHECK-LABEL: func @odd(
// CHECK-NOT: share
// CHECK: return
func.func @odd(%x: tensor<1x2x28x28x8xf32>) -> tensor<1x1x26x26x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<3x15x3x3xf32>, tensor<3x15x3x3xf32>> : tensor<3x15x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x2x28x28x8xf32>, tensor<3x15x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 15, 3>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1x26x26x8xf32>
  return %0 : tensor<1x1x26x26x8xf32>
}

// The channels of a plain input are an image apart.
// CHECK-LABEL: func @plain(
// CHECK-NOT: share
// CHECK: return
func.func @plain(%x: tensor<1x16x28x28xf32>) -> tensor<1x1x26x26x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x16x3x3xf32>, tensor<4x16x3x3xf32>> : tensor<4x16x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x16x28x28xf32>, tensor<4x16x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1x26x26x8xf32>
  return %0 : tensor<1x1x26x26x8xf32>
}
}

// -----

// What is written at the operation is checked: its weights are packed for it.
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 256, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 2097152, l3BytesPerCycle = 10, memoryBytesPerCycle = 5>} {
func.func @written(%x: tensor<1x2x5x5x8xf32>) -> tensor<1x1x3x3x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x16x3x3xf32>, tensor<4x16x3x3xf32>> : tensor<4x16x3x3xf32>
  // expected-error @+1 {{expects a share that its channels allow, at most 2 (got 4)}}
  %0 = nn.conv ins(%x, %w : tensor<1x2x5x5x8xf32>, tensor<4x16x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 4>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [3], share = 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1x3x3x8xf32>
  return %0 : tensor<1x1x3x3x8xf32>
}
}
