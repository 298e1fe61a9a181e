// RUN: lathe-opt %s --nn-select-tiling --mlir-print-local-scope --split-input-file | FileCheck %s
// RUN: lathe-opt %s --nn-select-tiling --split-input-file --remarks-filter=nn-select-tiling --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// How images and groups of channels are nested, on machines that differ in the size of the second level.

// Weights of 256 kB do not stay in a second level of 256 kB, a group of them and an image do: group by group.
// CHECK-LABEL: func.func @small_cache
// CHECK: tiling = #nn.tiling<ku = {{[0-9]+}}, unroll = 4, merge = {{[0-9]+}}, segments = [{{.*}}], images = 1{{.*}}>
// REMARK: all images for a group of channels, then the next group: 262 kB of weights are read once, not for each image
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 262144, l3BytesPerCycle = 4, memoryBytesPerCycle = 4>} {
func.func @small_cache(%x: tensor<?x16x4x4x16xf32>) -> tensor<?x16x4x4x16xf32> {
  %w = nn.weight <dense<0.5> : tensor<256x256x1x1xf32>, tensor<256x256x1x1xf32>> : tensor<256x256x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x16x4x4x16xf32>, tensor<256x256x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 256>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x16x4x4x16xf32>
  return %0 : tensor<?x16x4x4x16xf32>
}
}

// -----

// Where all of them stay, images come one after the other; so they do where there is one only.
// CHECK-LABEL: func.func @large_cache
// CHECK-NOT: images
// Its weights are streams: vectors that lie apart, eight of which are read at once.
// CHECK-LABEL: func.func @one_image
// CHECK: nn.weight {{.*}}steps = [<"transpose", [1, 0]>, <"reshape", [4096, 4096, 1]>, <"reshape", [256, 16, 256, 16, 1]>, <"transpose", [0, 2, 4, 3, 1]>]> : tensor<256x256x1x16x16xf32>
// CHECK-NOT: images
// CHECK: tiling = #nn.tiling<ku = 8, unroll = 4, merge = 1, segments = [1], streams = 8>
// CHECK-NOT: images
// CHECK: return
// REMARK: one image reads its weights, 67109 kB, as 8 streams
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 2097152, l3BytesPerCycle = 4, memoryBytesPerCycle = 4>} {
func.func @large_cache(%x: tensor<?x16x4x4x16xf32>) -> tensor<?x16x4x4x16xf32> {
  %w = nn.weight <dense<0.5> : tensor<256x256x1x1xf32>, tensor<256x256x1x1xf32>> : tensor<256x256x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x16x4x4x16xf32>, tensor<256x256x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 256>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x16x4x4x16xf32>
  return %0 : tensor<?x16x4x4x16xf32>
}
func.func @one_image(%x: tensor<1x4096xf32>) -> tensor<1x4096xf32> {
  %w = nn.weight <dense<0.5> : tensor<4096x4096xf32>, tensor<4096x4096xf32>> : tensor<4096x4096xf32>
  %0 = nn.matmul ins(%x, %w : tensor<1x4096xf32>, tensor<4096x4096xf32>) attributes {channels = array<i64: 4096, 4096>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<1x4096xf32>
  return %0 : tensor<1x4096xf32>
}
}

// -----

// Rows of a matrix are pixels. Half of the second level keeps the weights of two vectors of channels, 262 kB each, until all images have seen them.
// CHECK-LABEL: func.func @rows
// CHECK: tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1], images = 16, streams = 8>
// REMARK: one image reads its weights, 67109 kB, as 8 streams; 16 images are the pixels of a tile, and all of them go through 2 vectors of channels before the next
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 32, memoryBytesPerCycle = 8>} {
func.func @rows(%x: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  %w = nn.weight <dense<0.5> : tensor<4096x4096xf32>, tensor<4096x4096xf32>> : tensor<4096x4096xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4096xf32>, tensor<4096x4096xf32>) attributes {channels = array<i64: 4096, 4096>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x4096xf32>
  return %0 : tensor<?x4096xf32>
}
}

// -----

// Few vectors: groups that a thread would not be given a part of (2^18 multiply-adds) may hold all of them, others not, or threads had nothing to share. A
// matrix has room for vectors beyond its last one (63 of them, 64 with that), a blocked convolution has not (15), where eight would not come out even.
// CHECK-LABEL: func.func @few
// CHECK: tiling = #nn.tiling<ku = 5, unroll = 4, merge = 1, segments = [1], images = 16, streams = 5>
// CHECK-LABEL: func.func @beyond
// CHECK: nn.weight {{.*}}<"pad", [1024, 4096, 1]>
// CHECK: tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1], images = 16, streams = 4>
module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 32, memoryBytesPerCycle = 8>} {
func.func @few(%x: tensor<?x16x1x1x16xf32>) -> tensor<?x15x1x1x16xf32> {
  %w = nn.weight <dense<0.5> : tensor<240x256x1x1xf32>, tensor<240x256x1x1xf32>> : tensor<240x256x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x16x1x1x16xf32>, tensor<240x256x1x1xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 256, 240>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x15x1x1x16xf32>
  return %0 : tensor<?x15x1x1x16xf32>
}
func.func @beyond(%x: tensor<?x4096xf32>) -> tensor<?x1000xf32> {
  %w = nn.weight <dense<0.5> : tensor<4096x1000xf32>, tensor<4096x1000xf32>> : tensor<4096x1000xf32>
  %0 = nn.matmul ins(%x, %w : tensor<?x4096xf32>, tensor<4096x1000xf32>) attributes {channels = array<i64: 4096, 1000>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x1000xf32>
  return %0 : tensor<?x1000xf32>
}
}
