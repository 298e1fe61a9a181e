// RUN: lathe-opt %s --nn-propagate-layout | FileCheck %s
// RUN: lathe-opt %s --nn-propagate-layout=propagate=false | FileCheck %s --check-prefix=PLAIN
// Results of windowed operations are blocked by 4 lanes; what is between them follows without a copy.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// The graph's input is read in place, the second convolution reads the first one's blocked result, and the residual is blocked like the output.
// Without propagation the second convolution reads the plain form.
// PLAIN-LABEL: func @chain
// PLAIN: %[[A:.*]] = nn.conv
// PLAIN: %[[P:.*]] = nn.unpack %[[A]]
// PLAIN: nn.conv ins(%[[P]], %{{.*}} : tensor<?x6x8x8xf32>,
// CHECK-LABEL: func @chain
// CHECK-NOT: nn.pack
// CHECK: %[[A:.*]] = nn.conv ins(%arg0,
// CHECK: } -> tensor<?x2x8x8x4xf32>
// CHECK: nn.conv ins(%[[A]], %{{.*}} : tensor<?x2x8x8x4xf32>, tensor<6x6x1x1xf32>) extras(%[[A]] : tensor<?x2x8x8x4xf32>)
// CHECK: } -> tensor<?x2x8x8x4xf32>
// CHECK: %[[Y:.*]] = nn.unpack {{.*}} -> tensor<?x6x8x8xf32>
// CHECK: return %[[Y]]
func.func @chain(%x: tensor<?x3x8x8xf32>) -> tensor<?x6x8x8xf32> {
  %w = nn.weight <dense<0.5> : tensor<6x3x1x1xf32>, tensor<6x3x1x1xf32>> : tensor<6x3x1x1xf32>
  %v = nn.weight <dense<0.5> : tensor<6x6x1x1xf32>, tensor<6x6x1x1xf32>> : tensor<6x6x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x3x8x8xf32>, tensor<6x3x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 3, 6>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x6x8x8xf32>
  %1 = nn.conv ins(%0, %v : tensor<?x6x8x8xf32>, tensor<6x6x1x1xf32>) extras(%0 : tensor<?x6x8x8xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 6, 6>} epilogue {
  ^bb0(%acc: f32, %residual: f32):
    %s = arith.addf %acc, %residual : f32
    nn.yield %s : f32
  } -> tensor<?x6x8x8xf32>
  return %1 : tensor<?x6x8x8xf32>
}

// Elementwise operations follow. A value per channel becomes one per block and lane, by its recipe; a splat becomes a scalar.
// CHECK-LABEL: func @elementwise
// CHECK-DAG: %[[C:.*]] = nn.weight {{.*}}steps = [<"pad", [8, 1, 1]>, <"reshape", [2, 4, 1, 1]>, <"transpose", [0, 2, 3, 1]>]> : tensor<2x1x1x4xf32>
// CHECK-DAG: %[[S:.*]] = nn.weight <dense<2.0{{.*}}> : tensor<f32>, tensor<f32>> : tensor<f32>
// CHECK: %[[P:.*]] = nn.pool
// CHECK: %[[M:.*]] = nn.mul %[[P]], %[[C]] : tensor<?x2x8x8x4xf32>, tensor<2x1x1x4xf32> -> tensor<?x2x8x8x4xf32>
// CHECK: %[[D:.*]] = nn.div %[[M]], %[[S]] : tensor<?x2x8x8x4xf32>, tensor<f32> -> tensor<?x2x8x8x4xf32>
// CHECK: %[[R:.*]] = nn.relu %[[D]] : tensor<?x2x8x8x4xf32>
// CHECK: nn.unpack %[[R]]
func.func @elementwise(%x: tensor<?x5x8x8xf32>) -> tensor<?x5x8x8xf32> {
  %c = nn.weight <dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]], [[5.0]]]> : tensor<5x1x1xf32>, tensor<5x1x1xf32>> : tensor<5x1x1xf32>
  %s = nn.weight <dense<2.0> : tensor<5x1x1xf32>, tensor<5x1x1xf32>> : tensor<5x1x1xf32>
  %0 = nn.pool max ins(%x : tensor<?x5x8x8xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 5 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x5x8x8xf32>
  %1 = nn.mul %0, %c : tensor<?x5x8x8xf32>, tensor<5x1x1xf32> -> tensor<?x5x8x8xf32>
  %2 = nn.div %1, %s : tensor<?x5x8x8xf32>, tensor<5x1x1xf32> -> tensor<?x5x8x8xf32>
  %3 = nn.relu %2 : tensor<?x5x8x8xf32>
  return %3 : tensor<?x5x8x8xf32>
}

// One channel for all has no blocks: it broadcasts along blocks and lanes. So does a weight that is the same for all channels.
// CHECK-LABEL: func @one_channel
// CHECK-DAG: %[[V:.*]] = nn.weight {{.*}}steps = [<"reshape", [1, 2, 1]>]> : tensor<1x2x1xf32>
// CHECK-DAG: %[[P:.*]] = nn.pool
// CHECK-DAG: %[[A:.*]] = nn.reshape %arg1 : tensor<?x1x2x2xf32> -> tensor<?x1x2x2x1xf32>
// CHECK: %[[M:.*]] = nn.mul %[[P]], %[[A]] : tensor<?x2x2x2x4xf32>, tensor<?x1x2x2x1xf32> -> tensor<?x2x2x2x4xf32>
// CHECK: nn.sub %[[M]], %[[V]] : tensor<?x2x2x2x4xf32>, tensor<1x2x1xf32> -> tensor<?x2x2x2x4xf32>
func.func @one_channel(%x: tensor<?x5x2x2xf32>, %a: tensor<?x1x2x2xf32>) -> tensor<?x5x2x2xf32> {
  %v = nn.weight <dense<[[1.0, 2.0]]> : tensor<1x2xf32>, tensor<1x2xf32>> : tensor<1x2xf32>
  %0 = nn.pool max ins(%x : tensor<?x5x2x2xf32>) attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 5 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x5x2x2xf32>
  %1 = nn.mul %0, %a : tensor<?x5x2x2xf32>, tensor<?x1x2x2xf32> -> tensor<?x5x2x2xf32>
  %2 = nn.sub %1, %v : tensor<?x5x2x2xf32>, tensor<1x2xf32> -> tensor<?x5x2x2xf32>
  return %2 : tensor<?x5x2x2xf32>
}

// What no windowed operation is near stays plain.
// CHECK-LABEL: func @plain
// CHECK: nn.relu %{{.*}} : tensor<?x8x2x2xf32>
func.func @plain(%x: tensor<?x8x2x2xf32>) -> tensor<?x8x2x2xf32> {
  %0 = nn.relu %x : tensor<?x8x2x2xf32>
  return %0 : tensor<?x8x2x2xf32>
}

// One window over a whole image that nothing has blocked: reduced in place. Without propagation it is packed, as every pool.
// CHECK-LABEL: func @global_mean(
// CHECK-NOT: nn.pack
// CHECK: %[[R:.*]] = nn.reduce sum maps [#{{.*}}, #{{.*}}] ins(%arg0 : tensor<?x6x5x7xf32>)
// CHECK: } finish {
// CHECK: %[[N:.*]] = arith.constant 3.500000e+01
// CHECK: %[[M:.*]] = arith.divf %{{.*}}, %[[N]]
// CHECK: arith.negf %[[M]]
// CHECK: return %[[R]] : tensor<?x6x1x1xf32>
// PLAIN-LABEL: func @global_mean(
// PLAIN: nn.pool avg
func.func @global_mean(%x: tensor<?x6x5x7xf32>) -> tensor<?x6x1x1xf32> {
  %0 = nn.pool avg ins(%x : tensor<?x6x5x7xf32>)
    attributes {window = array<i64: 5, 7>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 6 : i64} epilogue {
  ^bb0(%acc: f32):
    %n = arith.negf %acc : f32
    nn.yield %n : f32
  } -> tensor<?x6x1x1xf32>
  return %0 : tensor<?x6x1x1xf32>
}
}
