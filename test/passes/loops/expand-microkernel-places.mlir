// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// Input channels begin where a table says, counted in elements of an image.

// CHECK-LABEL: func private @places(
// CHECK-DAG: %[[X:.*]] = memref.reinterpret_cast %arg0
// CHECK-DAG: %[[IMAGE:.*]] = arith.muli %arg4, %c24
// CHECK-DAG: %[[COLUMN:.*]] = arith.muli %arg6, %c4
// CHECK: %[[BASE:.*]] = arith.addi %[[IMAGE]], %[[COLUMN]]
// CHECK: scf.for %[[C:.*]] = %c0 to %c4 step %c2
// CHECK: %[[P0:.*]] = memref.load %arg2[%[[C]]] : memref<5xi32>
// CHECK: %[[I0:.*]] = arith.index_castui %[[P0]] : i32 to index
// CHECK: %[[AT:.*]] = arith.addi %[[BASE]], %[[I0]]
// CHECK: memref.load %[[X]][%[[AT]]]
// CHECK: vector.fma
// CHECK: %[[NEXT:.*]] = arith.addi %[[C]], %c1
// CHECK: memref.load %arg2[%[[NEXT]]] : memref<5xi32>
// CHECK: vector.fma
// CHECK: memref.load %arg2[%c4] : memref<5xi32>
// CHECK: vector.fma
// CHECK-NOT: vector.fma
func.func private @places(%x: memref<5x3x2x4xf32>, %w: memref<1x2x1x4x4xf32>, %p: memref<5xi32>, %y: memref<5x1x2x4xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<5x3x2x4xf32>) weights(%w : memref<1x2x1x4x4xf32>) places(%p : memref<5xi32>)
    outs(%y : memref<5x1x2x4xf32>) attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>,
    channels = array<i64: 5, 4>, tiling = #nn.tiling<ku = 1, unroll = 2, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
