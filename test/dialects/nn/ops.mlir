// RUN: lathe-opt %s | lathe-opt | FileCheck %s
// Weights, layout, shape and elementwise operations, and those of the later phases.

#target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "znver4", features = "+avx512f", family = "zen4", vectorBits = 512, registers = 32, fmaPerCycle = 1,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 4>

// CHECK: module attributes {{.*}}#nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "znver4"
module attributes {nn.target = #target} {

// Every kind of recipe step; operands of steps have recipes of their own.
// CHECK-LABEL: func @weights
// CHECK: nn.weight <#nn.file<"m.weights", 128, 96, "{{[0-9a-f]*}}">, tensor<2x3x4xf32>> : tensor<2x3x4xf32>
// CHECK: nn.weight {{.*}}, steps = [<"scale", [0], with = <dense<{{.*}}>>, <"mul_scalar", value = 5.000000e-01 : f32>, <"transpose", [2, 0, 1]>, <"pad", [4, 2, 5]>, <"reshape", [8, 5]>]> : tensor<8x5xf32>
// CHECK: nn.weight <{{.*}}, steps = [<"div_sqrt", value = 1.000000e-03 : f32, with = <{{.*}}>>, <"sub", with = <{{.*}}, steps = [<"mul", with = <{{.*}}>>]>>, <"add", with = {{.*}}>, <"div", with = {{.*}}>]> : tensor<2xf32>
// CHECK: nn.weight <{{.*}}, steps = [<"broadcast", [3, 2]>]> : tensor<3x2xf32>
// CHECK: nn.weight <{{.*}}, steps = [<"slice", [1, 2, 3, 2, 0, -1]>]> : tensor<3x2xf32>
// CHECK: nn.weight <{{.*}}, steps = [<"reshape">]> : tensor<f32>
// CHECK: nn.weight <{{.*}}> : memref<2xf32>
// Two groups of 2 input and 3 output channels; a tile of 4 outputs spans both: 4 input channels.
// CHECK: nn.weight <{{.*}}, steps = [<"expand_groups", [2, 4]>]> : tensor<8x4x3xf32>
func.func @weights() {
  %0 = nn.weight <#nn.file<"m.weights", 128, 96, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef">, tensor<2x3x4xf32>> : tensor<2x3x4xf32>
  %1 = nn.weight <#nn.file<"m.weights", 128, 96, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef">, tensor<2x3x4xf32>,
    steps = [<"scale", [0], with = <dense<[1.0, 2.0]> : tensor<2xf32>, tensor<2xf32>>>, <"mul_scalar", value = 0.5 : f32>, <"transpose", [2, 0, 1]>,
             <"pad", [4, 2, 5]>, <"reshape", [8, 5]>]> : tensor<8x5xf32>
  %2 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>,
    steps = [<"div_sqrt", value = 1.0e-3 : f32, with = <dense<2.0> : tensor<2xf32>, tensor<2xf32>>>,
             <"sub", with = <dense<3.0> : tensor<2xf32>, tensor<2xf32>, steps = [<"mul", with = <dense<4.0> : tensor<2xf32>, tensor<2xf32>>>]>>,
             <"add", with = <dense<5.0> : tensor<f32>, tensor<f32>>>, <"div", with = <dense<6.0> : tensor<2xf32>, tensor<2xf32>>>]> : tensor<2xf32>
  %3 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>, steps = [<"broadcast", [3, 2]>]> : tensor<3x2xf32>
  %slice = nn.weight <dense<1.0> : tensor<2x3xf32>, tensor<2x3xf32>, steps = [<"slice", [1, 2, 3, 2, 0, -1]>]> : tensor<3x2xf32>
  %4 = nn.weight <dense<1.0> : tensor<1xf32>, tensor<1xf32>, steps = [<"reshape">]> : tensor<f32>
  %5 = nn.weight <dense<1.0> : tensor<2xf32>, tensor<2xf32>> : memref<2xf32>
  %6 = nn.weight <dense<1.0> : tensor<6x2x3xf32>, tensor<6x2x3xf32>, steps = [<"expand_groups", [2, 4]>]> : tensor<8x4x3xf32>
  return
}

// CHECK-LABEL: func @data
// CHECK: nn.reshape %{{.*}} : tensor<?x8x1x1xf32> -> tensor<?x8xf32>
// CHECK: nn.pack %{{.*}} : tensor<?x17x5x9xf32> -> tensor<?x2x5x9x16xf32>
// CHECK: nn.unpack %{{.*}} : tensor<?x2x5x9x16xf32> -> tensor<?x17x5x9xf32>
// CHECK: nn.copy %{{.*}} to %{{.*}} because "the value is returned twice" : memref<?x8xf32>, memref<?x8xf32, strided<[16, 1]>>
func.func @data(%a: tensor<?x8x1x1xf32>, %b: tensor<?x17x5x9xf32>, %c: memref<?x8xf32>, %d: memref<?x8xf32, strided<[16, 1]>>) {
  %0 = nn.reshape %a : tensor<?x8x1x1xf32> -> tensor<?x8xf32>
  %1 = nn.pack %b : tensor<?x17x5x9xf32> -> tensor<?x2x5x9x16xf32>
  %2 = nn.unpack %1 : tensor<?x2x5x9x16xf32> -> tensor<?x17x5x9xf32>
  nn.copy %c to %d because "the value is returned twice" : memref<?x8xf32>, memref<?x8xf32, strided<[16, 1]>>
  return
}

// CHECK-LABEL: func @elementwise
// CHECK: nn.add %{{.*}} : tensor<?x4x5xf32>, tensor<4x1xf32> -> tensor<?x4x5xf32>
// CHECK: nn.sub %{{.*}} : tensor<4x1xf32>, tensor<?x4x5xf32> -> tensor<?x4x5xf32>
// CHECK: nn.mul
// CHECK: nn.div
// CHECK: nn.relu %{{.*}} : tensor<?x4x5xf32>
// CHECK: nn.batch_norm %{{.*}} {epsilon = 9.99999974E-6 : f32} : tensor<?x4x5xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32> -> tensor<?x4x5xf32>
func.func @elementwise(%a: tensor<?x4x5xf32>, %b: tensor<4x1xf32>, %c: tensor<4xf32>) {
  %0 = nn.add %a, %b : tensor<?x4x5xf32>, tensor<4x1xf32> -> tensor<?x4x5xf32>
  %1 = nn.sub %b, %0 : tensor<4x1xf32>, tensor<?x4x5xf32> -> tensor<?x4x5xf32>
  %2 = nn.mul %0, %1 : tensor<?x4x5xf32>, tensor<?x4x5xf32> -> tensor<?x4x5xf32>
  %3 = nn.div %1, %2 : tensor<?x4x5xf32>, tensor<?x4x5xf32> -> tensor<?x4x5xf32>
  %4 = nn.relu %3 : tensor<?x4x5xf32>
  %5 = nn.batch_norm %4, %c, %c, %c, %c {epsilon = 1.0e-5 : f32} : tensor<?x4x5xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32> -> tensor<?x4x5xf32>
  return
}

// CHECK-LABEL: func private @kernel
func.func private @kernel(%x: memref<?x1x4x6x8xf32>, %w: memref<1x1x3x3x8x8xf32>, %y: memref<?x1x4x6x8xf32>, %n: index, %i: index) attributes {nn.kernel} {
  // CHECK: nn.microkernel dense at[%{{.*}}, %{{.*}}] rows(%{{.*}}) column(%{{.*}}) window(%{{.*}} from %{{.*}} to %{{.*}}) ins(%{{.*}} : memref<?x1x4x6x8xf32>) weights(%{{.*}} : memref<1x1x3x3x8x8xf32>) outs
  nn.microkernel dense at[%n, %i] rows(%i) column(%i) window(%i from %i to %i) ins(%x : memref<?x1x4x6x8xf32>) weights(%w : memref<1x1x3x3x8x8xf32>)
    outs(%y : memref<?x1x4x6x8xf32>)
    attributes {window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = array<i64: 8, 8>,
                tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [6]>, width = 6 : i64, first_column = 0 : i64, edge} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  }
  return
}

// CHECK-LABEL: func @calls
// CHECK: nn.call @k0(%{{.*}}, %{{.*}}) {bytes = array<i64: 0, 64>, flops = array<i64: 0, 8>, nodes = ["/relu"]} : memref<?x8xf32>, memref<?x8xf32, strided<[8, 1], offset: 64>>
func.func private @k0(%x: memref<?x8xf32>, %y: memref<?x8xf32>) attributes {nn.kernel} {
  return
}
func.func @calls(%x: memref<?x8xf32>, %y: memref<?x8xf32, strided<[8, 1], offset: 64>>) {
  nn.call @k0(%x, %y) {nodes = ["/relu"], flops = array<i64: 0, 8>, bytes = array<i64: 0, 64>} : memref<?x8xf32>, memref<?x8xf32, strided<[8, 1], offset: 64>>
  return
}

// CHECK-LABEL: nn.plan inputs [{name = "x", type = tensor<?x8xf32>}] outputs [{name = "y", type = tensor<?x8xf32>}]
// CHECK: nn.launch @k1 args [#nn.arg<input, 0, 0, 0>, #nn.arg<weights, 0, 0, 0>, #nn.arg<arena, 0, 64, 32>, #nn.arg<batch, 0, 0, 0>, #nn.arg<output, 0, 0, 0>] space [0, 4]
llvm.func @k1(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) {
  llvm.return
}
nn.plan inputs [{name = "x", type = tensor<?x8xf32>}] outputs [{name = "y", type = tensor<?x8xf32>}]
  weights [#nn.weight<dense<1.0> : tensor<8xf32>, tensor<8xf32>>] arena [64, 32] {
  nn.launch @k1 args [#nn.arg<input, 0, 0, 0>, #nn.arg<weights, 0, 0, 0>, #nn.arg<arena, 0, 64, 32>, #nn.arg<batch, 0, 0, 0>, #nn.arg<output, 0, 0, 0>] space [0, 4]
    {nodes = ["/relu"], flops = array<i64: 0, 8>, bytes = array<i64: 0, 64>}
}
}
