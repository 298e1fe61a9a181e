// RUN: lathe-opt %s | lathe-opt | FileCheck %s
// RUN: lathe-opt %s --emit-bytecode | lathe-opt | FileCheck %s
// RUN: lathe-opt %s --mlir-print-op-generic | lathe-opt | FileCheck %s
// lathe-opt reads and writes the dialect as text, as bytecode and in generic form.

// CHECK-LABEL: func @f(%arg0: tensor<?x3x8xf32>) -> tensor<?x4x8xf32>
// CHECK-NEXT: %[[W:.*]] = nn.weight <#nn.file<"m.onnx", 16, 48, "{{0+}}">, tensor<4x3x1xf32>, steps = [<"scale", [0], with = <dense<2.0{{.*}}> : tensor<4xf32>, tensor<4xf32>>>]> : tensor<4x3x1xf32>
// CHECK-NEXT: nn.conv ins(%arg0, %[[W]] : tensor<?x3x8xf32>, tensor<4x3x1xf32>)
func.func @f(%x: tensor<?x3x8xf32>) -> tensor<?x4x8xf32> {
  %w = nn.weight <#nn.file<"m.onnx", 16, 48, "0000000000000000000000000000000000000000000000000000000000000000">, tensor<4x3x1xf32>,
    steps = [<"scale", [0], with = #nn.weight<dense<2.0> : tensor<4xf32>, tensor<4xf32>>>]> : tensor<4x3x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x3x8xf32>, tensor<4x3x1xf32>) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>,
    groups = 1 : i64, channels = array<i64: 3, 4>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x4x8xf32>
  return %0 : tensor<?x4x8xf32>
}
