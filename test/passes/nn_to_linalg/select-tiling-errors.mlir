// RUN: lathe-opt %s --nn-select-tiling --split-input-file --verify-diagnostics
// What the cost model and the packing of weights need.

// expected-error @+1 {{expects the module attribute 'nn.target' to be a #nn.target}}
func.func @f() {
  return
}

// -----

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
func.func @lanes(%x: tensor<1x1x6x6x8xf32>) -> tensor<1x1x3x3x8xf32> {
  // expected-error @+1 {{expects a blocked output of 4 lanes (got 'tensor<1x1x3x3x8xf32>')}}
  %0 = nn.pool max ins(%x : tensor<1x1x6x6x8xf32>) attributes {window = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 8 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1x3x3x8xf32>
  return %0 : tensor<1x1x3x3x8xf32>
}
}

// -----

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
func.func @bias(%x: tensor<2x6xf32>, %b: tensor<13xf32>) -> tensor<2x13xf32> {
  %w = nn.weight <dense<0.5> : tensor<6x13xf32>, tensor<6x13xf32>> : tensor<6x13xf32>
  // expected-error @+1 {{expects per-channel operands from nn.weight}}
  %0 = nn.matmul ins(%x, %w : tensor<2x6xf32>, tensor<6x13xf32>) extras(%b : tensor<13xf32>) attributes {channels = array<i64: 6, 13>} epilogue {
  ^bb0(%acc: f32, %e: f32):
    nn.yield %acc : f32
  } -> tensor<2x13xf32>
  return %0 : tensor<2x13xf32>
}
}

// -----

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 0, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
// expected-error @+1 {{expects a target whose numbers are at least 1 (got 0)}}
func.func @no_multiply_adds() {
  return
}
}

// -----

// Tilings that are written by hand: the output has room for whole vectors only, and the transforms have at most eight points.
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
func.func @vectors(%x: tensor<1x1x4x4x4xf32>) -> tensor<1x3x2x2x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<12x4x3x3xf32>, tensor<12x4x3x3xf32>> : tensor<12x4x3x3xf32>
  // expected-error @+1 {{expects ku or streams to divide the 3 vectors of output channels (got 2)}}
  %0 = nn.conv ins(%x, %w : tensor<1x1x4x4x4xf32>, tensor<12x4x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 12>, tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [2]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x3x2x2x4xf32>
  return %0 : tensor<1x3x2x2x4xf32>
}
}

// -----

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
func.func @points(%x: tensor<1x1x9x9x4xf32>) -> tensor<1x1x7x7x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x4x3x3xf32>, tensor<4x4x3x3xf32>> : tensor<4x4x3x3xf32>
  // expected-error @+1 {{expects tiles of at most 8 points for winograd (got F(7, 3))}}
  %0 = nn.conv ins(%x, %w : tensor<1x1x9x9x4xf32>, tensor<4x4x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [1], winograd = [2, 7]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1x7x7x4xf32>
  return %0 : tensor<1x1x7x7x4xf32>
}
}

// -----

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
func.func @places(%x: tensor<1x2x4x4x4xf32>, %p: tensor<4xi32>) -> tensor<1x1x4x4x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x4x1x1xf32>, tensor<4x4x1x1xf32>> : tensor<4x4x1x1xf32>
  // expected-error @+1 {{expects places from an nn.weight whose elements are in the IR}}
  %0 = nn.conv ins(%x, %w : tensor<1x2x4x4x4xf32>, tensor<4x4x1x1xf32>) places(%p : tensor<4xi32>) attributes {strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1x4x4x4xf32>
  return %0 : tensor<1x1x4x4x4xf32>
}
}
