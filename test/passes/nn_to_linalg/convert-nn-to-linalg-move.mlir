// RUN: lathe-opt %s --convert-nn-to-linalg --canonicalize | FileCheck %s
// Parts of a destination and views where that is possible, else linalg.generic.

// CHECK-DAG: #[[$BACK:.*]] = affine_map<(d0, d1) -> (d0, d1 * -2 + 6)>
// CHECK-DAG: #[[$SECOND:.*]] = affine_map<(d0, d1) -> (d0, d1 * 2 + 1)>
// CHECK-DAG: #[[$SWAP:.*]] = affine_map<(d0, d1) -> (d1, d0)>

// CHECK-LABEL: func @concat
// CHECK: %[[E:.*]] = tensor.empty(%[[N:.*]]) : tensor<?x7x5xf32>
// CHECK: %[[A:.*]] = tensor.insert_slice %arg0 into %[[E]][0, 0, 0] [%[[N]], 3, 5] [1, 1, 1]
// CHECK: tensor.insert_slice %arg1 into %[[A]][0, 3, 0] [%[[N]], 4, 5] [1, 1, 1]
func.func @concat(%a: tensor<?x3x5xf32>, %b: tensor<?x4x5xf32>) -> tensor<?x7x5xf32> {
  %0 = nn.concat %a, %b axis 1 : tensor<?x3x5xf32>, tensor<?x4x5xf32> -> tensor<?x7x5xf32>
  return %0 : tensor<?x7x5xf32>
}

// The shorter one is the filled part of the longer one's destination.
// CHECK-LABEL: func @dense
// CHECK: %[[E:.*]] = tensor.empty() : tensor<2x9xf32>
// CHECK: %[[A:.*]] = tensor.insert_slice %arg0 into %[[E]][0, 0] [2, 3] [1, 1]
// CHECK: %[[B:.*]] = tensor.insert_slice %arg1 into %[[A]][0, 3] [2, 4] [1, 1]
// CHECK: %[[V:.*]] = tensor.extract_slice %[[B]][0, 0] [2, 7] [1, 1]
// CHECK: %[[C:.*]] = tensor.insert_slice %arg2 into %[[B]][0, 7] [2, 2] [1, 1]
// CHECK: return %[[V]], %[[C]]
func.func @dense(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>, %c: tensor<2x2xf32>) -> (tensor<2x7xf32>, tensor<2x9xf32>) {
  %0 = nn.concat %a, %b axis 1 : tensor<2x3xf32>, tensor<2x4xf32> -> tensor<2x7xf32>
  %1 = nn.concat %a, %b, %c axis 1 : tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x2xf32> -> tensor<2x9xf32>
  return %0, %1 : tensor<2x7xf32>, tensor<2x9xf32>
}

// CHECK-LABEL: func @views
// CHECK: tensor.extract_slice %arg0[0, 1] [3, 4] [1, 1]
// CHECK: tensor.extract_slice %arg0[1, 0] [2, 7] [2, 1]
func.func @views(%x: tensor<5x7xf32>) -> (tensor<3x4xf32>, tensor<2x7xf32>) {
  %0 = nn.slice %x begins [0, 1] steps [1, 1] : tensor<5x7xf32> -> tensor<3x4xf32>
  %1 = nn.slice %x begins [1, 0] steps [2, 1] : tensor<5x7xf32> -> tensor<2x7xf32>
  return %0, %1 : tensor<3x4xf32>, tensor<2x7xf32>
}

// CHECK-LABEL: func @gathered
// CHECK: linalg.generic {indexing_maps = [#[[$BACK]],
// CHECK: linalg.generic {indexing_maps = [#[[$SECOND]],
// CHECK: linalg.generic {indexing_maps = [#[[$SWAP]],
func.func @gathered(%x: tensor<5x7xf32>) -> (tensor<5x4xf32>, tensor<5x3xf32>, tensor<7x5xf32>) {
  %0 = nn.slice %x begins [0, 6] steps [1, -2] : tensor<5x7xf32> -> tensor<5x4xf32>
  %1 = nn.slice %x begins [0, 1] steps [1, 2] : tensor<5x7xf32> -> tensor<5x3xf32>
  %2 = nn.transpose %x permutation [1, 0] : tensor<5x7xf32> -> tensor<7x5xf32>
  return %0, %1, %2 : tensor<5x4xf32>, tensor<5x3xf32>, tensor<7x5xf32>
}

// The border of the rows first, over all columns; then what is left of the columns.
// CHECK-LABEL: func @pad
// CHECK: %[[E:.*]] = tensor.empty() : tensor<8x10xf32>
// CHECK: %[[T:.*]] = tensor.insert_slice %{{.*}} into %[[E]][0, 0] [1, 10] [1, 1]
// CHECK: %[[B:.*]] = tensor.insert_slice %{{.*}} into %[[T]][6, 0] [2, 10] [1, 1]
// CHECK: %[[R:.*]] = tensor.insert_slice %{{.*}} into %[[B]][1, 7] [5, 3] [1, 1]
// CHECK: tensor.insert_slice %arg0 into %[[R]][1, 0] [5, 7] [1, 1]
func.func @pad(%x: tensor<5x7xf32>, %v: tensor<f32>) -> tensor<8x10xf32> {
  %0 = nn.pad %x with %v begins [1, 0] ends [2, 3] : tensor<5x7xf32>, tensor<f32> -> tensor<8x10xf32>
  return %0 : tensor<8x10xf32>
}
