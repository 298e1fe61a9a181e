// RUN: lathe-opt %s --nn-propagate-layout --convert-nn-to-linalg --canonicalize | FileCheck %s
// nn.interleave stays blocked, and becomes strided slices of one destination.

module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v4", features = "", family = "test", vectorBits = 512, registers = 32,
  fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {
  // CHECK-LABEL: func @plain(
  // CHECK: %[[A:.*]] = tensor.insert_slice %arg0 into %{{.*}}[0, 0, 0] [%{{.*}}, 3, 4] [1, 1, 2] : tensor<?x3x4xf32> into tensor<?x3x7xf32>
  // CHECK: tensor.insert_slice %arg1 into %[[A]][0, 0, 1] [%{{.*}}, 3, 3] [1, 1, 2] : tensor<?x3x3xf32> into tensor<?x3x7xf32>
  func.func @plain(%a: tensor<?x3x4xf32>, %b: tensor<?x3x3xf32>) -> tensor<?x3x7xf32> {
    %0 = nn.interleave %a, %b strides [2] : tensor<?x3x4xf32>, tensor<?x3x3xf32> -> tensor<?x3x7xf32>
    return %0 : tensor<?x3x7xf32>
  }

  // Of two rows and three columns with strides of 5 and 2: phases of rows outside those of columns.
  // CHECK-LABEL: func @blocked(
  // CHECK: nn.pool max
  // CHECK: } -> tensor<?x2x1x2x16xf32>
  // CHECK-COUNT-4: tensor.insert_slice {{.*}} into tensor<?x2x2x3x16xf32>
  // CHECK-NOT: insert_slice
  func.func @blocked(%x: tensor<?x17x1x2xf32>, %y: tensor<?x17x1x1xf32>) -> tensor<?x17x2x3xf32> {
    %p = nn.pool max ins(%x : tensor<?x17x1x2xf32>)
      attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 17 : i64} epilogue {
    ^bb0(%acc: f32):
      nn.yield %acc : f32
    } -> tensor<?x17x1x2xf32>
    %0 = nn.interleave %p, %y, %p, %y strides [5, 2] : tensor<?x17x1x2xf32>, tensor<?x17x1x1xf32>, tensor<?x17x1x2xf32>, tensor<?x17x1x1xf32> -> tensor<?x17x2x3xf32>
    return %0 : tensor<?x17x2x3xf32>
  }
}
