// RUN: lathe-opt %s --nn-propagate-layout --remarks-filter-passed=nn-propagate-layout --remarks-filter-missed=nn-propagate-layout --remark-format=emitRemark --verify-diagnostics | FileCheck %s
// Each change of layout is a copy: it says which operation asks for it, and is shared by later ones.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// A pool cannot read plain tensors; the convolution after it takes the packed copy, too, since its channels fill the lanes.
// CHECK-LABEL: func @shared_pack
// CHECK: %[[P:.*]] = nn.pack %arg0 : tensor<?x8x3x2xf32> -> tensor<?x2x3x2x4xf32>
// CHECK: nn.pool {{.*}} ins(%[[P]] :
// CHECK: nn.conv ins(%[[P]],
// CHECK-NOT: nn.pack
func.func @shared_pack(%x: tensor<?x8x3x2xf32>) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %w = nn.weight <dense<0.5> : tensor<4x8x2x2xf32>, tensor<4x8x2x2xf32>> : tensor<4x8x2x2xf32>
  // expected-remark @+2 {{packed: 'nn.pool' reads the blocked layout}}
  // expected-remark @+1 {{unpacked: 'nn.reshape' reads the plain layout}}
  %0 = nn.pool max ins(%x : tensor<?x8x3x2xf32>) attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 8 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x2x1xf32>
  // expected-remark @+1 {{unpacked: 'nn.reshape' reads the plain layout}}
  %1 = nn.conv ins(%x, %w : tensor<?x8x3x2xf32>, tensor<4x8x2x2xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x4x2x1xf32>
  %2 = nn.reshape %0 : tensor<?x8x2x1xf32> -> tensor<?x16xf32>
  %3 = nn.reshape %1 : tensor<?x4x2x1xf32> -> tensor<?x8xf32>
  return %2, %3 : tensor<?x16xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func @plain_reads
// CHECK-NOT: nn.pack
func.func @plain_reads(%x: tensor<?x3x1x1xf32>, %z: tensor<?x8x1x1xf32>) -> (tensor<?x4x1x1xf32>, tensor<?x4x1x1xf32>) {
  %w = nn.weight <dense<0.5> : tensor<4x3x1x1xf32>, tensor<4x3x1x1xf32>> : tensor<4x3x1x1xf32>
  %v = nn.weight <dense<0.5> : tensor<4x8x1x1xf32>, tensor<4x8x1x1xf32>> : tensor<4x8x1x1xf32>
  // expected-remark @+2 {{the input's producer is plain: read in place, not packed}}
  // expected-remark @+1 {{unpacked: 'func.return' reads the plain layout}}
  %0 = nn.conv ins(%x, %w : tensor<?x3x1x1xf32>, tensor<4x3x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 3, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x4x1x1xf32>
  // expected-remark @+2 {{the input's producer is plain: read in place, not packed}}
  // expected-remark @+1 {{unpacked: 'func.return' reads the plain layout}}
  %1 = nn.conv ins(%z, %v : tensor<?x8x1x1xf32>, tensor<4x8x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x4x1x1xf32>
  return %0, %1 : tensor<?x4x1x1xf32>, tensor<?x4x1x1xf32>
}

// A value of lower rank that is no weight: computed plain.
// CHECK-LABEL: func @lower_rank
// CHECK: %[[U:.*]] = nn.unpack
// CHECK: nn.add %[[U]], %arg1 : tensor<?x4x1x1xf32>, tensor<4x1x1xf32> -> tensor<?x4x1x1xf32>
func.func @lower_rank(%x: tensor<?x3x1x1xf32>, %c: tensor<4x1x1xf32>) -> tensor<?x4x1x1xf32> {
  %w = nn.weight <dense<0.5> : tensor<4x3x1x1xf32>, tensor<4x3x1x1xf32>> : tensor<4x3x1x1xf32>
  // expected-remark @+2 {{the input's producer is plain: read in place, not packed}}
  // expected-remark @+1 {{unpacked: 'nn.add' reads the plain layout}}
  %0 = nn.conv ins(%x, %w : tensor<?x3x1x1xf32>, tensor<4x3x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 3, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x4x1x1xf32>
  // expected-remark @+1 {{an operand of lower rank that is no weight has no blocked form}}
  %1 = nn.add %0, %c : tensor<?x4x1x1xf32>, tensor<4x1x1xf32> -> tensor<?x4x1x1xf32>
  return %1 : tensor<?x4x1x1xf32>
}
}
