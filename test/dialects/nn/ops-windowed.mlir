// RUN: lathe-opt %s | lathe-opt | FileCheck %s
// Windowed operations in each of their forms: logical, packed, with a destination, on buffers.

// CHECK-LABEL: func @conv_logical
// CHECK: nn.conv ins(%{{.*}}, %{{.*}} : tensor<?x3x9x7xf32>, tensor<20x3x3x1xf32>) extras(%{{.*}}, %{{.*}}, %{{.*}} : tensor<20xf32>, tensor<f32>, tensor<?x20x5x7xf32>)
// CHECK: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32):
// CHECK: } -> tensor<?x20x5x7xf32>
func.func @conv_logical(%x: tensor<?x3x9x7xf32>, %w: tensor<20x3x3x1xf32>, %b: tensor<20xf32>, %s: tensor<f32>, %r: tensor<?x20x5x7xf32>) -> tensor<?x20x5x7xf32> {
  %0 = nn.conv ins(%x, %w : tensor<?x3x9x7xf32>, tensor<20x3x3x1xf32>) extras(%b, %s, %r : tensor<20xf32>, tensor<f32>, tensor<?x20x5x7xf32>)
    attributes {strides = array<i64: 2, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 0, 1, 0>, groups = 1 : i64, channels = array<i64: 3, 20>}
    epilogue {
    ^bb0(%acc: f32, %bias: f32, %scale: f32, %res: f32):
      %c = arith.constant 6.0 : f32
      %0 = arith.addf %acc, %bias : f32
      %1 = math.fma %0, %scale, %res : f32
      %2 = arith.minimumf %1, %c : f32
      nn.yield %2 : f32
    } -> tensor<?x20x5x7xf32>
  return %0 : tensor<?x20x5x7xf32>
}

// CHECK-LABEL: func @conv_1d_3d
func.func @conv_1d_3d(%x: tensor<2x4x9xf32>, %w: tensor<6x2x3xf32>, %y: tensor<2x1x4x5x6xf32>, %v: tensor<2x1x2x2x2xf32>) -> (tensor<2x6x5xf32>, tensor<2x2x3x4x5xf32>) {
  // CHECK: nn.conv {{.*}} dilations = array<i64: 2>, groups = 2 : i64
  // CHECK: } -> tensor<2x6x5xf32>
  // CHECK: } -> tensor<2x2x3x4x5xf32>
  %0 = nn.conv ins(%x, %w : tensor<2x4x9xf32>, tensor<6x2x3xf32>)
    attributes {strides = array<i64: 1>, dilations = array<i64: 2>, pads = array<i64: 0, 0>, groups = 2 : i64, channels = array<i64: 4, 6>}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<2x6x5xf32>
  %1 = nn.conv ins(%y, %v : tensor<2x1x4x5x6xf32>, tensor<2x1x2x2x2xf32>)
    attributes {strides = array<i64: 1, 1, 1>, dilations = array<i64: 1, 1, 1>, pads = array<i64: 0, 0, 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 1, 2>}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<2x2x3x4x5xf32>
  return %0, %1 : tensor<2x6x5xf32>, tensor<2x2x3x4x5xf32>
}

// 20 output channels in blocks of 16; one group of 2 vectors holds 32 of them.
// CHECK-LABEL: func @conv_packed
// CHECK: nn.conv ins(%{{.*}} : tensor<?x1x9x7x16xf32>, tensor<1x1x3x1x16x32xf32>) extras(%{{.*}} : tensor<32xf32>) outs(%{{.*}} : tensor<?x2x5x7x16xf32>)
// CHECK-SAME: tiling = #nn.tiling<ku = 2, unroll = 1, merge = 1, segments = [4, 3]>
func.func @conv_packed(%x: tensor<?x1x9x7x16xf32>, %w: tensor<1x1x3x1x16x32xf32>, %b: tensor<32xf32>, %y: tensor<?x2x5x7x16xf32>) -> tensor<?x2x5x7x16xf32> {
  %0 = nn.conv ins(%x, %w : tensor<?x1x9x7x16xf32>, tensor<1x1x3x1x16x32xf32>) extras(%b : tensor<32xf32>) outs(%y : tensor<?x2x5x7x16xf32>)
    attributes {strides = array<i64: 2, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 0, 1, 0>, groups = 1 : i64, channels = array<i64: 3, 20>,
                tiling = #nn.tiling<ku = 2, unroll = 1, merge = 1, segments = [4, 3]>}
    epilogue {
    ^bb0(%acc: f32, %bias: f32):
      %0 = arith.addf %acc, %bias : f32
      nn.yield %0 : f32
    } -> tensor<?x2x5x7x16xf32>
  return %0 : tensor<?x2x5x7x16xf32>
}

// CHECK-LABEL: func @conv_buffers
// CHECK: nn.conv ins(%{{.*}} : memref<?x3x5x7xf32>, memref<1x1x1x1x3x16xf32>) outs(%{{.*}} : memref<?x1x5x7x16xf32, strided<[1120, 560, 112, 16, 1], offset: 560>>)
// CHECK: epilogue
// CHECK-NOT: ->
// CHECK: return
func.func @conv_buffers(%x: memref<?x3x5x7xf32>, %w: memref<1x1x1x1x3x16xf32>, %y: memref<?x1x5x7x16xf32, strided<[1120, 560, 112, 16, 1], offset: 560>>) {
  nn.conv ins(%x, %w : memref<?x3x5x7xf32>, memref<1x1x1x1x3x16xf32>) outs(%y : memref<?x1x5x7x16xf32, strided<[1120, 560, 112, 16, 1], offset: 560>>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 3, 16>,
                tiling = #nn.tiling<ku = 1, unroll = 3, merge = 5, segments = [14, 21]>}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  return
}

// The last window of the first dimension reaches one element beyond the end: ceil_mode.
// CHECK-LABEL: func @pool
// CHECK: nn.pool max ins(%{{.*}} : tensor<?x5x8x7xf32>)
// CHECK: nn.pool avg ins(%{{.*}} : memref<?x1x4x4x8xf32>) outs(%{{.*}} : memref<?x1x2x2x8xf32>) attributes {channels = 5 : i64, count_include_pad
func.func @pool(%x: tensor<?x5x8x7xf32>, %a: memref<?x1x4x4x8xf32>, %b: memref<?x1x2x2x8xf32>) -> tensor<?x5x4x3xf32> {
  %0 = nn.pool max ins(%x : tensor<?x5x8x7xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 5 : i64}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x5x4x3xf32>
  nn.pool avg ins(%a : memref<?x1x4x4x8xf32>) outs(%b : memref<?x1x2x2x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = 5 : i64, count_include_pad}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  return %0 : tensor<?x5x4x3xf32>
}

// CHECK-LABEL: func @matmul
// CHECK: nn.matmul ins(%{{.*}} : tensor<?x20xf32>, tensor<20x10xf32>)
// CHECK: nn.matmul ins(%{{.*}} : tensor<?x3x20xf32>, tensor<1x2x1x16x16xf32>) extras(%{{.*}} : tensor<16xf32>) outs
// CHECK: nn.matmul ins(%{{.*}} : memref<?x20xf32>, memref<1x2x1x16x16xf32>) outs(%{{.*}} : memref<?x10xf32>)
// CHECK-SAME: tiling = #nn.tiling<ku = 1, unroll = 16, merge = 1, segments = [1], prefetch = [16, 48], share = 2>
func.func @matmul(%x: tensor<?x20xf32>, %w: tensor<20x10xf32>, %x3: tensor<?x3x20xf32>, %wp: tensor<1x2x1x16x16xf32>, %b: tensor<16xf32>, %y3: tensor<?x3x10xf32>,
                  %xm: memref<?x20xf32>, %wm: memref<1x2x1x16x16xf32>, %ym: memref<?x10xf32>) -> (tensor<?x10xf32>, tensor<?x3x10xf32>) {
  %0 = nn.matmul ins(%x, %w : tensor<?x20xf32>, tensor<20x10xf32>) attributes {channels = array<i64: 20, 10>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x10xf32>
  %1 = nn.matmul ins(%x3, %wp : tensor<?x3x20xf32>, tensor<1x2x1x16x16xf32>) extras(%b : tensor<16xf32>) outs(%y3 : tensor<?x3x10xf32>)
    attributes {channels = array<i64: 20, 10>, tiling = #nn.tiling<ku = 1, unroll = 16, merge = 1, segments = [3]>} epilogue {
  ^bb0(%acc: f32, %bias: f32):
    %s = arith.addf %acc, %bias : f32
    nn.yield %s : f32
  } -> tensor<?x3x10xf32>
  nn.matmul ins(%xm, %wm : memref<?x20xf32>, memref<1x2x1x16x16xf32>) outs(%ym : memref<?x10xf32>)
    attributes {channels = array<i64: 20, 10>, tiling = #nn.tiling<ku = 1, unroll = 16, merge = 1, segments = [1], share = 2, prefetch = [16, 48]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return %0, %1 : tensor<?x10xf32>, tensor<?x3x10xf32>
}
