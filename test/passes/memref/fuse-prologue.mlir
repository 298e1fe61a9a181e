// RUN: lathe-opt %s --lathe-fuse-prologue --remarks-filter=lathe-fuse-prologue --remark-format=emitRemark --verify-diagnostics | FileCheck %s
// An elementwise operation that only a pointwise convolution reads joins it; as many rows of it as fit are computed at a time.

#id = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
#channel = affine_map<(d0, d1, d2, d3, d4) -> (d1, 0, 0, d4)>
#all = #nn.tiling<ku = 1, unroll = 4, merge = 8, segments = [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]>
#rows = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>

// A row of 8 pixels by 64 channels is 2 KiB; a quarter of the second level, 8 KiB, holds four, which fill 8 tiles of 4 pixels.
module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 512, registers = 32, fmaPerCycle = 2,
  loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 4096, l2Bytes = 32768, l3BytesPerCycle = 10, memoryBytesPerCycle = 4>} {
// CHECK-LABEL: func @fused(
// CHECK-SAME: %[[X:.*]]: memref<?x4x8x8x16xf32>, %[[S:.*]]: memref<4x1x1x16xf32>, %[[W:.*]]: memref<2x4x1x1x16x16xf32>, %[[Y:.*]]: memref<?x2x8x8x16xf32>,
// CHECK: memref.alloca_scope {
// CHECK-NEXT: %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[N:.*]] = memref.dim %[[Y]], %[[C0]]
// CHECK-NEXT: %[[T:.*]] = memref.alloca(%[[N]]) : memref<?x4x8x8x16xf32>
// CHECK-NEXT: linalg.generic {{.*}} ins(%[[X]], %[[S]] : {{.*}}) outs(%[[T]] :
// The body holds its constants.
// CHECK-NEXT: ^bb0
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: arith.maximumf %{{.*}}, %[[ZERO]]
// CHECK: nn.conv ins(%[[T]], %[[W]] : {{.*}}) outs(%[[Y]] : {{.*}} merge = 4, segments = [4, 4, 4, 4, 4, 4, 4, 4]
// CHECK-NOT: memref.alloc(
// CHECK: return
func.func @fused(%x: memref<?x4x8x8x16xf32>, %s: memref<4x1x1x16xf32>, %w: memref<2x4x1x1x16x16xf32>, %y: memref<?x2x8x8x16xf32>, %n: index) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc(%n) : memref<?x4x8x8x16xf32>
  // expected-remark @+1 {{computed by the convolution that reads it, 4 rows at a time}}
  linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
    ins(%x, %s : memref<?x4x8x8x16xf32>, memref<4x1x1x16xf32>) outs(%t : memref<?x4x8x8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.maximumf %0, %zero : f32
    linalg.yield %1 : f32
  }
  nn.conv ins(%t, %w : memref<?x4x8x8x16xf32>, memref<2x4x1x1x16x16xf32>) outs(%y : memref<?x2x8x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 64, 32>,
    tiling = #all} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Others read the value too: it has to be in memory, and nothing is said.
// CHECK-LABEL: func @read_again(
// CHECK-NOT: memref.alloca
func.func @read_again(%x: memref<?x4x8x8x16xf32>, %w: memref<2x4x1x1x16x16xf32>, %y: memref<?x2x8x8x16xf32>, %z: memref<?x4x8x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x4x8x8x16xf32>
  linalg.exp ins(%x : memref<?x4x8x8x16xf32>) outs(%t : memref<?x4x8x8x16xf32>)
  nn.conv ins(%t, %w : memref<?x4x8x8x16xf32>, memref<2x4x1x1x16x16xf32>) outs(%y : memref<?x2x8x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 64, 32>,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.copy %t to %z because "test" : memref<?x4x8x8x16xf32>, memref<?x4x8x8x16xf32>
  return
}

// CHECK-LABEL: func @another_order(
// CHECK-NOT: memref.alloca
func.func @another_order(%x: memref<?x4x8x8x16xf32>, %w: memref<2x4x1x1x16x16xf32>, %y: memref<?x2x8x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x4x8x8x16xf32>
  // expected-remark @+1 {{not computed with the convolution that reads it: it reads an operand in another order}}
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4, d3)>, #id],
    iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
    ins(%x : memref<?x4x8x8x16xf32>) outs(%t : memref<?x4x8x8x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  nn.conv ins(%t, %w : memref<?x4x8x8x16xf32>, memref<2x4x1x1x16x16xf32>) outs(%y : memref<?x2x8x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 64, 32>,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Each line would be written before a later one is read.
// CHECK-LABEL: func @one_buffer(
// CHECK-NOT: memref.alloca
func.func @one_buffer(%x: memref<?x6x8x8x16xf32>, %w: memref<2x4x1x1x16x16xf32>, %n: index) {
  %a = memref.subview %x[0, 0, 0, 0, 0] [%n, 4, 8, 8, 16] [1, 1, 1, 1, 1] : memref<?x6x8x8x16xf32> to memref<?x4x8x8x16xf32, strided<[6144, 1024, 128, 16, 1]>>
  %y = memref.subview %x[0, 4, 0, 0, 0] [%n, 2, 8, 8, 16] [1, 1, 1, 1, 1]
    : memref<?x6x8x8x16xf32> to memref<?x2x8x8x16xf32, strided<[6144, 1024, 128, 16, 1], offset: 4096>>
  %t = memref.alloc(%n) : memref<?x4x8x8x16xf32>
  // expected-remark @+1 {{not computed with the convolution that reads it: the convolution writes into a buffer that it reads}}
  linalg.exp ins(%a : memref<?x4x8x8x16xf32, strided<[6144, 1024, 128, 16, 1]>>) outs(%t : memref<?x4x8x8x16xf32>)
  nn.conv ins(%t, %w : memref<?x4x8x8x16xf32>, memref<2x4x1x1x16x16xf32>) outs(%y : memref<?x2x8x8x16xf32, strided<[6144, 1024, 128, 16, 1], offset: 4096>>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 64, 32>,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// CHECK-LABEL: func @not_at_once(
// CHECK-NOT: memref.alloca
func.func @not_at_once(%x: memref<?x4x8x8x16xf32>, %w: memref<2x4x1x1x16x16xf32>, %y: memref<?x2x8x8x16xf32>, %z: memref<?x4x8x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x4x8x8x16xf32>
  // expected-remark @+1 {{not computed with the convolution that reads it: other operations are between it and the convolution}}
  linalg.exp ins(%x : memref<?x4x8x8x16xf32>) outs(%t : memref<?x4x8x8x16xf32>)
  nn.copy %z to %x because "test" : memref<?x4x8x8x16xf32>, memref<?x4x8x8x16xf32>
  nn.conv ins(%t, %w : memref<?x4x8x8x16xf32>, memref<2x4x1x1x16x16xf32>) outs(%y : memref<?x2x8x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 64, 32>,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// Two rows of this map are all of it, and less than a quarter of the second level.
// CHECK-LABEL: func @near(
// CHECK-NOT: memref.alloca
func.func @near(%x: memref<?x4x2x8x16xf32>, %w: memref<2x4x1x1x16x16xf32>, %y: memref<?x2x2x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x4x2x8x16xf32>
  // expected-remark @+1 {{not computed with the convolution that reads it: the map stays in the near caches anyway}}
  linalg.exp ins(%x : memref<?x4x2x8x16xf32>) outs(%t : memref<?x4x2x8x16xf32>)
  nn.conv ins(%t, %w : memref<?x4x2x8x16xf32>, memref<2x4x1x1x16x16xf32>) outs(%y : memref<?x2x2x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 64, 32>,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// A reduction is no line of pixels; a window sees more than one.
// CHECK-LABEL: func @other_kinds(
// CHECK-NOT: memref.alloca
func.func @other_kinds(%x: memref<?x4x8x8x16xf32>, %v: memref<4x16x16xf32>, %w: memref<2x4x1x1x16x16xf32>, %w3: memref<2x4x3x3x16x16xf32>, %y: memref<?x2x8x8x16xf32>, %n: index) {
  %t = memref.alloc(%n) : memref<?x4x8x8x16xf32>
  // expected-remark @+1 {{not computed with the convolution that reads it: it is not elementwise}}
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3, d5)>, affine_map<(d0, d1, d2, d3, d4, d5) -> (d1, d4, d5)>,
    affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3, d4)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction"]}
    ins(%x, %v : memref<?x4x8x8x16xf32>, memref<4x16x16xf32>) outs(%t : memref<?x4x8x8x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %0 = arith.mulf %a, %b : f32
    %1 = arith.addf %0, %o : f32
    linalg.yield %1 : f32
  }
  nn.conv ins(%t, %w : memref<?x4x8x8x16xf32>, memref<2x4x1x1x16x16xf32>) outs(%y : memref<?x2x8x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 64, 32>,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  %u = memref.alloc(%n) : memref<?x4x8x8x16xf32>
  linalg.exp ins(%x : memref<?x4x8x8x16xf32>) outs(%u : memref<?x4x8x8x16xf32>)
  nn.conv ins(%u, %w3 : memref<?x4x8x8x16xf32>, memref<2x4x3x3x16x16xf32>) outs(%y : memref<?x2x8x8x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 64, 32>,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
}
