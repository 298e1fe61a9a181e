// RUN: lathe-opt %s --nn-gather-channels --remarks-filter=nn-gather-channels --remark-format=emitRemark --verify-diagnostics | FileCheck %s
// Vectors of 4 lanes.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// Two maps, of which every third channel is read: 1 and 4 of the first, 2 of the second.
// CHECK-LABEL: func @slice
// CHECK: %[[A:.*]] = nn.pool
// CHECK: %[[B:.*]] = nn.pool
// CHECK-NEXT: ^bb
// CHECK-NEXT: nn.yield
// CHECK: %[[ALL:.*]] = nn.concat %[[A]], %[[B]] axis 1 : tensor<?x5x6x6xf32>, tensor<?x5x6x6xf32> -> tensor<?x10x6x6xf32>
// CHECK-NOT: nn.slice
// CHECK: %[[P:.*]] = nn.weight <dense<[1, 4, 7]> : tensor<3xi32>, tensor<3xi32>> : tensor<3xi32>
// CHECK: nn.conv ins(%[[ALL]], %{{.*}} : tensor<?x10x6x6xf32>, tensor<2x3x1x1xf32>) places(%[[P]] : tensor<3xi32>) attributes {channels = array<i64: 3, 2>
func.func @slice(%x: tensor<?x5x6x6xf32>, %y: tensor<?x5x6x6xf32>, %w: tensor<2x3x1x1xf32>) -> tensor<?x2x6x6xf32> {
  %0 = nn.pool max ins(%x : tensor<?x5x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 5 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x5x6x6xf32>
  %1 = nn.pool max ins(%y : tensor<?x5x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 5 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x5x6x6xf32>
  %2 = nn.concat %0, %1 axis 1 : tensor<?x5x6x6xf32>, tensor<?x5x6x6xf32> -> tensor<?x10x6x6xf32>
  %3 = nn.slice %2 begins [0, 1, 0, 0] steps [1, 3, 1, 1] : tensor<?x10x6x6xf32> -> tensor<?x3x6x6xf32>
  // expected-remark @+1 {{reads 3 channels of 2 operations where they are}}
  %4 = nn.conv ins(%3, %w : tensor<?x3x6x6xf32>, tensor<2x3x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 3, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x6x6xf32>
  return %4 : tensor<?x2x6x6xf32>
}

// A shuffle of three groups of two channels: 0 2 4 1 3 5. No concatenation is needed for one map.
// CHECK-LABEL: func @shuffle
// CHECK: %[[A:.*]] = nn.pool
// CHECK-NOT: nn.transpose
// CHECK: %[[P:.*]] = nn.weight <dense<[0, 2, 4, 1, 3, 5]> : tensor<6xi32>
// CHECK: nn.conv ins(%[[A]], %{{.*}}) places(%[[P]] : tensor<6xi32>)
func.func @shuffle(%x: tensor<?x6x7x7xf32>, %w: tensor<2x6x1x1xf32>) -> tensor<?x2x7x7xf32> {
  %0 = nn.pool max ins(%x : tensor<?x6x7x7xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 6 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x7x7xf32>
  %1 = nn.reshape %0 : tensor<?x6x7x7xf32> -> tensor<?x3x2x7x7xf32>
  %2 = nn.transpose %1 permutation [0, 2, 1, 3, 4] : tensor<?x3x2x7x7xf32> -> tensor<?x2x3x7x7xf32>
  %3 = nn.reshape %2 : tensor<?x2x3x7x7xf32> -> tensor<?x6x7x7xf32>
  // expected-remark @+1 {{reads 6 channels of 1 operations where they are}}
  %4 = nn.conv ins(%3, %w : tensor<?x6x7x7xf32>, tensor<2x6x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 6, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x7x7xf32>
  return %4 : tensor<?x2x7x7xf32>
}

// A depthwise convolution of two maps whose channels take turns: one for each, with every second weight.
// CHECK-LABEL: func @depthwise
// CHECK: %[[A:.*]] = nn.pool
// CHECK: %[[B:.*]] = nn.pool
// CHECK: %[[W0:.*]] = nn.weight <dense<{{.*}}> : tensor<6x1x1x1xf32>, tensor<6x1x1x1xf32>, steps = [<"slice", [0, 0, 0, 0, 3, 1, 1, 1, 2, 1, 1, 1]>]>
// CHECK: %[[C:.*]] = nn.conv ins(%[[A]], %[[W0]] : tensor<?x3x6x6xf32>, tensor<3x1x1x1xf32>) attributes {channels = array<i64: 3, 3>{{.*}}groups = 3
// CHECK: %[[W1:.*]] = nn.weight {{.*}}steps = [<"slice", [1, 0, 0, 0, 3, 1, 1, 1, 2, 1, 1, 1]>]>
// CHECK: %[[D:.*]] = nn.conv ins(%[[B]], %[[W1]]
// CHECK: %[[ALL:.*]] = nn.concat %[[C]], %[[D]] axis 1
// CHECK: %[[P:.*]] = nn.weight <dense<[0, 3, 1, 4, 2, 5]> : tensor<6xi32>
// CHECK: nn.conv ins(%[[ALL]], %{{.*}}) places(%[[P]]
func.func @depthwise(%x: tensor<?x3x6x6xf32>, %y: tensor<?x3x6x6xf32>, %w: tensor<2x6x1x1xf32>) -> tensor<?x2x6x6xf32> {
  %0 = nn.pool max ins(%x : tensor<?x3x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 3 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x6x6xf32>
  %1 = nn.pool max ins(%y : tensor<?x3x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 3 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x6x6xf32>
  %2 = nn.reshape %0 : tensor<?x3x6x6xf32> -> tensor<?x3x1x6x6xf32>
  %3 = nn.reshape %1 : tensor<?x3x6x6xf32> -> tensor<?x3x1x6x6xf32>
  %4 = nn.concat %2, %3 axis 2 : tensor<?x3x1x6x6xf32>, tensor<?x3x1x6x6xf32> -> tensor<?x3x2x6x6xf32>
  %5 = nn.reshape %4 : tensor<?x3x2x6x6xf32> -> tensor<?x6x6x6xf32>
  %own = nn.weight <dense<[[[[1.0]]], [[[2.0]]], [[[3.0]]], [[[4.0]]], [[[5.0]]], [[[6.0]]]]> : tensor<6x1x1x1xf32>, tensor<6x1x1x1xf32>> : tensor<6x1x1x1xf32>
  // expected-remark @+1 {{computed where its channels are, in 2 parts}}
  %6 = nn.conv ins(%5, %own : tensor<?x6x6x6xf32>, tensor<6x1x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 6 : i64, channels = array<i64: 6, 6>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x6x6xf32>
  // expected-remark @+1 {{reads 6 channels of 2 operations where they are}}
  %7 = nn.conv ins(%6, %w : tensor<?x6x6x6xf32>, tensor<2x6x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 6, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x6x6xf32>
  return %7 : tensor<?x2x6x6xf32>
}

// Whole blocks are views already, and one reader that needs the order is enough to have all of them moved.
// CHECK-LABEL: func @refused
// CHECK: %[[WHOLE:.*]] = nn.slice
// CHECK: nn.conv ins(%[[WHOLE]],
// CHECK-NOT: places
// CHECK: nn.slice
func.func @refused(%x: tensor<?x8x6x6xf32>, %w: tensor<2x4x1x1xf32>) -> (tensor<?x2x6x6xf32>, tensor<?x2x6x6xf32>, tensor<?x4x6x6xf32>) {
  %0 = nn.pool max ins(%x : tensor<?x8x6x6xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 8 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x6x6xf32>
  %1 = nn.slice %0 begins [0, 4, 0, 0] steps [1, 1, 1, 1] : tensor<?x8x6x6xf32> -> tensor<?x4x6x6xf32>
  %2 = nn.conv ins(%1, %w : tensor<?x4x6x6xf32>, tensor<2x4x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x6x6xf32>
  // expected-remark @+1 {{channels are moved, not read where they are: an operation needs them in their order ('func.return')}}
  %3 = nn.slice %0 begins [0, 1, 0, 0] steps [1, 2, 1, 1] : tensor<?x8x6x6xf32> -> tensor<?x4x6x6xf32>
  %4 = nn.conv ins(%3, %w : tensor<?x4x6x6xf32>, tensor<2x4x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x6x6xf32>
  return %2, %4, %3 : tensor<?x2x6x6xf32>, tensor<?x2x6x6xf32>, tensor<?x4x6x6xf32>
}
}
