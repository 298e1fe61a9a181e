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
