// RUN: lathe-opt %s --nn-propagate-layout --nn-select-tiling --canonicalize | FileCheck %s
// Weights that are computed are packed by a program, zero where there is no channel.

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
// A matrix [C, K].
// CHECK-LABEL: func @matrix(
// CHECK: nn.foreach "pack_weights" space [{{[0-9]+}}, 2, 1, 4, [[ROW:[0-9]+]]] ins(%arg1 : tensor<6x13xf32>)
// CHECK: ^bb0(%[[G:.*]]: index, %[[B:.*]]: index, %{{.*}}: index, %[[V:.*]]: index, %[[L:.*]]: index, %[[W:.*]]: memref<6x13xf32>
// CHECK: %[[GROUP:.*]] = arith.muli %[[G]], %{{.*}} : index
// CHECK: %[[K:.*]] = arith.addi %[[GROUP]], %[[L]] : index
// CHECK: %[[BLOCK:.*]] = arith.muli %[[B]], %{{.*}} : index
// CHECK: %[[C:.*]] = arith.addi %[[BLOCK]], %[[V]] : index
// CHECK: scf.if
// CHECK: memref.load %[[W]][%[[C]], %[[K]]]
// CHECK: nn.matmul ins(%arg0, %{{.*}} : tensor<2x6xf32>, tensor<{{[0-9]+}}x2x1x4x[[ROW]]xf32>)
func.func @matrix(%x: tensor<2x6xf32>, %w: tensor<6x13xf32>) -> tensor<2x13xf32> {
  %0 = nn.matmul ins(%x, %w : tensor<2x6xf32>, tensor<6x13xf32>) attributes {channels = array<i64: 6, 13>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<2x13xf32>
  return %0 : tensor<2x13xf32>
}

// An image as the weights of a convolution is unpacked first.
// CHECK-LABEL: func @image(
// CHECK: nn.pool max
// CHECK: %[[I:.*]] = nn.unpack {{.*}} -> tensor<8x4x3xf32>
// CHECK: nn.foreach "pack_weights" {{.*}} ins(%[[I]] : tensor<8x4x3xf32>)
// CHECK: nn.conv
func.func @image(%x: tensor<?x4x9xf32>, %w: tensor<8x4x3xf32>) -> tensor<?x8x7xf32> {
  %p = nn.pool max ins(%w : tensor<8x4x3xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = 4 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<8x4x3xf32>
  %0 = nn.conv ins(%x, %p : tensor<?x4x9xf32>, tensor<8x4x3xf32>)
    attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 4, 8>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x7xf32>
  return %0 : tensor<?x8x7xf32>
}
}
