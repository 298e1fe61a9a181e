// RUN: lathe-opt %s --nn-fold-batch-norm --verify-diagnostics

func.func @computed_mean(%x: tensor<?x2x6x6xf32>, %mean: tensor<2xf32>) -> tensor<?x2x6x6xf32> {
  %p = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  // expected-error @+1 {{expects its mean to be an nn.weight}}
  %1 = nn.batch_norm %x, %p, %p, %mean, %p {epsilon = 1.0e-5 : f32}
    : tensor<?x2x6x6xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<?x2x6x6xf32>
  return %1 : tensor<?x2x6x6xf32>
}
