// RUN: lathe-opt %s --lathe-results-to-arguments --remarks-filter=lathe-results-to-arguments --remark-format=emitRemark --split-input-file --verify-diagnostics | FileCheck %s
// Copies to outputs, each with its reason.

// CHECK-LABEL: func @twice(
// CHECK-SAME: %[[X:[^:]*]]: memref<8xf32>, %[[A:[^:]*]]: memref<8xf32> {nn.output}, %[[B:[^:]*]]: memref<8xf32> {nn.output}) {
// CHECK: linalg.exp ins(%[[X]] : memref<8xf32>) outs(%[[A]] : memref<8xf32>)
// CHECK: nn.copy %[[A]] to %[[B]] because "the value is returned twice"
func.func @twice(%x: memref<8xf32>) -> (memref<8xf32>, memref<8xf32>) {
  // expected-remark @+1 {{copied to an output: the value is returned twice}}
  %a = memref.alloc() : memref<8xf32>
  linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
  return %a, %a : memref<8xf32>, memref<8xf32>
}

// -----

// CHECK-LABEL: func @input(
// CHECK: nn.copy %arg0 to %arg1 because "an input is returned"
// expected-remark @+1 {{copied to an output: an input is returned}}
func.func @input(%x: memref<8xf32>) -> memref<8xf32> {
  return %x : memref<8xf32>
}

// -----

// CHECK-LABEL: func @weight(
// CHECK: nn.copy %{{.*}} to %arg0 because "a weight is returned"
func.func @weight() -> memref<8xf32> {
  // expected-remark @+1 {{copied to an output: a weight is returned}}
  %w = nn.weight <dense<1.0> : tensor<8xf32>, tensor<8xf32>> : memref<8xf32>
  return %w : memref<8xf32>
}

// -----

// CHECK-LABEL: func @part(
// CHECK: %[[A:.*]] = memref.alloc()
// CHECK: nn.copy %{{.*}} to %arg1 because "a part of a larger buffer is returned"
func.func @part(%x: memref<2x8xf32>) -> memref<8xf32> {
  %a = memref.alloc() : memref<2x8xf32>
  linalg.exp ins(%x : memref<2x8xf32>) outs(%a : memref<2x8xf32>)
  %s = memref.subview %a[0, 0] [1, 8] [1, 1] : memref<2x8xf32> to memref<8xf32>
  // expected-remark @-1 {{copied to an output: a part of a larger buffer is returned}}
  return %s : memref<8xf32>
}

// -----

// A static buffer returned as a dynamic one: its extent cannot be taken from the output.
// CHECK-LABEL: func @cast(
// CHECK: nn.copy %{{.*}} to %arg1 because "the result does not fill a buffer of its own"
func.func @cast(%x: memref<8xf32>) -> memref<?x1xf32> {
  %a = memref.alloc() : memref<8xf32>
  linalg.exp ins(%x : memref<8xf32>) outs(%a : memref<8xf32>)
  %d = memref.cast %a : memref<8xf32> to memref<?xf32>
  %c8 = arith.constant 8 : index
  // expected-remark @+1 {{copied to an output: the result does not fill a buffer of its own}}
  %r = memref.expand_shape %d [[0, 1]] output_shape [%c8, 1] : memref<?xf32> into memref<?x1xf32>
  return %r : memref<?x1xf32>
}
