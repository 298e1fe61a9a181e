// RUN: lathe-opt %s --canonicalize | FileCheck %s
// Operations that do nothing vanish; those that would change -0 or a NaN stay.

// CHECK-LABEL: func @reshape
// CHECK-NEXT: %[[R:.*]] = nn.reshape %arg0 : tensor<?x8x1x1xf32> -> tensor<?x2x4xf32>
// CHECK-NEXT: return %[[R]], %arg0, %arg0
func.func @reshape(%x: tensor<?x8x1x1xf32>) -> (tensor<?x2x4xf32>, tensor<?x8x1x1xf32>, tensor<?x8x1x1xf32>) {
  %0 = nn.reshape %x : tensor<?x8x1x1xf32> -> tensor<?x8xf32>
  %1 = nn.reshape %0 : tensor<?x8xf32> -> tensor<?x2x4xf32>
  %2 = nn.reshape %0 : tensor<?x8xf32> -> tensor<?x8x1x1xf32>
  %3 = nn.reshape %x : tensor<?x8x1x1xf32> -> tensor<?x8x1x1xf32>
  return %1, %2, %3 : tensor<?x2x4xf32>, tensor<?x8x1x1xf32>, tensor<?x8x1x1xf32>
}

// The lanes beyond the channels are unspecified, so that the original serves as well as a repacked copy; but 5 channels are not 6.
// CHECK-LABEL: func @layout
// CHECK-NEXT: %[[U:.*]] = nn.unpack %arg1 : tensor<?x1x3x8xf32> -> tensor<?x5x3xf32>
// CHECK-NEXT: %[[P:.*]] = nn.pack %[[U]] : tensor<?x5x3xf32> -> tensor<?x2x3x4xf32>
// CHECK-NEXT: return %arg0, %arg1, %[[P]]
func.func @layout(%x: tensor<?x5x3xf32>, %y: tensor<?x1x3x8xf32>) -> (tensor<?x5x3xf32>, tensor<?x1x3x8xf32>, tensor<?x2x3x4xf32>) {
  %0 = nn.pack %x : tensor<?x5x3xf32> -> tensor<?x1x3x8xf32>
  %1 = nn.unpack %0 : tensor<?x1x3x8xf32> -> tensor<?x5x3xf32>
  %2 = nn.unpack %y : tensor<?x1x3x8xf32> -> tensor<?x5x3xf32>
  %3 = nn.pack %2 : tensor<?x5x3xf32> -> tensor<?x1x3x8xf32>
  %4 = nn.pack %2 : tensor<?x5x3xf32> -> tensor<?x2x3x4xf32>
  return %1, %3, %4 : tensor<?x5x3xf32>, tensor<?x1x3x8xf32>, tensor<?x2x3x4xf32>
}

// x + -0, x - 0, x * 1 and x / 1 are exact for every x.
// CHECK-LABEL: func @neutral
// CHECK-NEXT: return %arg0, %arg0, %arg0, %arg0, %arg0
func.func @neutral(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %negative = nn.weight <dense<-0.0> : tensor<4xf32>, tensor<4xf32>> : tensor<4xf32>
  %zero = nn.weight <dense<0.0> : tensor<f32>, tensor<f32>> : tensor<f32>
  %one = nn.weight <dense<1.0> : tensor<4x1xf32>, tensor<4x1xf32>, steps = [<"transpose", [1, 0]>]> : tensor<1x4xf32>
  %0 = nn.add %negative, %x : tensor<4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %1 = nn.sub %x, %zero : tensor<?x4xf32>, tensor<f32> -> tensor<?x4xf32>
  %2 = nn.mul %x, %one : tensor<?x4xf32>, tensor<1x4xf32> -> tensor<?x4xf32>
  %3 = nn.mul %one, %x : tensor<1x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %4 = nn.div %x, %one : tensor<?x4xf32>, tensor<1x4xf32> -> tensor<?x4xf32>
  return %0, %1, %2, %3, %4 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -0 + 0 is 0, 0 - x is not x, 1 / x neither; a broadcast changes the shape.
// CHECK-LABEL: func @not_neutral
// CHECK-DAG: nn.add
// CHECK-DAG: nn.sub
// CHECK-DAG: nn.sub
// CHECK-DAG: nn.div
// CHECK-DAG: nn.mul
// CHECK: return
func.func @not_neutral(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<3x?x4xf32>) {
  %zero = nn.weight <dense<0.0> : tensor<f32>, tensor<f32>> : tensor<f32>
  %negative = nn.weight <dense<-0.0> : tensor<f32>, tensor<f32>> : tensor<f32>
  %one = nn.weight <dense<1.0> : tensor<f32>, tensor<f32>> : tensor<f32>
  %wide = nn.weight <dense<1.0> : tensor<3x1x1xf32>, tensor<3x1x1xf32>> : tensor<3x1x1xf32>
  %0 = nn.add %x, %zero : tensor<?x4xf32>, tensor<f32> -> tensor<?x4xf32>
  %1 = nn.sub %zero, %x : tensor<f32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %2 = nn.sub %x, %negative : tensor<?x4xf32>, tensor<f32> -> tensor<?x4xf32>
  %3 = nn.div %one, %x : tensor<f32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %4 = nn.mul %x, %wide : tensor<?x4xf32>, tensor<3x1x1xf32> -> tensor<3x?x4xf32>
  return %0, %1, %2, %3, %4 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<3x?x4xf32>
}

// CHECK-LABEL: func @relu_twice
// CHECK-NEXT: %[[R:.*]] = nn.relu %arg0
// CHECK-NEXT: return %[[R]]
func.func @relu_twice(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = nn.relu %x : tensor<?x4xf32>
  %1 = nn.relu %0 : tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}
