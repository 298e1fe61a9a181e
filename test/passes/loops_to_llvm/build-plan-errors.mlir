// RUN: lathe-opt %s --lathe-build-plan --split-input-file --verify-diagnostics
// Entry functions that are more than calls and views.

// expected-error @+1 {{expects an entry function @main of one block}}
module {
}

// -----

// expected-error @+1 {{expects a buffer with the attribute nn.name as argument 0 (got 'memref<4xf32>')}}
func.func @main(%x: memref<4xf32>) {
  return
}

// -----

// expected-error @+1 {{expects a buffer with the attribute nn.name as argument 0 (got 'index')}}
func.func @main(%x: index {nn.name = "x"}) {
  return
}

// -----

func.func @main(%x: memref<4xf32> {nn.name = "x"}) {
  // expected-error @+1 {{expects a kernel with the attribute nn.space}}
  nn.call @k0(%x) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<4xf32>
  return
}
func.func private @k0(%x: memref<4xf32>) attributes {nn.kernel} {
  return
}

// -----

func.func @main(%x: memref<4xf32> {nn.name = "x"}) {
  %0 = memref.alloc() : memref<4xf32>
  // expected-error @+1 {{expects operands that are views of the entry's arguments or weights (got}}
  nn.call @k0(%0) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<4xf32>
  return
}
func.func private @k0(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel, nn.space = array<i64: 0, 1>} {
  return
}

// -----

// An offset that is no sum of a constant and a multiple of the batch.
func.func @main(%x: memref<?xf32> {nn.name = "x"}, %a: memref<?xi8> {nn.arena}) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %square = arith.muli %n, %n : index
  %0 = memref.view %a[%square][] : memref<?xi8> to memref<4xf32>
  // expected-error @+1 {{expects operands that are views of the entry's arguments or weights (got}}
  nn.call @k0(%0) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<4xf32>
  return
}
func.func private @k0(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel, nn.space = array<i64: 0, 1>} {
  return
}

// -----

func.func @main(%x: memref<4xf32> {nn.name = "x"}, %i: memref<4xf32> {nn.name = "i"}, %n: memref<?xf32> {nn.name = "n"}) {
  %c0 = arith.constant 0 : index
  %d = memref.dim %n, %c0 : memref<?xf32>
  %0 = memref.subview %x[%d] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1], offset: ?>>
  // expected-error @+1 {{expects operands that are views of the entry's arguments or weights (got}}
  nn.call @k0(%0) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<2xf32, strided<[1], offset: ?>>
  return
}
func.func private @k0(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel, nn.space = array<i64: 0, 1>} {
  return
}

// -----

func.func @main(%x: memref<4xf32> {nn.name = "x"}) {
  return
}
// expected-error @+1 {{expects a kernel whose arguments are of the llvm dialect (got '(memref<4xf32>) -> ()')}}
func.func private @k0(%x: memref<4xf32>) attributes {nn.kernel, nn.space = array<i64: 0, 1>} {
  return
}

// -----

// expected-error @+1 {{expects a vector of i64 and the number of a result in nn.extents_of as argument 1 (got 'memref<2xi32>')}}
func.func @main(%y: memref<2x4xi64> {nn.name = "y", nn.output}, %e: memref<2xi32> {nn.extents_of = 0 : i64, nn.output}) {
  return
}

// -----

// expected-error @+1 {{expects nn.extents_of to be the number of a result (got 1 of 1)}}
func.func @main(%y: memref<2x4xi64> {nn.name = "y", nn.output}, %e: memref<2xi64> {nn.extents_of = 1 : i64, nn.output}) {
  return
}
