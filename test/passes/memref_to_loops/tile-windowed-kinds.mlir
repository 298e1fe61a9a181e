// RUN: lathe-opt %s --lathe-tile-windowed | FileCheck %s
// Each windowed operation in any number of dimensions; what the register tile takes over from it.

#t = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [3]>

// A pool has no weights: its groups are the channel blocks by ku.
// CHECK-LABEL: func private @pool(
// CHECK: scf.forall ({{.*}}) in (2, 4, 3) {
// CHECK: nn.microkernel sum {{.*}} ins(%arg0 : memref<2x6x9x7x8xf32>) outs(%arg1 : memref<2x6x4x3x8xf32>)
// CHECK-SAME: channels = array<i64: 45, 45>, count_include_pad, {{.*}} strides = array<i64: 2, 2>, {{.*}} window = array<i64: 3, 3>
func.func private @pool(%x: memref<2x6x9x7x8xf32>, %y: memref<2x6x4x3x8xf32>) attributes {nn.kernel} {
  nn.pool avg ins(%x : memref<2x6x9x7x8xf32>) outs(%y : memref<2x6x4x3x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, count_include_pad,
    channels = 45 : i64, tiling = #t} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// CHECK-LABEL: func private @max_pool(
// CHECK: nn.microkernel max
// CHECK-NOT: count_include_pad
// CHECK: return
func.func private @max_pool(%x: memref<2x6x9x7x8xf32>, %y: memref<2x6x4x3x8xf32>) attributes {nn.kernel} {
  nn.pool max ins(%x : memref<2x6x9x7x8xf32>) outs(%y : memref<2x6x4x3x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 45 : i64,
    tiling = #t} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// A matrix multiplication has one spatial dimension, its rows: no outer rows, no window range. Extra operands and the epilogue come along.
// CHECK-LABEL: func private @matmul(
// CHECK: scf.forall (%[[I:.*]], %[[G:.*]]) in (%{{.*}}, 3) {
// CHECK-NEXT: nn.microkernel dense at[%[[I]], %[[G]]] column(%c0) ins(%arg0 : memref<?x3x20xf32>) weights(%arg1 : {{.*}}) extras(%arg2 : memref<48xf32>)
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[BIAS:.*]]: f32):
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[ACC]], %[[BIAS]] : f32
// CHECK-NEXT: nn.yield %[[SUM]] : f32
func.func private @matmul(%x: memref<?x3x20xf32>, %w: memref<3x3x1x8x16xf32>, %b: memref<48xf32>, %y: memref<?x3x40xf32>) attributes {nn.kernel} {
  nn.matmul ins(%x, %w : memref<?x3x20xf32>, memref<3x3x1x8x16xf32>) extras(%b : memref<48xf32>) outs(%y : memref<?x3x40xf32>)
    attributes {channels = array<i64: 20, 40>, tiling = #t} epilogue {
  ^bb0(%acc: f32, %bias: f32):
    %0 = arith.addf %acc, %bias : f32
    nn.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func private @conv1d(
// CHECK: scf.forall (%[[I:.*]], %[[G:.*]]) in (2, 1) {
// CHECK-NEXT: nn.microkernel dense at[%[[I]], %[[G]]] column(%c0) ins(
func.func private @conv1d(%x: memref<2x1x5x8xf32>, %w: memref<1x1x3x8x16xf32>, %y: memref<2x2x3x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<2x1x5x8xf32>, memref<1x1x3x8x16xf32>) outs(%y : memref<2x2x3x8xf32>)
    attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 8, 16>,
    tiling = #t} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// CHECK-LABEL: func private @conv3d(
// CHECK: scf.forall (%[[I:.*]], %[[G:.*]], %[[D:.*]], %[[H:.*]]) in (2, 1, 4, 5) {
// CHECK: nn.microkernel dense at[%[[I]], %[[G]]] rows(%[[D]], %[[H]]) column(%c0) window(%[[D]], %[[H]] from %c0, %c0 to %c2, %c1)
func.func private @conv3d(%x: memref<2x1x5x5x3x8xf32>, %w: memref<1x1x2x1x1x8x16xf32>, %y: memref<2x2x4x5x3x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<2x1x5x5x3x8xf32>, memref<1x1x2x1x1x8x16xf32>) outs(%y : memref<2x2x4x5x3x8xf32>)
    attributes {strides = array<i64: 1, 1, 1>, dilations = array<i64: 1, 1, 1>, pads = array<i64: 0, 0, 0, 0, 0, 0>, groups = 1 : i64,
    channels = array<i64: 8, 16>, tiling = #t} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Only kernels are tiled: before they are outlined, an operation may still change place.
// CHECK-LABEL: func @main(
// CHECK-NEXT: nn.pool max
func.func @main(%x: memref<2x6x9x7x8xf32>, %y: memref<2x6x4x3x8xf32>) {
  nn.pool max ins(%x : memref<2x6x9x7x8xf32>) outs(%y : memref<2x6x4x3x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 45 : i64,
    tiling = #t} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Weights of more than twice the input and the output together, 2304 numbers to 1968: threads share groups.
// CHECK-LABEL: func private @groups_shared(
// CHECK: scf.forall (%{{.*}}, %[[G:.*]], %[[ROW:.*]]) in (2, 2, 5) {
// CHECK: nn.microkernel dense at[%{{.*}}, %[[G]]] rows(%[[ROW]])
// CHECK-NOT: nn.last_outside
// CHECK: return
func.func private @groups_shared(%x: memref<2x16x7x7xf32>, %w: memref<2x1x3x3x16x8xf32>, %y: memref<2x2x5x5x8xf32>) attributes {nn.kernel} {
  nn.conv ins(%x, %w : memref<2x16x7x7xf32>, memref<2x1x3x3x16x8xf32>) outs(%y : memref<2x2x5x5x8xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 16>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [5]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
