// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// A tile fetches its pixels' share of the next group's weights: one line in each iteration of the innermost loop, whose first is that of its first pixel.

// A group has 64 channels of 16 weights, 1024 elements; 4 pixels: 256 elements, 16 lines, each. The tile covers all 4, in 16 iterations of 4 lines.
// CHECK-LABEL: func private @ahead(
// CHECK: %[[W:.*]] = memref.reinterpret_cast %arg1 {{.*}} to memref<?xf32>
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-4: memref.prefetch %[[W]][%{{.*}}], read, locality<2>, data : memref<?xf32>
// CHECK-NOT: memref.prefetch
// CHECK: return
func.func private @ahead(%x: memref<1x4x4x16xf32>, %w: memref<3x4x1x16x16xf32>, %y: memref<1x3x4x16xf32>, %i: index, %g: index, %col: index) {
  nn.microkernel dense at[%i, %g] column(%col) ins(%x : memref<1x4x4x16xf32>) weights(%w : memref<3x4x1x16x16xf32>) outs(%y : memref<1x3x4x16xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 64, 48>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [4], prefetch = 4>, width = 4 : i64, first_column = 0 : i64} epilogue {
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
