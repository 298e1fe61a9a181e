// RUN: lathe-opt %s | lathe-opt | FileCheck %s
// Functions of one element, and those of two that are not arithmetic.

// CHECK-LABEL: func @unary
// CHECK: nn.abs %{{.*}} : tensor<?x4xf32>
// CHECK: nn.neg
// CHECK: nn.reciprocal
// CHECK: nn.sqrt
// CHECK: nn.floor
// CHECK: nn.ceil
// CHECK: nn.round
// CHECK: nn.sign
// CHECK: nn.exp
// CHECK: nn.log
// CHECK: nn.erf
// CHECK: nn.tanh
// CHECK: nn.sigmoid
// CHECK: nn.softplus
// CHECK: nn.softsign
// CHECK: nn.mish
// CHECK: nn.hard_swish
func.func @unary(%a: tensor<?x4xf32>) {
  %0 = nn.abs %a : tensor<?x4xf32>
  %1 = nn.neg %a : tensor<?x4xf32>
  %2 = nn.reciprocal %a : tensor<?x4xf32>
  %3 = nn.sqrt %a : tensor<?x4xf32>
  %4 = nn.floor %a : tensor<?x4xf32>
  %5 = nn.ceil %a : tensor<?x4xf32>
  %6 = nn.round %a : tensor<?x4xf32>
  %7 = nn.sign %a : tensor<?x4xf32>
  %8 = nn.exp %a : tensor<?x4xf32>
  %9 = nn.log %a : tensor<?x4xf32>
  %10 = nn.erf %a : tensor<?x4xf32>
  %11 = nn.tanh %a : tensor<?x4xf32>
  %12 = nn.sigmoid %a : tensor<?x4xf32>
  %13 = nn.softplus %a : tensor<?x4xf32>
  %14 = nn.softsign %a : tensor<?x4xf32>
  %15 = nn.mish %a : tensor<?x4xf32>
  %16 = nn.hard_swish %a : tensor<?x4xf32>
  return
}

// CHECK-LABEL: func @with_numbers
// CHECK: nn.clip %{{.*}} {high = 6.0{{.*}} : f32, low = 0.0{{.*}} : f32} : tensor<?x4xf32>
// CHECK: nn.hard_sigmoid %{{.*}} {alpha = {{.*}}, beta = 5.0{{.*}}e-01 : f32}
// CHECK: nn.leaky_relu %{{.*}} {alpha = 2.5{{.*}}e-01 : f32}
// CHECK: nn.thresholded_relu %{{.*}} {alpha = 1.0{{.*}} : f32}
// CHECK: nn.elu %{{.*}} {alpha = 1.0{{.*}} : f32, beta = 2.0{{.*}} : f32, gamma = 3.0{{.*}} : f32}
// CHECK: nn.gelu %{{[0-9a-z]*}} : tensor
// CHECK: nn.gelu %{{.*}} {approximate} : tensor
// CHECK: nn.pow %{{.*}} {exponent = 5.0{{.*}}e-01 : f32}
func.func @with_numbers(%a: tensor<?x4xf32>) {
  %0 = nn.clip %a {low = 0.0 : f32, high = 6.0 : f32} : tensor<?x4xf32>
  %1 = nn.hard_sigmoid %a {alpha = 0.2 : f32, beta = 0.5 : f32} : tensor<?x4xf32>
  %2 = nn.leaky_relu %a {alpha = 0.25 : f32} : tensor<?x4xf32>
  %3 = nn.thresholded_relu %a {alpha = 1.0 : f32} : tensor<?x4xf32>
  %4 = nn.elu %a {alpha = 1.0 : f32, beta = 2.0 : f32, gamma = 3.0 : f32} : tensor<?x4xf32>
  %5 = nn.gelu %a : tensor<?x4xf32>
  %6 = nn.gelu %a {approximate} : tensor<?x4xf32>
  %7 = nn.pow %a {exponent = 0.5 : f32} : tensor<?x4xf32>
  return
}

// CHECK-LABEL: func @binary
// CHECK: nn.min %{{.*}} : tensor<?x4x5xf32>, tensor<4x1xf32> -> tensor<?x4x5xf32>
// CHECK: nn.max
// CHECK: nn.prelu %{{.*}} : tensor<?x4x5xf32>, tensor<4x1xf32> -> tensor<?x4x5xf32>
func.func @binary(%a: tensor<?x4x5xf32>, %b: tensor<4x1xf32>) {
  %0 = nn.min %a, %b : tensor<?x4x5xf32>, tensor<4x1xf32> -> tensor<?x4x5xf32>
  %1 = nn.max %a, %b : tensor<?x4x5xf32>, tensor<4x1xf32> -> tensor<?x4x5xf32>
  %2 = nn.prelu %a, %b : tensor<?x4x5xf32>, tensor<4x1xf32> -> tensor<?x4x5xf32>
  return
}
