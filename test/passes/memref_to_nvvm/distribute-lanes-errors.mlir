// RUN: lathe-opt %s --lathe-distribute-lanes --verify-diagnostics --split-input-file

#gpu = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10>
module attributes {nn.target = #gpu} {
  func.func private @scratch(%y: memref<?xf32>) attributes {nn.kernel} {
    %c0 = arith.constant 0 : index
    // expected-error @+1 {{expects no scratch memory in a kernel that a warp runs}}
    %s = nn.scratch 0 : memref<64xf32>
    scf.forall (%i) in (4) {
      %v = vector.load %s[%c0] : memref<64xf32>, vector<32xf32>
      vector.store %v, %y[%c0] : memref<?xf32>, vector<32xf32>
    }
    return
  }
}

// -----

#gpu = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10>
module attributes {nn.target = #gpu} {
  func.func private @long(%x: memref<?xf32>, %y: memref<?xf32>) attributes {nn.kernel} {
    %c0 = arith.constant 0 : index
    scf.forall (%i) in (4) {
      // expected-error @+1 {{expects vectors of at most 32 elements (got 'vector<64xf32>')}}
      %v = vector.load %x[%c0] : memref<?xf32>, vector<64xf32>
      vector.store %v, %y[%c0] : memref<?xf32>, vector<64xf32>
    }
    return
  }
}
