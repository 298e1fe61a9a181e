// RUN: lathe-opt %s --lathe-tile-generic --split-input-file --verify-diagnostics

// expected-error @+1 {{expects the module attribute 'nn.target' to be a #nn.target}}
func.func private @no_target(%x: memref<8xf32>, %y: memref<8xf32>) attributes {nn.kernel} {
  nn.copy %x to %y because "test" : memref<8xf32>, memref<8xf32>
  return
}

// -----

module attributes {nn.target = #nn.target<triple = "", cpu = "", features = "", family = "", vectorBits = 128, registers = 16, fmaPerCycle = 2,
    loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
func.func private @offset(%x: memref<8xf32, strided<[1], offset: 4>>, %y: memref<8xf32>) attributes {nn.kernel} {
  // expected-error @+1 {{expects buffers with offset 0 and static strides (got 'memref<8xf32, strided<[1], offset: 4>>')}}
  linalg.exp ins(%x : memref<8xf32, strided<[1], offset: 4>>) outs(%y : memref<8xf32>)
  return
}
func.func private @tensors(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> attributes {nn.kernel} {
  // expected-error @+1 {{expects one destination, and buffers}}
  %0 = linalg.exp ins(%x : tensor<8xf32>) outs(%y : tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
func.func private @two_dynamic(%x: memref<?xf32>, %y: memref<?xf32>, %z: memref<?x?xf32, strided<[64, 1]>>) attributes {nn.kernel} {
  // expected-error @+1 {{expects no dynamic extent but the batch, and that in a buffer's shape}}
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>],
    iterator_types = ["parallel", "parallel"]} ins(%x, %y : memref<?xf32>, memref<?xf32>) outs(%z : memref<?x?xf32, strided<[64, 1]>>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}
func.func private @elements(%x: memref<8xindex>, %y: memref<8xindex>) attributes {nn.kernel} {
  // expected-error @+1 {{expects elements that are integers or floats (got 'memref<8xindex>')}}
  nn.copy %x to %y because "test" : memref<8xindex>, memref<8xindex>
  return
}
func.func private @two_results(%x: memref<8xi32>, %y: memref<8xi32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%x : memref<8xi32>) outs(%y : memref<8xi32>) {
  ^bb0(%a: i32, %o: i32):
    // expected-error @+1 {{expects operations of one result and no region in the body of a kernel}}
    %l, %h = arith.mulsi_extended %a, %a : i32
    linalg.yield %h : i32
  }
  return
}
}
