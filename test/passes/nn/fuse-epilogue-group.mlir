// RUN: lathe-opt %s --nn-fuse-epilogue | FileCheck %s
// Elementwise operations that are all that reads a result move together, if only the last one's value is used elsewhere.

// CHECK-LABEL: func @silu
// CHECK: nn.matmul
// CHECK: ^bb0(%[[ACC:.*]]: f32):
// CHECK: %[[GATE:.*]] = arith.divf
// CHECK: %[[Y:.*]] = arith.mulf %[[ACC]], %[[GATE]]
// CHECK: nn.yield %[[Y]]
// CHECK-NOT: nn.mul
func.func @silu(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>) -> tensor<?x2xf32> {
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  %1 = nn.sigmoid %0 : tensor<?x2xf32>
  %2 = nn.mul %0, %1 : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// The square reads its operand twice.
// CHECK-LABEL: func @square
// CHECK: ^bb0(%[[ACC:.*]]: f32):
// CHECK: arith.mulf %[[ACC]], %[[ACC]]
func.func @square(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>) -> tensor<?x2xf32> {
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  %1 = nn.mul %0, %0 : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}

// A value between may have another element type; then a residual, which is read from memory.
// CHECK-LABEL: func @rounded
// CHECK-SAME: %[[R:[^ :]+]]: tensor<?x2xf32>)
// CHECK: nn.matmul {{.*}} extras(%[[R]]
// CHECK: ^bb0(%[[ACC:.*]]: f32, %[[EXTRA:.*]]: f32):
// CHECK: %[[I:.*]] = arith.fptosi %[[ACC]] : f32 to i32
// CHECK: %[[F:.*]] = arith.sitofp %[[I]] : i32 to f32
// CHECK: arith.addf %[[F]], %[[EXTRA]]
func.func @rounded(%x: tensor<?x4xf32>, %w: tensor<4x2xf32>, %r: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  %1 = nn.map ins(%0 : tensor<?x2xf32>) body {
  ^bb0(%v: f32):
    %i = arith.fptosi %v : f32 to i32
    nn.yield %i : i32
  } -> tensor<?x2xi32>
  %2 = nn.map ins(%1 : tensor<?x2xi32>) body {
  ^bb0(%v: i32):
    %f = arith.sitofp %v : i32 to f32
    nn.yield %f : f32
  } -> tensor<?x2xf32>
  %3 = nn.add %2, %r : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  return %3 : tensor<?x2xf32>
}
