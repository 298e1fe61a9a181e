// RUN: lathe-opt %s --nn-select-tiling --mlir-print-local-scope | FileCheck %s
// Weights get the recipe steps that bring them into the order in which the tile reads them: groups of ku vectors, channel blocks, window, channel, lane.
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// A blocked input: channels in blocks of the lanes' number, here 5 of them padded to 8; 14 output channels padded to 16.
// CHECK-LABEL: func @blocked
// CHECK: nn.weight <#nn.file<"m", 0, 2520, "{{.*}}">, tensor<14x5x3x3xf32>, steps = [
// CHECK-SAME: <"pad", [16, 8, 3, 3]>, <"reshape", [2, 8, 2, 4, 3, 3]>, <"transpose", [0, 2, 4, 5, 3, 1]>]> : tensor<2x2x3x3x4x8xf32>
// CHECK: nn.conv {{.*}} : tensor<1x2x4x4x4xf32>, tensor<2x2x3x3x4x8xf32>)
func.func @blocked(%x: tensor<1x2x4x4x4xf32>) -> tensor<1x4x2x2x4xf32> {
  %w = nn.weight <#nn.file<"m", 0, 2520, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef">, tensor<14x5x3x3xf32>> : tensor<14x5x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x2x4x4x4xf32>, tensor<14x5x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 5, 14>, tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [2]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x4x2x2x4xf32>
  return %0 : tensor<1x4x2x2x4xf32>
}

// A plain input with fewer channels than lanes is one block of just these channels. Nothing is padded, since 8 channels are one group.
// CHECK-LABEL: func @plain
// CHECK: steps = [<"reshape", [1, 8, 1, 3, 3, 3]>, <"transpose", [0, 2, 4, 5, 3, 1]>]> : tensor<1x1x3x3x3x8xf32>
func.func @plain(%x: tensor<1x3x4x4xf32>) -> tensor<1x2x2x2x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x3x3x3xf32>, tensor<8x3x3x3xf32>> : tensor<8x3x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x3x4x4xf32>, tensor<8x3x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 3, 8>, tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [2]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x2x2x4xf32>
  return %0 : tensor<1x2x2x2x4xf32>
}

// One dimension: the same without the second window dim.
// CHECK-LABEL: func @conv1d
// CHECK: steps = [<"reshape", [1, 8, 1, 3, 5]>, <"transpose", [0, 2, 4, 3, 1]>]> : tensor<1x1x5x3x8xf32>
func.func @conv1d(%x: tensor<1x3x6xf32>) -> tensor<1x2x2x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x3x5xf32>, tensor<8x3x5xf32>> : tensor<8x3x5xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x3x6xf32>, tensor<8x3x5xf32>) attributes {strides = array<i64: 1>, dilations = array<i64: 1>,
    pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 3, 8>, tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [2]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x2x4xf32>
  return %0 : tensor<1x2x2x4xf32>
}

// A depthwise convolution reads one vector of weights per window element.
// CHECK-LABEL: func @depthwise
// CHECK: steps = [<"pad", [8, 1, 3, 3]>, <"reshape", [2, 4, 1, 1, 3, 3]>, <"transpose", [0, 2, 4, 5, 3, 1]>]> : tensor<2x1x3x3x1x4xf32>
func.func @depthwise(%x: tensor<1x2x4x4x4xf32>) -> tensor<1x2x2x2x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<7x1x3x3xf32>, tensor<7x1x3x3xf32>> : tensor<7x1x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x2x4x4x4xf32>, tensor<7x1x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 7 : i64, channels = array<i64: 7, 7>, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x2x2x4xf32>
  return %0 : tensor<1x2x2x2x4xf32>
}

// Two groups in a vector, as many channels in as out: each lane has the weights of its own group.
// CHECK-LABEL: func @groups_in_lanes
// CHECK: steps = [<"reshape", [2, 4, 1, 2, 1, 1]>, <"transpose", [0, 2, 4, 5, 3, 1]>]> : tensor<2x1x1x1x2x4xf32>
func.func @groups_in_lanes(%x: tensor<1x2x2x2x4xf32>) -> tensor<1x2x2x2x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x2x1x1xf32>, tensor<8x2x1x1xf32>> : tensor<8x2x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x2x2x2x4xf32>, tensor<8x2x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 4 : i64, channels = array<i64: 8, 8>, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2x2x2x4xf32>
  return %0 : tensor<1x2x2x2x4xf32>
}

// Groups: each tile of 8 output channels as a dense one over the 4 input channels of its groups.
// CHECK-LABEL: func @grouped
// CHECK: steps = [<"expand_groups", [2, 8]>, <"reshape", [2, 8, 1, 4, 1, 1]>, <"transpose", [0, 2, 4, 5, 3, 1]>]> : tensor<2x1x1x1x4x8xf32>
func.func @grouped(%x: tensor<1x2x2x2x4xf32>) -> tensor<1x4x2x2x4xf32> {
  %w = nn.weight <dense<0.5> : tensor<16x4x1x1xf32>, tensor<16x4x1x1xf32>> : tensor<16x4x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x2x2x2x4xf32>, tensor<16x4x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64, channels = array<i64: 8, 16>, tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [2]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x4x2x2x4xf32>
  return %0 : tensor<1x4x2x2x4xf32>
}

// A matrix is turned, and its channels are always in blocks of the lanes' number. Per-channel operands are padded to whole tiles; others are not.
// CHECK-LABEL: func @matmul
// CHECK: nn.weight {{.*}} steps = [<"transpose", [1, 0]>, <"reshape", [13, 6, 1]>, <"pad", [16, 8, 1]>, <"reshape", [2, 8, 2, 4, 1]>,
// CHECK-SAME: <"transpose", [0, 2, 4, 3, 1]>]> : tensor<2x2x1x4x8xf32>
// CHECK: nn.weight <dense<2.0{{.*}}> : tensor<13xf32>, tensor<13xf32>, steps = [<"pad", [16]>]> : tensor<16xf32>
// CHECK: nn.matmul {{.*}} extras({{.*}} : tensor<f32>, tensor<16xf32>, tensor<2x13xf32>)
func.func @matmul(%x: tensor<2x6xf32>, %r: tensor<2x13xf32>) -> tensor<2x13xf32> {
  %w = nn.weight <dense<0.5> : tensor<6x13xf32>, tensor<6x13xf32>> : tensor<6x13xf32>
  %s = nn.weight <dense<3.0> : tensor<f32>, tensor<f32>> : tensor<f32>
  %b = nn.weight <dense<2.0> : tensor<13xf32>, tensor<13xf32>> : tensor<13xf32>
  %0 = nn.matmul ins(%x, %w : tensor<2x6xf32>, tensor<6x13xf32>) extras(%s, %b, %r : tensor<f32>, tensor<13xf32>, tensor<2x13xf32>)
    attributes {channels = array<i64: 6, 13>, tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1]>} epilogue {
  ^bb0(%acc: f32, %es: f32, %eb: f32, %er: f32):
    %1 = arith.mulf %acc, %es : f32
    %2 = arith.addf %1, %eb : f32
    %3 = arith.addf %2, %er : f32
    nn.yield %3 : f32
  } -> tensor<2x13xf32>
  return %0 : tensor<2x13xf32>
}
}
