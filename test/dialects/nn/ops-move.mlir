// RUN: lathe-opt %s | lathe-opt | FileCheck %s
// Every form of the operations that move elements.

// CHECK-LABEL: func @batch
func.func @batch(%x: tensor<?x16x7xf32>, %y: tensor<?x3x7xf32>, %v: tensor<f32>) {
  // CHECK: nn.concat %arg0, %arg1, %arg0 axis 1 : tensor<?x16x7xf32>, tensor<?x3x7xf32>, tensor<?x16x7xf32> -> tensor<?x35x7xf32>
  %0 = nn.concat %x, %y, %x axis 1 : tensor<?x16x7xf32>, tensor<?x3x7xf32>, tensor<?x16x7xf32> -> tensor<?x35x7xf32>
  // CHECK: nn.slice %arg0 begins [0, 8, 6] steps [1, 1, -2] : tensor<?x16x7xf32> -> tensor<?x8x4xf32>
  %1 = nn.slice %x begins [0, 8, 6] steps [1, 1, -2] : tensor<?x16x7xf32> -> tensor<?x8x4xf32>
  // CHECK: nn.transpose %arg0 permutation [0, 2, 1] : tensor<?x16x7xf32> -> tensor<?x7x16xf32>
  %2 = nn.transpose %x permutation [0, 2, 1] : tensor<?x16x7xf32> -> tensor<?x7x16xf32>
  // CHECK: nn.pad %arg0 with %arg2 begins [0, 0, 1] ends [0, 2, 0] : tensor<?x16x7xf32>, tensor<f32> -> tensor<?x18x8xf32>
  %3 = nn.pad %x with %v begins [0, 0, 1] ends [0, 2, 0] : tensor<?x16x7xf32>, tensor<f32> -> tensor<?x18x8xf32>
  return
}

// Without a batch the leading dimension is like any other, and a slice may be empty.
// CHECK-LABEL: func @static
func.func @static(%x: tensor<3x5xi8>, %v: tensor<i8>) {
  // CHECK: nn.concat %arg0, %arg0 axis 0 : tensor<3x5xi8>, tensor<3x5xi8> -> tensor<6x5xi8>
  %0 = nn.concat %x, %x axis 0 : tensor<3x5xi8>, tensor<3x5xi8> -> tensor<6x5xi8>
  // CHECK: nn.slice %arg0 begins [2, 4] steps [-1, -4] : tensor<3x5xi8> -> tensor<3x2xi8>
  %1 = nn.slice %x begins [2, 4] steps [-1, -4] : tensor<3x5xi8> -> tensor<3x2xi8>
  // CHECK: nn.slice %arg0 begins [3, 0] steps [1, 1] : tensor<3x5xi8> -> tensor<0x5xi8>
  %2 = nn.slice %x begins [3, 0] steps [1, 1] : tensor<3x5xi8> -> tensor<0x5xi8>
  // CHECK: nn.transpose %arg0 permutation [1, 0] : tensor<3x5xi8> -> tensor<5x3xi8>
  %3 = nn.transpose %x permutation [1, 0] : tensor<3x5xi8> -> tensor<5x3xi8>
  // CHECK: nn.pad %arg0 with %arg1 begins [1, 0] ends [0, 0] : tensor<3x5xi8>, tensor<i8> -> tensor<4x5xi8>
  %4 = nn.pad %x with %v begins [1, 0] ends [0, 0] : tensor<3x5xi8>, tensor<i8> -> tensor<4x5xi8>
  return
}
