// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize | FileCheck %s
// Borders of the last dimension: neighbouring window elements that see the same pixels share a loop, an element that sees none is left out.

#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [3]>

// 5 elements, padded by 2 on both sides, over a line of 3: element 0 sees pixel 2, 1 sees 1 and 2, 2 all, 3 sees 0 and 1, 4 sees pixel 0.
// Inputs of element s and pixel p lie at p + s - 2: never below 0, never above 2.
// CHECK-LABEL: func private @both_ends(
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<0.0
// CHECK: %[[S0:.*]] = memref.load %[[X:.*]][%c0]
// CHECK: %[[A2:.*]] = vector.fma %{{.*}}, %{{.*}}, %[[Z]] : vector<4xf32>
// CHECK: memref.load %[[X]][%c0]
// CHECK: %[[B1:.*]] = vector.fma {{.*}}, %[[Z]]
// CHECK: memref.load %[[X]][%c1]
// CHECK: %[[B2:.*]] = vector.fma {{.*}}, %[[A2]]
// CHECK: memref.load %[[X]][%c0]
// CHECK: %[[C0:.*]] = vector.fma {{.*}}, %[[Z]]
// CHECK: memref.load %[[X]][%c1]
// CHECK: %[[C1:.*]] = vector.fma {{.*}}, %[[B1]]
// CHECK: memref.load %[[X]][%c2]
// CHECK: %[[C2:.*]] = vector.fma {{.*}}, %[[B2]]
// CHECK: memref.load %[[X]][%c1]
// CHECK: %[[D0:.*]] = vector.fma {{.*}}, %[[C0]]
// CHECK: memref.load %[[X]][%c2]
// CHECK: %[[D1:.*]] = vector.fma {{.*}}, %[[C1]]
// CHECK: memref.load %[[X]][%c2]
// CHECK: %[[E0:.*]] = vector.fma {{.*}}, %[[D0]]
// CHECK-NOT: vector.fma
// CHECK-DAG: vector.store %[[E0]], %{{.*}}[%c0]
// CHECK-DAG: vector.store %[[D1]], %{{.*}}[%c4]
// CHECK-DAG: vector.store %[[C2]], %{{.*}}[%c8]
func.func private @both_ends(%x: memref<1x1x3xf32>, %w: memref<1x1x5x1x4xf32>, %y: memref<1x1x3x4xf32>) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%c0, %c0] column(%c0) ins(%x : memref<1x1x3xf32>) weights(%w : memref<1x1x5x1x4xf32>) outs(%y : memref<1x1x3x4xf32>)
    attributes {window = array<i64: 5>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 2, 2>, channels = array<i64: 1, 4>,
    tiling = #t, width = 3 : i64, first_column = 0 : i64, edge} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Strides and dilations: elements 0 and 2 of pixel 0 lie at -2 and 2, of pixel 1 at 1 and 5; the input has 5. Element 1 is between: 0 and 3.
// CHECK-LABEL: func private @strided(
// CHECK: memref.load %[[X:.*]][%c1]
// CHECK: %[[A1:.*]] = vector.fma
// CHECK: memref.load %[[X]][%c0]
// CHECK: %[[B0:.*]] = vector.fma
// CHECK: memref.load %[[X]][%c3]
// CHECK: %[[B1:.*]] = vector.fma {{.*}}, %[[A1]]
// CHECK: memref.load %[[X]][%c2]
// CHECK: %[[C0:.*]] = vector.fma {{.*}}, %[[B0]]
// CHECK-NOT: vector.fma
// CHECK-DAG: vector.store %[[C0]], %{{.*}}[%c0]
// CHECK-DAG: vector.store %[[B1]], %{{.*}}[%c4]
func.func private @strided(%x: memref<1x1x5xf32>, %w: memref<1x1x3x1x4xf32>, %y: memref<1x1x2x4xf32>) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%c0, %c0] column(%c0) ins(%x : memref<1x1x5xf32>) weights(%w : memref<1x1x3x1x4xf32>) outs(%y : memref<1x1x2x4xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 3>, dilations = array<i64: 2>, pads = array<i64: 2, 1>, channels = array<i64: 1, 4>,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2]>, width = 2 : i64, first_column = 0 : i64, edge} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Elements that see the same pixels share a loop: here all three, since the padding is too far away.
// CHECK-LABEL: func private @shared(
// CHECK: scf.for %{{.*}} = %c0 to %c3 step %c1
// CHECK-COUNT-2: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func private @shared(%x: memref<1x1x9xf32>, %w: memref<1x1x3x1x4xf32>, %y: memref<1x1x9x4xf32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  nn.microkernel dense at[%c0, %c0] column(%c2) ins(%x : memref<1x1x9xf32>) weights(%w : memref<1x1x3x1x4xf32>) outs(%y : memref<1x1x9x4xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = array<i64: 1, 4>,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 2, 2, 3]>, width = 2 : i64, first_column = 2 : i64, edge} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
