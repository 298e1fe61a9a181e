// RUN: lathe-opt %s --nn-fold-batch-norm --remarks-filter=nn-fold-batch-norm --remark-format=emitRemark --split-input-file --verify-diagnostics | FileCheck %s
// Where the producer cannot hold a batch normalisation it becomes nn.mul and nn.add with weights of shape [C, 1, ...]; a remark says why.

// CHECK-LABEL: func @network_input
// CHECK: %[[S:.*]] = nn.weight {{.*}}<"div_sqrt", {{.*}}<"reshape", [2, 1, 1]>]> : tensor<2x1x1xf32>
// CHECK: %[[P:.*]] = nn.mul %arg0, %[[S]] : tensor<?x2x6x6xf32>, tensor<2x1x1xf32> -> tensor<?x2x6x6xf32>
// CHECK: %[[T:.*]] = nn.weight {{.*}}<"sub", {{.*}}<"reshape", [2, 1, 1]>]> : tensor<2x1x1xf32>
// CHECK: nn.add %[[P]], %[[T]]
func.func @network_input(%x: tensor<?x2x6x6xf32>) -> tensor<?x2x6x6xf32> {
  %p = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  // expected-remark @+1 {{the input is no result of nn.conv or nn.matmul; it became nn.mul and nn.add}}
  %1 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f32}
    : tensor<?x2x6x6xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<?x2x6x6xf32>
  return %1 : tensor<?x2x6x6xf32>
}

// -----

// Weights with a rank of 1 need no reshape. The weights of the producer are left alone.
// CHECK-LABEL: func @two_uses
// CHECK: nn.matmul ins(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<4x2xf32>) attributes
// CHECK: nn.mul %{{.*}}, %{{.*}} : tensor<?x2xf32>, tensor<2xf32> -> tensor<?x2xf32>
func.func @two_uses(%x: tensor<?x4xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %p = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  // expected-remark @+1 {{the producer's result has 2 uses}}
  %1 = nn.batch_norm %0, %p, %p, %p, %p {epsilon = 1.0e-5 : f32}
    : tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<?x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @activation_between
// CHECK: nn.mul
func.func @activation_between(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %p = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    %n = arith.negf %acc : f32
    nn.yield %n : f32
  } -> tensor<?x2xf32>
  // expected-remark @+1 {{the producer's epilogue is more than a bias}}
  %1 = nn.batch_norm %0, %p, %p, %p, %p {epsilon = 1.0e-5 : f32}
    : tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @bias_after_negation
// CHECK: nn.mul
func.func @bias_after_negation(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %p = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) extras(%p : tensor<2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32, %e: f32):
    %n = arith.negf %e : f32
    %s = arith.addf %acc, %n : f32
    nn.yield %s : f32
  } -> tensor<?x2xf32>
  // expected-remark @+1 {{the producer's epilogue is more than a bias}}
  %1 = nn.batch_norm %0, %p, %p, %p, %p {epsilon = 1.0e-5 : f32}
    : tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// -----

// Dimension 1 of a matrix multiplication with rows is the rows.
// CHECK-LABEL: func @rows
// CHECK: nn.mul %{{.*}} : tensor<?x3x3xf32>, tensor<3x1xf32> -> tensor<?x3x3xf32>
func.func @rows(%x: tensor<?x3x4xf32>) -> tensor<?x3x3xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x3xf32>, tensor<4x3xf32>> : tensor<4x3xf32>
  %p = nn.weight <dense<1.0> : tensor<3xf32>, tensor<3xf32>> : tensor<3xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x3x4xf32>, tensor<4x3xf32>) attributes {channels = array<i64: 4, 3>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x3xf32>
  // expected-remark @+1 {{dimension 1 holds the rows of the nn.matmul, not its channels}}
  %1 = nn.batch_norm %0, %p, %p, %p, %p {epsilon = 1.0e-5 : f32}
    : tensor<?x3x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32> -> tensor<?x3x3xf32>
  return %1 : tensor<?x3x3xf32>
}

// -----

// CHECK-LABEL: func @computed_weights
// CHECK: nn.mul
func.func @computed_weights(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>) -> tensor<?x2xf32> {
  %p = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  // expected-remark @+1 {{the producer's weights are no nn.weight}}
  %1 = nn.batch_norm %0, %p, %p, %p, %p {epsilon = 1.0e-5 : f32}
    : tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}
