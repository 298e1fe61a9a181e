// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// A tile fetches its pixels' share of what is fetched while its operation runs: of its own weights, and of those behind them.

// 192 lines of its own by 3 groups of 4 pixels: 16 each. The tile covers all 4 pixels, in 16 iterations of 4 lines. Behind them 96: 2 lines.
// CHECK-LABEL: func private @ahead(
// CHECK: %[[W:.*]] = memref.reinterpret_cast %arg1 {{.*}} to memref<?xf32>
// CHECK: arith.divui %{{.*}}, %c12
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-6: memref.prefetch %[[W]][%{{.*}}], read, locality<2>, data : memref<?xf32>
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func private @ahead(%x: memref<1x4x4x16xf32>, %w: memref<3x4x1x16x16xf32>, %y: memref<1x3x4x16xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<1x4x4x16xf32>) weights(%w : memref<3x4x1x16x16xf32>) outs(%y : memref<1x3x4x16xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 64, 48>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [4], prefetch = [0, 288]>, width = 4 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// CHECK-LABEL: func private @none(
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func private @none(%x: memref<1x4x4x16xf32>, %w: memref<3x4x1x16x16xf32>, %y: memref<1x3x4x16xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<1x4x4x16xf32>) weights(%w : memref<3x4x1x16x16xf32>) outs(%y : memref<1x3x4x16xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 64, 48>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [4]>, width = 4 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Channel by channel: 6 lines by 2 groups of 4 pixels, 3 for the tile, one in each of 3 elements of the window; 12 behind them, 2 in each.
// CHECK-LABEL: func private @channelwise(
// CHECK-COUNT-3: memref.prefetch %{{.*}}, read, locality<2>, data : memref<?xf32>
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func private @channelwise(%x: memref<1x2x6x16xf32>, %w: memref<2x1x3x1x16xf32>, %y: memref<1x2x4x16xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel depthwise at[%i, %g] column(%col) ins(%x : memref<1x2x6x16xf32>) weights(%w : memref<2x1x3x1x16xf32>) outs(%y : memref<1x2x4x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 32, 32>,
    groups = 32 : i64, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [4], prefetch = [0, 18]>, width = 4 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// No more channels than one iteration holds: 18 lines by 2 groups of 4 pixels, 9 for the tile, 3 in each element of the window.
// CHECK-LABEL: func private @few(
// CHECK-COUNT-3: memref.prefetch %{{.*}}, read, locality<2>, data : memref<?xf32>
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func private @few(%x: memref<1x3x6xf32>, %w: memref<2x1x3x3x16xf32>, %y: memref<1x2x4x16xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<1x3x6xf32>) weights(%w : memref<2x1x3x3x16xf32>) outs(%y : memref<1x2x4x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 3, 32>,
    tiling = #nn.tiling<ku = 1, unroll = 3, merge = 1, segments = [4], prefetch = [0, 18]>, width = 4 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// 12 lines by 3 groups of 4 pixels, 4 for the tile, which has 16 innermost iterations in 4 blocks of channels: one in each block, behind its loop.
// CHECK-LABEL: func private @sparse(
// CHECK: scf.for
// CHECK: scf.for
// CHECK: scf.yield
// CHECK: memref.prefetch
// CHECK: scf.yield
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func private @sparse(%x: memref<1x4x4x16xf32>, %w: memref<3x4x1x16x16xf32>, %y: memref<1x3x4x16xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<1x4x4x16xf32>) weights(%w : memref<3x4x1x16x16xf32>) outs(%y : memref<1x3x4x16xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 64, 48>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [4], prefetch = [64, 76]>, width = 4 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
