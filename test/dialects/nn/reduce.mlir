// RUN: lathe-opt %s | lathe-opt | FileCheck %s
// nn.reduce in its forms.

// CHECK: #[[$ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK: #[[$KEPT:.*]] = affine_map<(d0, d1, d2) -> (d0, 0, d2)>

// CHECK-LABEL: func @mean
// CHECK: nn.reduce sum maps [#[[$ALL]], #[[$KEPT]]] ins(%arg0 : tensor<?x8x7xf32>) body {
// CHECK: } finish {
// CHECK: } -> tensor<?x1x7xf32>
func.func @mean(%x: tensor<?x8x7xf32>) -> tensor<?x1x7xf32> {
  %0 = nn.reduce sum maps [affine_map<(n, c, w) -> (n, c, w)>, affine_map<(n, c, w) -> (n, 0, w)>] ins(%x : tensor<?x8x7xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%sum: f32):
    %count = arith.constant 8.0 : f32
    %mean = arith.divf %sum, %count : f32
    nn.yield %mean : f32
  } -> tensor<?x1x7xf32>
  return %0 : tensor<?x1x7xf32>
}

// A diagonal, a factor that broadcasts, and a type of its own for what is combined.
// CHECK-LABEL: func @trace
// CHECK: nn.reduce umax maps [#{{.*}}, #{{.*}}, #{{.*}}] ins(%arg0, %arg1 : tensor<5x5xi8>, tensor<1xi8>) body {
func.func @trace(%x: tensor<5x5xi8>, %y: tensor<1xi8>) -> tensor<i32> {
  %0 = nn.reduce umax maps [affine_map<(i) -> (i, i)>, affine_map<(i) -> (0)>, affine_map<(i) -> ()>] ins(%x, %y : tensor<5x5xi8>, tensor<1xi8>) body {
  ^bb0(%a: i8, %b: i8):
    %c = arith.addi %a, %b : i8
    %w = arith.extui %c : i8 to i32
    nn.yield %w : i32
  } finish {
  ^bb0(%max: i32):
    nn.yield %max : i32
  } -> tensor<i32>
  return %0 : tensor<i32>
}

// CHECK-LABEL: func @buffers
// CHECK: nn.reduce max {{.*}} outs(%arg1 : memref<?xf32>) body {
func.func @buffers(%x: memref<?x8xf32>, %y: memref<?xf32>) {
  nn.reduce max maps [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n)>] ins(%x : memref<?x8xf32>) outs(%y : memref<?xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%max: f32):
    nn.yield %max : f32
  }
  return
}
