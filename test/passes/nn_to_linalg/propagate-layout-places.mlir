// RUN: lathe-opt %s --nn-propagate-layout | FileCheck %s
// RUN: lathe-opt %s --nn-propagate-layout --nn-select-tiling | FileCheck %s --check-prefix=PACKED
// RUN: lathe-opt %s --nn-propagate-layout=propagate=false | FileCheck %s --check-prefix=PLAIN
// A concatenation that is read by places has each operand at a whole block of 4 channels: of 5, 3 and 2 channels at lanes 0, 8 and 12.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// CHECK-LABEL: func @gaps
// CHECK: %[[ALL:.*]] = nn.concat %{{.*}} axis 1 : tensor<?x2x6x6x4xf32>, tensor<?x1x6x6x4xf32>, tensor<?x1x6x6x4xf32> -> tensor<?x4x6x6x4xf32>
// CHECK: %[[P:.*]] = nn.weight <dense<[4, 8, 12, 13]> : tensor<4xi32>, tensor<4xi32>> : tensor<4xi32>
// CHECK: nn.conv ins(%[[ALL]], %{{.*}} : tensor<?x4x6x6x4xf32>, tensor<2x4x1x1xf32>) places(%[[P]] : tensor<4xi32>)
// A block of an image has 6 * 6 * 4 elements.
// PACKED-LABEL: func @gaps
// PACKED: %[[P:.*]] = nn.weight <dense<[144, 288, 432, 433]> : tensor<4xi32>, tensor<4xi32>> : tensor<4xi32>
// PACKED: nn.conv ins(%{{.*}}, %{{.*}} : tensor<?x4x6x6x4xf32>, tensor<1x1x1x1x4x4xf32>) places(%[[P]] : tensor<4xi32>)
// PLAIN-LABEL: func @gaps
// PLAIN: %[[ALL:.*]] = nn.concat %{{.*}} axis 1 : tensor<?x5x6x6xf32>, tensor<?x3x6x6xf32>, tensor<?x2x6x6xf32> -> tensor<?x10x6x6xf32>
// PLAIN: nn.conv ins(%[[ALL]], %{{.*}}) places(%{{.*}}) attributes
func.func @gaps(%x: tensor<?x5x6x6xf32>, %y: tensor<?x3x6x6xf32>, %z: tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> {
  %0 = nn.pool max ins(%x : tensor<?x5x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 5 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x5x6x6xf32>
  %1 = nn.pool max ins(%y : tensor<?x3x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 3 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x6x6xf32>
  %2 = nn.pool max ins(%z : tensor<?x2x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 2 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x6x6xf32>
  %3 = nn.concat %0, %1, %2 axis 1 : tensor<?x5x6x6xf32>, tensor<?x3x6x6xf32>, tensor<?x2x6x6xf32> -> tensor<?x10x6x6xf32>
  %p = nn.weight <dense<[4, 5, 8, 9]> : tensor<4xi32>, tensor<4xi32>> : tensor<4xi32>
  %w = nn.weight <dense<[[[[1.0]], [[2.0]], [[3.0]], [[4.0]]], [[[5.0]], [[6.0]], [[7.0]], [[8.0]]]]> : tensor<2x4x1x1xf32>, tensor<2x4x1x1xf32>>
    : tensor<2x4x1x1xf32>
  %4 = nn.conv ins(%3, %w : tensor<?x10x6x6xf32>, tensor<2x4x1x1xf32>) places(%p : tensor<4xi32>) attributes {strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x6x6xf32>
  return %4 : tensor<?x2x6x6xf32>
}
}
