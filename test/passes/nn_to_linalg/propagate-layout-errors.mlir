// RUN: lathe-opt %s --nn-propagate-layout --split-input-file --verify-diagnostics

// expected-error @+1 {{expects the module attribute 'nn.target' to be a #nn.target}}
func.func @no_target(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

// -----

module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 48, registers = 16, fmaPerCycle = 2,
    loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
// expected-error @+1 {{expects a target with vectors of 64 bits or a larger power of two (got 48)}}
func.func @odd_vectors(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}
}
