// RUN: lathe-opt %s --eliminate-empty-tensors \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map unknown-type-conversion=identity-layout-map" \
// RUN:   --canonicalize --cse --canonicalize | FileCheck %s --implicit-check-not=memref.copy
// Concatenation by insert_slice: producers write into one buffer.

// Two producers write their slices of one buffer.
// CHECK-LABEL: func @concat
// CHECK: %[[BIG:.*]] = memref.alloc(%{{.*}}) {{.*}} : memref<?x16x16xf32>
// CHECK-NOT: memref.alloc
// CHECK: %[[S0:.*]] = memref.subview %[[BIG]][0, 0, 0]
// CHECK: nn.pool max ins(%{{.*}}) outs(%[[S0]] :
// CHECK: %[[S1:.*]] = memref.subview %[[BIG]][0, 8, 0]
// CHECK: nn.pool max ins(%{{.*}}) outs(%[[S1]] :
// CHECK: return %[[BIG]]
func.func @concat(%x: tensor<?x8x16xf32>) -> tensor<?x16x16xf32> {
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
  %1 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e1 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %y = tensor.insert_slice %1 into %i0[0, 8, 0] [%n, 8, 16] [1, 1, 1] : tensor<?x8x16xf32> into tensor<?x16x16xf32>
  return %y : tensor<?x16x16xf32>
}

// CHECK-LABEL: func @concat_then_read
// CHECK-COUNT-2: nn.pool max {{.*}} outs(%{{.*}} : memref<?x8x16xf32, strided
// CHECK: nn.pool max ins(%{{.*}} : memref<?x16x16xf32>)
// CHECK: return
func.func @concat_then_read(%x: tensor<?x8x16xf32>) -> tensor<?x16x16xf32> {
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
  %1 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e1 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %i1 = tensor.insert_slice %1 into %i0[0, 8, 0] [%n, 8, 16] [1, 1, 1] : tensor<?x8x16xf32> into tensor<?x16x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x16x16xf32>
  %y = nn.pool max ins(%i1 : tensor<?x16x16xf32>) outs(%e2 : tensor<?x16x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 16 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x16x16xf32>
  return %y : tensor<?x16x16xf32>
}

// DenseNet: the second producer reads one slice of the buffer while it writes the next. Only isNotConflicting knows that they are disjoint.
// CHECK-LABEL: func @densenet
// CHECK: nn.pool max ins(%{{.*}}) outs(%[[S0:.*]] : memref<?x8x16xf32, strided<[256, 16, 1]>>)
// CHECK: nn.pool max ins(%[[S0]] : {{.*}}) outs(%{{.*}} : memref<?x8x16xf32, strided<[256, 16, 1], offset: 128>>)
// CHECK: nn.pool max ins(%{{.*}} : memref<?x16x16xf32>)
// CHECK: return
func.func @densenet(%x: tensor<?x8x16xf32>) -> tensor<?x16x16xf32> {
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
  %i1 = tensor.insert_slice %1 into %i0[0, 8, 0] [%n, 8, 16] [1, 1, 1] : tensor<?x8x16xf32> into tensor<?x16x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x16x16xf32>
  %y = nn.pool max ins(%i1 : tensor<?x16x16xf32>) outs(%e2 : tensor<?x16x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 16 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x16x16xf32>
  return %y : tensor<?x16x16xf32>
}
