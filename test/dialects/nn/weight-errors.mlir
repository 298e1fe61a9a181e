// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// #nn.file, #nn.weight, its steps, and nn.weight.

func.func @weight() {
  // expected-error @+2 {{failed to parse NN_WeightAttr parameter 'source'}}
  // expected-error @+1 {{expects a path (got an empty one)}}
  %0 = nn.weight <#nn.file<"", 0, 8, "0000000000000000000000000000000000000000000000000000000000000000">, tensor<2xf32>> : tensor<2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+2 {{failed to parse NN_WeightAttr parameter 'source'}}
  // expected-error @+1 {{expects an offset and a length of at least 0 (got -1 and 8)}}
  %0 = nn.weight <#nn.file<"m", -1, 8, "0000000000000000000000000000000000000000000000000000000000000000">, tensor<2xf32>> : tensor<2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+2 {{failed to parse NN_WeightAttr parameter 'source'}}
  // expected-error @+1 {{expects a hash of 64 hex digits (got 'abc')}}
  %0 = nn.weight <#nn.file<"m", 0, 8, "abc">, tensor<2xf32>> : tensor<2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{expects 8 bytes for 'tensor<2xf32>' (got 9)}}
  %0 = nn.weight <#nn.file<"m", 0, 9, "0000000000000000000000000000000000000000000000000000000000000000">, tensor<2xf32>> : tensor<2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{expects a static type (got 'tensor<?xf32>')}}
  %0 = nn.weight <#nn.file<"m", 0, 8, "0000000000000000000000000000000000000000000000000000000000000000">, tensor<?xf32>> : tensor<2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{expects elements of an integer or floating-point type (got 'tensor<2xindex>')}}
  %0 = nn.weight <#nn.file<"m", 0, 8, "0000000000000000000000000000000000000000000000000000000000000000">, tensor<2xindex>> : tensor<2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{expects a source of type 'tensor<3xf32>' (got 'tensor<2xf32>')}}
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<3xf32>> : tensor<3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{expects a #nn.file or a dense attribute as source (got "x")}}
  %0 = nn.weight <"x", tensor<3xf32>> : tensor<3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{expects the recipe's shape as result shape (got 'tensor<3xf32>')}}
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{expects the recipe's element type (got 'f64')}}
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : tensor<2xf64>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'scale' expects an axis and a 1-D operand of its length (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"scale", [1], with = <dense<1.0> : tensor<2xf32>, tensor<2xf32>>>]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'scale' expects an axis and a 1-D operand of its length (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"scale", [2], with = <dense<1.0> : tensor<2xf32>, tensor<2xf32>>>]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'add' expects an operand of the same shape (got shape [3])}}
  %0 = nn.weight <dense<1.0> : tensor<3xf32>, tensor<3xf32>, steps = [<"add", with = <dense<1.0> : tensor<2xf32>, tensor<2xf32>>>]> : tensor<3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'sub' expects an operand of the same shape (got shape [3])}}
  %0 = nn.weight <dense<1.0> : tensor<3xf32>, tensor<3xf32>, steps = [<"sub">]> : tensor<3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'div_sqrt' expects a value, epsilon (got shape [2])}}
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>, steps = [<"div_sqrt", with = <dense<1.0> : tensor<2xf32>, tensor<2xf32>>>]> : tensor<2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'mul_scalar' expects a value (got shape [2])}}
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>, steps = [<"mul_scalar">]> : tensor<2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'transpose' expects a permutation of the dims (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"transpose", [0]>]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'transpose' expects a permutation of the dims (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"transpose", [0, 0]>]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'reshape' expects dims with equally many elements (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"reshape", [4]>]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'pad' expects dims of the same rank, none smaller (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"pad", [2, 2]>]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'slice' expects begins, extents and steps of elements inside the shape (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"slice", [0, 2, 2, 3, 1, 1]>]> : tensor<2x3xf32>
  return
}

// -----

// Backwards beyond the first element.
func.func @weight() {
  // expected-error @+1 {{step 'slice' expects begins, extents and steps of elements inside the shape (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"slice", [0, 2, 2, 2, 1, -3]>]> : tensor<2x2xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'slice' expects begins, extents and steps of elements inside the shape (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"slice", [0, 2]>]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'broadcast' expects dims to which the shape broadcasts (got shape [2, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"broadcast", [3, 3]>]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{expects a known recipe step (got 'relu')}}
  %0 = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"relu">]> : tensor<2x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'winograd' expects tile extents m with m + r - 1 <= 8 for windows of r (got shape [2, 3, 3, 5])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3x3x5xf32>, tensor<2x3x3x5xf32>, steps = [<"winograd", [6, 5]>]> : tensor<2x3x8x9xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'winograd' expects one tile extent for each of the trailing dims but the first two (got shape [2, 3, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<2x3x3xf32>, tensor<2x3x3xf32>, steps = [<"winograd", [2, 2]>]> : tensor<2x3x4xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'expand_groups' expects groups that divide dimension 0, and a tile (got shape [6, 3])}}
  %0 = nn.weight <dense<1.0> : tensor<6x3xf32>, tensor<6x3xf32>, steps = [<"expand_groups", [4, 8]>]> : tensor<6x3xf32>
  return
}

// -----

func.func @weight() {
  // expected-error @+1 {{step 'share_rows' expects lanes, at most as many as columns, and a share that divides lanes and rows (got shape [6, 8])}}
  %0 = nn.weight <dense<1.0> : tensor<6x8xf32>, tensor<6x8xf32>, steps = [<"share_rows", [8, 4]>]> : tensor<6x8xf32>
  return
}

// -----

func.func @case() {
  // expected-error @+1 {{step 'to_float' expects 0 or 1: whether integers are unsigned (got shape [2])}}
  %0 = nn.weight <dense<1> : tensor<2xi8>, tensor<2xi8>, steps = [<"to_float", [2]>]> : tensor<2xf32>
  return
}

// -----

func.func @case() {
  // expected-error @+1 {{step 'mul_scalar' expects elements of type f32, or a step to_float before it (got 'tensor<2xi8>')}}
  %0 = nn.weight <dense<1> : tensor<2xi8>, tensor<2xi8>, steps = [<"mul_scalar", value = 0.5 : f32>]> : tensor<2xi8>
  return
}

// -----

func.func @case() {
  // expected-error @+1 {{step 'add' expects an operand of type f32 (got 'tensor<2xi8>')}}
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>, steps = [<"add", with = <dense<1> : tensor<2xi8>, tensor<2xi8>>>]> : tensor<2xf32>
  return
}

// -----

func.func @case() {
  // expected-error @+1 {{expects the recipe's element type (got 'i8')}}
  %0 = nn.weight <dense<1> : tensor<2xi8>, tensor<2xi8>, steps = [<"to_float">]> : tensor<2xi8>
  return
}

// -----

func.func @narrow_is_last() {
  // expected-error @+1 {{expects step 'to_f16' to be the last one}}
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>, steps = [<"to_f16">, <"reshape", [1, 2]>]> : tensor<1x2xf16>
  return
}

// -----

func.func @narrow_arguments() {
  // expected-error @+1 {{step 'to_bf16' expects no arguments (got shape [2])}}
  %0 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>, steps = [<"to_bf16", [1]>]> : tensor<2xbf16>
  return
}
