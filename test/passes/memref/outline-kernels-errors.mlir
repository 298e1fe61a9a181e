// RUN: lathe-opt %s --lathe-outline-kernels --split-input-file --verify-diagnostics

func.func @main(%x: memref<4x8xf32, strided<[?, 1]>>, %y: memref<4x8xf32>) {
  // expected-error @+1 {{expects buffers with static strides (got 'memref<4x8xf32, strided<[?, 1]>>')}}
  linalg.exp ins(%x : memref<4x8xf32, strided<[?, 1]>>) outs(%y : memref<4x8xf32>)
  return
}

// -----

func.func @main(%f: f32, %y: memref<8xf32>) {
  // expected-error @+1 {{expects a kernel to use buffers and constants only (got 'f32')}}
  linalg.fill ins(%f : f32) outs(%y : memref<8xf32>)
  return
}

// -----

func.func @main(%x: memref<8xf32>) {
  // expected-error @+1 {{expects a destination that is not read as another operand}}
  linalg.exp ins(%x : memref<8xf32>) outs(%x : memref<8xf32>)
  return
}

// -----

func.func @main(%x: memref<8xf32>, %y: memref<8xf32>) {
  // expected-error @+1 {{expects one destination (got 2)}}
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    outs(%x, %y : memref<8xf32>, memref<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %b, %a : f32, f32
  }
  return
}
