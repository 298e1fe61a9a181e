// RUN: lathe-opt %s --lathe-plan-arena --split-input-file --verify-diagnostics

func.func @nested(%x: memref<16xf32>, %c: i1) {
  scf.if %c {
    // expected-error @+1 {{expects allocations at the function's top level only}}
    %a = memref.alloc() : memref<16xf32>
    memref.dealloc %a : memref<16xf32>
  }
  return
}

// -----

func.func @dynamic(%n: index) {
  // expected-error @+1 {{expects no dynamic dimension but the leading one (got 'memref<4x?xf32>')}}
  %a = memref.alloc(%n) : memref<4x?xf32>
  memref.dealloc %a : memref<4x?xf32>
  return
}

// -----

func.func @bits() {
  // expected-error @+1 {{expects an identity layout and elements of whole bytes (got 'memref<4xi1>')}}
  %a = memref.alloc() : memref<4xi1>
  memref.dealloc %a : memref<4xi1>
  return
}

// -----

func.func @too_large() {
  // expected-error @+1 {{expects a size below 2^63 bytes}}
  %a = memref.alloc() : memref<4611686018427387904xf32>
  memref.dealloc %a : memref<4611686018427387904xf32>
  return
}

// -----

// expected-error @+1 {{expects intermediate buffers of less than 2^63 bytes in total}}
func.func @too_large_together(%x: memref<2305843009213693951xf32>) {
  %a = memref.alloc() : memref<2305843009213693951xf32>
  %b = memref.alloc() : memref<2305843009213693951xf32>
  nn.copy %x to %a because "test" : memref<2305843009213693951xf32>, memref<2305843009213693951xf32>
  nn.copy %a to %b because "test" : memref<2305843009213693951xf32>, memref<2305843009213693951xf32>
  return
}

// -----

func.func @returned() -> memref<4xf32> {
  %a = memref.alloc() : memref<4xf32>
  // expected-error @+1 {{expects results to be arguments before the arena is planned}}
  return %a : memref<4xf32>
}

// -----

func.func @alias(%x: memref<4xf32>, %c: i1) {
  %a = memref.alloc() : memref<4xf32>
  // expected-error @+1 {{expects no aliases of a local buffer but views}}
  %s = arith.select %c, %a, %x : memref<4xf32>
  nn.copy %s to %x because "test" : memref<4xf32>, memref<4xf32>
  return
}

// -----

// expected-error @+1 {{expects one block}}
func.func @blocks() {
  cf.br ^bb1
^bb1:
  return
}
