// RUN: lathe-opt %s --nn-propagate-layout | FileCheck %s
// Reductions of blocked values, in blocks of 4 lanes.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// Over the image: it stays blocked, the lanes are one more dimension; so does the variance, which reads the mean.
// CHECK-DAG: #[[$ALL:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
// CHECK-DAG: #[[$KEPT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, 0, 0, d4)>
// CHECK-LABEL: func @over_the_image
// CHECK: %[[C:.*]] = nn.pool
// CHECK: %[[M:.*]] = nn.reduce sum maps [#[[$ALL]], #[[$KEPT]]] ins(%[[C]] : tensor<?x2x9x9x4xf32>)
// CHECK: } -> tensor<?x2x1x1x4xf32>
// CHECK: nn.reduce sum maps [#[[$ALL]], #[[$KEPT]], #[[$KEPT]]] ins(%[[C]], %[[M]] :
// CHECK: } -> tensor<?x2x1x1x4xf32>
// CHECK: nn.unpack
func.func @over_the_image(%x: tensor<?x6x9x9xf32>) -> tensor<?x6x1x1xf32> {
  %0 = nn.pool max ins(%x : tensor<?x6x9x9xf32>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 6 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x9x9xf32>
  %1 = nn.reduce sum maps [affine_map<(n, c, h, w) -> (n, c, h, w)>, affine_map<(n, c, h, w) -> (n, c, 0, 0)>] ins(%0 : tensor<?x6x9x9xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<?x6x1x1xf32>
  %2 = nn.reduce sum maps [affine_map<(n, c, h, w) -> (n, c, h, w)>, affine_map<(n, c, h, w) -> (n, c, 0, 0)>, affine_map<(n, c, h, w) -> (n, c, 0, 0)>]
    ins(%0, %1 : tensor<?x6x9x9xf32>, tensor<?x6x1x1xf32>) body {
  ^bb0(%v: f32, %m: f32):
    %d = arith.subf %v, %m : f32
    nn.yield %d : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<?x6x1x1xf32>
  return %2 : tensor<?x6x1x1xf32>
}

// Over channels, whose last block has lanes without a meaning: the plain form.
// CHECK-LABEL: func @over_channels
// CHECK: %[[C:.*]] = nn.pool
// CHECK: %[[P:.*]] = nn.unpack %[[C]]
// CHECK: nn.reduce max {{.*}} ins(%[[P]] : tensor<?x6x9x9xf32>)
// CHECK: } -> tensor<?x1x9x9xf32>
func.func @over_channels(%x: tensor<?x6x9x9xf32>) -> tensor<?x1x9x9xf32> {
  %0 = nn.pool max ins(%x : tensor<?x6x9x9xf32>)
    attributes {window = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, channels = 6 : i64} epilogue {
  ^bb0(%a0: f32):
    nn.yield %a0 : f32
  } -> tensor<?x6x9x9xf32>
  %1 = nn.reduce max maps [affine_map<(n, c, h, w) -> (n, c, h, w)>, affine_map<(n, c, h, w) -> (n, 0, h, w)>] ins(%0 : tensor<?x6x9x9xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  } -> tensor<?x1x9x9xf32>
  return %1 : tensor<?x1x9x9xf32>
}
}
