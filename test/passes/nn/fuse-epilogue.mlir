// RUN: lathe-opt %s --nn-fuse-epilogue --mlir-print-debuginfo --mlir-print-local-scope --split-input-file | FileCheck %s
// Elementwise operations move into the epilogue of the operation that produces their operand.

// A per-channel weight becomes an extra operand of shape [K]; a splat a constant, whatever its shape; the order of operands stays.
// CHECK-LABEL: func @chain
// CHECK: %[[W:.*]] = nn.weight <dense<5.0{{.*}} : tensor<2x4x1x1xf32>
// CHECK: %[[E:.*]] = nn.weight <dense<{{\[\[\[}}1.0{{.*}}, steps = [<"reshape", [2]>]> : tensor<2xf32>
// CHECK: %[[Y:.*]] = nn.conv ins(%arg0, %[[W]] : {{.*}}) extras(%[[E]] : tensor<2xf32>)
// CHECK: ^bb0(%[[ACC:.*]]: f32 {{.*}}, %[[B:.*]]: f32
// CHECK-NEXT: %[[SUB:.*]] = arith.subf %[[B]], %[[ACC]] : f32
// CHECK-NEXT: %[[THREE:.*]] = arith.constant 3.000000e+00 : f32
// CHECK-NEXT: %[[DIV:.*]] = arith.divf %[[SUB]], %[[THREE]] : f32
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-NEXT: %[[NEG:.*]] = arith.cmpf ogt, %[[ZERO]], %[[DIV]]
// CHECK-NEXT: %[[R:.*]] = arith.select %[[NEG]], %[[ZERO]], %[[DIV]]
// CHECK-NEXT: nn.yield %[[R]]
// CHECK-NEXT: } -> tensor<?x2x5x7xf32> loc(fused["/conv", "/sub", "/div", "/relu"])
// CHECK-NOT: nn.{{sub|div|relu}}
// CHECK: return %[[Y]]
func.func @chain(%x: tensor<?x4x5x7xf32>) -> tensor<?x2x5x7xf32> {
  %w = nn.weight <dense<5.0> : tensor<2x4x1x1xf32>, tensor<2x4x1x1xf32>> : tensor<2x4x1x1xf32>
  %b = nn.weight <dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>, tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = nn.weight <dense<3.0> : tensor<1x2x5x7xf32>, tensor<1x2x5x7xf32>> : tensor<1x2x5x7xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x4x5x7xf32>, tensor<2x4x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 2>}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x2x5x7xf32> loc("/conv")
  %1 = nn.sub %b, %0 : tensor<2x1x1xf32>, tensor<?x2x5x7xf32> -> tensor<?x2x5x7xf32> loc("/sub")
  %2 = nn.div %1, %c : tensor<?x2x5x7xf32>, tensor<1x2x5x7xf32> -> tensor<?x2x5x7xf32> loc("/div")
  %3 = nn.relu %2 : tensor<?x2x5x7xf32> loc("/relu")
  return %3 : tensor<?x2x5x7xf32>
}

// -----

// Of two producers the later one takes the addition, and moves to it; the earlier one's result is the residual, first in the sum as before.
// CHECK-LABEL: func @residual
// CHECK: %[[A:.*]] = nn.pool max
// CHECK: loc("/a")
// CHECK-NEXT: %[[B:.*]] = nn.pool avg ins(%{{.*}}) extras(%[[A]] : tensor<?x2x5x7xf32>)
// CHECK: ^bb0(%[[ACC:.*]]: f32 {{.*}}, %[[RES:.*]]: f32
// CHECK-NEXT: arith.addf %[[RES]], %[[ACC]]
// CHECK: loc(fused["/b", "/add"])
// CHECK-NOT: nn.add
func.func @residual(%x: tensor<?x2x5x7xf32>) -> tensor<?x2x5x7xf32> {
  %a = nn.pool max ins(%x : tensor<?x2x5x7xf32>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 2 : i64}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x2x5x7xf32> loc("/a")
  %b = nn.pool avg ins(%x : tensor<?x2x5x7xf32>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 2 : i64}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x2x5x7xf32> loc("/b")
  %0 = nn.add %a, %b : tensor<?x2x5x7xf32>, tensor<?x2x5x7xf32> -> tensor<?x2x5x7xf32> loc("/add")
  return %0 : tensor<?x2x5x7xf32>
}

// -----

// The residual comes after the producer in program order: the producer moves behind it. A value that is an extra operand already is not added again.
// CHECK-LABEL: func @younger_operand
// CHECK: %[[R:.*]] = nn.reshape
// CHECK: nn.matmul ins(%arg0, %{{.*}}) extras(%[[R]] : tensor<?x2xf32>)
// CHECK: ^bb0(%[[ACC:.*]]: f32 {{.*}}, %[[RES:[^:]*]]: f32 loc{{[^,]*}}):
// CHECK: %[[S:.*]] = arith.addf %[[ACC]], %[[RES]]
// CHECK: arith.mulf %[[S]], %[[RES]]
func.func @younger_operand(%x: tensor<?x4xf32>, %y: tensor<?x2x1xf32>) -> tensor<?x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2xf32>
  %r = nn.reshape %y : tensor<?x2x1xf32> -> tensor<?x2xf32>
  %1 = nn.add %0, %r : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  %2 = nn.mul %1, %r : tensor<?x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}

// -----

// The channels of a matrix multiplication are its last dimension. One value in a file is a scalar operand.
// CHECK-LABEL: func @scalar_of_a_file
// CHECK: %[[B:.*]] = nn.weight {{.*}} : tensor<2xf32>
// CHECK: %[[S:.*]] = nn.weight {{.*}}, steps = [<"reshape">]> : tensor<f32>
// CHECK: nn.matmul ins(%arg0, %{{.*}}) extras(%[[B]], %[[S]] : tensor<2xf32>, tensor<f32>)
// CHECK-NOT: nn.{{add|mul}}
func.func @scalar_of_a_file(%x: tensor<?x3x4xf32>) -> tensor<?x3x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %b = nn.weight <dense<[1.0, 2.0]> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %s = nn.weight <#nn.file<"m.onnx", 0, 4, "0000000000000000000000000000000000000000000000000000000000000000">, tensor<1xf32>> : tensor<1xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x3x4xf32>, tensor<4x2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3x2xf32>
  %1 = nn.add %0, %b : tensor<?x3x2xf32>, tensor<2xf32> -> tensor<?x3x2xf32>
  %2 = nn.mul %1, %s : tensor<?x3x2xf32>, tensor<1xf32> -> tensor<?x3x2xf32>
  return %2 : tensor<?x3x2xf32>
}
