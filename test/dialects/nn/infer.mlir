// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// Result types of elementwise operations follow numpy broadcasting; what does not agree is refused with both types.

func.func @broadcast(%a: tensor<?x4x1xf32>, %b: tensor<3x5x1x7xf32>, %c: tensor<1xf32>, %d: tensor<?x1x1xf32>) {
  %0 = nn.add %c, %a : tensor<1xf32>, tensor<?x4x1xf32> -> tensor<?x4x1xf32>
  %1 = nn.mul %b, %b : tensor<3x5x1x7xf32>, tensor<3x5x1x7xf32> -> tensor<3x5x1x7xf32>
  %2 = nn.sub %a, %d : tensor<?x4x1xf32>, tensor<?x1x1xf32> -> tensor<?x4x1xf32>
  return
}

// -----

func.func @wrong_result(%a: tensor<4x1xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<4x3xf32>' are incompatible with return type(s) of operation 'tensor<3x4xf32>'}}
  %0 = nn.add %a, %b : tensor<4x1xf32>, tensor<3xf32> -> tensor<3x4xf32>
  return
}

// -----

func.func @batch_is_no_number(%a: tensor<?x4xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{expects shapes that broadcast (got 'tensor<?x4xf32>' and 'tensor<3x4xf32>')}}
  %0 = nn.add %a, %b : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @integers(%a: tensor<4xi32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of floating-point values, but got 'tensor<4xi32>'}}
  %0 = nn.relu %a : tensor<4xi32>
  return
}
