// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// nn.matmul; the labels are those of the verifier.

func.func @matmul_c1(%x: tensor<?x4xf32>, %w: tensor<4x6xf32>) {
  // expected-error @+1 {{expects channels to hold the input and the output channel count (got array<i64: 4, 0>)}}
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x6xf32>)
    attributes {channels = array<i64: 4, 0>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6xf32>
  return
}

// -----

func.func @matmul_c2(%x: tensor<?x2x2x4xf32>, %w: tensor<4x6xf32>) {
  // expected-error @+1 {{expects an input and an output of rank 2 or 3 (got 'tensor<?x2x2x4xf32>' and 'tensor<?x6xf32>')}}
  %0 = nn.matmul ins(%x, %w : tensor<?x2x2x4xf32>, tensor<4x6xf32>)
    attributes {channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6xf32>
  return
}

// -----

func.func @matmul_c3(%x: tensor<?x4xf32>, %w: tensor<4x6x1xf32>) {
  // expected-error @+1 {{expects weights of rank 2 (logical) or 5 (packed) (got 'tensor<4x6x1xf32>')}}
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x6x1xf32>)
    attributes {channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6xf32>
  return
}

// -----

func.func @matmul_c4(%x: tensor<?x4xf32>, %w: tensor<6x4xf32>) {
  // expected-error @+1 {{expects 4 input and 6 output channels (got 'tensor<?x4xf32>', 'tensor<6x4xf32>' and 'tensor<?x6xf32>')}}
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<6x4xf32>)
    attributes {channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6xf32>
  return
}

// -----

func.func @matmul_c5(%x: tensor<?x3x4xf32>, %w: tensor<4x6xf32>) {
  // expected-error @+1 {{expects equal rows (got 'tensor<?x3x4xf32>' and 'tensor<?x2x6xf32>')}}
  %0 = nn.matmul ins(%x, %w : tensor<?x3x4xf32>, tensor<4x6xf32>)
    attributes {channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x2x6xf32>
  return
}

// -----

func.func @matmul_c6(%x: tensor<?x?x4xf32>, %w: tensor<4x6xf32>) {
  // expected-error @+1 {{expects no dynamic dimension but the batch (got 'tensor<?x?x4xf32>')}}
  %0 = nn.matmul ins(%x, %w : tensor<?x?x4xf32>, tensor<4x6xf32>)
    attributes {channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x?x6xf32>
  return
}

// -----

func.func @packed_c1(%x: tensor<?x4xf32>, %w: tensor<2x1x1x4x8xf32>) {
  // expected-error @+1 {{expects packed weights of ceil(6 / ku V) groups and ceil(4 / Cv) channel blocks (got 'tensor<2x1x1x4x8xf32>')}}
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<2x1x1x4x8xf32>)
    attributes {channels = array<i64: 4, 6>} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6xf32>
  return
}
