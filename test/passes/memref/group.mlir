// RUN: lathe-opt %s --lathe-group --remarks-filter=lathe-group --remark-format=emitRemark --verify-diagnostics | FileCheck %s
// Windowed operations in a row are one kernel, a block of rows at a time, if what passes between them is too much for the second cache level.

#t8 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>
#t4 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [4]>
#merged = #nn.tiling<ku = 1, unroll = 4, merge = 4, segments = [8, 8, 8, 8], images = 1>

// A map of two vectors of channels is 24 KiB, more than half of the second level, and 1 KiB a row. A quarter of that level, 8 KiB, holds 7 rows, from which 5
// rows of the depthwise convolution are computed; 24 rows are cut into 5 blocks of that.
module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 512, registers = 32, fmaPerCycle = 2,
  loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 4096, l2Bytes = 32768, l3BytesPerCycle = 10, memoryBytesPerCycle = 4>} {
// CHECK-LABEL: func @pair(
// CHECK-SAME: %[[X:.*]]: memref<?x1x24x8x16xf32>, %[[W:.*]]: memref<2x1x1x1x16x16xf32>, %[[V:.*]]: memref<2x1x3x3x1x16xf32>, %[[Y:.*]]: memref<?x2x24x8x16xf32>,
// CHECK-NOT: memref.alloc(
// CHECK: memref.alloca_scope {
// CHECK-NEXT: %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[N:.*]] = memref.dim %[[Y]], %[[C0]]
// CHECK-NEXT: %[[T:.*]] = memref.alloca(%[[N]]) : memref<?x2x24x8x16xf32>
// Merged rows are rows again.
// CHECK-NEXT: nn.conv ins(%[[X]], %[[W]] : {{.*}}) outs(%[[T]] : {{.*}} tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>}
// CHECK: nn.conv ins(%[[T]], %[[V]] : {{.*}}) outs(%[[Y]] :
// CHECK: } {nn.rows = 5 : i64}
func.func @pair(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %y: memref<?x2x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{2 operations are one kernel, 5 rows of 24 at a time; 24 KiB between them stay near, in 8 KiB of scratch memory}}
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #merged} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%t, %v : memref<?x2x24x8x16xf32>, memref<2x1x3x3x1x16xf32>) outs(%y : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 32 : i64, channels = array<i64: 32, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Three in a row; the operation between two of them writes nothing that they read. Rows of both maps have to fit.
// CHECK-LABEL: func @three(
// CHECK: nn.copy
// CHECK: memref.alloca_scope {
// CHECK-COUNT-2: memref.alloca(
// CHECK-COUNT-3: nn.conv
// CHECK: } {nn.rows = 2 : i64}
func.func @three(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %p: memref<1x2x1x1x16x16xf32>, %y: memref<?x1x24x8x16xf32>, %z: memref<?x1x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  %u = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{3 operations are one kernel, 2 rows of 24 at a time}}
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.copy %x to %z because "test" : memref<?x1x24x8x16xf32>, memref<?x1x24x8x16xf32>
  nn.conv ins(%t, %v : memref<?x2x24x8x16xf32>, memref<2x1x3x3x1x16xf32>) outs(%u : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 32 : i64, channels = array<i64: 32, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%u, %p : memref<?x2x24x8x16xf32>, memref<1x2x1x1x16x16xf32>) outs(%y : memref<?x1x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 32, 16>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Others read the map too: it has to be in memory, and nothing is said.
// CHECK-LABEL: func @read_again(
// CHECK-NOT: memref.alloca
func.func @read_again(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %y: memref<?x2x24x8x16xf32>, %z: memref<?x2x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%t, %v : memref<?x2x24x8x16xf32>, memref<2x1x3x3x1x16xf32>) outs(%y : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 32 : i64, channels = array<i64: 32, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.copy %t to %z because "test" : memref<?x2x24x8x16xf32>, memref<?x2x24x8x16xf32>
  return
}

// The second reads the map as an operand of its epilogue.
// CHECK-LABEL: func @as_residual(
// CHECK-NOT: memref.alloca
func.func @as_residual(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %y: memref<?x2x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) extras(%t : memref<?x2x24x8x16xf32>) outs(%y : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32, %e: f32):
    nn.yield %acc : f32
  }
  return
}

// What the first reads is overwritten before the second runs.
// CHECK-LABEL: func @overwritten(
// CHECK-NOT: memref.alloca
func.func @overwritten(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %y: memref<?x2x24x8x16xf32>, %z: memref<?x1x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{not computed with what reads it: other operations between the two write what it reads}}
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.copy %z to %x because "test" : memref<?x1x24x8x16xf32>, memref<?x1x24x8x16xf32>
  nn.conv ins(%t, %v : memref<?x2x24x8x16xf32>, memref<2x1x3x3x1x16xf32>) outs(%y : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 32 : i64, channels = array<i64: 32, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Later blocks would read what earlier ones have written.
// CHECK-LABEL: func @in_place(
// CHECK-NOT: memref.alloca
func.func @in_place(%x: memref<?x2x24x8x16xf32>, %w: memref<2x2x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{not computed with what reads it: the last operation writes into a buffer that the first one reads}}
  nn.conv ins(%x, %w : memref<?x2x24x8x16xf32>, memref<2x2x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 32, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%t, %v : memref<?x2x24x8x16xf32>, memref<2x1x3x3x1x16xf32>) outs(%x : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 32 : i64, channels = array<i64: 32, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Written at the operation: apart in any case, or together in any case, also where the map is small.
// CHECK-LABEL: func @by_hand(
// CHECK-COUNT-2: nn.conv
// CHECK: memref.alloca_scope
// CHECK-COUNT-2: nn.conv
// CHECK-NOT: nn.rows
// CHECK: } {nn.rows = 3 : i64}
func.func @by_hand(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %y: memref<?x2x24x8x16xf32>, %a: memref<?x1x4x4x16xf32>, %b: memref<1x1x3x3x1x16xf32>, %c: memref<?x1x4x4x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{not computed with what reads it: that is written at it}}
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%t, %v : memref<?x2x24x8x16xf32>, memref<2x1x3x3x1x16xf32>) outs(%y : memref<?x2x24x8x16xf32>)
    attributes {nn.rows = 0 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 32 : i64, channels = array<i64: 32, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  %s = memref.alloc(%n) : memref<?x1x4x4x16xf32>
  // expected-remark @+1 {{2 operations are one kernel, 3 rows of 4 at a time}}
  nn.conv ins(%a, %b : memref<?x1x4x4x16xf32>, memref<1x1x3x3x1x16xf32>) outs(%s : memref<?x1x4x4x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 16 : i64, channels = array<i64: 16, 16>,
    tiling = #t4} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%s, %b : memref<?x1x4x4x16xf32>, memref<1x1x3x3x1x16xf32>) outs(%c : memref<?x1x4x4x16xf32>)
    attributes {nn.rows = 3 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 16 : i64, channels = array<i64: 16, 16>,
    tiling = #t4} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
}
