// RUN: lathe-opt %s --nn-propagate-layout -mlir-print-debuginfo -mlir-print-local-scope | FileCheck %s
// Layout changes belong to ONNX nodes, too: a pack to the one that asks for it, an unpack to the one whose result it is.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// CHECK-LABEL: func @pool(
// CHECK: nn.pack {{.*}} loc("pool1")
// CHECK: } -> tensor<?x2x2x1x4xf32> loc("pool1")
// CHECK: nn.unpack {{.*}} loc("pool1")
func.func @pool(%x: tensor<?x8x3x2xf32>) -> tensor<?x8x2x1xf32> {
  %0 = nn.pool max ins(%x : tensor<?x8x3x2xf32>) attributes {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, channels = 8 : i64} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x8x2x1xf32> loc("pool1")
  return %0 : tensor<?x8x2x1xf32>
}
}
