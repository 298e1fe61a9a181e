// RUN: lathe-opt %s --verify-diagnostics

func.func @exponent(%a: tensor<?x4xf32>) {
  // expected-error @+1 {{'nn.pow' op expects an exponent of -1, 0.5, 1, 2 or 3 (got 2.500000e+00 : f32)}}
  %0 = nn.pow %a {exponent = 2.5 : f32} : tensor<?x4xf32>
  return
}
