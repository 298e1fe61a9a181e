// RUN: lathe-opt %s --canonicalize --cse | FileCheck %s
// On tensors windowed operations are pure: equal ones merge, unused ones go. On buffers they write their destination and read the rest, so that nothing
// that matters is removed.

// CHECK-LABEL: func @tensors
// CHECK-COUNT-1: nn.pool
// CHECK-NOT: nn.pool
// CHECK: return %[[P:.*]], %[[P]]
func.func @tensors(%x: tensor<?x8x16xf32>) -> (tensor<?x8x16xf32>, tensor<?x8x16xf32>) {
  %0 = nn.pool max ins(%x : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %1 = nn.pool max ins(%x : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  %2 = nn.pool avg ins(%x : tensor<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<?x8x16xf32>
  return %0, %1 : tensor<?x8x16xf32>, tensor<?x8x16xf32>
}

// The constant stays in the epilogue: the region is isolated, so that the operation can be outlined as it is.
// CHECK-LABEL: func @buffers
// CHECK-NOT: arith.constant
// CHECK: nn.pool max
// CHECK: arith.constant 2.0
// CHECK: nn.pool max
// CHECK: nn.copy
// CHECK: return
func.func @buffers(%x: memref<?x8x16xf32>, %y: memref<?x8x16xf32>, %z: memref<?x8x16xf32>) {
  nn.pool max ins(%x : memref<?x8x16xf32>) outs(%y : memref<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    %c = arith.constant 2.0 : f32
    %m = arith.mulf %a, %c : f32
    nn.yield %m : f32
  }
  nn.pool max ins(%x : memref<?x8x16xf32>) outs(%z : memref<?x8x16xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 1, 1>, channels = 8 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  nn.copy %z to %x because "a test" : memref<?x8x16xf32>, memref<?x8x16xf32>
  return
}
