// RUN: lathe-opt %s --lathe-tile-windowed --split-input-file --verify-diagnostics
// Operations that are not ready to be tiled.

func.func private @untiled(%x: memref<2x6x9x7x8xf32>, %y: memref<2x6x4x3x8xf32>) attributes {nn.kernel} {
  // expected-error @+1 {{expects a tiling attribute and buffers before it is tiled}}
  nn.pool max ins(%x : memref<2x6x9x7x8xf32>) outs(%y : memref<2x6x4x3x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 45 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// -----

// The destination is the inside of a larger image: its rows are 11 pixels apart.
func.func private @gaps(%x: memref<1x1x4x9x16xf32>, %w: memref<1x1x1x1x16x16xf32>, %y: memref<1x1x4x9x16xf32, strided<[1056, 1056, 176, 16, 1]>>)
    attributes {nn.kernel} {
  // expected-error @+1 {{expects rows without gaps where a tiling merges them}}
  nn.conv ins(%x, %w : memref<1x1x4x9x16xf32>, memref<1x1x1x1x16x16xf32>) outs(%y : memref<1x1x4x9x16xf32, strided<[1056, 1056, 176, 16, 1]>>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 16, 16>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 2, segments = [9, 9]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// -----

func.func private @tensors(%x: tensor<2x6x9x7x8xf32>, %y: tensor<2x6x4x3x8xf32>) -> tensor<2x6x4x3x8xf32> attributes {nn.kernel} {
  // expected-error @+1 {{expects a tiling attribute and buffers before it is tiled}}
  %0 = nn.pool max ins(%x : tensor<2x6x9x7x8xf32>) outs(%y : tensor<2x6x4x3x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 45 : i64,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [3]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<2x6x4x3x8xf32>
  return %0 : tensor<2x6x4x3x8xf32>
}

// -----

// Blocks of channels are further from each other than their extents say.
func.func private @places(%x: memref<1x2x4x9x16xf32, strided<[1280, 640, 144, 16, 1]>>, %w: memref<1x1x1x1x16x16xf32>, %p: memref<16xi32>,
                          %y: memref<1x1x4x9x16xf32>) attributes {nn.kernel} {
  // expected-error @+1 {{expects images without gaps where places say where channels begin}}
  nn.conv ins(%x, %w : memref<1x2x4x9x16xf32, strided<[1280, 640, 144, 16, 1]>>, memref<1x1x1x1x16x16xf32>) places(%p : memref<16xi32>)
    outs(%y : memref<1x1x4x9x16xf32>) attributes {channels = array<i64: 16, 16>, dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>,
    strides = array<i64: 1, 1>, tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [9]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}
