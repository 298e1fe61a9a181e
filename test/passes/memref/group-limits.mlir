// RUN: lathe-opt %s --lathe-group --remarks-filter=lathe-group --remark-format=emitRemark --verify-diagnostics --split-input-file | FileCheck %s
// What keeps windowed operations apart: a map that stays near, rows or weights that do not, an algorithm that does not go by rows.

#t8 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>

// The same in a larger cache.
module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 512, registers = 32, fmaPerCycle = 2,
  loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 4096, l2Bytes = 65536, l3BytesPerCycle = 10, memoryBytesPerCycle = 4>} {
// CHECK-LABEL: func @near(
// CHECK-NOT: memref.alloca
func.func @near(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %y: memref<?x2x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{not computed with what reads it: the map stays in the near caches anyway}}
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
  return
}
}

// -----

#t8 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>

// Three rows of the map are more than a quarter of the second level.
module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 512, registers = 32, fmaPerCycle = 2,
  loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 4096, l2Bytes = 8192, l3BytesPerCycle = 10, memoryBytesPerCycle = 4>} {
// CHECK-LABEL: func @too_wide(
// CHECK-NOT: memref.alloca
func.func @too_wide(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x1x3x3x1x16xf32>, %y: memref<?x2x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{not computed with what reads it: a row is more than a part of the second cache level}}
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
  return
}
}

// -----

#t8 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>

// 36 KiB of weights.
module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 512, registers = 32, fmaPerCycle = 2,
  loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 4096, l2Bytes = 32768, l3BytesPerCycle = 10, memoryBytesPerCycle = 4>} {
// CHECK-LABEL: func @far_weights(
// CHECK-NOT: memref.alloca
func.func @far_weights(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<2x2x3x3x16x16xf32>, %y: memref<?x2x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{not computed with what reads it: every block of rows would read its weights again}}
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%t, %v : memref<?x2x24x8x16xf32>, memref<2x2x3x3x16x16xf32>) outs(%y : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 32, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
}

// -----

#f43 = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [2, 2, 2, 2, 2, 2], winograd = [4, 4]>
#t8 = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>

// Winograd's algorithm goes through blocks of tiles.
module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 512, registers = 32, fmaPerCycle = 2,
  loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 4096, l2Bytes = 32768, l3BytesPerCycle = 10, memoryBytesPerCycle = 4>} {
// CHECK-LABEL: func @winograd(
// CHECK-NOT: memref.alloca
func.func @winograd(%x: memref<?x1x24x8x16xf32>, %w: memref<2x1x1x1x16x16xf32>, %v: memref<1x6x6x32x32xf32>, %y: memref<?x2x24x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x2x24x8x16xf32>
  // expected-remark @+1 {{not computed with what reads it: it is not computed row by row}}
  nn.conv ins(%x, %w : memref<?x1x24x8x16xf32>, memref<2x1x1x1x16x16xf32>) outs(%t : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 32>,
    tiling = #t8} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.conv ins(%t, %v : memref<?x2x24x8x16xf32>, memref<1x6x6x32x32xf32>) outs(%y : memref<?x2x24x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 32, 32>,
    tiling = #f43} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
}
