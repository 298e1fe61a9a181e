// RUN: lathe-opt %s --nn-fuse-epilogue --canonicalize | FileCheck %s
// What follows the reshape of a product's result is fused, if it knows of rows only as a whole.

// A bias and an activation that reads it twice: between the product and the reshape, and so into the product.
// CHECK-LABEL: func @bias_and_gate
// CHECK: %[[M:.*]] = nn.matmul
// CHECK: arith.addf
// CHECK: arith.mulf
// CHECK: } -> tensor<?x6x8xf32>
// CHECK-NEXT: %[[R:.*]] = nn.reshape %[[M]] : tensor<?x6x8xf32> -> tensor<?x2x3x8xf32>
// CHECK-NEXT: return %[[R]]
func.func @bias_and_gate(%x: tensor<?x6x5xf32>) -> tensor<?x2x3x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<5x8xf32>, tensor<5x8xf32>> : tensor<5x8xf32>
  %b = nn.weight <dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>, tensor<8xf32>> : tensor<8xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x6x5xf32>, tensor<5x8xf32>) attributes {channels = array<i64: 5, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x8xf32>
  %1 = nn.reshape %0 : tensor<?x6x8xf32> -> tensor<?x2x3x8xf32>
  %2 = nn.add %1, %b : tensor<?x2x3x8xf32>, tensor<8xf32> -> tensor<?x2x3x8xf32>
  %3 = nn.relu %2 : tensor<?x2x3x8xf32>
  %4 = nn.mul %2, %3 : tensor<?x2x3x8xf32>, tensor<?x2x3x8xf32> -> tensor<?x2x3x8xf32>
  return %4 : tensor<?x2x3x8xf32>
}

// An operand of one element per row of the other shape, and a reshape that mixes rows and columns: nothing moves.
// CHECK-LABEL: func @stays
// CHECK: nn.reshape
// CHECK: nn.add
// CHECK: nn.reshape
// CHECK: nn.relu
func.func @stays(%x: tensor<?x6x5xf32>, %y: tensor<?x2x3x8xf32>) -> (tensor<?x2x3x8xf32>, tensor<?x48xf32>) {
  %w = nn.weight <dense<0.5> : tensor<5x8xf32>, tensor<5x8xf32>> : tensor<5x8xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x6x5xf32>, tensor<5x8xf32>) attributes {channels = array<i64: 5, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x8xf32>
  %1 = nn.reshape %0 : tensor<?x6x8xf32> -> tensor<?x2x3x8xf32>
  %2 = nn.add %1, %y : tensor<?x2x3x8xf32>, tensor<?x2x3x8xf32> -> tensor<?x2x3x8xf32>
  %3 = nn.reshape %0 : tensor<?x6x8xf32> -> tensor<?x48xf32>
  %4 = nn.relu %3 : tensor<?x48xf32>
  return %2, %4 : tensor<?x2x3x8xf32>, tensor<?x48xf32>
}
