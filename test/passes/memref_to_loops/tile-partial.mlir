// RUN: lathe-opt %s --lathe-tile-windowed -canonicalize | FileCheck %s
// What a kernel reduces of its own map: each iteration goes through the pixels that it has just written, four chains at a time.

// A line of 10 pixels for each of two blocks of channels.
// CHECK-LABEL: func private @moments(
// CHECK-SAME: %[[X:.*]]: memref<?x1x4x10x16xf32>, %[[W:.*]]: memref<2x1x1x1x16x32xf32>, %[[Y:.*]]: memref<?x4x4x10x16xf32>, %[[P:.*]]: memref<?x4x3x4x16xf32>)
// CHECK: scf.forall
// CHECK: nn.microkernel
// CHECK: scf.for %[[U:.*]] = %c0 to %c2 step %c1 {
// The sum of 8 pixels in four chains, then two in the first one.
// CHECK: scf.for {{.*}} = %c0 to %c8 step %c4 iter_args
// CHECK-COUNT-4: arith.addf
// CHECK: scf.for {{.*}} = %c8 to %c10 step %c1 iter_args
// CHECK: arith.addf
// CHECK-COUNT-3: arith.addf
// CHECK: %[[MEAN:.*]] = arith.divf %{{.*}}, %[[TEN:.*]] : vector<16xf32>
// CHECK: scf.for {{.*}} = %c0 to %c8 step %c4 iter_args
// CHECK: arith.subf %{{.*}}, %[[MEAN]]
// CHECK: vector.fma
// CHECK: scf.for {{.*}} = %c8 to %c10 step %c1 iter_args
// CHECK-COUNT-3: vector.store
// CHECK-NOT: nn.partial
func.func private @moments(%x: memref<?x1x4x10x16xf32>, %w: memref<2x1x1x1x16x32xf32>, %y: memref<?x4x4x10x16xf32>, %p: memref<?x4x3x4x16xf32>)
    attributes {nn.kernel} {
  memref.alloca_scope {
    nn.conv ins(%x, %w : memref<?x1x4x10x16xf32>, memref<2x1x1x1x16x32xf32>) outs(%y : memref<?x4x4x10x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 64>,
      tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [5, 5]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    nn.partial sum moments ins(%y : memref<?x4x4x10x16xf32>) outs(%p : memref<?x4x3x4x16xf32>) body {
    ^bb0(%v: f32):
      nn.yield %v : f32
    }
  }
  return
}

// Blocks of Winograd tiles, cut at the image's end: tile by tile, with fewer pixels in the last ones.
// CHECK-LABEL: func private @winograd(
// CHECK-SAME: %[[P:[a-z0-9]*]]: memref<2x1x1x2x16xf32>)
// CHECK: scf.forall
// CHECK: math.absf
// CHECK: arith.maximumf
// CHECK: vector.store %{{.*}}, %{{.*}}
// CHECK-NOT: nn.partial
func.func private @winograd(%x: memref<2x1x6x6x16xf32>, %w: memref<1x6x6x16x16xf32>, %y: memref<2x1x6x6x16xf32>, %p: memref<2x1x1x2x16xf32>)
    attributes {nn.kernel} {
  memref.alloca_scope {
    nn.conv ins(%x, %w : memref<2x1x6x6x16xf32>, memref<1x6x6x16x16xf32>) outs(%y : memref<2x1x6x6x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 16, 16>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [2], winograd = [4, 4]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    nn.partial max ins(%y : memref<2x1x6x6x16xf32>) outs(%p : memref<2x1x1x2x16xf32>) body {
    ^bb0(%v: f32):
      %0 = math.absf %v : f32
      nn.yield %0 : f32
    }
  }
  return
}
