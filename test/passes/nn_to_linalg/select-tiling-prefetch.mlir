// RUN: lathe-opt %s '--nn-select-tiling=winograd=false' --mlir-print-local-scope --split-input-file | FileCheck %s
// The weights of a function that do not stay in the second level are fetched while those before are multiplied, where the arithmetic lasts long enough to hide
// that. One convolution of 1.2 MB of weights, 8 by 8 pixels: from the second of its two groups to the last of its 18432 cache lines.

// CHECK: tiling = #nn.tiling<ku = 4, {{.*}}, prefetch = [9216, 18432]>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 2097152, l3BytesPerCycle = 10, memoryBytesPerCycle = 5>} {
func.func @f(%x: tensor<1x16x10x10x16xf32>) -> tensor<1x8x8x8x16xf32> {
  %w = nn.weight <dense<0.5> : tensor<128x256x3x3xf32>, tensor<128x256x3x3xf32>> : tensor<128x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x16x10x10x16xf32>, tensor<128x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 128>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x8x8x8x16xf32>
  return %0 : tensor<1x8x8x8x16xf32>
}
}

// -----

// A second level that holds them from one run to the next.
// CHECK-NOT: prefetch
// CHECK: return
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 4194304, l3BytesPerCycle = 10, memoryBytesPerCycle = 5>} {
func.func @f(%x: tensor<1x16x10x10x16xf32>) -> tensor<1x8x8x8x16xf32> {
  %w = nn.weight <dense<0.5> : tensor<128x256x3x3xf32>, tensor<128x256x3x3xf32>> : tensor<128x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x16x10x10x16xf32>, tensor<128x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 128>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x8x8x8x16xf32>
  return %0 : tensor<1x8x8x8x16xf32>
}
}

// -----

// A memory so quick that waiting for it is nothing.
// CHECK-NOT: prefetch
// CHECK: return
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 2097152, l3BytesPerCycle = 64, memoryBytesPerCycle = 64>} {
func.func @f(%x: tensor<1x16x10x10x16xf32>) -> tensor<1x8x8x8x16xf32> {
  %w = nn.weight <dense<0.5> : tensor<128x256x3x3xf32>, tensor<128x256x3x3xf32>> : tensor<128x256x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x16x10x10x16xf32>, tensor<128x256x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 128>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x8x8x8x16xf32>
  return %0 : tensor<1x8x8x8x16xf32>
}
}

// -----

// The single row of a matrix: nothing hides its loads.
// CHECK-NOT: prefetch
// CHECK: return
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 2097152, l3BytesPerCycle = 10, memoryBytesPerCycle = 5>} {
func.func @f(%x: tensor<1x2048xf32>) -> tensor<1x1000xf32> {
  %w = nn.weight <dense<0.5> : tensor<2048x1000xf32>, tensor<2048x1000xf32>> : tensor<2048x1000xf32>
  %0 = nn.matmul ins(%x, %w : tensor<1x2048xf32>, tensor<2048x1000xf32>) attributes {channels = array<i64: 2048, 1000>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1000xf32>
  return %0 : tensor<1x1000xf32>
}
}

// -----

// A depthwise convolution of 4.5 kB of weights has the time to fetch some of the 4 MB of a matrix that is multiplied by a row next: as many as come in that time.
// CHECK: nn.conv {{.*}}tiling = #nn.tiling<{{.*}}, prefetch = [9, 512]>
// CHECK: nn.matmul
// CHECK-NOT: prefetch
// CHECK: return
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 2097152, l3BytesPerCycle = 10, memoryBytesPerCycle = 5>} {
func.func @f(%x: tensor<1x8x14x14x16xf32>, %z: tensor<1x1024xf32>) -> (tensor<1x8x12x12x16xf32>, tensor<1x1024xf32>) {
  %w = nn.weight <dense<0.5> : tensor<128x1x3x3xf32>, tensor<128x1x3x3xf32>> : tensor<128x1x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<1x8x14x14x16xf32>, tensor<128x1x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 128 : i64, channels = array<i64: 128, 128>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x8x12x12x16xf32>
  %v = nn.weight <dense<0.5> : tensor<1024x1024xf32>, tensor<1024x1024xf32>> : tensor<1024x1024xf32>
  %1 = nn.matmul ins(%z, %v : tensor<1x1024xf32>, tensor<1024x1024xf32>) attributes {channels = array<i64: 1024, 1024>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x1024xf32>
  return %0, %1 : tensor<1x8x12x12x16xf32>, tensor<1x1024xf32>
}
}
