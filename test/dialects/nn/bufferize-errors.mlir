// RUN: lathe-opt %s --one-shot-bufferize="bufferize-function-boundaries" --verify-diagnostics

func.func @no_destination(%x: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
  // expected-error @+2 {{expects a destination before bufferisation}}
  // expected-error @+1 {{failed to bufferize op}}
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  return %0 : tensor<?x8x16xf32>
}
