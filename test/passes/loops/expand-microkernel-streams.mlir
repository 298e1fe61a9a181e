// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// The vectors of a tile whose weights are streams: vector %g and the one behind it, a whole depth (3 blocks of 4 channels, 48 numbers) further on.
// 11 of the 16 channels exist: the stores are masked, since the tile may lie beyond the last of them.

// CHECK-LABEL: func private @streams(
// CHECK-SAME: %[[G:[a-z0-9]+]]: index)
// CHECK-DAG: %[[C48:.*]] = arith.constant 48 : index
// CHECK: %[[BASE:.*]] = arith.muli %[[G]], %[[C48]]
// CHECK: scf.for %[[CB:[a-z0-9]+]] =
// CHECK: %[[BLOCK:.*]] = arith.muli %[[CB]], %c16
// CHECK: %[[W:.*]] = arith.addi %[[BASE]], %[[BLOCK]]
// CHECK: vector.load {{.*}}[%[[W]]] : memref<?xf32>, vector<4xf32>
// CHECK: %[[BEHIND:.*]] = arith.addi %[[W]], %[[C48]]
// CHECK: vector.load {{.*}}[%[[BEHIND]]] : memref<?xf32>, vector<4xf32>
// CHECK: vector.fma
// CHECK: vector.fma
// CHECK: vector.maskedstore
// CHECK: vector.maskedstore
// CHECK-NOT: vector.store
func.func private @streams(%x: memref<1x12xf32>, %w: memref<4x3x1x4x4xf32>, %y: memref<1x11xf32>, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%c0, %g] column(%c0) ins(%x : memref<1x12xf32>) weights(%w : memref<4x3x1x4x4xf32>) outs(%y : memref<1x11xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 12, 11>,
    tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1], streams = 2>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
