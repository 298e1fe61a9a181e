// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// What tiles of Winograd's algorithm ask of a convolution and of its weights.

func.func @winograd_c1(%x: tensor<?x1x9x9x4xf32>, %w: tensor<1x4x4x4x4xf32>) {
  // expected-error @+1 {{expects one group, steps of 1 and a blocked input for winograd}}
  %0 = nn.conv ins(%x, %w : tensor<?x1x9x9x4xf32>, tensor<1x4x4x4x4xf32>) attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [4], winograd = [2, 2]>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x1x4x4x4xf32>
  return
}

// -----

func.func @winograd_c2(%x: tensor<?x1x9x9x4xf32>, %w: tensor<1x4x4x5x4xf32>) {
  // expected-error @+1 {{expects transformed weights of ceil(4 / ku V) groups and 4 channels (got 'tensor<1x4x4x5x4xf32>')}}
  %0 = nn.conv ins(%x, %w : tensor<?x1x9x9x4xf32>, tensor<1x4x4x5x4xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [4], winograd = [2, 2]>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x1x7x7x4xf32>
  return
}

// -----

func.func @winograd_c3(%x: tensor<?x1x9x9x4xf32>, %w: tensor<1x10x4x4x4xf32>) {
  // expected-error @+1 {{expects tiles of at most 8 points for winograd (got F(8, 3))}}
  %0 = nn.conv ins(%x, %w : tensor<?x1x9x9x4xf32>, tensor<1x10x4x4x4xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>,
    tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [4], winograd = [8, 2]>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x1x7x7x4xf32>
  return
}

// -----

func.func @tiling_c3(%x: tensor<?x1x9x9x4xf32>) {
  // expected-error @+1 {{expects winograd on a convolution, with one tile extent per spatial dimension}}
  %0 = nn.pool max ins(%x : tensor<?x1x9x9x4xf32>) attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [7], winograd = [2, 2]>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x1x7x7x4xf32>
  return
}

// -----

// expected-error @+1 {{expects 1 to 3 tile extents for winograd, each of 1 to 8 pixels (got 2, 9)}}
#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [7], winograd = [2, 9]>

// -----

// expected-error @+1 {{expects no merged rows beside winograd (got 2)}}
#t = #nn.tiling<ku = 1, unroll = 1, merge = 2, segments = [7], winograd = [2, 2]>

// -----

func.func private @scratch() {
  // expected-error @+1 {{expects a static buffer of identity layout (got 'memref<?xf32>')}}
  %0 = nn.scratch 0 : memref<?xf32>
  return
}

// -----

func.func private @scratch() {
  // expected-error @+1 {{expects an offset that is a multiple of 64 (got 32)}}
  %0 = nn.scratch 32 : memref<4xf32>
  return
}
