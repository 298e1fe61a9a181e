// RUN: lathe-opt %s --convert-nn-to-linalg --canonicalize -mlir-print-local-scope | FileCheck %s
// Elementwise operations.

// Numpy broadcasting: aligned at the end, extents of 1 are read at 0. The batch size is that of the first argument that has one.
// CHECK-LABEL: func @broadcast(
// CHECK: %[[N:.*]] = tensor.dim %arg0, %{{.*}} : tensor<?x2x3xf32>
// CHECK: %[[E:.*]] = tensor.empty(%[[N]]) : tensor<?x2x3xf32>
// CHECK: linalg.generic
// CHECK-SAME: affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d1, 0)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-SAME: ins(%arg0, %arg1 : tensor<?x2x3xf32>, tensor<2x1xf32>) outs(%[[E]] : tensor<?x2x3xf32>)
// CHECK: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[S:.*]] = arith.subf %[[A]], %[[B]] : f32
// CHECK-NEXT: linalg.yield %[[S]]
func.func @broadcast(%x: tensor<?x2x3xf32>, %y: tensor<2x1xf32>) -> tensor<?x2x3xf32> {
  %0 = nn.sub %x, %y : tensor<?x2x3xf32>, tensor<2x1xf32> -> tensor<?x2x3xf32>
  return %0 : tensor<?x2x3xf32>
}

// A batch of one broadcasts to any batch.
// CHECK-LABEL: func @batch_of_one(
// CHECK: affine_map<(d0, d1) -> (0, d1)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>
func.func @batch_of_one(%x: tensor<?x3xf32>, %y: tensor<1x3xf32>) -> tensor<?x3xf32> {
  %0 = nn.add %y, %x : tensor<1x3xf32>, tensor<?x3xf32> -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// A weight that is one number becomes a constant of the body.
// CHECK-LABEL: func @splat(
// CHECK: %[[C:.*]] = arith.constant 3.0{{.*}} : f32
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<2x3xf32>)
// CHECK: arith.mulf %{{.*}}, %[[C]] : f32
func.func @splat(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %w = nn.weight <dense<3.0> : tensor<2x1xf32>, tensor<2x1xf32>> : tensor<2x1xf32>
  %0 = nn.mul %x, %w : tensor<2x3xf32>, tensor<2x1xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @relu(
// CHECK: %[[Z:.*]] = arith.constant 0.0{{.*}} : f32
// CHECK: ^bb0(%[[A:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: %[[C:.*]] = arith.cmpf ogt, %[[Z]], %[[A]] : f32
// CHECK-NEXT: arith.select %[[C]], %[[Z]], %[[A]] : f32
func.func @relu(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = nn.relu %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}
