// RUN: lathe-opt %s --lathe-tile-windowed | FileCheck %s
// The clipped range of window elements with strides, dilations and one-sided padding.

#t = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [5]>

// Row r starts at 2 r - 4; elements lie 3 apart: from ceil(-start / 3) to ceil((12 - start) / 3).
// CHECK-LABEL: func private @dilated(
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %[[ROW:.*]]) in (2, 1, 7) {
// CHECK-NEXT: %[[TWICE:.*]] = arith.muli %[[ROW]], %c2
// CHECK-NEXT: %[[FIRST:.*]] = arith.addi %[[TWICE]], %c-4
// CHECK-NEXT: %[[ABOVE:.*]] = arith.subi %c0, %[[FIRST]]
// CHECK-NEXT: %[[ELEMENTS:.*]] = arith.ceildivsi %[[ABOVE]], %c3
// CHECK-NEXT: %[[BEGIN:.*]] = arith.maxsi %[[ELEMENTS]], %c0
// CHECK-NEXT: %[[ROOM:.*]] = arith.subi %c12, %[[FIRST]]
// CHECK-NEXT: %[[REST:.*]] = arith.ceildivsi %[[ROOM]], %c3
// CHECK-NEXT: %[[END:.*]] = arith.minsi %[[REST]], %c3
// CHECK-NEXT: nn.microkernel dense {{.*}} window(%[[FIRST]] from %[[BEGIN]] to %[[END]])
func.func private @dilated(%x: memref<2x1x12x5x8xf32>, %w: memref<1x1x3x1x8x8xf32>, %y: memref<2x1x7x5x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<2x1x12x5x8xf32>, memref<1x1x3x1x8x8xf32>) outs(%y : memref<2x1x7x5x8xf32>)
    attributes {strides = array<i64: 2, 1>, dilations = array<i64: 3, 1>, pads = array<i64: 4, 0, 3, 0>, groups = 1 : i64, channels = array<i64: 8, 8>,
    tiling = #t} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Only the side that is padded is clipped.
// CHECK-LABEL: func private @below(
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %[[ROW:.*]]) in (2, 1, 6) {
// CHECK-NEXT: %[[ROOM:.*]] = arith.subi %c6, %[[ROW]]
// CHECK-NEXT: %[[END:.*]] = arith.minsi %[[ROOM]], %c3
// CHECK-NEXT: nn.microkernel dense {{.*}} window(%[[ROW]] from %c0 to %[[END]])
func.func private @below(%x: memref<2x1x6x5x8xf32>, %w: memref<1x1x3x1x8x8xf32>, %y: memref<2x1x6x5x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<2x1x6x5x8xf32>, memref<1x1x3x1x8x8xf32>) outs(%y : memref<2x1x6x5x8xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 2, 0>, groups = 1 : i64, channels = array<i64: 8, 8>,
    tiling = #t} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// A stride may leave the padding unread: no clipping, no edge.
// CHECK-LABEL: func private @unread(
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %[[ROW:.*]]) in (2, 1, 3) {
// CHECK-NEXT: %[[FIRST:.*]] = arith.muli %[[ROW]], %c2
// CHECK-NEXT: nn.microkernel dense {{.*}} window(%[[FIRST]] from %c0 to %c1)
// CHECK-NOT: edge
// CHECK: return
func.func private @unread(%x: memref<2x1x5x9x8xf32>, %w: memref<1x1x1x1x8x8xf32>, %y: memref<2x1x3x5x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<2x1x5x9x8xf32>, memref<1x1x1x1x8x8xf32>) outs(%y : memref<2x1x3x5x8xf32>)
    attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 1>, groups = 1 : i64, channels = array<i64: 8, 8>,
    tiling = #t} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
