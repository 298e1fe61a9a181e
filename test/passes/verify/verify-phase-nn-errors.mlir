// RUN: lathe-opt %s --split-input-file --verify-diagnostics --lathe-verify-phase=phase=nn

// expected-error @+1 {{phase nn expects a function @main with a body}}
module {
}

// -----

func.func @main() {
  return
}
// expected-error @+1 {{phase nn expects no function but @main (got @helper)}}
func.func @helper() {
  return
}

// -----

func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'tensor.cast' op phase nn expects only operations that are legal in it}}
  %0 = tensor.cast %x : tensor<?x4xf32> to tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

func.func @main(%x: tensor<?x4x1x1xf32>) -> tensor<?x4x1x1xf32> {
  %p = nn.weight <dense<1.0> : tensor<4xf32>, tensor<4xf32>> : tensor<4xf32>
  // expected-error @+1 {{'nn.batch_norm' op phase nn expects only operations that are legal in it}}
  %0 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f32}
    : tensor<?x4x1x1xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32> -> tensor<?x4x1x1xf32>
  return %0 : tensor<?x4x1x1xf32>
}

// -----

// expected-error @+1 {{phase nn expects no memrefs (got memref<4xf32>)}}
func.func @main(%x: memref<4xf32>) {
  return
}

// -----

// expected-error @+1 {{phase nn expects no dynamic dimension but the leading one (got tensor<2x?xf32>)}}
func.func @main(%x: tensor<2x?xf32>) {
  return
}

// -----

// expected-error @+1 {{phase nn expects no dynamic dimension but the leading one (got tensor<*xf32>)}}
func.func @main(%x: tensor<*xf32>) {
  return
}

// -----

// A step's operand counts as well.
func.func @main() {
  // expected-error @+1 {{phase nn expects no weight bytes in the IR but splats and sources of at most 1024 bytes (got 1028)}}
  %0 = nn.weight <dense<0.0> : tensor<257xf32>, tensor<257xf32>, steps = [<"add", with = <dense<"0x0000803F00000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040"> : tensor<257xf32>, tensor<257xf32>>>]> : tensor<257xf32>
  return
}

// -----

func.func @main(%x: tensor<?x4x5x7xf32>, %y: tensor<?x4x5x7xf32>) -> tensor<?x4x5x7xf32> {
  // A tiling is no violation: somebody may write one by hand, which the cost model keeps.
  // expected-error @+1 {{phase nn expects windowed operations without a destination}}
  %0 = nn.pool max ins(%x : tensor<?x4x5x7xf32>) outs(%y : tensor<?x4x5x7xf32>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [7]>}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x4x5x7xf32>
  return %0 : tensor<?x4x5x7xf32>
}

// -----

func.func @main(%x: tensor<?x1x5x7x4xf32>) -> tensor<?x1x5x7x4xf32> {
  // expected-error @+1 {{phase nn expects plain tensors (got tensor<?x1x5x7x4xf32>)}}
  %0 = nn.pool max ins(%x : tensor<?x1x5x7x4xf32>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 4 : i64}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x1x5x7x4xf32>
  return %0 : tensor<?x1x5x7x4xf32>
}

// -----

func.func @main(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %w = nn.weight <dense<1.0> : tensor<1x1x1x4x4xf32>, tensor<1x1x1x4x4xf32>> : tensor<1x1x1x4x4xf32>
  // expected-error @+1 {{phase nn expects weights in ONNX order (got tensor<1x1x1x4x4xf32>)}}
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<1x1x1x4x4xf32>) attributes {channels = array<i64: 4, 3>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}
