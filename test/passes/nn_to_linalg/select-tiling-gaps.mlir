// RUN: lathe-opt %s --nn-propagate-layout --nn-select-tiling | FileCheck %s
// A pointwise convolution merges rows only where neither its input nor its result can be a part of a larger image.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// CHECK-LABEL: func @whole
// CHECK: tiling = #nn.tiling<{{.*}}merge = {{[2-9]}}
func.func @whole(%x: tensor<?x8x8x2xf32>) -> tensor<?x16x8x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x8x1x1xf32>, tensor<8x8x1x1xf32>> : tensor<8x8x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x8x8x2xf32>, tensor<8x8x1x1xf32>) attributes {strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x8x2xf32>
  %1 = nn.concat %0, %x axis 1 : tensor<?x8x8x2xf32>, tensor<?x8x8x2xf32> -> tensor<?x16x8x2xf32>
  return %1 : tensor<?x16x8x2xf32>
}

// CHECK-LABEL: func @padded_concat
// CHECK: tiling = #nn.tiling<{{.*}}merge = 1,
func.func @padded_concat(%x: tensor<?x8x8x2xf32>, %v: tensor<f32>) -> tensor<?x16x8x3xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x8x1x1xf32>, tensor<8x8x1x1xf32>> : tensor<8x8x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x8x8x2xf32>, tensor<8x8x1x1xf32>) attributes {strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x8x2xf32>
  %1 = nn.concat %0, %x axis 1 : tensor<?x8x8x2xf32>, tensor<?x8x8x2xf32> -> tensor<?x16x8x2xf32>
  %2 = nn.pad %1 with %v begins [0, 0, 0, 1] ends [0, 0, 0, 0] : tensor<?x16x8x2xf32>, tensor<f32> -> tensor<?x16x8x3xf32>
  return %2 : tensor<?x16x8x3xf32>
}

// The producer of the second one's input writes into the columns of a concatenation.
// CHECK-LABEL: func @columns
// CHECK: tiling = #nn.tiling<{{.*}}merge = 1,
// CHECK: tiling = #nn.tiling<{{.*}}merge = 1,
func.func @columns(%x: tensor<?x8x8x2xf32>) -> (tensor<?x8x8x4xf32>, tensor<?x8x8x2xf32>) {
  %w = nn.weight <dense<0.5> : tensor<8x8x1x1xf32>, tensor<8x8x1x1xf32>> : tensor<8x8x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x8x8x2xf32>, tensor<8x8x1x1xf32>) attributes {strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x8x2xf32>
  %1 = nn.conv ins(%0, %w : tensor<?x8x8x2xf32>, tensor<8x8x1x1xf32>) attributes {strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x8x2xf32>
  %2 = nn.concat %0, %1 axis 3 : tensor<?x8x8x2xf32>, tensor<?x8x8x2xf32> -> tensor<?x8x8x4xf32>
  return %2, %1 : tensor<?x8x8x4xf32>, tensor<?x8x8x2xf32>
}

// Channels of a cropped image.
// CHECK-LABEL: func @slices
// CHECK: tiling = #nn.tiling<{{.*}}merge = 1,
func.func @slices(%x: tensor<?x9x8x3xf32>) -> tensor<?x8x8x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x8x1x1xf32>, tensor<8x8x1x1xf32>> : tensor<8x8x1x1xf32>
  %0 = nn.slice %x begins [0, 0, 0, 1] steps [1, 1, 1, 1] : tensor<?x9x8x3xf32> -> tensor<?x9x8x2xf32>
  %1 = nn.slice %0 begins [0, 1, 0, 0] steps [1, 1, 1, 1] : tensor<?x9x8x2xf32> -> tensor<?x8x8x2xf32>
  %2 = nn.conv ins(%1, %w : tensor<?x8x8x2xf32>, tensor<8x8x1x1xf32>) attributes {strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x8x2xf32>
  return %2 : tensor<?x8x8x2xf32>
}

// Channels alone leave no gaps.
// CHECK-LABEL: func @channels
// CHECK: tiling = #nn.tiling<{{.*}}merge = {{[2-9]}}
func.func @channels(%x: tensor<?x9x8x2xf32>) -> tensor<?x8x8x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<8x8x1x1xf32>, tensor<8x8x1x1xf32>> : tensor<8x8x1x1xf32>
  %1 = nn.slice %x begins [0, 1, 0, 0] steps [1, 1, 1, 1] : tensor<?x9x8x2xf32> -> tensor<?x8x8x2xf32>
  %2 = nn.conv ins(%1, %w : tensor<?x8x8x2xf32>, tensor<8x8x1x1xf32>) attributes {strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x8x2xf32>
  return %2 : tensor<?x8x8x2xf32>
}
}
