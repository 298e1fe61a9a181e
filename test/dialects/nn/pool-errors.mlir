// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// nn.pool; the labels are those of the verifier.

// The first window lies in the padding.
func.func @pool_c1_pad(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects every window to hold an element of the input in spatial dimension 0 (got 'tensor<?x4x9x7xf32>' and 'tensor<?x4x8x6xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 2, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

// The last window begins behind the end.
func.func @pool_c1_end(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects every window to hold an element of the input in spatial dimension 1 (got 'tensor<?x4x9x7xf32>' and 'tensor<?x4x8x8xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x8xf32>
  return
}

// -----

func.func @pool_c2(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects one batch size (got 'tensor<?x4x9x7xf32>' and 'tensor<2x4x8x6xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<2x4x8x6xf32>
  return
}
