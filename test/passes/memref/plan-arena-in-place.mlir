// RUN: lathe-opt %s --lathe-plan-arena --remarks-filter=lathe-plan-arena --remark-format=emitRemark --verify-diagnostics | FileCheck %s
// A destination takes the buffer of an elementwise operand that dies. The remark says how much memory there is, and how much there must be.

#id = affine_map<(d0) -> (d0)>

// expected-remark @+3 {{arena of 64 + 0 * N bytes for 2 buffers, 1 in place; at most 64 + 0 * N bytes are live at once, ratio 1.000}}
// CHECK-LABEL: func @generic(
// CHECK-SAME: array<i64: 64, 0>
func.func @generic(%x: memref<16xf32>, %y: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  nn.copy %x to %a because "test" : memref<16xf32>, memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  // expected-remark @+1 {{written into the buffer of an operand that is not read again}}
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : memref<16xf32>) outs(%b : memref<16xf32>) {
  ^bb0(%p: f32, %o: f32):
    linalg.yield %p : f32
  }
  nn.copy %b to %y because "test" : memref<16xf32>, memref<16xf32>
  return
}

// expected-remark @+3 {{for 2 buffers, 0 in place}}
// CHECK-LABEL: func @read_again(
// CHECK-SAME: array<i64: 128, 0>
func.func @read_again(%x: memref<16xf32>, %y: memref<16xf32>, %z: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  nn.copy %x to %a because "test" : memref<16xf32>, memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%a : memref<16xf32>) outs(%b : memref<16xf32>) {
  ^bb0(%p: f32, %o: f32):
    linalg.yield %p : f32
  }
  nn.copy %b to %y because "test" : memref<16xf32>, memref<16xf32>
  nn.copy %a to %z because "test" : memref<16xf32>, memref<16xf32>
  return
}

// A transposed read needs elements that would be overwritten.
// expected-remark @+3 {{for 2 buffers, 0 in place}}
// CHECK-LABEL: func @transposed(
// CHECK-SAME: array<i64: 128, 0>
func.func @transposed(%x: memref<4x4xf32>, %y: memref<4x4xf32>) {
  %a = memref.alloc() : memref<4x4xf32>
  nn.copy %x to %a because "test" : memref<4x4xf32>, memref<4x4xf32>
  %b = memref.alloc() : memref<4x4xf32>
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%a : memref<4x4xf32>) outs(%b : memref<4x4xf32>) {
  ^bb0(%p: f32, %o: f32):
    linalg.yield %p : f32
  }
  nn.copy %b to %y because "test" : memref<4x4xf32>, memref<4x4xf32>
  return
}

// The same buffer, read elementwise and transposed.
// expected-remark @+3 {{for 2 buffers, 0 in place}}
// CHECK-LABEL: func @also_transposed(
// CHECK-SAME: array<i64: 128, 0>
func.func @also_transposed(%x: memref<4x4xf32>, %y: memref<4x4xf32>) {
  %a = memref.alloc() : memref<4x4xf32>
  nn.copy %x to %a because "test" : memref<4x4xf32>, memref<4x4xf32>
  %b = memref.alloc() : memref<4x4xf32>
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>],
    iterator_types = ["parallel", "parallel"]} ins(%a, %a : memref<4x4xf32>, memref<4x4xf32>) outs(%b : memref<4x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %r = arith.addf %p, %q : f32
    linalg.yield %r : f32
  }
  nn.copy %b to %y because "test" : memref<4x4xf32>, memref<4x4xf32>
  return
}

// The residual of a windowed operation dies in it; the input of another one does, too, but may not be overwritten.
// expected-remark @+3 {{for 3 buffers, 1 in place}}
// CHECK-LABEL: func @windowed(
// CHECK-SAME: array<i64: 0, 128>
func.func @windowed(%x: memref<?x16xf32>, %w: memref<4x4x1x4x4xf32>, %y: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %a = memref.alloc(%n) : memref<?x16xf32>
  nn.copy %x to %a because "test" : memref<?x16xf32>, memref<?x16xf32>
  %b = memref.alloc(%n) : memref<?x16xf32>
  // expected-remark @+1 {{written into the buffer of an operand that is not read again}}
  nn.matmul ins(%x, %w : memref<?x16xf32>, memref<4x4x1x4x4xf32>) extras(%a : memref<?x16xf32>) outs(%b : memref<?x16xf32>)
    attributes {channels = array<i64: 16, 16>} epilogue {
  ^bb0(%acc: f32, %residual: f32):
    %s = arith.addf %acc, %residual : f32
    nn.yield %s : f32
  }
  %c = memref.alloc(%n) : memref<?x16xf32>
  nn.matmul ins(%b, %w : memref<?x16xf32>, memref<4x4x1x4x4xf32>) outs(%c : memref<?x16xf32>) attributes {channels = array<i64: 16, 16>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  nn.copy %c to %y because "test" : memref<?x16xf32>, memref<?x16xf32>
  return
}

// The residual is also the input, through another view.
// expected-remark @+3 {{for 2 buffers, 0 in place}}
// CHECK-LABEL: func @residual_is_input(
// CHECK-SAME: array<i64: 128, 0>
func.func @residual_is_input(%x: memref<1x16xf32>, %w: memref<4x4x1x4x4xf32>, %y: memref<1x16xf32>) {
  %a = memref.alloc() : memref<1x16xf32>
  nn.copy %x to %a because "test" : memref<1x16xf32>, memref<1x16xf32>
  %v = memref.subview %a[0, 0] [1, 16] [1, 1] : memref<1x16xf32> to memref<1x16xf32, strided<[16, 1]>>
  %b = memref.alloc() : memref<1x16xf32>
  nn.matmul ins(%v, %w : memref<1x16xf32, strided<[16, 1]>>, memref<4x4x1x4x4xf32>) extras(%a : memref<1x16xf32>) outs(%b : memref<1x16xf32>)
    attributes {channels = array<i64: 16, 16>} epilogue {
  ^bb0(%acc: f32, %residual: f32):
    %s = arith.addf %acc, %residual : f32
    nn.yield %s : f32
  }
  nn.copy %b to %y because "test" : memref<1x16xf32>, memref<1x16xf32>
  return
}

// The sum of a convolution that computes its own input is written in place; what its first operation reads is not, since later lines need it.
// expected-remark @+3 {{for 3 buffers, 1 in place}}
// CHECK-LABEL: func @scope(
// CHECK-SAME: array<i64: 256, 0>
func.func @scope(%w: memref<1x1x1x4x4xf32>, %z: memref<1x1x8x4xf32>) {
  %x = memref.alloc() : memref<1x1x8x4xf32>
  nn.copy %z to %x because "test" : memref<1x1x8x4xf32>, memref<1x1x8x4xf32>
  %e = memref.alloc() : memref<1x1x8x4xf32>
  nn.copy %z to %e because "test" : memref<1x1x8x4xf32>, memref<1x1x8x4xf32>
  %y = memref.alloc() : memref<1x1x8x4xf32>
  // expected-remark @+1 {{written into the buffer of an operand that is not read again}}
  memref.alloca_scope {
    %t = memref.alloca() : memref<1x1x8x4xf32>
    linalg.exp ins(%x : memref<1x1x8x4xf32>) outs(%t : memref<1x1x8x4xf32>)
    nn.conv ins(%t, %w : memref<1x1x8x4xf32>, memref<1x1x1x4x4xf32>) extras(%e : memref<1x1x8x4xf32>) outs(%y : memref<1x1x8x4xf32>)
      attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, groups = 1 : i64, channels = array<i64: 4, 4>,
      tiling = #nn.tiling<ku = 1, unroll = 4, merge = 1, segments = [8]>} epilogue {
    ^bb0(%acc: f32, %sum: f32):
      %0 = arith.addf %acc, %sum : f32
      nn.yield %0 : f32
    }
  }
  nn.copy %y to %z because "test" : memref<1x1x8x4xf32>, memref<1x1x8x4xf32>
  return
}
