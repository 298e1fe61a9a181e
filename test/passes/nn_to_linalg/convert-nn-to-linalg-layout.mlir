// RUN: lathe-opt %s --convert-nn-to-linalg --canonicalize -mlir-print-local-scope | FileCheck %s
// Shape and layout changes: views where the elements keep their order in memory, else linalg.generic.

// CHECK-LABEL: func @flatten(
// CHECK-NEXT: %[[R:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0], [1, 2, 3]] : tensor<?x8x2x3xf32> into tensor<?x48xf32>
// CHECK-NEXT: return %[[R]]
func.func @flatten(%x: tensor<?x8x2x3xf32>) -> tensor<?x48xf32> {
  %0 = nn.reshape %x : tensor<?x8x2x3xf32> -> tensor<?x48xf32>
  return %0 : tensor<?x48xf32>
}

// Through the coarsest shape that both are regroupings of: 4x6 = 24 = 8x3, and 5 stays.
// CHECK-LABEL: func @regroup(
// CHECK: %[[C:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0], [1, 2], [3]] : tensor<?x4x6x5xf32> into tensor<?x24x5xf32>
// CHECK: tensor.expand_shape %[[C]] {{\[\[}}0], [1, 2], [3]] output_shape [%{{.*}}, 8, 3, 5] : tensor<?x24x5xf32> into tensor<?x8x3x5xf32>
func.func @regroup(%x: tensor<?x4x6x5xf32>) -> tensor<?x8x3x5xf32> {
  %0 = nn.reshape %x : tensor<?x4x6x5xf32> -> tensor<?x8x3x5xf32>
  return %0 : tensor<?x8x3x5xf32>
}

// CHECK-LABEL: func @trailing_ones(
// CHECK-NEXT: tensor.collapse_shape %arg0 {{\[\[}}0], [1, 2, 3]] : tensor<2x4x1x1xf32> into tensor<2x4xf32>
func.func @trailing_ones(%x: tensor<2x4x1x1xf32>) -> tensor<2x4xf32> {
  %0 = nn.reshape %x : tensor<2x4x1x1xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @scalar(
// CHECK-NEXT: tensor.expand_shape %arg0 [] output_shape [1, 1] : tensor<f32> into tensor<1x1xf32>
func.func @scalar(%x: tensor<f32>) -> tensor<1x1xf32> {
  %0 = nn.reshape %x : tensor<f32> -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// CHECK-LABEL: func @unpack(
// CHECK: affine_map<(d0, d1, d2, d3) -> (d0, d1 floordiv 4, d2, d3, d1 mod 4)>
// CHECK: ins(%arg0 : tensor<?x2x3x5x4xf32>) outs(%{{.*}} : tensor<?x6x3x5xf32>)
func.func @unpack(%x: tensor<?x2x3x5x4xf32>) -> tensor<?x6x3x5xf32> {
  %0 = nn.unpack %x : tensor<?x2x3x5x4xf32> -> tensor<?x6x3x5xf32>
  return %0 : tensor<?x6x3x5xf32>
}

// One pixel: the channels lie one after the other, whatever the layout.
// CHECK-LABEL: func @unpack_pixel(
// CHECK-NOT: linalg.generic
// CHECK: %[[C:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0], [1, 2, 3, 4]] : tensor<?x2x1x1x4xf32> into tensor<?x8xf32>
// CHECK: %[[S:.*]] = tensor.extract_slice %[[C]][0, 0] [%{{.*}}, 6] [1, 1] : tensor<?x8xf32> to tensor<?x6xf32>
// CHECK: tensor.expand_shape %[[S]] {{.*}} into tensor<?x6x1x1xf32>
func.func @unpack_pixel(%x: tensor<?x2x1x1x4xf32>) -> tensor<?x6x1x1xf32> {
  %0 = nn.unpack %x : tensor<?x2x1x1x4xf32> -> tensor<?x6x1x1xf32>
  return %0 : tensor<?x6x1x1xf32>
}

// CHECK-LABEL: func @pack_full(
// CHECK: affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 * 4 + d4, d2, d3)>
// CHECK-NOT: arith.select
func.func @pack_full(%x: tensor<?x8x3x5xf32>) -> tensor<?x2x3x5x4xf32> {
  %0 = nn.pack %x : tensor<?x8x3x5xf32> -> tensor<?x2x3x5x4xf32>
  return %0 : tensor<?x2x3x5x4xf32>
}

// CHECK-LABEL: func @pack_full_pixel(
// CHECK-NOT: linalg.generic
// CHECK: tensor.expand_shape %{{.*}} : tensor<2x8xf32> into tensor<2x2x1x1x4xf32>
func.func @pack_full_pixel(%x: tensor<2x8x1x1xf32>) -> tensor<2x2x1x1x4xf32> {
  %0 = nn.pack %x : tensor<2x8x1x1xf32> -> tensor<2x2x1x1x4xf32>
  return %0 : tensor<2x2x1x1x4xf32>
}

// Lanes beyond the channels hold what nobody reads; the index stays inside the input.
// CHECK-LABEL: func @pack_part(
// CHECK: affine_map<(d0, d1, d2, d3, d4) -> (d0, (d1 * 4 + d4) mod 6, d2, d3)>
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: linalg.yield %[[X]]
func.func @pack_part(%x: tensor<?x6x3x5xf32>) -> tensor<?x2x3x5x4xf32> {
  %0 = nn.pack %x : tensor<?x6x3x5xf32> -> tensor<?x2x3x5x4xf32>
  return %0 : tensor<?x2x3x5x4xf32>
}

// Phases that are all the same image: every pixel is repeated.
// CHECK-LABEL: func @repeated(
// CHECK-NOT: tensor.insert_slice
// CHECK: linalg.generic
// CHECK-SAME: affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2 floordiv 2, d3 floordiv 3, d4)>
func.func @repeated(%x: tensor<?x2x5x4x4xf32>) -> tensor<?x2x10x12x4xf32> {
  %0 = nn.interleave %x, %x, %x, %x, %x, %x strides [2, 3]
    : tensor<?x2x5x4x4xf32>, tensor<?x2x5x4x4xf32>, tensor<?x2x5x4x4xf32>, tensor<?x2x5x4x4xf32>, tensor<?x2x5x4x4xf32>, tensor<?x2x5x4x4xf32> -> tensor<?x2x10x12x4xf32>
  return %0 : tensor<?x2x10x12x4xf32>
}
