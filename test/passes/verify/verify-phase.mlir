// RUN: lathe-opt %s --split-input-file --verify-diagnostics --lathe-verify-phase=phase=nn | FileCheck %s
// A module that keeps phase nn's contract passes and is unchanged; a phase that does not exist is an error.

// CHECK-LABEL: func @main
// CHECK: nn.conv
func.func @main(%x: tensor<?x4x5x7xf32> {nn.name = "x"}) -> (tensor<?x2x5x7xf32> {nn.name = "y"}) {
  %w = nn.weight <dense<5.0> : tensor<2x4x1x1xf32>, tensor<2x4x1x1xf32>> : tensor<2x4x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x4x5x7xf32>, tensor<2x4x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 4, 2>}
    epilogue {
    ^bb0(%acc: f32):
      %e = math.exp %acc : f32
      nn.yield %e : f32
    } -> tensor<?x2x5x7xf32>
  return %0 : tensor<?x2x5x7xf32>
}
