// RUN: lathe-opt %s --lathe-tile-windowed -canonicalize | FileCheck %s
// What precedes a pointwise convolution in a scope is computed into scratch memory a line at a time, once for all groups of channels that follow.

#id = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
#gate = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, 0, 0, d4)>

// Two rows of 5 pixels: a block of channels is 11 vectors from the next, an odd number.
// CHECK-LABEL: func private @gated(
// CHECK-SAME: %[[G:.*]]: memref<?x2x1x1x16xf32>, %[[X:.*]]: memref<?x2x4x5x16xf32>, %[[W:.*]]: memref<3x2x1x1x16x16xf32>, %[[Y:.*]]: memref<?x3x4x5x16xf32>)
// CHECK-DAG: %[[LINE:.*]] = nn.scratch 0 : memref<352xf32>
// CHECK-DAG: %[[VIEW:.*]] = memref.reinterpret_cast %[[LINE]] to offset: [0], sizes: [1, 2, 4, 5, 16], strides: [0, 176, 0, 16, 1]
// CHECK: scf.forall (%[[I:.*]], %[[PAIR:.*]], %[[GROUP:.*]]) in (%{{.*}}, 2, 3) {
// CHECK: %[[FIRST:.*]] = nn.range_begin
// CHECK: %[[IF:.*]] = arith.ori
// CHECK: scf.if %[[IF]] {
// CHECK: scf.for %[[BLOCK:.*]] = %c0 to %c2 step %c1 {
// The gate is loaded once for all pixels.
// CHECK: vector.load {{.*}} : memref<?xf32>, vector<16xf32>
// CHECK: scf.for %[[P:.*]] = %c0 to %c8 step %c4 {
// CHECK-COUNT-4: vector.store %{{.*}}, %[[LINE]]
// CHECK: }
// CHECK-COUNT-2: vector.store %{{.*}}, %[[LINE]]
// CHECK: nn.microkernel dense at[%[[I]], %[[GROUP]]] {{.*}} ins(%[[VIEW]] : {{.*}}) weights(%[[W]] : {{.*}}) outs(%[[Y]] :
// CHECK-NOT: linalg
// CHECK-NOT: memref.alloca
func.func private @gated(%g: memref<?x2x1x1x16xf32>, %x: memref<?x2x4x5x16xf32>, %w: memref<3x2x1x1x16x16xf32>, %y: memref<?x3x4x5x16xf32>) attributes {nn.kernel} {
  memref.alloca_scope {
    %c0 = arith.constant 0 : index
    %n = memref.dim %y, %c0 : memref<?x3x4x5x16xf32>
    %t = memref.alloca(%n) : memref<?x2x4x5x16xf32>
    linalg.generic {indexing_maps = [#gate, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%g, %x : memref<?x2x1x1x16xf32>, memref<?x2x4x5x16xf32>) outs(%t : memref<?x2x4x5x16xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %0 = arith.mulf %a, %b : f32
      linalg.yield %0 : f32
    }
    nn.conv ins(%t, %w : memref<?x2x4x5x16xf32>, memref<3x2x1x1x16x16xf32>) outs(%y : memref<?x3x4x5x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 32, 48>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 2, segments = [10]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  }
  return
}

// One group needs no test; one value for all channels is broadcast.
// CHECK-LABEL: func private @one_group(
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (2, 4) {
// CHECK-NOT: scf.if
// CHECK: memref.load
// CHECK: vector.broadcast
// CHECK: nn.microkernel
func.func private @one_group(%s: memref<f32>, %x: memref<2x2x4x3x16xf32>, %w: memref<1x2x1x1x16x16xf32>, %y: memref<2x1x4x3x16xf32>) attributes {nn.kernel} {
  memref.alloca_scope {
    %t = memref.alloca() : memref<2x2x4x3x16xf32>
    linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> ()>, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%s, %x : memref<f32>, memref<2x2x4x3x16xf32>) outs(%t : memref<2x2x4x3x16xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %0 = arith.mulf %a, %b : f32
      linalg.yield %0 : f32
    }
    nn.conv ins(%t, %w : memref<2x2x4x3x16xf32>, memref<1x2x1x1x16x16xf32>) outs(%y : memref<2x1x4x3x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 32, 16>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [3]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  }
  return
}
