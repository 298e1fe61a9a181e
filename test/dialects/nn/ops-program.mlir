// RUN: lathe-opt %s | lathe-opt | FileCheck %s
// Operations that are given by a program.

// Operands broadcast and may have different element types; none at all is allowed.
// CHECK-LABEL: func @map
// CHECK: nn.map ins(%{{.*}}, %{{.*}} : tensor<?x8xi32>, tensor<8xf32>) body {
// CHECK-NEXT: ^bb0(%[[A:.*]]: i32, %[[B:.*]]: f32):
// CHECK: nn.yield %{{.*}} : i8
// CHECK-NEXT: } -> tensor<?x8xi8>
// CHECK: nn.map body {
// CHECK: } -> tensor<2xf64>
func.func @map(%x: tensor<?x8xi32>, %y: tensor<8xf32>) -> (tensor<?x8xi8>, tensor<2xf64>) {
  %0 = nn.map ins(%x, %y : tensor<?x8xi32>, tensor<8xf32>) body {
  ^bb0(%a: i32, %b: f32):
    %f = arith.sitofp %a : i32 to f32
    %less = arith.cmpf olt, %f, %b : f32
    %r = arith.extui %less : i1 to i8
    nn.yield %r : i8
  } -> tensor<?x8xi8>
  %1 = nn.map body {
    %c = arith.constant 2.0 : f64
    nn.yield %c : f64
  } -> tensor<2xf64>
  return %0, %1 : tensor<?x8xi8>, tensor<2xf64>
}

// Two results, one of them scratch memory; no inputs; an empty space runs nothing.
// CHECK-LABEL: func @foreach
// CHECK: %{{.*}}:2 = nn.foreach "running_sum" space [?] ins(%{{.*}} : tensor<?x9xf32>) body {
// CHECK-NEXT: ^bb0(%[[N:.*]]: index, %[[X:.*]]: memref<?x9xf32>, %[[Y:.*]]: memref<?x9xf32>, %[[S:.*]]: memref<?xf32>):
// CHECK: nn.yield
// CHECK-NEXT: } -> tensor<?x9xf32>, tensor<?xf32>
// CHECK: nn.foreach "fill" space [0, 3] body {
func.func @foreach(%x: tensor<?x9xf32>) -> (tensor<?x9xf32>, tensor<2xf32>) {
  %0:2 = nn.foreach "running_sum" space [?] ins(%x : tensor<?x9xf32>) body {
  ^bb0(%n: index, %in: memref<?x9xf32>, %out: memref<?x9xf32>, %sum: memref<?xf32>):
    %zero = arith.constant 0.0 : f32
    memref.store %zero, %sum[%n] : memref<?xf32>
    nn.yield
  } -> tensor<?x9xf32>, tensor<?xf32>
  %1 = nn.foreach "fill" space [0, 3] body {
  ^bb0(%i: index, %j: index, %out: memref<2xf32>):
    nn.yield
  } -> tensor<2xf32>
  return %0#0, %1 : tensor<?x9xf32>, tensor<2xf32>
}

// Bufferised form: destinations and no results.
// CHECK-LABEL: func @buffers
// CHECK: nn.foreach "copy" space [4] ins(%{{.*}} : memref<4xf32, strided<[2]>>) outs(%{{.*}} : memref<4xf32>) body {
// CHECK: }
// CHECK-NOT: ->
func.func @buffers(%x: memref<4xf32, strided<[2]>>, %y: memref<4xf32>) {
  nn.foreach "copy" space [4] ins(%x : memref<4xf32, strided<[2]>>) outs(%y : memref<4xf32>) body {
  ^bb0(%i: index, %in: memref<4xf32>, %out: memref<4xf32>):
    %v = memref.load %in[%i] : memref<4xf32>
    memref.store %v, %out[%i] : memref<4xf32>
    nn.yield
  }
  return
}
