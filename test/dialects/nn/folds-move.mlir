// RUN: lathe-opt %s --canonicalize | FileCheck %s
// What moves nothing vanishes; weights are moved by their recipes; a channel shuffle is a concatenation.

// CHECK-LABEL: func @nothing
// CHECK-NEXT: return %arg0, %arg0, %arg0, %arg0, %arg0
func.func @nothing(%x: tensor<?x3x5xf32>, %v: tensor<f32>) -> (tensor<?x3x5xf32>, tensor<?x3x5xf32>, tensor<?x3x5xf32>, tensor<?x3x5xf32>, tensor<?x3x5xf32>) {
  %0 = nn.concat %x axis 2 : tensor<?x3x5xf32> -> tensor<?x3x5xf32>
  %1 = nn.slice %x begins [0, 0, 0] steps [1, 1, 1] : tensor<?x3x5xf32> -> tensor<?x3x5xf32>
  %2 = nn.transpose %x permutation [0, 1, 2] : tensor<?x3x5xf32> -> tensor<?x3x5xf32>
  %3 = nn.pad %x with %v begins [0, 0, 0] ends [0, 0, 0] : tensor<?x3x5xf32>, tensor<f32> -> tensor<?x3x5xf32>
  %4 = nn.transpose %x permutation [0, 2, 1] : tensor<?x3x5xf32> -> tensor<?x5x3xf32>
  %5 = nn.transpose %4 permutation [0, 2, 1] : tensor<?x5x3xf32> -> tensor<?x3x5xf32>
  return %0, %1, %2, %3, %5 : tensor<?x3x5xf32>, tensor<?x3x5xf32>, tensor<?x3x5xf32>, tensor<?x3x5xf32>, tensor<?x3x5xf32>
}

// All elements, but backwards.
// CHECK-LABEL: func @backwards
// CHECK: nn.slice
func.func @backwards(%x: tensor<5xf32>) -> tensor<5xf32> {
  %0 = nn.slice %x begins [4] steps [-1] : tensor<5xf32> -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// CHECK-LABEL: func @compose
// CHECK-NEXT: nn.transpose %arg0 permutation [2, 1, 0] : tensor<2x3x5xf32> -> tensor<5x3x2xf32>
func.func @compose(%x: tensor<2x3x5xf32>) -> tensor<5x3x2xf32> {
  %0 = nn.transpose %x permutation [1, 2, 0] : tensor<2x3x5xf32> -> tensor<3x5x2xf32>
  %1 = nn.transpose %0 permutation [1, 0, 2] : tensor<3x5x2xf32> -> tensor<5x3x2xf32>
  return %1 : tensor<5x3x2xf32>
}

// CHECK-LABEL: func @units
// CHECK-NEXT: nn.reshape %arg0 : tensor<?x3x1x5xf32> -> tensor<?x1x3x5xf32>
func.func @units(%x: tensor<?x3x1x5xf32>) -> tensor<?x1x3x5xf32> {
  %0 = nn.transpose %x permutation [0, 2, 1, 3] : tensor<?x3x1x5xf32> -> tensor<?x1x3x5xf32>
  return %0 : tensor<?x1x3x5xf32>
}

// CHECK-LABEL: func @weights
// CHECK-DAG: nn.weight {{.*}}steps = [<"transpose", [1, 0]>]> : tensor<3x2xf32>
// CHECK-DAG: nn.weight {{.*}}steps = [<"slice", [1, 0, 1, 2, -1, 2]>]> : tensor<1x2xf32>
func.func @weights() -> (tensor<3x2xf32>, tensor<1x2xf32>) {
  %w = nn.weight <dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>, tensor<2x3xf32>> : tensor<2x3xf32>
  %0 = nn.transpose %w permutation [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  %1 = nn.slice %w begins [1, 0] steps [-1, 2] : tensor<2x3xf32> -> tensor<1x2xf32>
  return %0, %1 : tensor<3x2xf32>, tensor<1x2xf32>
}

// CHECK-LABEL: func @shuffle
// CHECK-NEXT: %[[A:.*]] = nn.reshape %arg0 : tensor<?x6x5xf32> -> tensor<?x6x1x5xf32>
// CHECK-NEXT: %[[B:.*]] = nn.reshape %arg1 : tensor<?x6x5xf32> -> tensor<?x6x1x5xf32>
// CHECK-NEXT: %[[C:.*]] = nn.concat %[[A]], %[[B]] axis 2 : tensor<?x6x1x5xf32>, tensor<?x6x1x5xf32> -> tensor<?x6x2x5xf32>
// CHECK-NEXT: nn.reshape %[[C]] : tensor<?x6x2x5xf32> -> tensor<?x12x5xf32>
func.func @shuffle(%a: tensor<?x6x5xf32>, %b: tensor<?x6x5xf32>) -> tensor<?x12x5xf32> {
  %0 = nn.concat %a, %b axis 1 : tensor<?x6x5xf32>, tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  %1 = nn.reshape %0 : tensor<?x12x5xf32> -> tensor<?x2x6x5xf32>
  %2 = nn.transpose %1 permutation [0, 2, 1, 3] : tensor<?x2x6x5xf32> -> tensor<?x6x2x5xf32>
  %3 = nn.reshape %2 : tensor<?x6x2x5xf32> -> tensor<?x12x5xf32>
  return %3 : tensor<?x12x5xf32>
}

// Four groups of two parts are no parts any more, and pixels that move stay a transposition.
// CHECK-LABEL: func @no_shuffle
// CHECK: nn.transpose
// CHECK: nn.transpose
func.func @no_shuffle(%a: tensor<?x6x5xf32>, %b: tensor<?x6x5xf32>) -> (tensor<?x3x4x5xf32>, tensor<?x6x5x2xf32>) {
  %0 = nn.concat %a, %b axis 1 : tensor<?x6x5xf32>, tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  %1 = nn.reshape %0 : tensor<?x12x5xf32> -> tensor<?x4x3x5xf32>
  %2 = nn.transpose %1 permutation [0, 2, 1, 3] : tensor<?x4x3x5xf32> -> tensor<?x3x4x5xf32>
  %3 = nn.concat %a, %b axis 1 : tensor<?x6x5xf32>, tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  %4 = nn.reshape %3 : tensor<?x12x5xf32> -> tensor<?x2x5x6xf32>
  %5 = nn.transpose %4 permutation [0, 3, 2, 1] : tensor<?x2x5x6xf32> -> tensor<?x6x5x2xf32>
  return %2, %5 : tensor<?x3x4x5xf32>, tensor<?x6x5x2xf32>
}
