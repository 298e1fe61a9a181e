// RUN: lathe-opt %s --lathe-outline-kernels --split-input-file -mlir-print-local-scope | FileCheck %s
// One function per distinct operation, in the order of first use.

// Equal operations share a kernel, whatever their locations and offsets; what differs in anything else does not.
// CHECK-LABEL: func @main(
// CHECK: nn.call @k0.first(%arg0, %arg1) {bytes = array<i64: 0, 64>, flops = array<i64: 0, 8>, nodes = ["first"]} : memref<?x8xf32>, memref<?x8xf32>
// CHECK: nn.call @k0.first(%arg1, %arg2) {{.*}}nodes = ["second"]} : memref<?x8xf32>, memref<?x8xf32>
// CHECK: nn.call @k1.slice(%arg0, %[[A:.*]]) {{.*}} : memref<?x8xf32>, memref<?x8xf32, strided<[16, 1]>>
// CHECK: nn.call @k1.slice(%arg0, %[[B:.*]]) {{.*}} : memref<?x8xf32>, memref<?x8xf32, strided<[16, 1], offset: 8>>
// CHECK: nn.call @k2.other(
// CHECK: func.func private @k0.first(%arg0: memref<?x8xf32>, %arg1: memref<?x8xf32>) attributes {nn.kernel} {
// CHECK-NEXT: linalg.exp
// CHECK-NEXT: return
// CHECK: func.func private @k1.slice(%arg0: memref<?x8xf32>, %arg1: memref<?x8xf32, strided<[16, 1]>>) attributes {nn.kernel} {
// CHECK: func.func private @k2.other(
// CHECK-NOT: func.func
func.func @main(%x: memref<?x8xf32>, %y: memref<?x8xf32>, %z: memref<?x8xf32>, %w: memref<?x16xf32>, %n: index) {
  linalg.exp ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) loc("first")
  linalg.exp ins(%y : memref<?x8xf32>) outs(%z : memref<?x8xf32>) loc("second")
  %a = memref.subview %w[0, 0] [%n, 8] [1, 1] : memref<?x16xf32> to memref<?x8xf32, strided<[16, 1]>>
  linalg.exp ins(%x : memref<?x8xf32>) outs(%a : memref<?x8xf32, strided<[16, 1]>>) loc("slice")
  %b = memref.subview %w[0, 8] [%n, 8] [1, 1] : memref<?x16xf32> to memref<?x8xf32, strided<[16, 1], offset: 8>>
  linalg.exp ins(%x : memref<?x8xf32>) outs(%b : memref<?x8xf32, strided<[16, 1], offset: 8>>) loc("slice2")
  linalg.log ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>) loc("other")
  return
}

// -----

// Names come from all nodes that were fused, each once, with characters that symbols like; without a name the operation's serves.
// CHECK-LABEL: func @main(
// CHECK: nn.call @"k0._conv1_Conv+relu"(%arg0, %arg1) {{.*}}nodes = ["/conv1/Conv", "relu"]}
// CHECK: nn.call @k1.copy(
// CHECK: nn.call @k2.a23456789b23456789c23456789d23456789e23456789f23456789g23456(
func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
  linalg.exp ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) loc(fused["/conv1/Conv", "relu", "relu"])
  nn.copy %x to %y because "test" : memref<8xf32>, memref<8xf32>
  linalg.log ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) loc("a23456789b23456789c23456789d23456789e23456789f23456789g23456789")
  return
}

// -----

// Epilogues are compared, too. Arithmetic and traffic of a windowed operation: 2 * 4 * 4 multiply-adds per image, weights once.
// CHECK-LABEL: func @main(
// CHECK: nn.call @k0.plain({{.*}}) {bytes = array<i64: 64, 32>, flops = array<i64: 0, 32>
// CHECK: nn.call @k1.negated({{.*}}) {bytes = array<i64: 64, 32>, flops = array<i64: 0, 32>
// CHECK: nn.call @k0.plain({{.*}}nodes = ["again"]
func.func @main(%x: memref<?x4xf32>, %w: memref<1x1x1x4x4xf32>, %y: memref<?x4xf32>) {
  nn.matmul ins(%x, %w : memref<?x4xf32>, memref<1x1x1x4x4xf32>) outs(%y : memref<?x4xf32>) attributes {channels = array<i64: 4, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } loc("plain")
  nn.matmul ins(%x, %w : memref<?x4xf32>, memref<1x1x1x4x4xf32>) outs(%y : memref<?x4xf32>) attributes {channels = array<i64: 4, 4>} epilogue {
  ^bb0(%acc: f32):
    %n = arith.negf %acc : f32
    nn.yield %n : f32
  } loc("negated")
  nn.matmul ins(%x, %w : memref<?x4xf32>, memref<1x1x1x4x4xf32>) outs(%y : memref<?x4xf32>) attributes {channels = array<i64: 4, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } loc("again")
  return
}

// -----

// A static batch counts as constants. Constants that canonicalisation has moved out of a body move back in, so that kernels take buffers only.
// CHECK-LABEL: func @main(
// CHECK: nn.call @k0.generic(%arg0, %arg1) {bytes = array<i64: 64, 0>, flops = array<i64: 8, 0>
// CHECK: func.func private @k0.generic(%arg0: memref<2x4xf32>, %arg1: memref<2x4xf32>)
// CHECK-NEXT: linalg.generic
// CHECK: ^bb0
// CHECK-NEXT: %[[C:.*]] = arith.constant 2.0{{.*}} : f32
// CHECK-NEXT: arith.mulf %{{.*}}, %[[C]]
func.func @main(%x: memref<2x4xf32>, %y: memref<2x4xf32>) {
  %c = arith.constant 2.0 : f32
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<2x4xf32>) outs(%y : memref<2x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.mulf %a, %c : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// An operand that is given twice is one argument.
// CHECK-LABEL: func @main(
// CHECK: nn.call @k0.generic(%arg0, %arg1) {{.*}} : memref<8xf32>, memref<8xf32>
func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%x, %x : memref<8xf32>, memref<8xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}

// -----

// A scope is one kernel: what it captures are arguments, what its last operation writes is the last of them.
// CHECK-LABEL: func @main(
// CHECK: nn.call @"k0.prologue+conv"(%arg1, %arg2, %arg0) {bytes = array<i64: 64, 256>, flops = array<i64: 0, 288>, nodes = ["prologue", "conv"]}
// CHECK: nn.call @"k0.prologue+conv"(%arg1, %arg2, %arg0) {{.*}} nodes = ["again"]}
// CHECK-NOT: nn.call
// CHECK: func.func private @"k0.prologue+conv"(%arg0: memref<?x1x8x4xf32>, %arg1: memref<1x1x1x4x4xf32>, %arg2: memref<?x1x8x4xf32>) attributes {nn.kernel} {
// CHECK-NEXT: memref.alloca_scope
// CHECK: linalg.exp ins(%arg0 :
// CHECK: nn.conv ins(%{{.*}}, %arg1 : {{.*}} outs(%arg2 :
func.func @main(%y: memref<?x1x8x4xf32>, %x: memref<?x1x8x4xf32>, %w: memref<1x1x1x4x4xf32>) {
  %c0 = arith.constant 0 : index
  memref.alloca_scope {
    %n = memref.dim %x, %c0 : memref<?x1x8x4xf32>
    %t = memref.alloca(%n) : memref<?x1x8x4xf32>
    linalg.exp ins(%x : memref<?x1x8x4xf32>) outs(%t : memref<?x1x8x4xf32>)
    nn.conv ins(%t, %w : memref<?x1x8x4xf32>, memref<1x1x1x4x4xf32>) outs(%y : memref<?x1x8x4xf32>)
      attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } loc(fused["prologue", "conv"])
  memref.alloca_scope {
    %n = memref.dim %x, %c0 : memref<?x1x8x4xf32>
    %t = memref.alloca(%n) : memref<?x1x8x4xf32>
    linalg.exp ins(%x : memref<?x1x8x4xf32>) outs(%t : memref<?x1x8x4xf32>)
    nn.conv ins(%t, %w : memref<?x1x8x4xf32>, memref<1x1x1x4x4xf32>) outs(%y : memref<?x1x8x4xf32>)
      attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } loc("again")
  return
}
