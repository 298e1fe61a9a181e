// RUN: lathe-opt %s --lathe-tile-windowed --canonicalize | FileCheck %s
// A convolution whose tiling names tiles of Winograd's algorithm: input transform into scratch memory, products, output transform.

#w = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [4, 3], winograd = [2, 2], prefetch = [24, 152]>
#one = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [2], winograd = [4]>

// 9x9 pixels are 5x5 tiles, in 4 blocks of 7. Planes of a point lie an odd number of vectors apart: 7 * 4 elements. V has 2 channel blocks, M has 2 vectors.
// CHECK-LABEL: func.func private @blocks(
// CHECK-SAME: %[[X:.*]]: memref<?x2x9x9x4xf32>, %[[U:.*]]: memref<2x4x4x6x8xf32>, %[[R:.*]]: memref<?x4x9x9x4xf32>, %[[Y:.*]]: memref<?x4x9x9x4xf32>)
// CHECK-DAG: nn.scratch 0 : memref<896xf32>
// CHECK-DAG: nn.scratch 3584 : memref<896xf32>
// CHECK-DAG: nn.scratch 7168 : memref<64xf32>
// CHECK: scf.forall (%[[N:.*]], %[[BLOCK:.*]], %[[G:.*]]) in (%{{.*}}, 4, 2) {
// The last block has fewer tiles.
// CHECK: %[[COUNT:.*]] = arith.minsi
// The block's first group transforms the input; so does the first group that another thread begins with.
// CHECK: %[[BEGIN:.*]] = nn.range_begin
// CHECK: scf.if
// CHECK: scf.for %{{.*}} = %c0 to %[[COUNT]]
// Elements outside the image are zeros that nothing loads.
// CHECK: scf.if %{{.*}} -> (vector<4xf32>)
// Products: broadcast inputs; in each of 2 groups * 16 points * 2 register tiles, which have one iteration of 4 channels, one line each of its own and of later weights.
// CHECK-COUNT-2: memref.prefetch %{{.*}}, read, locality<2>, data
// CHECK-NOT: memref.prefetch
// CHECK: vector.fma
// The residual is read where its element is written.
// CHECK: scf.for %{{.*}} = %c0 to %[[COUNT]]
// CHECK: vector.load
// CHECK: vector.store
// CHECK-NOT: nn.conv
// CHECK-NOT: memref.alloc
func.func private @blocks(%x: memref<?x2x9x9x4xf32>, %u: memref<2x4x4x6x8xf32>, %r: memref<?x4x9x9x4xf32>, %y: memref<?x4x9x9x4xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %u : memref<?x2x9x9x4xf32>, memref<2x4x4x6x8xf32>) extras(%r : memref<?x4x9x9x4xf32>) outs(%y : memref<?x4x9x9x4xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 6, 16>,
    tiling = #w} epilogue {
  ^bb0(%acc: f32, %residual: f32):
    %s = arith.addf %acc, %residual : f32
    nn.yield %s : f32
  }
  return
}

// One group: every iteration is the first of its block. In one dimension there is no patch to keep, and without padding nothing to clip.
// CHECK-LABEL: func.func private @line(
// CHECK-DAG: nn.scratch 0 : memref<72xf32>
// CHECK-DAG: nn.scratch 320 : memref<72xf32>
// CHECK-NOT: nn.scratch
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (3, 2) {
// CHECK-NOT: nn.range_begin
// CHECK-NOT: scf.if
// CHECK: return
func.func private @line(%x: memref<3x1x18x4xf32>, %u: memref<1x6x4x4xf32>, %y: memref<3x1x16x4xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %u : memref<3x1x18x4xf32>, memref<1x6x4x4xf32>) outs(%y : memref<3x1x16x4xf32>)
    attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>,
    tiling = #one} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
