// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// nn.concat, nn.slice, nn.transpose, nn.pad.

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects an operand}}
  %0 = "nn.concat"() {axis = 0 : i64} : () -> tensor<2x3xf32>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects an axis of the result (got 2 for 'tensor<2x3xf32>')}}
  %0 = nn.concat %a axis 2 : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects an axis of the result (got -1 for 'tensor<2x3xf32>')}}
  %0 = nn.concat %a axis -1 : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects operands of the result's rank and element type (got 'tensor<2x3xf32>' and 'tensor<2x3xf64>')}}
  %0 = nn.concat %a axis 0 : tensor<2x3xf32> -> tensor<2x3xf64>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+1 {{expects static extents along the axis and the result's along the others (got 'tensor<2x4xf32>' and 'tensor<4x3xf32>')}}
  %0 = nn.concat %a, %b axis 0 : tensor<2x3xf32>, tensor<2x4xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @case(%a: tensor<?x3xf32>) {
  // expected-error @+1 {{expects static extents along the axis and the result's along the others (got 'tensor<?x3xf32>' and 'tensor<?x3xf32>')}}
  %0 = nn.concat %a, %a axis 0 : tensor<?x3xf32>, tensor<?x3xf32> -> tensor<?x3xf32>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects the sum of the extents along the axis, 4 (got 'tensor<5x3xf32>')}}
  %0 = nn.concat %a, %a axis 0 : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<5x3xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects one element type (got 'f32' and 'f64')}}
  %0 = nn.slice %a begins [0] steps [1] : tensor<4xf32> -> tensor<4xf64>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects a result of the input's rank (got 'tensor<4xf32>' and 'tensor<4x1xf32>')}}
  %0 = nn.slice %a begins [0] steps [1] : tensor<4xf32> -> tensor<4x1xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects begins of one number per dimension (got 2 for 'tensor<4xf32>')}}
  %0 = nn.slice %a begins [0, 0] steps [1] : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects steps of one number per dimension (got 0 for 'tensor<4xf32>')}}
  %0 = nn.slice %a begins [0] steps [] : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @case(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{expects all of a dynamic dimension, which is the leading one (got 'tensor<?x4xf32>' and 'tensor<2x4xf32>')}}
  %0 = nn.slice %a begins [0, 0] steps [1, 1] : tensor<?x4xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects elements inside the input, and steps other than 0 (got begin 1 and step 1 in dimension 0 of 'tensor<4xf32>' for 'tensor<4xf32>')}}
  %0 = nn.slice %a begins [1] steps [1] : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects elements inside the input, and steps other than 0 (got begin 2 and step -2 in dimension 0 of 'tensor<4xf32>' for 'tensor<3xf32>')}}
  %0 = nn.slice %a begins [2] steps [-2] : tensor<4xf32> -> tensor<3xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects elements inside the input, and steps other than 0 (got begin 0 and step 0 in dimension 0 of 'tensor<4xf32>' for 'tensor<1xf32>')}}
  %0 = nn.slice %a begins [0] steps [0] : tensor<4xf32> -> tensor<1xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects elements inside the input, and steps other than 0 (got begin 0 and step 9223372036854775807 in dimension 0 of 'tensor<4xf32>' for 'tensor<3xf32>')}}
  %0 = nn.slice %a begins [0] steps [9223372036854775807] : tensor<4xf32> -> tensor<3xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>) {
  // expected-error @+1 {{expects elements inside the input, and steps other than 0 (got begin 3 and step -9223372036854775808 in dimension 0 of 'tensor<4xf32>' for 'tensor<2xf32>')}}
  %0 = nn.slice %a begins [3] steps [-9223372036854775808] : tensor<4xf32> -> tensor<2xf32>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects a permutation of one number per dimension (got 1 for 'tensor<2x3xf32>')}}
  %0 = nn.transpose %a permutation [0] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects a permutation of the dimensions (got 1, 1 for 'tensor<2x3xf32>')}}
  %0 = nn.transpose %a permutation [1, 1] : tensor<2x3xf32> -> tensor<3x3xf32>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects a permutation of the dimensions (got 0, 2 for 'tensor<2x3xf32>')}}
  %0 = nn.transpose %a permutation [0, 2] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @case(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{expects the permuted shape, a dynamic dimension in front (got 'tensor<2x3xf32>' and 'tensor<2x3xf32>')}}
  %0 = nn.transpose %a permutation [1, 0] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @case(%a: tensor<?x3xf32>) {
  // expected-error @+1 {{expects the permuted shape, a dynamic dimension in front (got 'tensor<?x3xf32>' and 'tensor<3x?xf32>')}}
  %0 = nn.transpose %a permutation [1, 0] : tensor<?x3xf32> -> tensor<3x?xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>, %v: tensor<1xf32>) {
  // expected-error @+1 {{expects a value of rank 0 and the input's element type (got 'tensor<1xf32>')}}
  %0 = nn.pad %a with %v begins [1] ends [0] : tensor<4xf32>, tensor<1xf32> -> tensor<5xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>, %v: tensor<f32>) {
  // expected-error @+1 {{expects ends of one number per dimension (got 2 for 'tensor<4xf32>')}}
  %0 = nn.pad %a with %v begins [1] ends [0, 0] : tensor<4xf32>, tensor<f32> -> tensor<5xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>, %v: tensor<f32>) {
  // expected-error @+1 {{expects a result that holds the input and its border, none of it negative or at a dynamic dimension (got 1 and 1 in dimension 0 of 'tensor<4xf32>' for 'tensor<5xf32>')}}
  %0 = nn.pad %a with %v begins [1] ends [1] : tensor<4xf32>, tensor<f32> -> tensor<5xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>, %v: tensor<f32>) {
  // expected-error @+1 {{expects a result that holds the input and its border, none of it negative or at a dynamic dimension (got -1 and 2 in dimension 0 of 'tensor<4xf32>' for 'tensor<5xf32>')}}
  %0 = nn.pad %a with %v begins [-1] ends [2] : tensor<4xf32>, tensor<f32> -> tensor<5xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>, %v: tensor<f32>) {
  // expected-error @+1 {{expects a result that holds the input and its border, none of it negative or at a dynamic dimension (got 2 and -1 in dimension 0 of 'tensor<4xf32>' for 'tensor<5xf32>')}}
  %0 = nn.pad %a with %v begins [2] ends [-1] : tensor<4xf32>, tensor<f32> -> tensor<5xf32>
  return
}

// -----

func.func @case(%a: tensor<4xf32>, %v: tensor<f32>) {
  // expected-error @+1 {{expects a result that holds the input and its border, none of it negative or at a dynamic dimension (got 9223372036854775807 and 1 in dimension 0 of 'tensor<4xf32>' for 'tensor<5xf32>')}}
  %0 = nn.pad %a with %v begins [9223372036854775807] ends [1] : tensor<4xf32>, tensor<f32> -> tensor<5xf32>
  return
}

// -----

func.func @case(%a: tensor<?x4xf32>, %v: tensor<f32>) {
  // expected-error @+1 {{expects a result that holds the input and its border, none of it negative or at a dynamic dimension (got 1 and 0 in dimension 0 of 'tensor<?x4xf32>' for 'tensor<?x4xf32>')}}
  %0 = nn.pad %a with %v begins [1, 0] ends [0, 0] : tensor<?x4xf32>, tensor<f32> -> tensor<?x4xf32>
  return
}
