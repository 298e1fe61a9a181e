// RUN: lathe-opt %s --lathe-verify-phase=phase=memref | FileCheck %s
// What the end of phase memref looks like.

// CHECK-LABEL: func @main
func.func @main(%x: memref<?x8xf32> {nn.name = "x"}, %y: memref<?x8xf32> {nn.name = "y", nn.output}, %arena: memref<?xi8> {nn.arena})
    attributes {nn.arena = array<i64: 0, 64>} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %b = memref.view %arena[%c0][%n] : memref<?xi8> to memref<?x8xf32>
  nn.call @k0.exp(%x, %b) {nodes = ["/exp"], flops = array<i64: 0, 8>, bytes = array<i64: 0, 64>} : memref<?x8xf32>, memref<?x8xf32>
  nn.call @k1.copy(%b, %y) {nodes = ["/copy"], flops = array<i64: 0, 0>, bytes = array<i64: 0, 64>} : memref<?x8xf32>, memref<?x8xf32>
  return
}
func.func private @k0.exp(%x: memref<?x8xf32>, %y: memref<?x8xf32>) attributes {nn.kernel} {
  linalg.exp ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>)
  return
}
func.func private @k1.copy(%x: memref<?x8xf32>, %y: memref<?x8xf32>) attributes {nn.kernel} {
  nn.copy %x to %y because "the result is an input" : memref<?x8xf32>, memref<?x8xf32>
  return
}
