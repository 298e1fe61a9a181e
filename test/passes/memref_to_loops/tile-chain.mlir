// RUN: lathe-opt %s --split-input-file --verify-diagnostics --lathe-tile-windowed -canonicalize | FileCheck %s
// Operations in a scope with nn.rows: a loop over images and blocks of rows, and in it the rows of each that the block needs and the one before it has not
// computed.

#t5 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [5]>
#t3 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [3]>

// Two rows of 9 by 3 pixels, with steps of 2 and a window of 3, need 5 rows of the map between: 25 pixels, an odd number, for each block of channels.
// CHECK-LABEL: func private @strided(
// CHECK-SAME: %[[X:.*]]: memref<?x1x9x5x16xf32>, %[[W:.*]]: memref<2x1x1x1x16x16xf32>, %[[V:.*]]: memref<2x1x3x3x1x16xf32>, %[[Y:.*]]: memref<?x2x5x3x16xf32>)
// CHECK: %[[MEMORY:.*]] = nn.scratch 0 : memref<800xf32>
// CHECK-NEXT: %[[MAP:.*]] = memref.reinterpret_cast %[[MEMORY]] to offset: [0], sizes: [1, 2, 9, 5, 16], strides: [0, 400, 80, 16, 1]
// CHECK: scf.forall (%[[I:.*]], %[[BLOCK:.*]]) in (%{{.*}}, 3) {
// A block that is the first of an image or of a thread's part begins where its window does, the others where the block before them ended.
// CHECK-NEXT: %[[TOP:.*]] = arith.cmpi eq, %[[BLOCK]], %c0
// CHECK-NEXT: %[[IMAGES:.*]] = arith.muli %[[I]], %c3
// CHECK-NEXT: %[[NUMBER:.*]] = arith.addi %[[IMAGES]], %[[BLOCK]]
// CHECK-NEXT: %[[FIRST:.*]] = nn.range_begin
// CHECK-NEXT: %[[BEGIN:.*]] = arith.cmpi eq, %[[NUMBER]], %[[FIRST]]
// CHECK-NEXT: %[[ALONE:.*]] = arith.ori %[[TOP]], %[[BEGIN]]
// CHECK-NEXT: %[[FROM:.*]] = arith.muli %[[BLOCK]], %c2
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[FROM]], %c2
// CHECK-NEXT: %[[TO:.*]] = arith.minsi %[[NEXT]], %c5
// CHECK: %[[DONE:.*]] = arith.select %[[ALONE]], %c0,
// CHECK-NEXT: %[[FROM1:.*]] = arith.maxsi %{{.*}}, %[[DONE]]
// CHECK-NEXT: scf.for %[[G:.*]] = %c0 to %c2 step %c1 {
// CHECK-NEXT: scf.for %[[ROW:.*]] = %[[FROM1]] to %{{.*}} step %c1 {
// CHECK-NEXT: nn.microkernel dense at[%[[I]], %[[G]]] rows(%[[ROW]]) column(%c0) {{.*}} ins(%[[X]] : {{.*}} outs(%[[MAP]] : {{.*}} ring = array<i64: 0, 5>
// CHECK: scf.for %[[G2:.*]] = %c0 to %c2 step %c1 {
// CHECK-NEXT: scf.for %[[ROW2:.*]] = %[[FROM]] to %[[TO]] step %c1 {
// CHECK: nn.microkernel depthwise at[%[[I]], %[[G2]]] rows(%[[ROW2]]) {{.*}} ins(%[[MAP]] : {{.*}} outs(%[[Y]] : {{.*}} ring = array<i64: 5, 0>
// CHECK-NOT: memref.alloca
// CHECK: return
func.func private @strided(%x: memref<?x1x9x5x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %y: memref<?x2x5x3x16xf32>) attributes {nn.kernel} {
  memref.alloca_scope {
    %c0 = arith.constant 0 : index
    %n = memref.dim %y, %c0 : memref<?x2x5x3x16xf32>
    %t = memref.alloca(%n) : memref<?x2x9x5x16xf32>
    nn.conv ins(%x, %w : memref<?x1x9x5x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x9x5x16xf32>)
      attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
      tiling = #t5} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    nn.conv ins(%t, %v : memref<?x2x9x5x16xf32>, memref<2x1x3x3x1x16xf32>) outs(%y : memref<?x2x5x3x16xf32>)
      attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 32 : i64, channels = array<i64: 32, 32>,
      tiling = #t3} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } {nn.rows = 2 : i64}
  return
}

// Maps whose rows are all in memory are no rings; one behind the other begins at a multiple of 64 bytes.
// CHECK-LABEL: func private @three(
// CHECK: nn.scratch 0 : memref<80xf32>
// CHECK: nn.scratch 320 : memref<48xf32>
// CHECK-COUNT-3: nn.microkernel max
// CHECK-NOT: ring
// CHECK: return
func.func private @three(%x: memref<2x1x4x1x16xf32>, %y: memref<2x1x2x1x16xf32>) attributes {nn.kernel} {
  memref.alloca_scope {
    %t = memref.alloca() : memref<2x1x4x1x16xf32>
    %u = memref.alloca() : memref<2x1x3x1x16xf32>
    nn.pool max ins(%x : memref<2x1x4x1x16xf32>) outs(%t : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    nn.pool max ins(%t : memref<2x1x4x1x16xf32>) outs(%u : memref<2x1x3x1x16xf32>)
      attributes {window = array<i64: 2, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    nn.pool max ins(%u : memref<2x1x3x1x16xf32>) outs(%y : memref<2x1x2x1x16xf32>)
      attributes {window = array<i64: 2, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } {nn.rows = 2 : i64}
  return
}

// -----

func.func private @merged(%x: memref<2x1x4x1x16xf32>, %y: memref<2x1x4x1x16xf32>) attributes {nn.kernel} {
  memref.alloca_scope {
    %t = memref.alloca() : memref<2x1x4x1x16xf32>
    // expected-error @+1 {{expects a tiling of single rows and images in a chain (got #nn.tiling<ku = 1, unroll = 1, merge = 2, segments = [2]>)}}
    nn.pool max ins(%x : memref<2x1x4x1x16xf32>) outs(%t : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 2, segments = [2]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    nn.pool max ins(%t : memref<2x1x4x1x16xf32>) outs(%y : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } {nn.rows = 1 : i64}
  return
}

// -----

func.func private @no_rows(%x: memref<2x1x4x1x16xf32>, %y: memref<2x1x4x1x16xf32>) attributes {nn.kernel} {
  memref.alloca_scope {
    %t = memref.alloca() : memref<2x1x4x1x16xf32>
    nn.pool max ins(%x : memref<2x1x4x1x16xf32>) outs(%t : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    // expected-error @+1 {{expects a chain to compute at least one row at a time (got 0)}}
    nn.pool max ins(%t : memref<2x1x4x1x16xf32>) outs(%y : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } {nn.rows = 0 : i64}
  return
}
