// RUN: lathe-opt %s --canonicalize | FileCheck %s
// RUN: lathe-opt %s --cse | FileCheck %s --check-prefix=CSE
// Operations on weights become steps of recipes, so that constant subgraphs vanish.

// CHECK-LABEL: func @reshape
// CHECK-NEXT: %[[W:.*]] = nn.weight <dense<[1.{{.*}}]> : tensor<3xf32>, tensor<3xf32>, steps = [<"reshape", [3, 1]>]> : tensor<3x1xf32>
// CHECK-NEXT: return %[[W]]
func.func @reshape() -> tensor<3x1xf32> {
  %w = nn.weight <dense<[1.0, 2.0, 3.0]> : tensor<3xf32>, tensor<3xf32>> : tensor<3xf32>
  %0 = nn.reshape %w : tensor<3xf32> -> tensor<3x1xf32>
  return %0 : tensor<3x1xf32>
}

// Both sides are broadcast to the result; the left one's recipe goes on.
// CHECK-LABEL: func @binary
// CHECK-NEXT: %[[W:.*]] = nn.weight <dense<[1.{{.*}}]> : tensor<2xf32>, tensor<2xf32>, steps = [<"broadcast", [3, 2]>, <"sub", with = <dense<{{.*}}3.{{.*}}> : tensor<3x1xf32>, tensor<3x1xf32>, steps = [<"broadcast", [3, 2]>]>>]> : tensor<3x2xf32>
// CHECK-NEXT: return %[[W]]
func.func @binary() -> tensor<3x2xf32> {
  %a = nn.weight <dense<[1.0, 2.0]> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %b = nn.weight <dense<[[3.0], [4.0], [5.0]]> : tensor<3x1xf32>, tensor<3x1xf32>> : tensor<3x1xf32>
  %0 = nn.sub %a, %b : tensor<2xf32>, tensor<3x1xf32> -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// Equal shapes need no broadcast.
// CHECK-LABEL: func @chain
// CHECK-NEXT: nn.weight <dense<[1.{{.*}}]> : tensor<2xf32>, tensor<2xf32>, steps = [<"mul", with = <dense<[3.{{.*}}]> : tensor<2xf32>, tensor<2xf32>>>, <"add", with = <dense<[1.{{.*}}]> : tensor<2xf32>, tensor<2xf32>>>]> : tensor<2xf32>
// CHECK-NEXT: return
func.func @chain() -> tensor<2xf32> {
  %a = nn.weight <dense<[1.0, 2.0]> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %b = nn.weight <dense<[3.0, 4.0]> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %0 = nn.mul %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  %1 = nn.add %0, %a : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// Splats are computed at once, in their own type: 1 / 3 is the f32 0.333333343.
// CHECK-LABEL: func @splats
// CHECK-NEXT: nn.weight <dense<0.333333343> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
// CHECK-NEXT: nn.weight <dense<3.000000e-01> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
// CHECK-NEXT: nn.weight <dense<-2.000000e+00> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
// CHECK-NEXT: nn.weight <dense<3.000000e+00> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
// CHECK-NEXT: return
func.func @splats() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %one = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %three = nn.weight <dense<3.0> : tensor<f32>, tensor<f32>> : tensor<f32>
  %a = nn.weight <dense<0.1> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %b = nn.weight <dense<0.2> : tensor<1xf32>, tensor<1xf32>> : tensor<1xf32>
  %0 = nn.div %one, %three : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  %1 = nn.add %a, %b : tensor<2xf32>, tensor<1xf32> -> tensor<2xf32>
  %2 = nn.sub %one, %three : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  %3 = nn.mul %one, %three : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// Equal weights are one, on tensors and on buffers; unused ones go.
// CSE-LABEL: func @equal
// CSE-NEXT: %[[W:.*]] = nn.weight {{.*}} : tensor<2xf32>
// CSE-NEXT: %[[B:.*]] = nn.weight {{.*}} : memref<2xf32>
// CSE-NEXT: return %[[W]], %[[W]], %[[B]], %[[B]]
func.func @equal() -> (tensor<2xf32>, tensor<2xf32>, memref<2xf32>, memref<2xf32>) {
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %1 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  %2 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : memref<2xf32>
  %3 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : memref<2xf32>
  %4 = nn.weight <dense<2.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf32>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, memref<2xf32>, memref<2xf32>
}
