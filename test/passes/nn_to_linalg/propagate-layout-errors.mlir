// RUN: lathe-opt %s --nn-propagate-layout --verify-diagnostics

// expected-error @+1 {{expects the module attribute 'nn.target' to be a #nn.target}}
func.func @no_target(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}
