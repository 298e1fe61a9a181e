// RUN: lathe-opt %s --lathe-fuse-statistics --remarks-filter=lathe-fuse-statistics --remark-format=emitRemark --verify-diagnostics | FileCheck %s
// Reductions of a whole map begin where the map is written, and end with what is left of each part.

#map = affine_map<(n, c, h, w, v) -> (n, c, h, w, v)>
#channel = affine_map<(n, c, h, w, v) -> (n, c, 0, 0, v)>
#rows = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [16, 16]>

// A map of 4 x 8 x 32 x 16 floats is 64 KiB; a quarter of the second level is 8 KiB.
module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 512, registers = 32, fmaPerCycle = 2,
  loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 4096, l2Bytes = 32768, l3BytesPerCycle = 10, memoryBytesPerCycle = 4>} {
// CHECK-DAG: #[[$PARTS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, d2, d3)>
// CHECK-DAG: #[[$WHOLE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, 0, d3)>

// CHECK-LABEL: func @variance(
// CHECK-SAME: %[[X:.*]]: memref<?x1x8x32x16xf32>, %[[W:.*]]: memref<4x1x1x1x16x16xf32>, %[[Y:.*]]: memref<?x4x8x32x16xf32>, %[[M:.*]]: memref<?x4x1x1x16xf32>, %[[V:.*]]: memref
// CHECK: %[[N:.*]] = memref.dim %[[Y]]
// CHECK: %[[P:.*]] = memref.alloc(%[[N]]) : memref<?x4x3x8x16xf32>
// CHECK: memref.alloca_scope {
// CHECK-NEXT: nn.conv {{.*}} outs(%[[Y]] :
// CHECK: nn.partial sum moments ins(%[[Y]] : {{.*}}) outs(%[[P]] : memref<?x4x3x8x16xf32>) body {
// CHECK: }
// CHECK: }
// The mean of the means, weighted by the parts' pixels.
// CHECK: %[[MEANS:.*]] = memref.subview %[[P]][0, 0, 0, 0, 0] [%[[N]], 4, 1, 8, 16]
// CHECK: %[[COUNTS:.*]] = memref.subview %[[P]][0, 0, 2, 0, 0] [%[[N]], 4, 1, 8, 16]
// CHECK: nn.reduce sum maps [#[[$PARTS]], #[[$PARTS]], #[[$WHOLE]]] ins(%[[MEANS]], %[[COUNTS]] : {{.*}}) outs(%[[M]] :
// CHECK: arith.mulf
// CHECK: finish {
// CHECK: arith.divf
// CHECK: %[[SQUARES:.*]] = memref.subview %[[P]][0, 0, 1, 0, 0] [%[[N]], 4, 1, 8, 16]
// CHECK: nn.reduce sum maps [#[[$PARTS]], #[[$PARTS]], #[[$PARTS]], #[[$WHOLE]], #[[$WHOLE]]] ins(%{{.*}}, %[[SQUARES]], %{{.*}}, %[[M]] : {{.*}}) outs(%[[V]] :
// CHECK: ^bb0(%[[MEAN:.*]]: f32, %[[SQUARE:.*]]: f32, %[[COUNT:.*]]: f32, %[[ALL:.*]]: f32):
// CHECK: %[[D:.*]] = arith.subf %[[MEAN]], %[[ALL]]
// CHECK: %[[DD:.*]] = arith.mulf %[[D]], %[[D]]
// CHECK: %[[BETWEEN:.*]] = arith.mulf %[[DD]], %[[COUNT]]
// CHECK: arith.addf %[[SQUARE]], %[[BETWEEN]]
// CHECK: finish {
// CHECK: math.sqrt
func.func @variance(%x: memref<?x1x8x32x16xf32>, %w: memref<4x1x1x1x16x16xf32>, %y: memref<?x4x8x32x16xf32>, %m: memref<?x4x1x1x16xf32>,
                    %s: memref<?x4x1x1x16xf32>) {
  // expected-remark @+1 {{the map is reduced where it is written: 2 reductions, 8 parts}}
  nn.conv ins(%x, %w : memref<?x1x8x32x16xf32>, memref<4x1x1x1x16x16xf32>) outs(%y : memref<?x4x8x32x16xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 64>,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.reduce sum maps [#map, #channel] ins(%y : memref<?x4x8x32x16xf32>) outs(%m : memref<?x4x1x1x16xf32>) body {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } finish {
  ^bb0(%sum: f32):
    %count = arith.constant 256.0 : f32
    %mean = arith.divf %sum, %count : f32
    nn.yield %mean : f32
  }
  nn.reduce sum maps [#map, #channel, #channel] ins(%y, %m : memref<?x4x8x32x16xf32>, memref<?x4x1x1x16xf32>) outs(%s : memref<?x4x1x1x16xf32>) body {
  ^bb0(%a: f32, %mean: f32):
    %d = arith.subf %a, %mean : f32
    %dd = arith.mulf %d, %d : f32
    nn.yield %dd : f32
  } finish {
  ^bb0(%sum: f32):
    %root = math.sqrt %sum : f32
    nn.yield %root : f32
  }
  return
}

// Pools divide by the number of all pixels; a maximum of absolute values is that of the parts'.
// CHECK-LABEL: func @others(
// CHECK-SAME: %[[Y:[a-z0-9]*]]: memref<2x4x8x32x16xf32>, %[[A:[a-z0-9]*]]: memref<2x4x1x1x16xf32>, %[[B:[a-z0-9]*]]: memref<2x4x1x1x16xf32>)
// CHECK: memref.alloca_scope {
// CHECK-NEXT: nn.pool
// CHECK: nn.partial max ins(%[[Y]] :
// CHECK: math.absf
// CHECK: nn.partial sum ins(%[[Y]] :
// CHECK: nn.reduce max {{.*}} outs(%[[B]] :
// CHECK-NEXT: ^bb0(%[[E:.*]]: f32):
// CHECK-NEXT: nn.yield %[[E]]
// CHECK: nn.reduce sum {{.*}} outs(%[[A]] :
// CHECK: finish {
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32):
// CHECK-NEXT: %[[COUNT:.*]] = arith.constant 2.560000e+02
// CHECK-NEXT: arith.divf %[[SUM]], %[[COUNT]]
func.func @others(%x: memref<2x4x8x32x16xf32>, %y: memref<2x4x8x32x16xf32>, %a: memref<2x4x1x1x16xf32>, %b: memref<2x4x1x1x16xf32>) {
  // expected-remark @+1 {{the map is reduced where it is written: 2 reductions, 8 parts}}
  nn.pool max ins(%x : memref<2x4x8x32x16xf32>) outs(%y : memref<2x4x8x32x16xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = 64 : i64,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.reduce max maps [#map, #channel] ins(%y : memref<2x4x8x32x16xf32>) outs(%b : memref<2x4x1x1x16xf32>) body {
  ^bb0(%e: f32):
    %0 = math.absf %e : f32
    nn.yield %0 : f32
  } finish {
  ^bb0(%most: f32):
    nn.yield %most : f32
  }
  nn.pool avg ins(%y : memref<2x4x8x32x16xf32>) outs(%a : memref<2x4x1x1x16xf32>)
    attributes {window = array<i64: 8, 32>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 64 : i64,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// The phases of a transposed convolution: each has its share of the parts.
// CHECK-LABEL: func @phases(
// CHECK: %[[P:.*]] = memref.alloc() : memref<2x4x1x16x16xf32>
// CHECK: %[[FIRST:.*]] = memref.subview %[[P]][0, 0, 0, 0, 0] [2, 4, 1, 8, 16]
// CHECK: memref.alloca_scope
// CHECK: nn.partial sum {{.*}} outs(%[[FIRST]] :
// CHECK: %[[SECOND:.*]] = memref.subview %[[P]][0, 0, 0, 8, 0] [2, 4, 1, 8, 16]
// CHECK: memref.alloca_scope
// CHECK: nn.partial sum {{.*}} outs(%[[SECOND]] :
// CHECK: nn.reduce sum {{.*}} ins(%[[P]] :
func.func @phases(%x: memref<2x4x8x32x16xf32>, %y: memref<2x4x8x64x16xf32>, %a: memref<2x4x1x1x16xf32>) {
  %even = memref.subview %y[0, 0, 0, 0, 0] [2, 4, 8, 32, 16] [1, 1, 1, 2, 1]
    : memref<2x4x8x64x16xf32> to memref<2x4x8x32x16xf32, strided<[32768, 8192, 1024, 32, 1]>>
  %odd = memref.subview %y[0, 0, 0, 1, 0] [2, 4, 8, 32, 16] [1, 1, 1, 2, 1]
    : memref<2x4x8x64x16xf32> to memref<2x4x8x32x16xf32, strided<[32768, 8192, 1024, 32, 1], offset: 16>>
  // expected-remark @+1 {{the map is reduced where it is written: 1 reduction, 16 parts}}
  nn.pool max ins(%x : memref<2x4x8x32x16xf32>) outs(%even : memref<2x4x8x32x16xf32, strided<[32768, 8192, 1024, 32, 1]>>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = 64 : i64,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.pool max ins(%x : memref<2x4x8x32x16xf32>) outs(%odd : memref<2x4x8x32x16xf32, strided<[32768, 8192, 1024, 32, 1], offset: 16>>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 64 : i64,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.reduce sum maps [#map, #channel] ins(%y : memref<2x4x8x64x16xf32>) outs(%a : memref<2x4x1x1x16xf32>) body {
  ^bb0(%e: f32):
    nn.yield %e : f32
  } finish {
  ^bb0(%sum: f32):
    nn.yield %sum : f32
  }
  return
}

// CHECK-LABEL: func @another_writer(
// CHECK-NOT: nn.partial
func.func @another_writer(%x: memref<2x4x8x32x16xf32>, %y: memref<2x4x8x32x16xf32>, %a: memref<2x4x1x1x16xf32>) {
  // expected-remark @+1 {{the map is not reduced where it is written: others than windowed operations write to it}}
  nn.pool max ins(%x : memref<2x4x8x32x16xf32>) outs(%y : memref<2x4x8x32x16xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = 64 : i64,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  linalg.exp ins(%x : memref<2x4x8x32x16xf32>) outs(%y : memref<2x4x8x32x16xf32>)
  nn.reduce sum maps [#map, #channel] ins(%y : memref<2x4x8x32x16xf32>) outs(%a : memref<2x4x1x1x16xf32>) body {
  ^bb0(%e: f32):
    nn.yield %e : f32
  } finish {
  ^bb0(%sum: f32):
    nn.yield %sum : f32
  }
  return
}

// CHECK-LABEL: func @near(
// CHECK-NOT: nn.partial
func.func @near(%x: memref<2x1x4x32x16xf32>, %y: memref<2x1x4x32x16xf32>, %a: memref<2x1x1x1x16xf32>) {
  // expected-remark @+1 {{the map is not reduced where it is written: it stays in the near caches anyway}}
  nn.pool max ins(%x : memref<2x1x4x32x16xf32>) outs(%y : memref<2x1x4x32x16xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = 16 : i64,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.reduce sum maps [#map, #channel] ins(%y : memref<2x1x4x32x16xf32>) outs(%a : memref<2x1x1x1x16xf32>) body {
  ^bb0(%e: f32):
    nn.yield %e : f32
  } finish {
  ^bb0(%sum: f32):
    nn.yield %sum : f32
  }
  return
}

// Lines of 4 pixels: one value for each four of them.
// CHECK-LABEL: func @short_lines(
// CHECK-NOT: nn.partial
func.func @short_lines(%x: memref<2x4x64x4x16xf32>, %y: memref<2x4x64x4x16xf32>, %a: memref<2x4x1x1x16xf32>) {
  // expected-remark @+1 {{the map is not reduced where it is written: its parts are as much to read as all of it}}
  nn.pool max ins(%x : memref<2x4x64x4x16xf32>) outs(%y : memref<2x4x64x4x16xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = 64 : i64,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [4]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.reduce sum maps [#map, #channel] ins(%y : memref<2x4x64x4x16xf32>) outs(%a : memref<2x4x1x1x16xf32>) body {
  ^bb0(%e: f32):
    nn.yield %e : f32
  } finish {
  ^bb0(%sum: f32):
    nn.yield %sum : f32
  }
  return
}

// Sums of each line are no reductions of the map.
// CHECK-LABEL: func @lines(
// CHECK-NOT: nn.partial
func.func @lines(%x: memref<2x4x8x32x16xf32>, %y: memref<2x4x8x32x16xf32>, %a: memref<2x4x8x1x16xf32>) {
  nn.pool max ins(%x : memref<2x4x8x32x16xf32>) outs(%y : memref<2x4x8x32x16xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = 64 : i64,
    tiling = #rows} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.reduce sum maps [#map, affine_map<(n, c, h, w, v) -> (n, c, h, 0, v)>] ins(%y : memref<2x4x8x32x16xf32>) outs(%a : memref<2x4x8x1x16xf32>) body {
  ^bb0(%e: f32):
    nn.yield %e : f32
  } finish {
  ^bb0(%sum: f32):
    nn.yield %sum : f32
  }
  return
}
}
