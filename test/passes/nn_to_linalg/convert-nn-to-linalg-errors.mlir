// RUN: lathe-opt %s --convert-nn-to-linalg --split-input-file --verify-diagnostics

func.func @batch_norm(%x: tensor<2x3xf32>, %c: tensor<3xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{expects to be folded before the conversion to linalg}}
  %0 = nn.batch_norm %x, %c, %c, %c, %c {epsilon = 1.0e-5 : f32} : tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

func.func @no_batch(%n: index) -> tensor<?x3xf32> {
  %x = tensor.empty(%n) : tensor<?x3xf32>
  // expected-error @+1 {{expects shapes without empty dimensions, and a function argument that gives the batch size}}
  %0 = nn.relu %x : tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @empty(%x: tensor<0x3xf32>) -> tensor<5x0xf32> {
  // expected-error @+1 {{expects shapes without empty dimensions, and a function argument that gives the batch size}}
  %0 = nn.reshape %x : tensor<0x3xf32> -> tensor<5x0xf32>
  return %0 : tensor<5x0xf32>
}
