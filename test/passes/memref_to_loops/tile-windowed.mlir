// RUN: lathe-opt %s --lathe-tile-windowed | FileCheck %s
// Register tiles over a line: loops over image, channel group and rows; the window is clipped per outer dimension, a line is covered by its segments.

#s2 = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [10, 10, 10]>
#s4 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [7, 7, 7, 6]>

// The batch is read from the destination; two groups of ku = 2 vectors; both ends of a line touch the padding and its middle does not.
// CHECK-LABEL: func private @padded(
// CHECK-SAME: %[[X:.*]]: memref<?x2x28x30x16xf32>, %[[W:.*]]: memref<2x2x3x3x16x32xf32>, %[[Y:.*]]: memref<?x4x28x30x16xf32>)
// CHECK-DAG: %[[M1:.*]] = arith.constant -1 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
// CHECK-DAG: %[[C10:.*]] = arith.constant 10 : index
// CHECK-DAG: %[[C20:.*]] = arith.constant 20 : index
// CHECK-DAG: %[[C28:.*]] = arith.constant 28 : index
// CHECK: %[[N:.*]] = memref.dim %[[Y]], %[[C0]]
// The weights are less than the input: threads share rows.
// CHECK: scf.forall (%[[I:.*]], %[[ROW:.*]], %[[G:.*]]) in (%[[N]], 28, 2) {
// CHECK-NEXT: %[[FIRST:.*]] = arith.addi %[[ROW]], %[[M1]]
// CHECK-NEXT: %[[ABOVE:.*]] = arith.subi %[[C0]], %[[FIRST]]
// CHECK-NEXT: %[[BEGIN:.*]] = arith.maxsi %[[ABOVE]], %[[C0]]
// CHECK-NEXT: %[[LEFT:.*]] = arith.subi %[[C28]], %[[FIRST]]
// CHECK-NEXT: %[[END:.*]] = arith.minsi %[[LEFT]], %[[C3]]
// CHECK-NEXT: nn.microkernel dense at[%[[I]], %[[G]]] rows(%[[ROW]]) column(%[[C0]]) window(%[[FIRST]] from %[[BEGIN]] to %[[END]])
// CHECK-SAME: ins(%[[X]] : {{.*}}) weights(%[[W]] : {{.*}}) outs(%[[Y]] : {{.*}}) attributes {channels = array<i64: 32, 64>, dilations = array<i64: 1, 1>, edge, first_column = 0
// CHECK: nn.microkernel dense {{.*}} column(%[[C10]]) {{.*}} dilations = array<i64: 1, 1>, first_column = 10
// CHECK: nn.microkernel dense {{.*}} column(%[[C20]]) {{.*}} dilations = array<i64: 1, 1>, edge, first_column = 20
// CHECK-NOT: nn.microkernel
// CHECK: return
func.func private @padded(%x: memref<?x2x28x30x16xf32>, %w: memref<2x2x3x3x16x32xf32>, %y: memref<?x4x28x30x16xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<?x2x28x30x16xf32>, memref<2x2x3x3x16x32xf32>) outs(%y : memref<?x4x28x30x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 32, 64>,
    tiling = #s2} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Equal tiles without a border become a loop; the batch is fixed; nothing is clipped where nothing is padded.
// CHECK-LABEL: func private @run(
// CHECK: scf.forall (%{{.*}}, %[[ROW:.*]], %{{.*}}) in (5, 9, 3) {
// CHECK-NEXT: scf.for %[[T:.*]] = %c0 to %c3 step %c1 {
// CHECK-NEXT: %[[COLUMN:.*]] = arith.muli %[[T]], %c7
// CHECK-NEXT: nn.microkernel dense {{.*}} rows(%[[ROW]]) column(%[[COLUMN]]) window(%[[ROW]] from %c0 to %c3) {{.*}} first_column = 0 {{.*}} width = 7
// CHECK: nn.microkernel dense {{.*}} column(%c21) {{.*}} first_column = 21 {{.*}} width = 6
// CHECK-NOT: edge
func.func private @run(%x: memref<5x1x11x29x8xf32>, %w: memref<3x1x3x3x8x8xf32>, %y: memref<5x3x9x27x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<5x1x11x29x8xf32>, memref<3x1x3x3x8x8xf32>) outs(%y : memref<5x3x9x27x8xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 24>,
    tiling = #s4} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Merged lines: the forall counts pairs of rows, and a tile may run over the end of the first.
// CHECK-LABEL: func private @merged(
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %[[PAIR:.*]]) in (%{{.*}}, 1, 3) {
// CHECK-NEXT: %[[ROW:.*]] = arith.muli %[[PAIR]], %c2
// CHECK-NEXT: nn.microkernel dense {{.*}} rows(%[[ROW]]) column(%c0) window(%[[ROW]] from %c0 to %c1) {{.*}} width = 8
// CHECK-NEXT: ^bb0
// CHECK: nn.microkernel dense {{.*}} rows(%[[ROW]]) column(%c8) {{.*}} first_column = 8 {{.*}} width = 6
// CHECK-NOT: edge
func.func private @merged(%x: memref<?x1x6x7x8xf32>, %w: memref<1x1x1x1x8x8xf32>, %y: memref<?x1x6x7x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<?x1x6x7x8xf32>, memref<1x1x1x1x8x8xf32>) outs(%y : memref<?x1x6x7x8xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 8>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 2, segments = [8, 6]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// A line that is most of the image is cut into pieces, of at least 2^18 multiply-adds each: a piece is its share of each run of equal tiles.
// CHECK-LABEL: func private @pieces(
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %{{.*}}, %[[PIECE:.*]]) in (%{{.*}}, 1, 1, 3) {
// CHECK: %[[P5:.*]] = arith.muli %[[PIECE]], %c5
// CHECK-NEXT: %[[FROM:.*]] = arith.divui %[[P5]], %c3
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[PIECE]], %c1
// CHECK-NEXT: %[[N5:.*]] = arith.muli %[[NEXT]], %c5
// CHECK-NEXT: %[[TO:.*]] = arith.divui %[[N5]], %c3
// CHECK-NEXT: scf.for %[[T:.*]] = %[[FROM]] to %[[TO]] step %c1 {
// CHECK-NEXT: %[[COLUMN:.*]] = arith.muli %[[T]], %c12
// CHECK-NEXT: nn.microkernel dense {{.*}} column(%[[COLUMN]]) {{.*}} width = 12
// CHECK: %[[AFTER:.*]] = arith.addi %[[PIECE]], %c1
// CHECK-NEXT: scf.for %{{.*}} = %[[PIECE]] to %[[AFTER]] step %c1 {
// CHECK: nn.microkernel dense {{.*}} first_column = 60 {{.*}} width = 11
func.func private @pieces(%x: memref<?x40x3x31x16xf32>, %w: memref<1x40x1x1x16x16xf32>, %y: memref<?x1x3x31x16xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<?x40x3x31x16xf32>, memref<1x40x1x1x16x16xf32>) outs(%y : memref<?x1x3x31x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 640, 16>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 3, segments = [12, 12, 12, 12, 12, 11, 11, 11]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
