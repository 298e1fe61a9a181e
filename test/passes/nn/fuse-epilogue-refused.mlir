// RUN: lathe-opt %s --nn-fuse-epilogue --remarks-filter=nn-fuse-epilogue --remark-format=emitRemark --split-input-file --verify-diagnostics | FileCheck %s
// Every elementwise operation says where it went or why it stayed; those that stay are unchanged.

// CHECK-LABEL: func @two_uses
// CHECK: nn.relu
func.func @two_uses(%x: tensor<?x4xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  // expected-remark @+1 {{result has 2 uses}}
  %1 = nn.relu %0 : tensor<?x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// Of the values of a group only the last one may be used elsewhere.
// CHECK-LABEL: func @gate_used
// CHECK: nn.sigmoid
// CHECK: nn.mul
func.func @gate_used(%x: tensor<?x4xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  // expected-remark @+1 {{result has 2 uses}}
  %1 = nn.sigmoid %0 : tensor<?x2xf32>
  // expected-remark @+1 {{result has 2 uses}}
  %2 = nn.mul %0, %1 : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  return %1, %2 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// One value per row is no value per channel.
// CHECK-LABEL: func @per_row
// CHECK: nn.add
func.func @per_row(%x: tensor<?x3x4xf32>) -> tensor<?x3x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %b = nn.weight <dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>, tensor<3x1xf32>> : tensor<3x1xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x3x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x2xf32>
  // expected-remark @+1 {{operand of shape 3x1 is neither scalar, per channel nor the output's shape}}
  %1 = nn.add %0, %b : tensor<?x3x2xf32>, tensor<3x1xf32> -> tensor<?x3x2xf32>
  return %1 : tensor<?x3x2xf32>
}

// -----

// A tensor that is broadcast over the batch is no residual.
// CHECK-LABEL: func @broadcast_residual
// CHECK: nn.add
func.func @broadcast_residual(%x: tensor<?x4xf32>, %y: tensor<1x2xf32>) -> tensor<?x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  // expected-remark @+1 {{operand of shape 1x2 is per channel, but no weight}}
  %1 = nn.add %0, %y : tensor<?x2xf32>, tensor<1x2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @broadcast_result
// CHECK: nn.add
func.func @broadcast_result(%x: tensor<?x4xf32>, %y: tensor<?x3x2xf32>) -> tensor<?x3x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  %r = nn.reshape %0 : tensor<?x2xf32> -> tensor<?x1x2xf32>
  // expected-remark @+1 {{no operand is the result of a windowed operation}}
  %1 = nn.add %r, %y : tensor<?x1x2xf32>, tensor<?x3x2xf32> -> tensor<?x3x2xf32>
  return %1 : tensor<?x3x2xf32>
}

// -----

// CHECK-LABEL: func @wider_result
// CHECK: nn.add
func.func @wider_result(%x: tensor<1x4xf32>, %y: tensor<5x2xf32>) -> tensor<5x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x2xf32>
  // expected-remark @+1 {{result of shape 1x2 is broadcast to 5x2}}
  %1 = nn.add %0, %y : tensor<1x2xf32>, tensor<5x2xf32> -> tensor<5x2xf32>
  return %1 : tensor<5x2xf32>
}

// -----

// CHECK-LABEL: func @fused
// CHECK-NOT: nn.relu
// CHECK: return
func.func @fused(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  // expected-remark @+1 {{'nn.relu' into the epilogue of 'nn.matmul'}}
  %1 = nn.relu %0 : tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}
