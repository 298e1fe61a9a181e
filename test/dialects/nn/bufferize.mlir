// RUN: lathe-opt %s --eliminate-empty-tensors \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map unknown-type-conversion=identity-layout-map" \
// RUN:   --canonicalize --cse --canonicalize | FileCheck %s --implicit-check-not=memref.copy
// Windowed operations become buffer operations without copies.

// A chain: no copy.
// CHECK-LABEL: func @chain
// CHECK-COUNT-3: nn.pool max
// CHECK: return
func.func @chain(%x: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x8x16xf32>
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %e1 = tensor.empty(%n) : tensor<?x8x16xf32>
  %1 = nn.pool max ins(%0 : tensor<?x8x16xf32>) outs(%e1 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x8x16xf32>
  %y = nn.pool max ins(%1 : tensor<?x8x16xf32>) outs(%e2 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  return %y : tensor<?x8x16xf32>
}

// The residual dies here and is the destination: element i of it is read before element i is written. No copy, one buffer.
// CHECK-LABEL: func @residual_in_place
// CHECK: %[[R:.*]] = memref.alloc
// CHECK: nn.pool max ins(%{{.*}} : {{.*}}) outs(%[[R]] :
// CHECK: nn.pool max ins(%{{.*}} : {{.*}}) extras(%[[R]] : {{.*}}) outs(%[[R]] :
// CHECK: return %[[R]]
func.func @residual_in_place(%x: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x8x16xf32>
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %e1 = tensor.empty(%n) : tensor<?x8x16xf32>
  %1 = nn.pool max ins(%0 : tensor<?x8x16xf32>) outs(%e1 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %y = nn.pool max ins(%1 : tensor<?x8x16xf32>) extras(%0 : tensor<?x8x16xf32>) outs(%0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32, %r: f32):
    %s = arith.addf %a, %r : f32
    nn.yield %s : f32
  } -> tensor<?x8x16xf32>
  return %y : tensor<?x8x16xf32>
}

// With a destination of its own: no copy (reusing the residual's buffer is the arena planner's affair).
// CHECK-LABEL: func @residual_fresh
// CHECK-COUNT-3: nn.pool max
// CHECK: return
func.func @residual_fresh(%x: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x8x16xf32>
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %e1 = tensor.empty(%n) : tensor<?x8x16xf32>
  %1 = nn.pool max ins(%0 : tensor<?x8x16xf32>) outs(%e1 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %e2 = tensor.empty(%n) : tensor<?x8x16xf32>
  %y = nn.pool max ins(%1 : tensor<?x8x16xf32>) extras(%0 : tensor<?x8x16xf32>) outs(%e2 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32, %r: f32):
    %s = arith.addf %a, %r : f32
    nn.yield %s : f32
  } -> tensor<?x8x16xf32>
  return %y : tensor<?x8x16xf32>
}

// The destination is read later, so that it cannot be overwritten: a new buffer, but no copy, since destinations are not read.
// CHECK-LABEL: func @residual_used_later
// CHECK-COUNT-3: memref.alloc
// CHECK: nn.pool max {{.*}} extras
// CHECK: return
func.func @residual_used_later(%x: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x8x16xf32>
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %e1 = tensor.empty(%n) : tensor<?x8x16xf32>
  %1 = nn.pool max ins(%0 : tensor<?x8x16xf32>) extras(%0 : tensor<?x8x16xf32>) outs(%0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32, %r: f32):
    %s = arith.addf %a, %r : f32
    nn.yield %s : f32
  } -> tensor<?x8x16xf32>
  %y = nn.pool max ins(%0 : tensor<?x8x16xf32>) extras(%1 : tensor<?x8x16xf32>) outs(%e1 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32, %r: f32):
    %s = arith.addf %a, %r : f32
    nn.yield %s : f32
  } -> tensor<?x8x16xf32>
  return %y : tensor<?x8x16xf32>
}

// A window reads its neighbours: the input cannot be the destination.
// CHECK-LABEL: func @init_is_input
// CHECK: %[[A:.*]] = memref.alloc
// CHECK: nn.pool max ins(%{{.*}}) outs(%[[A]] :
// CHECK: %[[B:.*]] = memref.alloc
// CHECK: nn.pool max ins(%[[A]] : {{.*}}) outs(%[[B]] :
// CHECK: return %[[B]]
func.func @init_is_input(%x: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x16xf32>
  %e0 = tensor.empty(%n) : tensor<?x8x16xf32>
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%e0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %y = nn.pool max ins(%0 : tensor<?x8x16xf32>) outs(%0 : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  return %y : tensor<?x8x16xf32>
}

// Nor can the function's input be overwritten by a pool of itself.
// CHECK-LABEL: func @init_is_argument
// CHECK: %[[A:.*]] = memref.alloc
// CHECK: nn.pool max ins(%{{.*}}) outs(%[[A]] :
// CHECK: return
func.func @init_is_argument(%x: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8x16xf32>
  %y = nn.pool max ins(%x : tensor<?x8x16xf32>) outs(%x : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  return %y : tensor<?x8x16xf32>
}

// A weight is read-only and one buffer for all its readers: an operation that would write it gets a buffer of its own.
// CHECK-LABEL: func @weight_is_read_only
// CHECK: %[[W:.*]] = nn.weight {{.*}} : memref<8x8xf32>
// CHECK: nn.matmul ins(%{{.*}}, %[[W]] : memref<?x8xf32>, memref<8x8xf32>)
// CHECK: %[[NEW:.*]] = memref.alloc
// CHECK: linalg.add ins(%{{.*}}, %[[W]] : {{.*}}) outs(%[[NEW]] :
// CHECK: return
func.func @weight_is_read_only(%x: tensor<?x8xf32>, %y: tensor<8x8xf32>) -> (tensor<?x8xf32>, tensor<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %w = nn.weight <dense<1.0> : tensor<8x8xf32>, tensor<8x8xf32>> : tensor<8x8xf32>
  %e0 = tensor.empty(%n) : tensor<?x8xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%e0 : tensor<?x8xf32>) attributes {channels = array<i64: 8, 8>} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8xf32>
  %1 = linalg.add ins(%y, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%w : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<8x8xf32>
}
