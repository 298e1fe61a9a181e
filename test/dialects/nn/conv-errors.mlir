// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// nn.conv; the labels are those of the verifier.

func.func @conv_c1(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{expects channels to hold the input and the output channel count (got array<i64: 4>)}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x3x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x5xf32>
  return
}

// -----

func.func @conv_c2(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{expects weights of rank 4 (logical) or 6 (packed) (got 'tensor<6x4x3xf32>')}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x5xf32>
  return
}

// -----

func.func @conv_c3(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{expects groups to divide the channel counts 4 and 6 (got 4)}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x3x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 4 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x5xf32>
  return
}

// -----

func.func @conv_c3_zero(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{expects groups to divide the channel counts 4 and 6 (got 0)}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x3x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 0 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x5xf32>
  return
}

// -----

func.func @conv_c4(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{expects logical weights of 6 x 2 channels (got 'tensor<6x4x3x3xf32>')}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x3x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x5xf32>
  return
}

// -----

func.func @conv_c5(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{expects an output extent of 5 in spatial dimension 1 (got 'tensor<?x6x7x6xf32>')}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x3x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x6xf32>
  return
}

// -----

func.func @conv_c5_no_room(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{expects an output extent of -1 in spatial dimension 0}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x3x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 5, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x5xf32>
  return
}

// -----

func.func @conv_c6(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{expects one batch size (got 'tensor<?x4x9x7xf32>' and 'tensor<2x6x7x5xf32>')}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x3x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<2x6x7x5xf32>
  return
}

// -----

func.func @no_strides(%x: tensor<?x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @+1 {{expects 1 to 3 strides, as many dilations and window extents, and twice as many pads (got 0, 0, 0 and 0)}}
  %0 = nn.conv ins(%x, %w : tensor<?x4xf32>, tensor<6x4xf32>)
    attributes {strides = array<i64>, dilations = array<i64>, pads = array<i64>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6xf32>
  return
}

// -----

func.func @packed_c1(%x: tensor<?x4x9x7xf32>, %w: tensor<2x1x3x3x4x8xf32>) {
  // expected-error @+1 {{expects packed weights of ceil(6 / ku V) groups and ceil(4 / Cv) channel blocks (got 'tensor<2x1x3x3x4x8xf32>')}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<2x1x3x3x4x8xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x5xf32>
  return
}

// -----

func.func @packed_c1_channels(%x: tensor<?x4x9x7xf32>, %w: tensor<1x2x3x3x4x8xf32>) {
  // expected-error @+1 {{expects packed weights of ceil(6 / ku V) groups and ceil(4 / Cv) channel blocks (got 'tensor<1x2x3x3x4x8xf32>')}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<1x2x3x3x4x8xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x7x5xf32>
  return
}
