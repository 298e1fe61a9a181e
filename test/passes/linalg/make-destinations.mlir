// RUN: lathe-opt %s --lathe-make-destinations | FileCheck %s
// Every operation writes into a tensor.empty of its own.

// CHECK-LABEL: func @windowed(
// CHECK: %[[N:.*]] = tensor.dim %arg0, %{{.*}} : tensor<?x4xf32>
// CHECK: %[[A:.*]] = tensor.empty(%[[N]]) : tensor<?x4xf32>
// CHECK: nn.matmul ins(%arg0, %arg1 : {{.*}}) outs(%[[A]] : tensor<?x4xf32>)
// CHECK: %[[B:.*]] = tensor.empty(%[[N]]) : tensor<?x4xf32>
// CHECK: nn.matmul ins(%{{.*}}, %arg1 : {{.*}}) extras(%{{.*}} : tensor<?x4xf32>) outs(%[[B]] : tensor<?x4xf32>)
func.func @windowed(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x4xf32>) attributes {channels = array<i64: 4, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x4xf32>
  %1 = nn.matmul ins(%0, %w : tensor<?x4xf32>, tensor<4x4xf32>) extras(%0 : tensor<?x4xf32>) attributes {channels = array<i64: 4, 4>} epilogue {
  ^bb0(%acc: f32, %e: f32):
    nn.yield %acc : f32
  } -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// Destinations that CSE has merged are parted.
// CHECK-LABEL: func @shared(
// CHECK: %[[A:.*]] = tensor.empty() : tensor<4xf32>
// CHECK-NEXT: linalg.exp {{.*}} outs(%[[A]] : tensor<4xf32>)
// CHECK-NEXT: %[[B:.*]] = tensor.empty() : tensor<4xf32>
// CHECK-NEXT: linalg.exp {{.*}} outs(%[[B]] : tensor<4xf32>)
func.func @shared(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.exp ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
