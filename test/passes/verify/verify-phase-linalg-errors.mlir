// RUN: lathe-opt %s --split-input-file --verify-diagnostics --lathe-verify-phase=phase=linalg

func.func @main(%x: tensor<?x4xf32>, %y: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %w = nn.weight <dense<1.0> : tensor<4x3xf32>, tensor<4x3xf32>> : tensor<4x3xf32>
  // expected-error @+3 {{phase linalg expects a tiling}}
  // expected-error @+2 {{phase linalg expects packed weights (got tensor<4x3xf32>)}}
  // expected-error @+1 {{phase linalg expects a destination}}
  %0 = nn.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x3xf32>) attributes {channels = array<i64: 4, 3>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  // expected-error @+1 {{'nn.relu' op phase linalg expects only operations that are legal in it}}
  %0 = nn.relu %x : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// expected-error @+1 {{phase linalg expects no memrefs (got memref<4xf32>)}}
func.func @main(%x: memref<4xf32>) {
  return
}

// -----

// expected-error @+1 {{phase linalg expects no dynamic dimension but the leading one (got tensor<2x?xf32>)}}
func.func @main(%x: tensor<2x?xf32>) {
  return
}

// -----

func.func @main() {
  return
}
// expected-error @+1 {{phase linalg expects no function but @main (got @helper)}}
func.func @helper() {
  return
}

// -----

func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // expected-error @+1 {{phase linalg expects a destination of its own for every operation (got 2 uses), since shared ones cost copies}}
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.abs ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<f32> {
  // expected-error @+1 {{phase linalg expects a destination}}
  %0 = nn.reduce sum maps [affine_map<(i) -> (i)>, affine_map<(i) -> ()>] ins(%x : tensor<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}
