// RUN: lathe-opt %s --eliminate-empty-tensors \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map unknown-type-conversion=identity-layout-map" \
// RUN:   --canonicalize --cse --canonicalize | FileCheck %s
// Where a copy cannot be avoided, and how many there are.

// One value in two places of a concat has to be copied. (Once would do; upstream's elimination of empty tensors then declines altogether.)
// CHECK-LABEL: func @part_twice
// CHECK-COUNT-2: memref.copy
// CHECK-NOT: memref.copy
// CHECK: return
func.func @part_twice(%x: tensor<?x8x16xf32>) -> tensor<?x16x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x16xf32>
  %big = tensor.empty(%n) : tensor<?x16x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x8x16xf32>
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %i0 = tensor.insert_slice %0 into %big[0, 0, 0] [%n, 8, 16] [1, 1, 1] : tensor<?x8x16xf32> into tensor<?x16x16xf32>
  %i1 = tensor.insert_slice %0 into %i0[0, 8, 0] [%n, 8, 16] [1, 1, 1] : tensor<?x8x16xf32> into tensor<?x16x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x16x16xf32>
  %y = nn.pool max ins(%i1 : tensor<?x16x16xf32>) outs(%e2 : tensor<?x16x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 16 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x16x16xf32>
  return %y : tensor<?x16x16xf32>
}

// What is read and what is written overlap in channels 4 to 7: the reader gets a buffer of its own.
// CHECK-LABEL: func @overlap
// CHECK: nn.pool max ins(%{{.*}}) outs(%[[OWN:.*]] : memref<?x8x16xf32>)
// CHECK: memref.copy %[[OWN]], %{{.*}} : memref<?x8x16xf32> to memref<?x8x16xf32, strided<[256, 16, 1]>>
// CHECK: nn.pool max ins(%[[OWN]] : memref<?x8x16xf32>) outs(%{{.*}} : memref<?x8x16xf32, strided<[256, 16, 1], offset: 64>>)
// CHECK: return
func.func @overlap(%x: tensor<?x8x16xf32>) -> tensor<?x16x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x16xf32>
  %big = tensor.empty(%n) : tensor<?x16x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x8x16xf32>
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %i0 = tensor.insert_slice %0 into %big[0, 0, 0] [%n, 8, 16] [1, 1, 1] : tensor<?x8x16xf32> into tensor<?x16x16xf32>
  %e1 = tensor.empty(%n) : tensor<?x8x16xf32>
  %1 = nn.pool max ins(%0 : tensor<?x8x16xf32>) outs(%e1 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %y = tensor.insert_slice %1 into %i0[0, 4, 0] [%n, 8, 16] [1, 1, 1] : tensor<?x8x16xf32> into tensor<?x16x16xf32>
  return %y : tensor<?x16x16xf32>
}
