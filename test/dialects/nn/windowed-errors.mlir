// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// What all windowed operations share; the labels are those of the verifier.

func.func @windowed_c1(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects one result on tensors and none on memrefs (got 0)}}
  nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  }
  return
}

// -----

func.func @windowed_c2(%x: memref<?x4x9x7xf32>) {
  // expected-error @+1 {{expects a destination on memrefs}}
  nn.pool max ins(%x : memref<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  }
  return
}

// -----

func.func @windowed_c3(%x: memref<?x4x9x7xf32>, %e0: tensor<f32>, %y: memref<?x4x8x6xf32>) {
  // expected-error @+1 {{expects all operands to be tensors or all to be memrefs (got 'tensor<f32>')}}
  nn.pool max ins(%x : memref<?x4x9x7xf32>) extras(%e0 : tensor<f32>) outs(%y : memref<?x4x8x6xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32, %a1: f32):
    nn.yield %a0 : f32
  }
  return
}

// -----

func.func @windowed_c4(%x: tensor<?x4x9x7xf32>, %y: tensor<2x4x8x6xf32>) {
  // expected-error @+1 {{expects the result's type as destination type (got 'tensor<2x4x8x6xf32>' and 'tensor<?x4x8x6xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>) outs(%y : tensor<2x4x8x6xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @windowed_c5(%x: tensor<?x4x9x7xf32>, %e0: tensor<f32>) {
  // expected-error @+1 {{expects an epilogue of 2 arguments, the accumulator and one per extra operand (got 1)}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>) extras(%e0 : tensor<f32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @windowed_c6(%x: tensor<?x4x9x7xf32>, %e0: tensor<f32>, %e1: tensor<4x1x1xf32>) {
  // expected-error @+1 {{expects extra operand 1 to be a scalar, one value per output channel, or of the output's shape 'tensor<?x4x8x6xf32>' (got 'tensor<4x1x1xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>) extras(%e0, %e1 : tensor<f32>, tensor<4x1x1xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @windowed_c7(%x: tensor<?x4x9x7xf32>, %e0: tensor<3xf32>) {
  // expected-error @+1 {{expects extra operand 0 to hold 4 channels (got 'tensor<3xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>) extras(%e0 : tensor<3xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32, %a1: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @windowed_c8(%x: tensor<?x4x9x7xf32>, %e0: tensor<4xf32>) {
  // expected-error @+1 {{expects epilogue argument 1 to have its extra operand's element type 'f32' (got 'f64')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>) extras(%e0 : tensor<4xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32, %a1: f64):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @windowed_c9(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects an epilogue that ends in nn.yield of one 'f32'}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0, %a0 : f32, f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @windowed_c9_type(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects an epilogue that ends in nn.yield of one 'f32'}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    %c = arith.constant 1 : i32
    nn.yield %c : i32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @windowed_c10(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects elementwise operations in the epilogue (got 'vector.broadcast')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    %v = vector.broadcast %a0 : f32 to vector<4xf32>
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @windowed_c11(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects the accumulator to have the output's element type 'f32' (got 'f64')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f64):
    %c = arith.constant 1.0 : f32
    nn.yield %c : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @window_c1(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects 1 to 3 strides, as many dilations and window extents, and twice as many pads (got 2, 2, 2 and 2)}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @window_c2(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects strides, dilations and window extents of at least 1 (got 0, 1 and 2 in spatial dimension 1)}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 0>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @pool_c3(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects pads of at least 0 (got -1)}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, -1>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @data_c1(%x: tensor<?x5x9x7xf32>) {
  // expected-error @+1 {{expects an input with 4 channels (got 'tensor<?x5x9x7xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x5x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @data_c2(%x: tensor<?x1x9x7x8xf32>) {
  // expected-error @+1 {{expects an output with ceil(4 / V) channel blocks (got 'tensor<?x4x8x6x8xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x1x9x7x8xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6x8xf32>
  return
}

// -----

func.func @data_c2_no_lanes(%x: tensor<?x1x9x7x0xf32>) {
  // expected-error @+1 {{expects an input with ceil(4 / V) channel blocks (got 'tensor<?x1x9x7x0xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x1x9x7x0xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @data_c3(%x: tensor<?x4x9xf32>) {
  // expected-error @+1 {{expects an input of rank 4 (plain) or 5 (blocked) (got 'tensor<?x4x9xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @data_c4(%x: tensor<?x4x9x?xf32>) {
  // expected-error @+1 {{expects no dynamic dimension but the batch (got 'tensor<?x4x9x?xf32>')}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x?xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

func.func @tiling_c1(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects merged rows only for a 1x1 window with stride 1 and no padding, and a divisor of 8 rows (got 2)}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 2, segments = [12]>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}

// -----

// Padding at the end alone breaks the line as well.
func.func @tiling_c1_pad(%x: tensor<?x4x9x7xf32>, %w: tensor<6x4x1x1xf32>) {
  // expected-error @+1 {{expects merged rows only for a 1x1 window with stride 1 and no padding, and a divisor of 10 rows (got 2)}}
  %0 = nn.conv ins(%x, %w : tensor<?x4x9x7xf32>, tensor<6x4x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 1>, groups = 1 : i64, channels = array<i64: 4, 6>, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 2, segments = [16]>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x10x8xf32>
  return
}

// -----

func.func @tiling_c1_divisor(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects merged rows only for a 1x1 window with stride 1 and no padding, and a divisor of 9 rows (got 2)}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 2, segments = [14]>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x9x7xf32>
  return
}

// -----

func.func @tiling_c2(%x: tensor<?x4x9x7xf32>) {
  // expected-error @+1 {{expects segments that cover a line of 6 pixels (got 7)}}
  %0 = nn.pool max ins(%x : tensor<?x4x9x7xf32>)
    attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64, tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [4, 3]>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x4x8x6xf32>
  return
}
