// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// Multiply-add tiles: per step the ku weight vectors, then one broadcast per pixel that feeds ku multiply-adds, into accumulators that start at 0.

#t = #nn.tiling<ku = 2, unroll = 1, merge = 1, segments = [2]>

// One input block of 4 channels, a window of 3 elements, a line of 2 pixels, all inside the input. Addresses: x[column + element][c], w[element][c][k].
// CHECK-LABEL: func private @inside(
// CHECK-SAME: %[[I:.*]]: index, %[[G:.*]]: index, %[[COL:.*]]: index)
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.0{{.*}}> : vector<4xf32>
// CHECK-DAG: %[[W:.*]] = memref.reinterpret_cast %arg1 {{.*}} : memref<3x1x3x4x8xf32> to memref<?xf32>
// CHECK-DAG: %[[Y:.*]] = memref.reinterpret_cast %arg2
// CHECK-DAG: %[[X:.*]] = memref.reinterpret_cast %arg0
// CHECK: %[[ACC:.*]]:4 = scf.for %[[S:.*]] = %c0 to %c3 step %c1 iter_args(%{{.*}} = %[[ZERO]], %{{.*}} = %[[ZERO]], %{{.*}} = %[[ZERO]], %{{.*}} = %[[ZERO]])
// CHECK: scf.for %[[C:.*]] = %c0 to %c4 step %c1 iter_args(%[[A00:.*]] = {{.*}}, %[[A01:.*]] = {{.*}}, %[[A10:.*]] = {{.*}}, %[[A11:.*]] = {{.*}})
// CHECK: %[[W0:.*]] = vector.load %[[W]][
// CHECK: %[[W1:.*]] = vector.load %[[W]][
// CHECK: %[[S0:.*]] = memref.load %[[X]][
// CHECK-NEXT: %[[X0:.*]] = vector.broadcast %[[S0]] : f32 to vector<4xf32>
// CHECK-NEXT: %[[B00:.*]] = vector.fma %[[X0]], %[[W0]], %[[A00]]
// CHECK-NEXT: %[[B10:.*]] = vector.fma %[[X0]], %[[W1]], %[[A10]]
// CHECK: %[[S1:.*]] = memref.load %[[X]][
// CHECK-NEXT: %[[X1:.*]] = vector.broadcast %[[S1]]
// CHECK-NEXT: %[[B01:.*]] = vector.fma %[[X1]], %[[W0]], %[[A01]]
// CHECK-NEXT: %[[B11:.*]] = vector.fma %[[X1]], %[[W1]], %[[A11]]
// CHECK-NEXT: scf.yield %[[B00]], %[[B01]], %[[B10]], %[[B11]]
// CHECK-COUNT-4: vector.store {{.*}}, %[[Y]][
// CHECK-NOT: vector.store
func.func private @inside(%x: memref<5x1x4x4xf32>, %w: memref<3x1x3x4x8xf32>, %y: memref<5x6x2x4xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<5x1x4x4xf32>) weights(%w : memref<3x1x3x4x8xf32>) outs(%y : memref<5x6x2x4xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 4, 24>,
    tiling = #t, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// The channels beyond whole blocks are steps of their own: here 2 blocks of 4 and a rest of 1, whose step is not in a loop.
// CHECK-LABEL: func private @rest(
// CHECK: %[[WHOLE:.*]] = scf.for %{{.*}} = %c0 to %c2 step %c1
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1
// CHECK: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK: }
// CHECK-NOT: scf.for
// CHECK: vector.fma %{{.*}}, %{{.*}}, %[[WHOLE]] : vector<4xf32>
// CHECK-NOT: vector.fma
// CHECK: return
func.func private @rest(%x: memref<5x3x2x4xf32>, %w: memref<1x3x1x4x4xf32>, %y: memref<5x1x2x4xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<5x3x2x4xf32>) weights(%w : memref<1x3x1x4x4xf32>) outs(%y : memref<5x1x2x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 9, 4>,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Two channels per iteration: a loop of step 2 with two steps in it, then the fifth channel. Channels of a plain input lie 2 pixels apart.
// CHECK-LABEL: func private @unrolled(
// CHECK: %[[PAIRS:.*]] = scf.for %{{.*}} = %c0 to %c4 step %c2
// CHECK-COUNT-2: vector.fma
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK: vector.fma %{{.*}}, %{{.*}}, %[[PAIRS]] : vector<8xf32>
// CHECK-NOT: vector.fma
// CHECK: return
func.func private @unrolled(%x: memref<5x5x2xf32>, %w: memref<1x1x1x5x8xf32>, %y: memref<5x1x2x8xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<5x5x2xf32>) weights(%w : memref<1x1x1x5x8xf32>) outs(%y : memref<5x1x2x8xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 5, 8>,
    tiling = #nn.tiling<ku = 1, unroll = 2, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
