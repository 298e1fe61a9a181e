// RUN: lathe-opt %s --lathe-build-plan --split-input-file | FileCheck %s
// The entry function becomes a list of launches whose arguments are data.

#w = #nn.weight<dense<0.5> : tensor<8xf32>, tensor<8xf32>>
#v = #nn.weight<dense<0.25> : tensor<6xf32>, tensor<6xf32>>

// Arguments are inputs, outputs (by their attribute) and the arena; weights are listed once, by first use; kernels become llvm.func.
// CHECK-LABEL: nn.plan
// CHECK-SAME: inputs [{name = "x", type = tensor<?x4xf32>}]
// CHECK-SAME: outputs [{name = "y", type = tensor<?x4xf32>}, {name = "z", type = tensor<?x2xf32>}]
// CHECK-SAME: weights [#nn.weight<dense<2.500000e-01> : tensor<6xf32>, tensor<6xf32>>, #nn.weight<dense<5.000000e-01> : tensor<8xf32>, tensor<8xf32>>]
// CHECK-SAME: arena [64, 128]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<input, 0, 0, 0>, #nn.arg<weights, 0, 0, 0>, #nn.arg<output, 0, 0, 0>] space [0, 3]
// CHECK-SAME: bytes = array<i64: 7, 8>, flops = array<i64: 5, 6>, nn.writes = [memref<?x4xf32>], nodes = ["conv1", "relu1"]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<output, 0, 0, 0>, #nn.arg<weights, 1, 0, 0>, #nn.arg<output, 1, 0, 0>]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<input, 0, 0, 0>, #nn.arg<weights, 0, 0, 0>, #nn.arg<arena, 0, 0, 0>]
// CHECK-NOT: nn.launch
// CHECK-NOT: @main
// CHECK: llvm.func @k0(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: i64, %arg3: i64)
// CHECK-NEXT: llvm.return
func.func @main(%x: memref<?x4xf32> {nn.name = "x"}, %y: memref<?x4xf32> {nn.name = "y", nn.output}, %z: memref<?x2xf32> {nn.name = "z", nn.output},
                %a: memref<?xi8> {nn.arena}) attributes {nn.arena = array<i64: 64, 128>} {
  %w = nn.weight #w : memref<8xf32>
  %v = nn.weight #v : memref<6xf32>
  nn.call @k0(%x, %v, %y) {nodes = ["conv1", "relu1"], flops = array<i64: 5, 6>, bytes = array<i64: 7, 8>} : memref<?x4xf32>, memref<6xf32>, memref<?x4xf32>
  nn.call @k0(%y, %w, %z) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<?x4xf32>, memref<8xf32>, memref<?x2xf32>
  nn.call @k0(%x, %v, %a) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<?x4xf32>, memref<6xf32>, memref<?xi8>
  return
}
func.func private @k0(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel, nn.space = array<i64: 0, 3>} {
  return
}

// -----

// Views are followed to their base. A view of the arena is at c0 + c1 * N bytes; a slice adds its offset in elements of its type, once.
// CHECK-LABEL: nn.plan
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<arena, 0, 64, 256>]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<arena, 0, 96, 256>]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<arena, 0, 96, 256>]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<arena, 0, 96, 256>]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<input, 0, 24, 0>]
func.func @main(%x: memref<3x6xf32> {nn.name = "x"}, %a: memref<?xi8> {nn.arena}, %s: memref<?x1xf32> {nn.name = "s"}) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %c256 = arith.constant 256 : index
  %n = memref.dim %s, %c0 : memref<?x1xf32>
  %scaled = arith.muli %n, %c256 : index
  %offset = arith.addi %scaled, %c64 : index
  %view = memref.view %a[%offset][%n] : memref<?xi8> to memref<?x16xf32>
  %slice = memref.subview %view[0, 8] [%n, 8] [1, 1] : memref<?x16xf32> to memref<?x8xf32, strided<[16, 1], offset: 8>>
  %wide = memref.expand_shape %slice [[0], [1, 2]] output_shape [%n, 2, 4] : memref<?x8xf32, strided<[16, 1], offset: 8>> into memref<?x2x4xf32, strided<[16, 4, 1], offset: 8>>
  %again = memref.reinterpret_cast %slice to offset: [8], sizes: [%n, 8], strides: [16, 1] : memref<?x8xf32, strided<[16, 1], offset: 8>> to memref<?x8xf32, strided<[16, 1], offset: 8>>
  %row = memref.subview %x[1, 0] [1, 6] [1, 1] : memref<3x6xf32> to memref<6xf32, strided<[1], offset: 6>>
  nn.call @k0(%view) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<?x16xf32>
  nn.call @k0(%slice) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<?x8xf32, strided<[16, 1], offset: 8>>
  nn.call @k0(%wide) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<?x2x4xf32, strided<[16, 4, 1], offset: 8>>
  nn.call @k0(%again) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<?x8xf32, strided<[16, 1], offset: 8>>
  nn.call @k0(%row) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<6xf32, strided<[1], offset: 6>>
  return
}
func.func private @k0(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel, nn.space = array<i64: 0, 1>} {
  return
}
