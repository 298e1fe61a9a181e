// RUN: lathe-opt %s --nn-fold-batch-norm --cse | FileCheck %s
// RUN: lathe-opt %s --nn-fold-batch-norm=into-producer=false | FileCheck %s --check-prefix=APART
// A batch normalisation goes into the recipes of the convolution or matrix multiplication before it. s = scale / sqrt(variance + epsilon) scales the
// output channels of the weights; the bias becomes bias - mean * s, or (its own - mean) * s + bias.

// APART-LABEL: func @conv_without_bias
// APART: %[[C:.*]] = nn.conv ins(%{{.*}}, %{{.*}}) attributes
// APART: %[[M:.*]] = nn.mul %[[C]],
// APART: nn.add %[[M]],
// CHECK-LABEL: func @conv_without_bias
// CHECK: %[[W:.*]] = nn.weight <dense<5.0{{.*}}>, steps = [<"scale", [0], with = <dense<[1.{{.*}}, 2.{{.*}}]>{{.*}}<"div_sqrt", value = 9.99999974E-6 : f32, with = <dense<4.0{{.*}}> : tensor<2x3x3x3xf32>
// CHECK: %[[B:.*]] = nn.weight <dense<3.0{{.*}}>{{.*}}, steps = [<"sub", with = <dense<5.0{{.*}}>{{.*}}, steps = [<"mul", with = <dense<[1.{{.*}}, 2.{{.*}}]>{{.*}}<"div_sqrt", {{.*}} : tensor<2xf32>
// CHECK: %[[Y:.*]] = nn.conv ins(%{{.*}}, %[[W]] : {{.*}}) extras(%[[B]] : tensor<2xf32>)
// CHECK: ^bb0(%[[ACC:.*]]: f32, %[[E:.*]]: f32):
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[ACC]], %[[E]]
// CHECK-NEXT: nn.yield %[[S]]
// CHECK-NOT: nn.batch_norm
// CHECK: return %[[Y]]
func.func @conv_without_bias(%x: tensor<?x3x8x8xf32>) -> tensor<?x2x6x6xf32> {
  %w = nn.weight <dense<0.5> : tensor<2x3x3x3xf32>, tensor<2x3x3x3xf32>> : tensor<2x3x3x3xf32>
  %scale = nn.weight <dense<[1.0, 2.0]> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %bias = nn.weight <dense<3.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %mean = nn.weight <dense<5.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %var = nn.weight <dense<4.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x3x8x8xf32>, tensor<2x3x3x3xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 3, 2>}
    epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x2x6x6xf32>
  %1 = nn.batch_norm %0, %scale, %bias, %mean, %var {epsilon = 1.0e-5 : f32}
    : tensor<?x2x6x6xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<?x2x6x6xf32>
  return %1 : tensor<?x2x6x6xf32>
}

// The matrix multiplication's output channels are dimension 1 of its weights; its bias is replaced, not added to.
// CHECK-LABEL: func @matmul_with_bias
// CHECK: %[[W:.*]] = nn.weight {{.*}}steps = [<"scale", [1], with = {{.*}} : tensor<4x2xf32>
// CHECK: %[[B:.*]] = nn.weight <dense<7.0{{.*}}>{{.*}}, steps = [<"sub", with = <dense<5.0{{.*}}>{{.*}}<"mul", with = <dense<6.0{{.*}}<"div_sqrt", {{.*}}<"add", with = <dense<3.0{{.*}}> : tensor<2xf32>
// CHECK: nn.matmul ins(%{{.*}}, %[[W]] : {{.*}}) extras(%[[B]] : tensor<2xf32>)
// CHECK: arith.addf
// CHECK-NOT: arith.addf
// CHECK: return
func.func @matmul_with_bias(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x2xf32>, tensor<4x2xf32>> : tensor<4x2xf32>
  %b = nn.weight <dense<7.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %scale = nn.weight <dense<6.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %bias = nn.weight <dense<3.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %mean = nn.weight <dense<5.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %var = nn.weight <dense<4.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) extras(%b : tensor<2xf32>) attributes {channels = array<i64: 4, 2>} epilogue {
  ^bb0(%acc: f32, %e: f32):
    %s = arith.addf %acc, %e : f32
    nn.yield %s : f32
  } -> tensor<?x2xf32>
  %1 = nn.batch_norm %0, %scale, %bias, %mean, %var {epsilon = 1.0e-5 : f32}
    : tensor<?x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}
