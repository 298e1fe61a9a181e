// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// nn.reshape, nn.pack, nn.unpack, nn.copy and the elementwise operations.

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects one element type (got 'f32' and 'f64')}}
  %0 = nn.reshape %a : tensor<4xf32> -> tensor<4xf64>
  return
}

// -----

func.func @case(%a: tensor<4x?xf32>) {
  // expected-error @+1 {{expects no dynamic dimension but the leading one (got 'tensor<4x?xf32>' and 'tensor<4xf32>')}}
  %0 = nn.reshape %a : tensor<4x?xf32> -> tensor<4xf32>
  return
}

// -----

func.func @case(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{expects the batch on both sides or on neither (got 'tensor<?x4xf32>' and 'tensor<4x4xf32>')}}
  %0 = nn.reshape %a : tensor<?x4xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @case(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{expects equally many elements (got 'tensor<?x4xf32>' and 'tensor<?x5xf32>')}}
  %0 = nn.reshape %a : tensor<?x4xf32> -> tensor<?x5xf32>
  return
}

// -----

func.func @case(%a: tensor<?x4x3xf32>) {
  // expected-error @+1 {{expects one element type (got 'f32' and 'f64')}}
  %0 = nn.pack %a : tensor<?x4x3xf32> -> tensor<?x1x3x8xf64>
  return
}

// -----

func.func @case(%a: tensor<?x4x3xf32>) {
  // expected-error @+1 {{expects a plain type of rank r >= 2 and a blocked one of rank r + 1 (got 'tensor<?x4x3xf32>' and 'tensor<?x1x8xf32>')}}
  %0 = nn.pack %a : tensor<?x4x3xf32> -> tensor<?x1x8xf32>
  return
}

// -----

func.func @case(%a: tensor<?x4x3xf32>) {
  // expected-error @+1 {{expects ceil(C / V) channel blocks (got 'tensor<?x4x3xf32>' and 'tensor<?x2x3x8xf32>')}}
  %0 = nn.pack %a : tensor<?x4x3xf32> -> tensor<?x2x3x8xf32>
  return
}

// -----

func.func @case(%a: tensor<?x4x3xf32>) {
  // expected-error @+1 {{expects ceil(C / V) channel blocks (got 'tensor<?x4x3xf32>' and 'tensor<?x1x3x0xf32>')}}
  %0 = nn.pack %a : tensor<?x4x3xf32> -> tensor<?x1x3x0xf32>
  return
}

// -----

func.func @case(%a: tensor<?x1x5x8xf32>) {
  // expected-error @+1 {{expects equal batch and spatial dimensions (got 'tensor<?x4x3xf32>' and 'tensor<?x1x5x8xf32>')}}
  %0 = nn.unpack %a : tensor<?x1x5x8xf32> -> tensor<?x4x3xf32>
  return
}

// -----

func.func @case(%a: memref<4xf32>, %b: memref<5xf32>) {
  // expected-error @+1 {{expects equal shapes and element types (got 'memref<4xf32>' and 'memref<5xf32>')}}
  nn.copy %a to %b because "a test" : memref<4xf32>, memref<5xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>, %b: tensor<4xf64>) {
  // expected-error @+2 {{expects two tensors of one element type (got 'tensor<4xf32>' and 'tensor<4xf64>')}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.add %a, %b : tensor<4xf32>, tensor<4xf64> -> tensor<4xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{expects shapes that broadcast (got 'tensor<4xf32>' and 'tensor<3xf32>')}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.add %a, %b : tensor<4xf32>, tensor<3xf32> -> tensor<4xf32>
  return
}

// -----

func.func @case(%x: tensor<?x4xf32>, %p: tensor<4xf32>) {
  // expected-error @+1 {{expects the input's type as result type (got 'tensor<?x4xf32>' and 'tensor<2x4xf32>')}}
  %0 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f32} : tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @case(%x: tensor<4xf32>, %p: tensor<4xf32>) {
  // expected-error @+1 {{expects an input of rank 2 or more (got 'tensor<4xf32>')}}
  %0 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f32} : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @case(%x: tensor<?x4xf32>, %p: tensor<3xf32>) {
  // expected-error @+1 {{expects one value per channel, 4 (got 'tensor<3xf32>')}}
  %0 = nn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0e-5 : f32} : tensor<?x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32> -> tensor<?x4xf32>
  return
}
