// RUN: lathe-opt %s --lathe-results-to-arguments | FileCheck %s
// Results become arguments after the inputs, without a copy wherever a result is all of a local buffer.

// CHECK-LABEL: func @buffer(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x8xf32> {nn.name = "x"}, %[[Y:[^:]*]]: memref<?x8xf32> {nn.name = "y", nn.output}) {
// CHECK-NOT: memref.alloc
// CHECK: linalg.exp ins(%[[X]] : memref<?x8xf32>) outs(%[[Y]] : memref<?x8xf32>)
// CHECK-NEXT: return{{$}}
func.func @buffer(%x: memref<?x8xf32> {nn.name = "x"}) -> (memref<?x8xf32> {nn.name = "y"}) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%n) : memref<?x8xf32>
  linalg.exp ins(%x : memref<?x8xf32>) outs(%a : memref<?x8xf32>)
  return %a : memref<?x8xf32>
}

// The buffer is a reshaped view of the argument.
// CHECK-LABEL: func @reshaped(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x8x1xf32>, %[[Y:[^:]*]]: memref<?x8xf32> {nn.output}) {
// CHECK: %[[V:.*]] = memref.expand_shape %[[Y]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 8, 1] : memref<?x8xf32> into memref<?x8x1xf32>
// CHECK: linalg.exp {{.*}} outs(%[[V]] : memref<?x8x1xf32>)
// CHECK-NOT: nn.copy
func.func @reshaped(%x: memref<?x8x1xf32>) -> memref<?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8x1xf32>
  %a = memref.alloc(%n) : memref<?x8x1xf32>
  linalg.exp ins(%x : memref<?x8x1xf32>) outs(%a : memref<?x8x1xf32>)
  %r = memref.collapse_shape %a [[0], [1, 2]] : memref<?x8x1xf32> into memref<?x8xf32>
  return %r : memref<?x8xf32>
}

// CHECK-LABEL: func @expanded(
// CHECK-SAME: %[[Y:[^:]*]]: memref<2x4xf32> {nn.output}) {
// CHECK: %[[V:.*]] = memref.collapse_shape %[[Y]] {{\[\[}}0, 1]] : memref<2x4xf32> into memref<8xf32>
// CHECK: linalg.exp {{.*}} outs(%[[V]] : memref<8xf32>)
func.func @expanded(%x: memref<8xf32>) -> memref<2x4xf32> {
  %a = memref.alloc() : memref<8xf32>
  linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
  %r = memref.expand_shape %a [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  return %r : memref<2x4xf32>
}
