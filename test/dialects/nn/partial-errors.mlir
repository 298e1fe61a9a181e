// RUN: lathe-opt %s --split-input-file --verify-diagnostics

func.func @values(%y: memref<2x4x8x8x16xf32>, %p: memref<2x4x1x8x16xf32>) {
  // expected-error @+1 {{expects a blocked map and parts of it, [N, C / V, 3, parts, V] (got 'memref<2x4x8x8x16xf32>' and 'memref<2x4x1x8x16xf32>')}}
  nn.partial sum moments ins(%y : memref<2x4x8x8x16xf32>) outs(%p : memref<2x4x1x8x16xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  }
  return
}

// -----

func.func @argument(%y: memref<2x4x8x8x16xf32>, %p: memref<2x4x1x8x16xf32>) {
  // expected-error @+1 {{expects the map's element as the argument of 'body' (got 'f64')}}
  nn.partial sum ins(%y : memref<2x4x8x8x16xf32>) outs(%p : memref<2x4x1x8x16xf32>) body {
  ^bb0(%v: f64):
    nn.yield %v : f64
  }
  return
}

// -----

func.func @yielded(%y: memref<2x4x8x8x16xf32>, %p: memref<2x4x1x8x16xf64>) {
  // expected-error @+1 {{expects 'body' to yield a float, an element of the parts (got 'f64')}}
  nn.partial sum ins(%y : memref<2x4x8x8x16xf32>) outs(%p : memref<2x4x1x8x16xf64>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  }
  return
}

// -----

func.func @operations(%y: memref<2x4x8x8x16xf32>, %p: memref<2x4x1x8x16xf32>, %t: tensor<4xf32>) {
  nn.partial sum ins(%y : memref<2x4x8x8x16xf32>) outs(%p : memref<2x4x1x8x16xf32>) body {
  ^bb0(%v: f32):
    // expected-error @+1 {{is in nn.partial, which expects operations that are elementwise mappable, and constants}}
    %0 = vector.broadcast %v : f32 to vector<4xf32>
    nn.yield %v : f32
  }
  return
}

// -----

func.func @kind(%y: memref<2x4x8x8x16xf32>, %p: memref<2x4x3x8x16xf32>) {
  // expected-error @+1 {{expects moments of a sum (got max)}}
  nn.partial max moments ins(%y : memref<2x4x8x8x16xf32>) outs(%p : memref<2x4x3x8x16xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  }
  return
}
