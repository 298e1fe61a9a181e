// RUN: lathe-opt %s --lathe-make-destinations --verify-diagnostics

func.func @no_batch(%n: index, %w: tensor<4x4xf32>) {
  %x = tensor.empty(%n) : tensor<?x4xf32>
  // expected-error @+1 {{expects a function argument that gives the batch size}}
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x4xf32>) attributes {channels = array<i64: 4, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x4xf32>
  return
}
