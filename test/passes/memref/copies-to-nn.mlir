// RUN: lathe-opt %s --lathe-copies-to-nn --remarks-filter=lathe-copies-to-nn --remark-format=emitRemark --verify-diagnostics | FileCheck %s
// Every copy is an nn.copy with a reason.

// CHECK-LABEL: func @self(
// CHECK-NEXT: return
func.func @self(%x: memref<8xf32>) {
  memref.copy %x, %x : memref<8xf32> to memref<8xf32>
  return
}

// CHECK-LABEL: func @slice(
// CHECK: nn.copy %arg0 to %{{.*}} because "its producer cannot write into the slice of a larger buffer" : memref<8xf32>, memref<8xf32, strided<[1], offset: 8>>
func.func @slice(%x: memref<8xf32>, %y: memref<2x8xf32>) {
  %s = memref.subview %y[1, 0] [1, 8] [1, 1] : memref<2x8xf32> to memref<8xf32, strided<[1], offset: 8>>
  // expected-remark @+1 {{its producer cannot write into the slice of a larger buffer}}
  memref.copy %x, %s : memref<8xf32> to memref<8xf32, strided<[1], offset: 8>>
  return
}

// CHECK-LABEL: func @reshape(
// CHECK: nn.copy %arg0 to %[[A:.*]] because "a reshape needs contiguous elements"
// CHECK: memref.collapse_shape %[[A]]
func.func @reshape(%x: memref<2x3xf32, strided<[4, 1]>>) -> memref<6xf32> {
  %a = memref.alloc() : memref<2x3xf32>
  // expected-remark @+1 {{a reshape needs contiguous elements}}
  memref.copy %x, %a : memref<2x3xf32, strided<[4, 1]>> to memref<2x3xf32>
  %r = memref.collapse_shape %a [[0, 1]] : memref<2x3xf32> into memref<6xf32>
  return %r : memref<6xf32>
}

// CHECK-LABEL: func @sources(
// CHECK: because "an input must not be overwritten"
// CHECK: because "a weight must not be overwritten"
// CHECK: because "the source is still needed when its copy is overwritten"
func.func @sources(%x: memref<8xf32>) {
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<8xf32>
  %w = nn.weight <dense<1.0> : tensor<8xf32>, tensor<8xf32>> : memref<8xf32>
  // expected-remark @+1 {{an input must not be overwritten}}
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  // expected-remark @+1 {{a weight must not be overwritten}}
  memref.copy %w, %a : memref<8xf32> to memref<8xf32>
  // expected-remark @+1 {{the source is still needed when its copy is overwritten}}
  memref.copy %a, %b : memref<8xf32> to memref<8xf32>
  return
}
