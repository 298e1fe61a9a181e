// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// nn.map and nn.foreach: one case per rule.

func.func @case(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects one body argument per operand, 1 (got 0)}}
  %0 = nn.map ins(%x : tensor<4xf32>) body {
    %c = arith.constant 2.0 : f32
    nn.yield %c : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @case(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects body arguments of the operands' element types (got 'f64' for 'tensor<4xf32>')}}
  %0 = nn.map ins(%x : tensor<4xf32>) body {
  ^bb0(%a: f64):
    nn.yield %a : f64
  } -> tensor<4xf64>
  return
}

// -----

func.func @case(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects operands that broadcast to the result (got 'tensor<4xf32>' and 'tensor<1xf32>')}}
  %0 = nn.map ins(%x : tensor<4xf32>) body {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } -> tensor<1xf32>
  return
}

// -----

func.func @case(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects a body that ends in nn.yield of one 'f32'}}
  %0 = nn.map ins(%x : tensor<4xf32>) body {
  ^bb0(%a: f32):
    nn.yield
  } -> tensor<4xf32>
  return
}

// -----

func.func @case(%x: tensor<4xf32>, %m: memref<4xf32>) {
  %0 = nn.map ins(%x : tensor<4xf32>) body {
  ^bb0(%a: f32):
    // expected-error @+1 {{is in the body of nn.map, which expects operations that are elementwise mappable, and constants}}
    %i = memref.alloc() : memref<4xf32>
    nn.yield %a : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @case() {
  // expected-error @+1 {{expects extents of at least 0, and no dynamic one but the leading (got -9223372036854775808 in dimension 1)}}
  %0 = nn.foreach "f" space [4, ?] body {
  ^bb0(%i: index, %j: index, %out: memref<4xf32>):
    nn.yield
  } -> tensor<4xf32>
  return
}

// -----

func.func @case() {
  // expected-error @+1 {{expects an output}}
  nn.foreach "f" space [4] body {
  ^bb0(%i: index):
    nn.yield
  }
  return
}

// -----

func.func @case(%y: tensor<5xf32>) {
  // expected-error @+1 {{expects destinations of the results' types}}
  %0 = nn.foreach "f" space [4] outs(%y : tensor<5xf32>) body {
  ^bb0(%i: index, %out: memref<4xf32>):
    nn.yield
  } -> tensor<4xf32>
  return
}

// -----

func.func @case(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects body arguments 'index', 'memref<4xf32>', 'memref<4xi64>' (got 'index', 'memref<4xf32>')}}
  %0 = nn.foreach "f" space [4] ins(%x : tensor<4xf32>) body {
  ^bb0(%i: index, %out: memref<4xf32>):
    nn.yield
  } -> tensor<4xi64>
  return
}

// -----

func.func @case(%x: tensor<?xf32>) {
  // expected-error @+1 {{expects an output with the batch if its space has it}}
  %0 = nn.foreach "f" space [?] ins(%x : tensor<?xf32>) body {
  ^bb0(%i: index, %in: memref<?xf32>, %out: memref<4xf32>):
    nn.yield
  } -> tensor<4xf32>
  return
}

// -----

func.func @case() {
  // expected-error @+1 {{expects a body that ends in nn.yield without values}}
  %0 = nn.foreach "f" space [4] body {
  ^bb0(%i: index, %out: memref<4xf32>):
    nn.yield %i : index
  } -> tensor<4xf32>
  return
}
