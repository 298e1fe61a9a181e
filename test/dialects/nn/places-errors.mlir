// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// Which channels a convolution reads; the labels are those of the verifier.

func.func @places_c1(%x: tensor<?x9x9x7xf32>, %w: tensor<6x4x1x1xf32>, %p: tensor<5xi32>) {
  // expected-error @+1 {{expects places to be 4 x i32, one per input channel (got 'tensor<5xi32>')}}
  %0 = nn.conv ins(%x, %w : tensor<?x9x9x7xf32>, tensor<6x4x1x1xf32>) places(%p : tensor<5xi32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x9x7xf32>
  return
}

// -----

func.func @places_c2(%x: tensor<?x9x9x7xf32>, %w: tensor<6x2x1x1xf32>, %p: tensor<4xi32>) {
  // expected-error @+1 {{expects places only in a direct convolution of one group}}
  %0 = nn.conv ins(%x, %w : tensor<?x9x9x7xf32>, tensor<6x2x1x1xf32>) places(%p : tensor<4xi32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 2 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x9x7xf32>
  return
}

// -----

func.func @places_c3(%x: tensor<?x9x9x7xf32>, %w: tensor<6x4x1x1xf32>) {
  %p = nn.weight <dense<[0, 3, 9, 2]> : tensor<4xi32>, tensor<4xi32>> : tensor<4xi32>
  // expected-error @+1 {{expects places among the 9 channels of the input (got 9)}}
  %0 = nn.conv ins(%x, %w : tensor<?x9x9x7xf32>, tensor<6x4x1x1xf32>) places(%p : tensor<4xi32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x9x7xf32>
  return
}

// -----

// The lanes of a blocked input count.
func.func @places_c3_blocked(%x: tensor<?x3x9x7x4xf32>, %w: tensor<6x2x1x1xf32>) {
  %p = nn.weight <dense<[11, -1]> : tensor<2xi32>, tensor<2xi32>> : tensor<2xi32>
  // expected-error @+1 {{expects places among the 12 channels of the input (got -1)}}
  %0 = nn.conv ins(%x, %w : tensor<?x3x9x7x4xf32>, tensor<6x2x1x1xf32>) places(%p : tensor<2xi32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 2, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x9x7xf32>
  return
}

// -----

// Next to packed weights elements of an image count: 3 * 9 * 7 * 4.
func.func @places_c3_packed(%x: tensor<?x3x9x7x4xf32>, %w: tensor<2x1x1x1x4x4xf32>) {
  %p = nn.weight <dense<[755, 756]> : tensor<2xi32>, tensor<2xi32>> : tensor<2xi32>
  // expected-error @+1 {{expects places among the 756 elements of an image (got 756)}}
  %0 = nn.conv ins(%x, %w : tensor<?x3x9x7x4xf32>, tensor<2x1x1x1x4x4xf32>) places(%p : tensor<2xi32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 2, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x2x9x7x4xf32>
  return
}
