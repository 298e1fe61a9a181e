// RUN: lathe-opt %s --lathe-kernel-abi --split-input-file --verify-diagnostics
// Functions that cannot be kernels of the runtime.

// expected-error @+1 {{expects one top-level scf.forall (got 0)}}
func.func private @none(%x: memref<?x4xf32>) attributes {nn.kernel} {
  return
}

// -----

func.func private @stepped(%x: memref<8xf32>) attributes {nn.kernel} {
  %z = arith.constant 0.0 : f32
  // expected-error @+1 {{expects lower bounds of 0, steps of 1, at least one dimension and no results}}
  scf.forall (%i) = (0) to (8) step (2) {
    memref.store %z, %x[%i] : memref<8xf32>
  }
  return
}

// -----

// expected-error @+1 {{expects buffers with offset 0 and no dynamic dimension but the leading one (got 'memref<4xf32, strided<[1], offset: 8>>')}}
func.func private @shifted(%x: memref<4xf32, strided<[1], offset: 8>>) attributes {nn.kernel} {
  scf.forall (%i) in (4) {
  }
  return
}

// -----

// expected-error @+1 {{expects buffers with offset 0 and no dynamic dimension but the leading one (got 'memref<4x?xf32>')}}
func.func private @dynamic(%x: memref<4x?xf32>) attributes {nn.kernel} {
  scf.forall (%i) in (4) {
  }
  return
}

// -----

// expected-error @+1 {{expects buffers with offset 0 and no dynamic dimension but the leading one (got 'index')}}
func.func private @scalar(%x: index) attributes {nn.kernel} {
  scf.forall (%i) in (4) {
  }
  return
}

// -----

func.func private @two_bounds(%x: memref<?xf32>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  // expected-error @+1 {{expects static upper bounds but for one, which may be the batch}}
  scf.forall (%i, %j) in (%n, %n) {
  }
  return
}

// -----

func.func private @other_bound(%x: memref<?xindex>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  %n = memref.load %x[%c0] : memref<?xindex>
  // expected-error @+1 {{expects static upper bounds but for one, which may be the batch}}
  scf.forall (%i, %j) in (4, %n) {
  }
  return
}

// -----

// expected-error @+1 {{expects a body of one block (got 0)}}
func.func private @declared(%x: memref<?xf32>) attributes {nn.kernel}

// -----

func.func private @last_outside(%y: memref<?x3xf32>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %n = memref.dim %y, %c0 : memref<?x3xf32>
  // expected-error @+1 {{expects static upper bounds but for the first where the last dimension is outside}}
  scf.forall (%row, %i) in (3, %n) {
    memref.store %one, %y[%i, %row] : memref<?x3xf32>
  } {nn.last_outside}
  return
}
