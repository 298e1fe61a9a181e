// RUN: lathe-opt %s --nn-select-tiling --mlir-print-local-scope --split-input-file | FileCheck %s
// RUN: lathe-opt %s '--nn-select-tiling=winograd=false' --mlir-print-local-scope --split-input-file | FileCheck %s --check-prefix=OFF
// RUN: lathe-opt %s --nn-select-tiling --remarks-filter=nn-select-tiling --remark-format=emitRemark --split-input-file 2>&1 | FileCheck %s --check-prefix=REMARK
// Where it saves enough, a convolution of steps 1 gets tiles of Winograd's algorithm, and its weights the kernel transform.
// OFF-NOT: winograd =
// OFF: winograd = [3, 3]>
// OFF-NOT: winograd =

// REMARK: winograd F(4x4, 3x3), {{.*}} vectors of channels by {{.*}} tiles; {{.*}} predicted {{.*}} kcycles per image, {{.*}} without; weights grow from 331776 to 1327104 bytes

module attributes {nn.target = #nn.target<triple = "x86_64-linux-gnu", cpu = "", features = "", family = "", vectorBits = 512, registers = 32,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 49152, l2Bytes = 2097152, l3BytesPerCycle = 10, memoryBytesPerCycle = 5>} {

// CHECK-LABEL: func.func @chosen(
// CHECK: nn.weight <{{.*}}, steps = [<"winograd", [4, 4]>, <"reshape", [{{.*}}, {{.*}}, 96, 6, 6]>, <"transpose", [0, 3, 4, 2, 1]>]>
// CHECK: nn.conv {{.*}} tiling = #nn.tiling<{{.*}} winograd = [4, 4]>
func.func @chosen(%x: tensor<?x6x28x28x16xf32>) -> tensor<?x6x28x28x16xf32> {
  %w = nn.weight <dense<0.5> : tensor<96x96x3x3xf32>, tensor<96x96x3x3xf32>> : tensor<96x96x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x6x28x28x16xf32>, tensor<96x96x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 96, 96>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x28x28x16xf32>
  return %0 : tensor<?x6x28x28x16xf32>
}

// A tile that is written at the operation is kept, if the algorithm can compute it. Channels are padded to whole groups.
// CHECK-LABEL: func.func @written(
// CHECK: steps = [<"winograd", [3, 3]>, <"pad", [32, 16, 5, 5]>, <"reshape", [1, 32, 16, 5, 5]>, <"transpose", [0, 3, 4, 2, 1]>]> : tensor<1x5x5x16x32xf32>
// CHECK: tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [5, 4], winograd = [3, 3]>
func.func @written(%x: tensor<?x1x9x9x16xf32>) -> tensor<?x2x9x9x16xf32> {
  %w = nn.weight <dense<0.5> : tensor<24x16x3x3xf32>, tensor<24x16x3x3xf32>> : tensor<24x16x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x1x9x9x16xf32>, tensor<24x16x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 16, 24>,
    tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [5, 4], winograd = [3, 3]>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x9x9x16xf32>
  return %0 : tensor<?x2x9x9x16xf32>
}

// Steps of 2 have no such tiles; neither has a plain input.
// CHECK-LABEL: func.func @not(
// CHECK-NOT: winograd
func.func @not(%x: tensor<?x6x28x28x16xf32>, %plain: tensor<?x96x28x28xf32>) -> (tensor<?x6x14x14x16xf32>, tensor<?x6x28x28x16xf32>) {
  %w = nn.weight <dense<0.5> : tensor<96x96x3x3xf32>, tensor<96x96x3x3xf32>> : tensor<96x96x3x3xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x6x28x28x16xf32>, tensor<96x96x3x3xf32>) attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>,
    pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 96, 96>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x14x14x16xf32>
  %1 = nn.conv ins(%plain, %w : tensor<?x96x28x28xf32>, tensor<96x96x3x3xf32>) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 1, 1, 1, 1>, groups = 1 : i64, channels = array<i64: 96, 96>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x28x28x16xf32>
  return %0, %1 : tensor<?x6x14x14x16xf32>, tensor<?x6x28x28x16xf32>
}
}
