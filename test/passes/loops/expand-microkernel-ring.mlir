// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// Rows of which only so many are in memory: a row lies at the place of its number modulo theirs, in the input and in the output; a residual has all.

// CHECK-LABEL: func private @ring(
// CHECK-SAME: %[[X:.*]]: memref<1x1x9x2x8xf32>, %[[W:.*]]: memref<1x1x3x1x1x8xf32>, %[[R:.*]]: memref<1x1x7x2x8xf32>, %[[Y:.*]]: memref<1x1x7x2x8xf32>, %{{.*}}: index, %[[ROW:.*]]: index)
// CHECK: scf.for %[[E:.*]] = %c0 to %c3 step %c1
// CHECK-NEXT: %[[AT:.*]] = arith.addi %[[ROW]], %[[E]]
// CHECK-NEXT: %[[PLACE:.*]] = arith.remui %[[AT]], %c5
// CHECK-NEXT: arith.muli %[[PLACE]], %c16
// CHECK: %[[OUT:.*]] = arith.remui %[[ROW]], %c4
// CHECK-NEXT: %[[THERE:.*]] = arith.muli %[[OUT]], %c16
// CHECK: %[[HERE:.*]] = arith.muli %[[ROW]], %c16
// CHECK: vector.load %{{.*}}[%[[HERE]]]
// CHECK: vector.store %{{.*}}, %{{.*}}[%[[THERE]]]
func.func private @ring(%x: memref<1x1x9x2x8xf32>, %w: memref<1x1x3x1x1x8xf32>, %r: memref<1x1x7x2x8xf32>, %y: memref<1x1x7x2x8xf32>, %i: index, %row: index) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  nn.microkernel depthwise at[%c0, %c0] rows(%row) column(%c0) window(%row from %c0 to %c3) ins(%x : memref<1x1x9x2x8xf32>)
    weights(%w : memref<1x1x3x1x1x8xf32>) extras(%r : memref<1x1x7x2x8xf32>) outs(%y : memref<1x1x7x2x8xf32>)
    attributes {window = array<i64: 3, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = array<i64: 8, 8>,
    groups = 8 : i64, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2]>, width = 2 : i64, first_column = 0 : i64, ring = array<i64: 5, 4>}
    epilogue {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    nn.yield %0 : f32
  }
  return
}
