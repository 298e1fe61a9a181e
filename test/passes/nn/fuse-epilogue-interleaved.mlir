// RUN: lathe-opt %s --nn-fuse-epilogue --split-input-file | FileCheck %s
// What follows a transposed convolution moves into each of its phases.

// The per-channel weight and the activation; the image stays one.
// CHECK-LABEL: func @phases
// CHECK: nn.conv {{.*}} extras(%{{.*}} : tensor<3xf32>)
// CHECK: arith.mulf
// CHECK: arith.select
// CHECK: } -> tensor<?x3x4xf32>
// CHECK: nn.conv {{.*}} extras(%{{.*}} : tensor<3xf32>)
// CHECK: arith.mulf
// CHECK: arith.select
// CHECK: } -> tensor<?x3x3xf32>
// CHECK: %[[I:.*]] = nn.interleave
// CHECK: return %[[I]]
func.func @phases(%x: tensor<?x2x4xf32>) -> tensor<?x3x7xf32> {
  %w = nn.weight <dense<5.0> : tensor<3x2x1xf32>, tensor<3x2x1xf32>> : tensor<3x2x1xf32>
  %s = nn.weight <dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>, tensor<3x1xf32>> : tensor<3x1xf32>
  %a = nn.conv ins(%x, %w : tensor<?x2x4xf32>, tensor<3x2x1xf32>)
    attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 2, 3>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x4xf32>
  %b = nn.conv ins(%x, %w : tensor<?x2x4xf32>, tensor<3x2x1xf32>)
    attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, -1>, groups = 1 : i64, channels = array<i64: 2, 3>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x3xf32>
  %0 = nn.interleave %a, %b strides [2] : tensor<?x3x4xf32>, tensor<?x3x3xf32> -> tensor<?x3x7xf32>
  %1 = nn.mul %0, %s : tensor<?x3x7xf32>, tensor<3x1xf32> -> tensor<?x3x7xf32>
  %2 = nn.relu %1 : tensor<?x3x7xf32>
  return %2 : tensor<?x3x7xf32>
}

// -----

// An operand of the whole image has no phase, and a phase that something else reads stays as it is.
// CHECK-LABEL: func @refused
// CHECK: nn.interleave
// CHECK: nn.add
// CHECK: nn.interleave
// CHECK: nn.relu
func.func @refused(%x: tensor<?x2x4xf32>, %y: tensor<?x3x8xf32>) -> (tensor<?x3x8xf32>, tensor<?x3x8xf32>) {
  %w = nn.weight <dense<5.0> : tensor<3x2x1xf32>, tensor<3x2x1xf32>> : tensor<3x2x1xf32>
  %a = nn.conv ins(%x, %w : tensor<?x2x4xf32>, tensor<3x2x1xf32>)
    attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 2, 3>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x4xf32>
  %b = nn.pool max ins(%a : tensor<?x3x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = 3 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x4xf32>
  %0 = nn.interleave %a, %b strides [2] : tensor<?x3x4xf32>, tensor<?x3x4xf32> -> tensor<?x3x8xf32>
  %1 = nn.add %0, %y : tensor<?x3x8xf32>, tensor<?x3x8xf32> -> tensor<?x3x8xf32>
  %2 = nn.interleave %b, %a strides [2] : tensor<?x3x4xf32>, tensor<?x3x4xf32> -> tensor<?x3x8xf32>
  %3 = nn.relu %2 : tensor<?x3x8xf32>
  return %1, %3 : tensor<?x3x8xf32>, tensor<?x3x8xf32>
}
