// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// #nn.tiling, nn.microkernel, nn.call, nn.plan and nn.launch.

// expected-error @+1 {{expects images to be 0 or a power of two (got 3)}}
#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1], images = 3>

// -----

// expected-error @+1 {{expects several images by tile only where a line is one pixel (got segments 7)}}
#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [7], images = 4>

// -----

// expected-error @+1 {{expected 'images', 'block', 'prefetch', 'share', 'streams', 'winograd' or '>'}}
#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [7], pictures = 4>

// -----

// expected-error @+1 {{expects ku, unroll and merge of at least 1 (got 0, 1, 1)}}
func.func private @f() attributes {t = #nn.tiling<ku = 0, unroll = 1, merge = 1, segments = [4]>}

// -----

// expected-error @+1 {{expects at least one segment, each of at least 1 pixel (got 4, 0)}}
func.func private @f() attributes {t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [4, 0]>}

// -----

// expected-error @+1 {{expects prefetch of some lines, from one at or behind the first weights to another (got 8, 8)}}
func.func private @f() attributes {t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [4], prefetch = [8, 8]>}

// -----

// expected-error @+1 {{expects share to be a power of two that divides unroll (got 3 and 6)}}
func.func private @f() attributes {t = #nn.tiling<ku = 1, unroll = 6, merge = 1, segments = [4], share = 3>}

// -----

// expected-error @+1 {{expects share to be a power of two that divides unroll (got 4 and 2)}}
func.func private @f() attributes {t = #nn.tiling<ku = 1, unroll = 2, merge = 1, segments = [4], share = 4>}

// -----

// expected-error @+1 {{expects streams to be 0 or ku, or a multiple of ku where several images are a tile (got 4 and 2)}}
func.func private @f() attributes {t = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [4], streams = 4>}

// -----

// expected-error @+1 {{expects streams to be 0 or ku, or a multiple of ku where several images are a tile (got 8 and 3)}}
func.func private @f() attributes {t = #nn.tiling<ku = 3, unroll = 4, merge = 1, segments = [1], images = 16, streams = 8>}

// -----

// expected-error @+1 {{expects streams without winograd, prefetch and share (got 2)}}
func.func private @f() attributes {t = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [4], prefetch = [1, 2], streams = 2>}

// -----

func.func @microkernel(%x: memref<?x1x4x6x8xf32>, %w: memref<1x1x3x3x8x8xf32>, %y: memref<?x1x2x4x8xf32>, %i: index) {
  // expected-error @+1 {{expects as many strides and dilations as window extents, and twice as many pads (got 1, 2, 2 and 4)}}
  nn.microkernel dense at[%i, %i] rows(%i) column(%i) window(%i from %i to %i) ins(%x : memref<?x1x4x6x8xf32>) weights(%w : memref<1x1x3x3x8x8xf32>) outs(%y : memref<?x1x2x4x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = array<i64: 8, 8>,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 2]>, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// -----

func.func @microkernel_ring(%x: memref<?x1x4x6x8xf32>, %w: memref<1x1x3x3x8x8xf32>, %y: memref<?x1x2x4x8xf32>, %i: index) {
  // expected-error @+1 {{expects ring to be the rows of the input and of the output that are in memory, of two or more spatial dimensions (got array<i64: 3>)}}
  nn.microkernel dense at[%i, %i] rows(%i) column(%i) window(%i from %i to %i) ins(%x : memref<?x1x4x6x8xf32>) weights(%w : memref<1x1x3x3x8x8xf32>) outs(%y : memref<?x1x2x4x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = array<i64: 8, 8>,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 2]>, width = 2 : i64, first_column = 0 : i64, ring = array<i64: 3>} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// -----

func.func @microkernel(%x: memref<?x1x4x6x8xf32>, %w: memref<1x1x3x3x8x8xf32>, %y: memref<?x1x2x4x8xf32>, %i: index) {
  // expected-error @+1 {{expects one row index and one window range per spatial dimension but the last, 1 (got 0 rows and 0, 0, 0 bounds)}}
  nn.microkernel dense at[%i, %i] column(%i) ins(%x : memref<?x1x4x6x8xf32>) weights(%w : memref<1x1x3x3x8x8xf32>) outs(%y : memref<?x1x2x4x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = array<i64: 8, 8>,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 2]>, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// -----

func.func @microkernel(%x: memref<?x1x4x6x8xf32>, %w: memref<1x1x3x3x8x8xf32>, %y: memref<?x1x2x4x8xf32>, %i: index) {
  // expected-error @+1 {{expects a width of at least 1 (got 0)}}
  nn.microkernel dense at[%i, %i] rows(%i) column(%i) window(%i from %i to %i) ins(%x : memref<?x1x4x6x8xf32>) weights(%w : memref<1x1x3x3x8x8xf32>) outs(%y : memref<?x1x2x4x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = array<i64: 8, 8>,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 2]>, width = 0 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// -----

func.func @microkernel(%x: memref<?x1x4x6x8xf32>, %w: memref<1x1x3x3x8x8xf32>, %y: memref<?x1x2x4x8xf32>, %i: index) {
  // expected-error @+1 {{expects weights for a multiply-add reduction and none for a pool (got dense without weights)}}
  nn.microkernel dense at[%i, %i] rows(%i) column(%i) window(%i from %i to %i) ins(%x : memref<?x1x4x6x8xf32>) outs(%y : memref<?x1x2x4x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = array<i64: 8, 8>,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 2]>, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// -----

func.func @microkernel(%x: memref<?x1x4x6x8xf32>, %w: memref<1x1x3x3x8x8xf32>, %y: memref<?x1x2x4x8xf32>, %i: index) {
  // expected-error @+1 {{expects weights for a multiply-add reduction and none for a pool (got max with weights)}}
  nn.microkernel max at[%i, %i] rows(%i) column(%i) window(%i from %i to %i) ins(%x : memref<?x1x4x6x8xf32>) weights(%w : memref<1x1x3x3x8x8xf32>) outs(%y : memref<?x1x2x4x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = array<i64: 8, 8>,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 2]>, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// -----

func.func @microkernel(%x: memref<?x1x4x6x8xf32>, %w: memref<1x1x3x3x8x8xf32>, %y: memref<?x1x2x4x8xf32>, %i: index) {
  // expected-error @+1 {{expects an epilogue of 1 arguments (got 2)}}
  nn.microkernel dense at[%i, %i] rows(%i) column(%i) window(%i from %i to %i) ins(%x : memref<?x1x4x6x8xf32>) weights(%w : memref<1x1x3x3x8x8xf32>) outs(%y : memref<?x1x2x4x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = array<i64: 8, 8>,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2, 2]>, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32, %b: f32):
    nn.yield %a : f32
  }
  return
}

// -----

func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  return
}
func.func @main(%a0: memref<4xf32>) {
  // expected-error @+1 {{expects 2 operands (got 1)}}
  nn.call @k0(%a0) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<4xf32>
  return
}

// -----

func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  return
}
func.func @main(%a0: memref<4xf32>, %a1: memref<5xf32>) {
  // expected-error @+1 {{expects operand 1 to be of the kernel's type 'memref<4xf32>' up to the offset (got 'memref<5xf32>')}}
  nn.call @k0(%a0, %a1) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<4xf32>, memref<5xf32>
  return
}

// -----

func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  return
}
func.func @main(%a0: memref<4xf32>, %a1: memref<4xf32, strided<[2]>>) {
  // expected-error @+1 {{expects operand 1 to be of the kernel's type 'memref<4xf32>' up to the offset (got 'memref<4xf32, strided<[2]>>')}}
  nn.call @k0(%a0, %a1) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<4xf32>, memref<4xf32, strided<[2]>>
  return
}

// -----

func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  return
}
func.func @main(%a0: memref<4xf32>, %a1: memref<4xf32>) {
  // expected-error @+1 {{expects flops and bytes to be [c0, c1] (got array<i64: 0> and array<i64: 0, 0>)}}
  nn.call @k0(%a0, %a1) {nodes = [], flops = array<i64: 0>, bytes = array<i64: 0, 0>} : memref<4xf32>, memref<4xf32>
  return
}

// -----

func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  return
}
func.func @main(%a0: memref<4xf32>, %a1: memref<4xf32>) {
  // expected-error @+1 {{expects a kernel function (got @k1)}}
  nn.call @k1(%a0, %a1) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<4xf32>, memref<4xf32>
  return
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
// expected-error @+1 {{expects each input to be {name = string, type = tensor type} (got {name = "x"})}}
nn.plan inputs [{name = "x"}] outputs [] weights [] arena [0, 0] {
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
// expected-error @+1 {{expects each output to be {name = string, type = tensor type} (got {name = "y", type = f32})}}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [{name = "y", type = f32}] weights [] arena [0, 0] {
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
// expected-error @+1 {{expects weights to be #nn.weight attributes (got 1 : i64)}}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [] weights [1] arena [0, 0] {
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
// expected-error @+1 {{expects arena to be [c0, c1], both at least 0 (got array<i64: 0, -1>)}}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [] weights [] arena [0, -1] {
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
// expected-error @+1 {{expects nn.launch only (got 'arith.constant')}}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [] weights [] arena [0, 0] {
  %c = arith.constant 1 : i32
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [] weights [] arena [0, 0] {
  // expected-error @+1 {{expects space, flops and bytes to be [c0, c1] (got array<i64: 4>, array<i64: 0, 0> and array<i64: 0, 0>)}}
  nn.launch @k0 args [#nn.arg<input, 0, 0, 0>] space [4] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [] weights [] arena [0, 0] {
  // expected-error @+1 {{expects the index of input to be in [0, 1) (got 1)}}
  nn.launch @k0 args [#nn.arg<input, 1, 0, 0>] space [0, 4] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [] weights [] arena [0, 0] {
  // expected-error @+1 {{expects the index of arena to be in [0, 1) (got 1)}}
  nn.launch @k0 args [#nn.arg<arena, 1, 0, 0>] space [0, 4] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [] weights [] arena [0, 0] {
  // expected-error @+1 {{expects offsets of at least 0 (got #nn.arg<input, 0, -4, 0>)}}
  nn.launch @k0 args [#nn.arg<input, 0, -4, 0>] space [0, 4] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}
}

// -----

llvm.func @k0(%a: !llvm.ptr, %s: !llvm.ptr, %b: i64, %e: i64) {
  llvm.return
}
nn.plan inputs [{name = "x", type = tensor<4xf32>}] outputs [] weights [] arena [0, 0] {
  // expected-error @+1 {{expects a kernel function (got @k7)}}
  nn.launch @k7 args [#nn.arg<input, 0, 0, 0>] space [0, 4] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}
}
