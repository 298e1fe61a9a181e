// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// Input channels that share the last vector: one load of all of them, repeated over the vector, in one step of them; parts are added at the end.

// 12 channels of 8 lanes: per two input channels and pixel 2 multiply-adds of the whole vector and one of the shared.
// CHECK-LABEL: func private @pair(
// CHECK: scf.for
// CHECK: vector.fma
// CHECK: %[[TWO:.*]] = vector.load {{.*}} : memref<?xf32>, vector<2xf32>
// CHECK-NEXT: %[[AS_ONE:.*]] = vector.bitcast %[[TWO]] : vector<2xf32> to vector<1xi64>
// CHECK-NEXT: %[[ONE:.*]] = vector.extract %[[AS_ONE]][0] : i64 from vector<1xi64>
// CHECK-NEXT: vector.broadcast %[[ONE]] : i64 to vector<4xi64>
// CHECK-COUNT-2: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK: %[[EVEN:.*]] = vector.shuffle %[[S:.*]]#1, %[[S]]#1 [0, 2, 4, 6, 0, 2, 4, 6]
// CHECK: %[[ODD:.*]] = vector.shuffle %[[S]]#1, %[[S]]#1 [1, 3, 5, 7, 1, 3, 5, 7]
// CHECK: arith.addf %[[EVEN]], %[[ODD]]
// CHECK-COUNT-2: vector.store
func.func private @pair(%x: memref<1x2x4x8xf32>, %w: memref<1x2x1x8x16xf32>, %y: memref<1x2x4x8xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<1x2x4x8xf32>) weights(%w : memref<1x2x1x8x16xf32>) outs(%y : memref<1x2x4x8xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 16, 12>,
    tiling = #nn.tiling<ku = 2, unroll = 2, merge = 1, segments = [1, 1, 1, 1], share = 2>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Two channels of 8 lanes: four input channels at once and no other multiply-add; two rounds of adding.
// CHECK-LABEL: func private @four(
// CHECK: scf.for
// CHECK: %[[FOUR:.*]] = vector.load {{.*}} : memref<?xf32>, vector<4xf32>
// CHECK: vector.shuffle %[[FOUR]], %[[FOUR]] [0, 1, 2, 3, 0, 1, 2, 3] : vector<4xf32>, vector<4xf32>
// CHECK: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK-COUNT-2: arith.addf
// CHECK-NOT: arith.addf
// CHECK: vector.store
func.func private @four(%x: memref<1x2x4x8xf32>, %w: memref<1x2x1x8x8xf32>, %y: memref<1x1x4x8xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<1x2x4x8xf32>) weights(%w : memref<1x2x1x8x8xf32>) outs(%y : memref<1x1x4x8xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 16, 2>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [1, 1, 1, 1], share = 4>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
