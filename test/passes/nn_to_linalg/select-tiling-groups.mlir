// RUN: lathe-opt %s --nn-select-tiling --mlir-print-local-scope --split-input-file | FileCheck %s
// Tiles of grouped convolutions: a tile reduces over the input channels of all groups that it touches, so it does not grow beyond a group.

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 256, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 2097152, l3BytesPerCycle = 10, memoryBytesPerCycle = 5>} {
// Groups of one vector.
// CHECK-LABEL: func @vectors(
// CHECK: <"expand_groups", [4, 8]>, {{.*}} : tensor<4x1x3x3x8x8xf32>
// CHECK: tiling = #nn.tiling<ku = 1,
func.func @vectors(%x: tensor<1x4x28x28x8xf32>) -> tensor<1x4x26x26x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<32x8x3x3xf32>, tensor<32x8x3x3xf32>> : tensor<32x8x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x4x28x28x8xf32>, tensor<32x8x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 4 : i64, channels = array<i64: 32, 32>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x4x26x26x8xf32>
  return %0 : tensor<1x4x26x26x8xf32>
}

// Groups of two vectors, from one each.
// CHECK-LABEL: func @two_vectors(
// CHECK: <"expand_groups", [4, 16]>, {{.*}} : tensor<4x1x3x3x8x16xf32>
// CHECK: tiling = #nn.tiling<ku = 2,
func.func @two_vectors(%x: tensor<1x4x28x28x8xf32>) -> tensor<1x8x26x26x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<64x8x3x3xf32>, tensor<64x8x3x3xf32>> : tensor<64x8x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x4x28x28x8xf32>, tensor<64x8x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 4 : i64, channels = array<i64: 32, 64>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x8x26x26x8xf32>
  return %0 : tensor<1x8x26x26x8xf32>
}

// Groups of one vector from half a block: its weights are those four channels.
// CHECK-LABEL: func @half_blocks(
// CHECK: : tensor<4x1x3x3x4x8xf32>
// CHECK: tiling = #nn.tiling<ku = 1,
func.func @half_blocks(%x: tensor<1x2x28x28x8xf32>) -> tensor<1x4x26x26x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<32x4x3x3xf32>, tensor<32x4x3x3xf32>> : tensor<32x4x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x2x28x28x8xf32>, tensor<32x4x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 4 : i64, channels = array<i64: 16, 32>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x4x26x26x8xf32>
  return %0 : tensor<1x4x26x26x8xf32>
}

// Groups of a vector and a half: two of them are three vectors, in which each lane has the weights of its own group. Of three groups the second tile has one.
// CHECK-LABEL: func @meeting(
// CHECK: nn.weight
// CHECK-NOT: expand_groups
// CHECK-SAME: : tensor<2x1x3x3x12x24xf32>
// CHECK: tiling = #nn.tiling<ku = 3,
func.func @meeting(%x: tensor<1x5x28x28x8xf32>) -> tensor<1x5x26x26x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<36x12x3x3xf32>, tensor<36x12x3x3xf32>> : tensor<36x12x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x5x28x28x8xf32>, tensor<36x12x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 3 : i64, channels = array<i64: 36, 36>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x5x26x26x8xf32>
  return %0 : tensor<1x5x26x26x8xf32>
}
}
