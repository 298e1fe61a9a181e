// RUN: lathe-opt %s --lathe-tile-windowed --mlir-print-local-scope | FileCheck %s
// What `images` of a tiling means for the loops.

// 1: groups outside, so that a group's weights are read once for all images.
// CHECK-LABEL: func private @groups_outside(
// CHECK: %[[N:.*]] = memref.dim %arg2
// CHECK: scf.forall (%[[G:.*]], %[[I:.*]], %[[ROW:.*]]) in (3, %[[N]], 7) {
// CHECK: nn.microkernel dense at[%[[I]], %[[G]]] rows(%[[ROW]])
func.func private @groups_outside(%x: memref<?x2x7x7x8xf32>, %w: memref<3x2x1x1x8x8xf32>, %y: memref<?x3x7x7x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<?x2x7x7x8xf32>, memref<3x2x1x1x8x8xf32>) outs(%y : memref<?x3x7x7x8xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 24>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [7], images = 1>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// More: images are the pixels of a line; tiles of four, then of two, then one.
// CHECK-LABEL: func private @matrix(
// CHECK: %[[N:.*]] = memref.dim %arg3
// CHECK: %[[X:.*]] = memref.reinterpret_cast %arg0 to offset: [0], sizes: [1, {{.*}}, 100], strides: [100, 100, 1]
// CHECK: %[[R:.*]] = memref.reinterpret_cast %arg2 to offset: [0], sizes: [1, {{.*}}, 90], strides: [90, 90, 1]
// CHECK: %[[Y:.*]] = memref.reinterpret_cast %arg3 to offset: [0], sizes: [1, {{.*}}, 90], strides: [90, 90, 1]
// CHECK: scf.forall (%[[G:.*]]) in (2) {
// CHECK-NEXT: %[[FOURS:.*]] = arith.andi %[[N]], %c-4
// CHECK-NEXT: scf.for %[[I:.*]] = %c0 to %[[FOURS]] step %c4 {
// CHECK-NEXT: nn.microkernel dense at[%c0, %[[G]]] column(%[[I]]) ins(%[[X]] : {{.*}} extras(%[[R]] : {{.*}} outs(%[[Y]] : {{.*}} width = 4
// CHECK: %[[TWOS:.*]] = arith.andi %[[N]], %c-2
// CHECK-NEXT: scf.for %[[I:.*]] = %[[FOURS]] to %[[TWOS]] step %c2 {
// CHECK-NEXT: nn.microkernel dense at[%c0, %[[G]]] column(%[[I]]) {{.*}} width = 2
// CHECK: scf.for %[[I:.*]] = %[[TWOS]] to %[[N]] step %c1 {
// CHECK-NEXT: nn.microkernel dense at[%c0, %[[G]]] column(%[[I]]) {{.*}} width = 1
func.func private @matrix(%x: memref<?x100xf32>, %w: memref<2x7x1x16x48xf32>, %r: memref<?x90xf32>, %y: memref<?x90xf32>) attributes {nn.kernel} {
  nn.matmul ins(%x, %w : memref<?x100xf32>, memref<2x7x1x16x48xf32>) extras(%r : memref<?x90xf32>) outs(%y : memref<?x90xf32>)
    attributes {channels = array<i64: 100, 90>, tiling = #nn.tiling<ku = 3, unroll = 4, merge = 1, segments = [1], images = 4>} epilogue {
  ^bb0(%acc: f32, %e: f32):
    %0 = arith.addf %acc, %e : f32
    nn.yield %0 : f32
  }
  return
}

// A convolution of one pixel; a batch that is known has the tiles that it needs.
// CHECK-LABEL: func private @pixel(
// CHECK: memref.reinterpret_cast %arg0 to offset: [0], sizes: [1, 2, 1, 5, 8], strides: [16, 8, 8, 16, 1]
// CHECK: memref.reinterpret_cast %arg2 to offset: [0], sizes: [1, 3, 1, 5, 8], strides: [24, 8, 8, 24, 1]
// CHECK: scf.forall (%[[G:.*]]) in (3) {
// CHECK-NEXT: scf.for %[[I:.*]] = %c0 to %c4 step %c4 {
// CHECK-NEXT: nn.microkernel dense at[%c0, %[[G]]] rows(%c0) column(%[[I]]) window(%c0 from %c0 to %c1) {{.*}} width = 4
// CHECK: scf.for %[[I:.*]] = %c4 to %c5 step %c1 {
// CHECK-NEXT: nn.microkernel dense {{.*}} width = 1
// CHECK-NOT: nn.microkernel
// CHECK: return
func.func private @pixel(%x: memref<5x2x1x1x8xf32>, %w: memref<3x2x1x1x8x8xf32>, %y: memref<5x3x1x1x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<5x2x1x1x8xf32>, memref<3x2x1x1x8x8xf32>) outs(%y : memref<5x3x1x1x8xf32>)
    attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 24>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [1], images = 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Weights as streams: one image takes all six vectors of a group at once. More go through two of them before the next two, four images with one vector and
// two images with both: at most four accumulators.
// CHECK-LABEL: func private @streams(
// CHECK: %[[N:.*]] = memref.dim %arg2
// CHECK: scf.forall (%[[G:.*]]) in (2) {
// CHECK-NEXT: %[[FIRST:.*]] = arith.muli %[[G]], %c6
// CHECK-NEXT: %[[ONE:.*]] = arith.cmpi eq, %[[N]], %c1
// CHECK-NEXT: scf.if %[[ONE]] {
// CHECK-NEXT: nn.microkernel dense at[%c0, %[[FIRST]]] column(%c0) {{.*}} tiling = #nn.tiling<ku = 6, {{.*}}streams = 6>, width = 1
// CHECK: } else {
// CHECK-NEXT: scf.for %[[C:.*]] = %c0 to %c6 step %c2 {
// CHECK-NEXT: %[[CHUNK:.*]] = arith.addi %[[FIRST]], %[[C]]
// CHECK-NEXT: %[[FOURS:.*]] = arith.andi %[[N]], %c-4
// CHECK-NEXT: scf.for %[[U:.*]] = %c0 to %c2 step %c1 {
// CHECK-NEXT: %[[V:.*]] = arith.addi %[[CHUNK]], %[[U]]
// CHECK-NEXT: scf.for %[[I:.*]] = %c0 to %[[FOURS]] step %c4 {
// CHECK-NEXT: nn.microkernel dense at[%c0, %[[V]]] column(%[[I]]) {{.*}} tiling = #nn.tiling<ku = 1, {{.*}}>, width = 4
// CHECK: %[[TWOS:.*]] = arith.andi %[[N]], %c-2
// CHECK-NEXT: scf.for %[[U:.*]] = %c0 to %c2 step %c2 {
// CHECK-NEXT: %[[V:.*]] = arith.addi %[[CHUNK]], %[[U]]
// CHECK-NEXT: scf.for %[[I:.*]] = %[[FOURS]] to %[[TWOS]] step %c2 {
// CHECK-NEXT: nn.microkernel dense at[%c0, %[[V]]] column(%[[I]]) {{.*}} tiling = #nn.tiling<ku = 2, {{.*}}>, width = 2
func.func private @streams(%x: memref<?x100xf32>, %w: memref<12x7x1x16x8xf32>, %y: memref<?x90xf32>) attributes {nn.kernel} {
  nn.matmul ins(%x, %w : memref<?x100xf32>, memref<12x7x1x16x8xf32>) outs(%y : memref<?x90xf32>)
    attributes {channels = array<i64: 100, 90>, tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1], images = 4, streams = 6>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// One image only: no choice.
// CHECK-LABEL: func private @one_image(
// CHECK: scf.forall (%[[I:.*]], %[[G:.*]]) in (1, 4) {
// CHECK-NEXT: %[[FIRST:.*]] = arith.muli %[[G]], %c3
// CHECK-NEXT: nn.microkernel dense at[%[[I]], %[[FIRST]]]
func.func private @one_image(%x: memref<1x100xf32>, %w: memref<12x7x1x16x8xf32>, %y: memref<1x90xf32>) attributes {nn.kernel} {
  nn.matmul ins(%x, %w : memref<1x100xf32>, memref<12x7x1x16x8xf32>) outs(%y : memref<1x90xf32>)
    attributes {channels = array<i64: 100, 90>, tiling = #nn.tiling<ku = 3, unroll = 4, merge = 1, segments = [1], streams = 3>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
