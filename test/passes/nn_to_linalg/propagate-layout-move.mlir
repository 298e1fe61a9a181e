// RUN: lathe-opt %s --nn-propagate-layout | FileCheck %s
// Blocks of 4 channels are moved whole; what would take a channel out of its lane is done in the plain layout.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// All parts but the last fill their blocks.
// CHECK-LABEL: func @concat
// CHECK: %[[A:.*]] = nn.pool
// CHECK: %[[B:.*]] = nn.pool
// CHECK: nn.concat %[[A]], %[[B]] axis 1 : tensor<?x2x6x6x4xf32>, tensor<?x2x6x6x4xf32> -> tensor<?x4x6x6x4xf32>
// CHECK: %[[P:.*]] = nn.unpack %[[B]]
// CHECK: nn.concat %[[P]], %{{.*}} axis 1 : tensor<?x6x6x6xf32>, tensor<?x8x6x6xf32> -> tensor<?x14x6x6xf32>
func.func @concat(%x: tensor<?x8x6x6xf32>, %y: tensor<?x6x6x6xf32>) -> (tensor<?x14x6x6xf32>, tensor<?x14x6x6xf32>) {
  %0 = nn.pool max ins(%x : tensor<?x8x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 8 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x6x6xf32>
  %1 = nn.pool max ins(%y : tensor<?x6x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 6 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x6x6xf32>
  %2 = nn.concat %0, %1 axis 1 : tensor<?x8x6x6xf32>, tensor<?x6x6x6xf32> -> tensor<?x14x6x6xf32>
  %3 = nn.concat %1, %0 axis 1 : tensor<?x6x6x6xf32>, tensor<?x8x6x6xf32> -> tensor<?x14x6x6xf32>
  return %2, %3 : tensor<?x14x6x6xf32>, tensor<?x14x6x6xf32>
}

// Pixels may go anywhere, whatever the channels are.
// CHECK-LABEL: func @pixels
// CHECK: nn.concat %{{.*}} axis 3 : tensor<?x2x6x6x4xf32>, tensor<?x2x6x6x4xf32> -> tensor<?x2x6x12x4xf32>
// CHECK: nn.slice %{{.*}} begins [0, 0, 1, 5, 0] steps [1, 1, 1, -2, 1] : tensor<?x2x6x6x4xf32> -> tensor<?x2x4x3x4xf32>
// CHECK: nn.transpose %{{.*}} permutation [0, 1, 3, 2, 4] : tensor<?x2x6x6x4xf32> -> tensor<?x2x6x6x4xf32>
// CHECK: nn.pad %{{.*}} with %{{.*}} begins [0, 0, 1, 0, 0] ends [0, 0, 0, 2, 0] : tensor<?x2x6x6x4xf32>, tensor<f32> -> tensor<?x2x7x8x4xf32>
func.func @pixels(%x: tensor<?x6x6x6xf32>, %v: tensor<f32>) -> (tensor<?x6x6x12xf32>, tensor<?x6x4x3xf32>, tensor<?x6x6x6xf32>, tensor<?x6x7x8xf32>) {
  %0 = nn.pool max ins(%x : tensor<?x6x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 6 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x6x6xf32>
  %1 = nn.concat %0, %0 axis 3 : tensor<?x6x6x6xf32>, tensor<?x6x6x6xf32> -> tensor<?x6x6x12xf32>
  %2 = nn.slice %0 begins [0, 0, 1, 5] steps [1, 1, 1, -2] : tensor<?x6x6x6xf32> -> tensor<?x6x4x3xf32>
  %3 = nn.transpose %0 permutation [0, 1, 3, 2] : tensor<?x6x6x6xf32> -> tensor<?x6x6x6xf32>
  %4 = nn.pad %0 with %v begins [0, 0, 1, 0] ends [0, 0, 0, 2] : tensor<?x6x6x6xf32>, tensor<f32> -> tensor<?x6x7x8xf32>
  return %1, %2, %3, %4 : tensor<?x6x6x12xf32>, tensor<?x6x4x3xf32>, tensor<?x6x6x6xf32>, tensor<?x6x7x8xf32>
}

// A slice begins at a block and may end within one.
// CHECK-LABEL: func @channels
// CHECK: nn.slice %{{.*}} begins [0, 1, 0, 0, 0] steps [1, 1, 1, 1, 1] : tensor<?x3x6x6x4xf32> -> tensor<?x2x6x6x4xf32>
// CHECK: nn.slice %{{.*}} begins [0, 2, 0, 0] steps [1, 1, 1, 1] : tensor<?x12x6x6xf32> -> tensor<?x8x6x6xf32>
// CHECK: nn.slice %{{.*}} begins [0, 4, 0, 0] steps [1, 2, 1, 1] : tensor<?x12x6x6xf32> -> tensor<?x4x6x6xf32>
// CHECK: nn.transpose %{{.*}} permutation [0, 2, 1, 3] : tensor<?x12x6x6xf32> -> tensor<?x6x12x6xf32>
// CHECK: nn.pad %{{.*}} : tensor<?x12x6x6xf32>, tensor<f32> -> tensor<?x13x6x6xf32>
func.func @channels(%x: tensor<?x12x6x6xf32>, %v: tensor<f32>) -> (tensor<?x6x6x6xf32>, tensor<?x8x6x6xf32>, tensor<?x4x6x6xf32>, tensor<?x6x12x6xf32>,
                                                                   tensor<?x13x6x6xf32>) {
  %0 = nn.pool max ins(%x : tensor<?x12x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 12 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x12x6x6xf32>
  %1 = nn.slice %0 begins [0, 4, 0, 0] steps [1, 1, 1, 1] : tensor<?x12x6x6xf32> -> tensor<?x6x6x6xf32>
  %2 = nn.slice %0 begins [0, 2, 0, 0] steps [1, 1, 1, 1] : tensor<?x12x6x6xf32> -> tensor<?x8x6x6xf32>
  %3 = nn.slice %0 begins [0, 4, 0, 0] steps [1, 2, 1, 1] : tensor<?x12x6x6xf32> -> tensor<?x4x6x6xf32>
  %4 = nn.transpose %0 permutation [0, 2, 1, 3] : tensor<?x12x6x6xf32> -> tensor<?x6x12x6xf32>
  %5 = nn.pad %0 with %v begins [0, 1, 0, 0] ends [0, 0, 0, 0] : tensor<?x12x6x6xf32>, tensor<f32> -> tensor<?x13x6x6xf32>
  return %1, %2, %3, %4, %5 : tensor<?x6x6x6xf32>, tensor<?x8x6x6xf32>, tensor<?x4x6x6xf32>, tensor<?x6x12x6xf32>, tensor<?x13x6x6xf32>
}

// Where most elements are plain they stay plain, and a weight is not packed at run time.
// CHECK-LABEL: func @mostly_plain
// CHECK: nn.concat {{.*}} : tensor<?x8x6x6xf32>, tensor<?x8x6x6xf32>, tensor<?x8x6x6xf32> -> tensor<?x24x6x6xf32>
func.func @mostly_plain(%x: tensor<?x8x6x6xf32>) -> tensor<?x24x6x6xf32> {
  %0 = nn.pool max ins(%x : tensor<?x8x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>,
    dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 8 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x6x6xf32>
  %1 = nn.concat %x, %0, %x axis 1 : tensor<?x8x6x6xf32>, tensor<?x8x6x6xf32>, tensor<?x8x6x6xf32> -> tensor<?x24x6x6xf32>
  return %1 : tensor<?x24x6x6xf32>
}
}
