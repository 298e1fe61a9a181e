// RUN: lathe-opt %s --split-input-file --verify-diagnostics

func.func @maps(%a0: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects inputs, a map for each of them and one for the result (got 1 and 1)}}
  %0 = nn.reduce sum maps [affine_map<(i) -> (i)>] ins(%a0 : tensor<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @space(%a0: tensor<4x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects maps of one space, with a result per dimension (got affine_map<(d0, d1) -> (d0)> for 'tensor<4x4xf32>')}}
  %0 = nn.reduce sum maps [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>] ins(%a0 : tensor<4x4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @sum_of_dims(%a0: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects maps to dimensions and 0 (got affine_map<(d0, d1) -> (d0 + d1)>)}}
  %0 = nn.reduce sum maps [affine_map<(i, j) -> (i + j)>, affine_map<(i, j) -> (i)>] ins(%a0 : tensor<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @twice(%a0: tensor<4xf32>) -> tensor<4x4xf32> {
  // expected-error @+1 {{expects shapes with elements, and a result each of whose elements is one point of the space}}
  %0 = nn.reduce sum maps [affine_map<(i) -> (i)>, affine_map<(i) -> (i, i)>] ins(%a0 : tensor<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

func.func @nothing(%a0: tensor<4x0xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects shapes with elements, and a result each of whose elements is one point of the space}}
  %0 = nn.reduce sum maps [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>] ins(%a0 : tensor<4x0xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @new_dim(%a0: tensor<4xf32>) -> tensor<5xf32> {
  // expected-error @+1 {{expects each dimension of the result in an input}}
  %0 = nn.reduce sum maps [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (j)>] ins(%a0 : tensor<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

func.func @extents(%a0: tensor<4x5xf32>) -> tensor<f32> {
  // expected-error @+1 {{expects one extent per dimension (got 4 and 5 for d0)}}
  %0 = nn.reduce sum maps [affine_map<(i) -> (i, i)>, affine_map<(i) -> ()>] ins(%a0 : tensor<4x5xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @unused(%a0: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects each dimension of the space in an input (d1 is in none)}}
  %0 = nn.reduce sum maps [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>] ins(%a0 : tensor<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @batch(%a0: tensor<?x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{expects the batch not to be reduced}}
  %0 = nn.reduce sum maps [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>] ins(%a0 : tensor<?x4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @kind(%a0: tensor<4xf32>) -> tensor<f32> {
  // expected-error @+1 {{expects 'body' to yield what 'umax' combines (got 'f32')}}
  %0 = nn.reduce umax maps [affine_map<(i) -> (i)>, affine_map<(i) -> ()>] ins(%a0 : tensor<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @result(%a0: tensor<4xf32>) -> tensor<f64> {
  // expected-error @+1 {{expects 'finish' to yield the result's element type (got 'f32')}}
  %0 = nn.reduce sum maps [affine_map<(i) -> (i)>, affine_map<(i) -> ()>] ins(%a0 : tensor<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<f64>
  return %0 : tensor<f64>
}

// -----

func.func @arguments(%a0: tensor<4xf32>) -> tensor<f64> {
  // expected-error @+1 {{expects arguments 'f32' in 'body' (got 'f64')}}
  %0 = nn.reduce sum maps [affine_map<(i) -> (i)>, affine_map<(i) -> ()>] ins(%a0 : tensor<4xf32>) body {
  ^bb0(%v: f64):
    nn.yield %v : f64
  } finish {
  ^bb0(%s: f64):
    nn.yield %s : f64
  } -> tensor<f64>
  return %0 : tensor<f64>
}

// -----

func.func @code(%x: tensor<4xf32>, %m: memref<f32>) -> tensor<f32> {
  %0 = nn.reduce sum maps [affine_map<(i) -> (i)>, affine_map<(i) -> ()>] ins(%x : tensor<4xf32>) body {
  ^bb0(%v: f32):
    // expected-error @+1 {{is in nn.reduce, which expects operations that are elementwise mappable, and constants}}
    %r = vector.broadcast %v : f32 to vector<4xf32>
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

func.func @destination(%x: memref<4xf32>) {
  // expected-error @+1 {{expects a result, or a destination, of one type}}
  nn.reduce sum maps [affine_map<(i) -> (i)>, affine_map<(i) -> ()>] ins(%x : memref<4xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  }
  return
}
