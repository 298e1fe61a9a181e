// RUN: lathe-opt %s --verify-diagnostics --split-input-file
// nn.interleave: one input per phase, each of the phase's extents.

func.func @interleave_c1(%a: tensor<?x8x4xf32>) {
  // expected-error @+1 {{expects a result of rank 4 (plain) or 5 (blocked) (got 'tensor<?x8x7xf32>')}}
  %0 = nn.interleave %a strides [1, 1] : tensor<?x8x4xf32> -> tensor<?x8x7xf32>
  return
}

// -----

func.func @interleave_c2(%a: tensor<?x8x4xf32>) {
  // expected-error @+1 {{expects strides and extents of at least 1 in spatial dimension 0 (got 'tensor<?x8x4xf32>')}}
  %0 = nn.interleave %a strides [0] : tensor<?x8x4xf32> -> tensor<?x8x4xf32>
  return
}

// -----

func.func @interleave_c3(%a: tensor<?x8x4x5xf32>) {
  // expected-error @+1 {{expects one input per phase (got 2)}}
  %0 = nn.interleave %a, %a strides [2, 3] : tensor<?x8x4x5xf32>, tensor<?x8x4x5xf32> -> tensor<?x8x8x15xf32>
  return
}

// -----

// The strides' product would wrap.
func.func @interleave_c3_huge(%a: tensor<?x8x4x5xf32>) {
  // expected-error @+1 {{expects one input per phase (got 1)}}
  %0 = nn.interleave %a strides [1099511627776, 1099511627776] : tensor<?x8x4x5xf32> -> tensor<?x8x1099511627776x1099511627776xf32>
  return
}

// -----

// The second of two phases of 7 pixels has 3.
func.func @interleave_c4(%a: tensor<?x8x4xf32>) {
  // expected-error @+1 {{expects input 1 of type 'tensor<?x8x3xf32>' (got 'tensor<?x8x4xf32>')}}
  %0 = nn.interleave %a, %a strides [2] : tensor<?x8x4xf32>, tensor<?x8x4xf32> -> tensor<?x8x7xf32>
  return
}
