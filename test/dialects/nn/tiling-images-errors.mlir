// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// Where images may not be nested inside of channel groups.

func.func @tiling_c4(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects images inside of channel groups only where all channels are reduced over (got images = 1)}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [7], images = 1>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x9x7xf32>
  return
}

// -----

func.func @tiling_c6(%x: tensor<?x8x1x1xf32>, %w: tensor<8x4x1x1xf32>) {
  // expected-error @+1 {{expects streams only where all channels are reduced over (got streams = 2)}}
  %0 = nn.conv ins(%x, %w : tensor<?x8x1x1xf32>, tensor<8x4x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64, channels = array<i64: 8, 8>, tiling = #nn.tiling<ku = 2, unroll = 1, merge = 1, segments = [1], streams = 2>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x8x1x1xf32>
  return
}

// -----

// Streams come in whole groups: 3 vectors have room for 4.
func.func @packed_c1(%x: tensor<1x16xf32>, %w: tensor<3x4x1x4x4xf32>) {
  // expected-error @+1 {{expects packed weights of ceil(12 / ku V) groups and ceil(16 / Cv) channel blocks (got 'tensor<3x4x1x4x4xf32>')}}
  %0 = nn.matmul ins(%x, %w : tensor<1x16xf32>, tensor<3x4x1x4x4xf32>) attributes {channels = array<i64: 16, 12>,
    tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1], streams = 2>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<1x12xf32>
  return
}

// -----

func.func @tiling_c5(%x: tensor<?x4x3x1xf32>, %w: tensor<6x4x1x1xf32>) {
  // expected-error @+1 {{expects several images by tile only where an image is one output pixel of a 1x1 window without padding (got images = 4)}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x3x1xf32>, tensor<6x4x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1], images = 4>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x3x1xf32>
  return
}
