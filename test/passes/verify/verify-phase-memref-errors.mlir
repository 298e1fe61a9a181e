// RUN: lathe-opt %s --split-input-file --verify-diagnostics --lathe-verify-phase=phase=memref

// expected-error @+1 {{phase memref expects no tensors (got tensor<4xf32>)}}
func.func @main(%x: tensor<4xf32>) {
  return
}

// -----

// expected-error @+1 {{phase memref expects an entry function without results}}
func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
  return %x : memref<4xf32>
}

// -----

// expected-error @+1 {{phase memref expects no dynamic dimension but the leading one (got memref<4x?xf32>)}}
func.func @main(%x: memref<4x?xf32>) {
  return
}

// -----

// expected-error @+1 {{phase memref expects at most one arena, of i8, as the last argument (got argument 0 of 2)}}
func.func @main(%a: memref<?xi8> {nn.arena}, %b: memref<?xi8> {nn.arena}) {
  return
}

// -----

// expected-error @+1 {{phase memref expects at most one arena, of i8, as the last argument (got argument 0 of 1)}}
func.func @main(%a: memref<?xf32> {nn.arena}) {
  return
}

// -----

func.func @main(%x: memref<4xf32>) {
  // expected-error @+2 {{phase memref expects only nn.call, nn.weight, views, constants and index arithmetic in the entry function}}
  // expected-error @+1 {{phase memref expects all buffers to live in the arena, or in the scope of a kernel}}
  %0 = memref.alloc() : memref<4xf32>
  // expected-error @+2 {{phase memref expects only nn.call, nn.weight, views, constants and index arithmetic in the entry function}}
  // expected-error @+1 {{phase memref expects every copy to be an nn.copy}}
  memref.copy %x, %0 : memref<4xf32> to memref<4xf32>
  return
}

// -----

func.func @main() {
  return
}
// expected-error @+1 {{phase memref expects functions other than @main to be kernels of one block, marked nn.kernel}}
func.func private @k0() {
  return
}

// -----

func.func @main() {
  return
}
// expected-error @+1 {{phase memref expects functions other than @main to be kernels of one block, marked nn.kernel}}
func.func private @k0() attributes {nn.kernel}

// -----

func.func @main() {
  return
}
// expected-error @+1 {{phase memref expects one operation per kernel (got 2)}}
func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.exp ins(%y : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<4xf32>, %y: f32, %i: index) attributes {nn.kernel} {
  // expected-error @+1 {{phase memref expects a windowed operation, a linalg operation, an nn.foreach, an nn.reduce, an nn.copy or a memref.alloca_scope in a kernel}}
  memref.store %y, %x[%i] : memref<4xf32>
  return
}
// expected-error @-5 {{phase memref expects kernel arguments to be memrefs at offset 0 (got f32)}}
// expected-error @-6 {{phase memref expects kernel arguments to be memrefs at offset 0 (got index)}}

// -----

func.func @main() {
  return
}
// expected-error @+2 {{phase memref expects kernel arguments to be memrefs at offset 0 (got memref<4xf32, strided<[1], offset: 8>>)}}
// expected-error @+1 {{phase memref expects kernels without results}}
func.func private @k0(%x: memref<4xf32, strided<[1], offset: 8>>, %y: memref<4xf32>) -> index attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  nn.copy %x to %y because "a test" : memref<4xf32, strided<[1], offset: 8>>, memref<4xf32>
  return %c0 : index
}

// -----

func.func @main(%x: memref<8xf32>) {
  // expected-error @+1 {{expects operand 0 to be of the kernel's type}}
  nn.call @k0(%x) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<8xf32>
  return
}
func.func private @k0(%x: memref<4xf32>) attributes {nn.kernel} {
  linalg.exp ins(%x : memref<4xf32>) outs(%x : memref<4xf32>)
  return
}

// -----

func.func @main() {
  return
}
// expected-error @+1 {{phase memref expects one operation per kernel (got 0)}}
func.func private @k0(%n: memref<4xf32>) attributes {nn.kernel} {
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<4xf32>) attributes {nn.kernel} {
  // expected-error @+2 {{'vector.print' op phase memref expects only operations that are legal in it}}
  // expected-error @+1 {{phase memref expects a windowed operation, a linalg operation, an nn.foreach, an nn.reduce, an nn.copy or a memref.alloca_scope in a kernel}}
  vector.print str "x"
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  // expected-error @+1 {{phase memref expects a scope to hold a buffer, a linalg operation that fills it and an nn.conv that reads it, or a windowed operation and nn.partial of its parts}}
  memref.alloca_scope {
    %0 = memref.alloca() : memref<4xf32>
    linalg.exp ins(%x : memref<4xf32>) outs(%0 : memref<4xf32>)
    linalg.exp ins(%0 : memref<4xf32>) outs(%y : memref<4xf32>)
  }
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<2x1x4x1x16xf32>, %y: memref<2x1x4x1x16xf32>) attributes {nn.kernel} {
  // expected-error @+1 {{phase memref expects a scope of a chain to hold windowed operations, each of which alone reads the buffer that the one before it fills}}
  memref.alloca_scope {
    %t = memref.alloca() : memref<2x1x4x1x16xf32>
    nn.pool max ins(%x : memref<2x1x4x1x16xf32>) outs(%t : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    nn.pool max ins(%x : memref<2x1x4x1x16xf32>) outs(%y : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } {nn.rows = 1 : i64}
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<2x1x4x1x16xf32>, %y: memref<2x1x4x1x16xf32>) attributes {nn.kernel} {
  // expected-error @+1 {{phase memref expects a scope of a chain to hold windowed operations, each of which alone reads the buffer that the one before it fills}}
  memref.alloca_scope {
    nn.pool max ins(%x : memref<2x1x4x1x16xf32>) outs(%y : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } {nn.rows = 1 : i64}
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<2x1x4x1x16xf32>, %y: memref<2x1x4x1x16xf32>) attributes {nn.kernel} {
  // expected-error @+1 {{phase memref expects nn.rows to be at least 1 (got 0 : i64)}}
  memref.alloca_scope {
    %t = memref.alloca() : memref<2x1x4x1x16xf32>
    nn.pool max ins(%x : memref<2x1x4x1x16xf32>) outs(%t : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
    nn.pool max ins(%t : memref<2x1x4x1x16xf32>) outs(%y : memref<2x1x4x1x16xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 16 : i64,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    }
  } {nn.rows = 0 : i64}
  return
}
