// RUN: lathe-opt %s --split-input-file --verify-diagnostics --lathe-verify-phase=phase=loops

func.func @main() {
  return
}
// expected-error @+1 {{phase loops expects one top-level scf.forall per kernel (got 0)}}
func.func private @k0() attributes {nn.kernel} {
  return
}

// -----

func.func @main() {
  return
}
// expected-error @+1 {{phase loops expects one top-level scf.forall per kernel (got 2)}}
func.func private @k0() attributes {nn.kernel} {
  scf.forall (%i) in (4) {
  }
  scf.forall (%i) in (4) {
  }
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<4xf32>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{phase loops expects constants, memref.dim and views only before a kernel's scf.forall, and nothing after it}}
  %0 = memref.load %x[%c0] : memref<4xf32>
  scf.forall (%i) in (4) {
    memref.store %0, %x[%i] : memref<4xf32>
  }
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<?x4xf32>) attributes {nn.kernel} {
  scf.forall (%i) in (4) {
  }
  // expected-error @+1 {{phase loops expects constants, memref.dim and views only before a kernel's scf.forall, and nothing after it}}
  %c0 = arith.constant 0 : index
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  scf.forall (%i) in (4) {
    // expected-error @+2 {{phase loops expects no nn operation in a kernel}}
    // expected-error @+1 {{'nn.copy' op phase loops expects only operations that are legal in it}}
    nn.copy %x to %y because "a test" : memref<4xf32>, memref<4xf32>
  }
  return
}

// -----

func.func @main() {
  return
}
func.func private @k0(%x: memref<4xf32>, %y: memref<4xf32>) attributes {nn.kernel} {
  scf.forall (%i) in (4) {
    // expected-error @+1 {{'linalg.exp' op phase loops expects only operations that are legal in it}}
    linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  }
  return
}

// -----

func.func @main(%x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{phase loops expects only nn.call, nn.weight, views, constants and index arithmetic in the entry function}}
  %0 = memref.load %x[%c0] : memref<4xf32>
  return
}

// -----

// expected-error @+1 {{phase loops expects no tensors (got tensor<4xf32>)}}
func.func @main(%x: tensor<4xf32>) {
  return
}
