// RUN: lathe-opt %s --lathe-narrow-storage --split-input-file --verify-diagnostics | FileCheck %s
// Buffers and factors are stored as f16; operations see them as f32.

module attributes {nn.precision = "f16"} {
  // CHECK-LABEL: func.func @main
  func.func @main(%x: memref<2x1x6x6x32xf32>, %y: memref<2x1x6x6x32xf32> {nn.output}) {
    // The weights' recipe gets a step; the bias stays.
    // CHECK: %[[B:.*]] = nn.weight <{{.*}}> : memref<32xf32>
    %b = nn.weight <dense<0.5> : tensor<32xf32>, tensor<32xf32>> : memref<32xf32>
    // CHECK: %[[W:.*]] = nn.weight <{{.*}}, steps = [<"to_f16">]> : memref<1x1x1x1x32x32xf16>
    // CHECK: %[[WS:.*]] = nn.stored_as %[[W]] : memref<1x1x1x1x32x32xf16> as memref<1x1x1x1x32x32xf32>
    %w = nn.weight <dense<0.5> : tensor<1x1x1x1x32x32xf32>, tensor<1x1x1x1x32x32xf32>> : memref<1x1x1x1x32x32xf32>
    // CHECK: %[[A:.*]] = memref.alloc() : memref<2x1x6x6x32xf16>
    // CHECK: %[[AS:.*]] = nn.stored_as %[[A]] : memref<2x1x6x6x32xf16> as memref<2x1x6x6x32xf32>
    %a = memref.alloc() : memref<2x1x6x6x32xf32>
    // CHECK: nn.conv ins(%arg0, %[[WS]] : {{.*}}) extras(%[[B]] : memref<32xf32>) outs(%[[AS]]
    nn.conv ins(%x, %w : memref<2x1x6x6x32xf32>, memref<1x1x1x1x32x32xf32>) extras(%b : memref<32xf32>) outs(%a : memref<2x1x6x6x32xf32>) attributes {
      channels = array<i64: 32, 32>, dilations = array<i64: 1, 1>, groups = 1 : i64, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>,
      tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [6]>} epilogue {
    ^bb0(%acc: f32, %e: f32):
      %0 = arith.addf %acc, %e : f32
      nn.yield %0 : f32
    }
    // A view is one of what is stored.
    // CHECK: %[[V:.*]] = memref.subview %[[A]][0, 0, 0, 0, 0] [2, 1, 3, 6, 32] [1, 1, 1, 1, 1] : memref<2x1x6x6x32xf16> to memref<2x1x3x6x32xf16, strided<[1152, 1152, 192, 32, 1]>>
    // CHECK: %[[VS:.*]] = nn.stored_as %[[V]] : memref<2x1x3x6x32xf16, strided<[1152, 1152, 192, 32, 1]>> as memref<2x1x3x6x32xf32, strided<[1152, 1152, 192, 32, 1]>>
    %v = memref.subview %a[0, 0, 0, 0, 0] [2, 1, 3, 6, 32] [1, 1, 1, 1, 1] : memref<2x1x6x6x32xf32> to memref<2x1x3x6x32xf32, strided<[1152, 1152, 192, 32, 1]>>
    // CHECK: nn.copy %[[VS]] to
    %t = memref.subview %y[0, 0, 0, 0, 0] [2, 1, 3, 6, 32] [1, 1, 1, 1, 1] : memref<2x1x6x6x32xf32> to memref<2x1x3x6x32xf32, strided<[1152, 1152, 192, 32, 1]>>
    nn.copy %v to %t because "test" : memref<2x1x3x6x32xf32, strided<[1152, 1152, 192, 32, 1]>>, memref<2x1x3x6x32xf32, strided<[1152, 1152, 192, 32, 1]>>
    return
  }
}

// -----

module attributes {nn.precision = "f8"} {
  // expected-error @+1 {{(got "f8")}}
  func.func @main() {
    return
  }
}
