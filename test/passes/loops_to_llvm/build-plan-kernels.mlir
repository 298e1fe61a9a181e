// RUN: lathe-opt %s --lathe-build-plan | FileCheck %s

// Kernels, whose bodies are in the llvm dialect, become llvm.func with all their attributes and branches.
// CHECK: llvm.func @k0.store(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[FROM:.*]]: i64, %[[TO:.*]]: i64)
// CHECK-SAME: attributes {nn.kernel, nn.space = array<i64: 4, 0>, sym_visibility = "private"}
// CHECK: llvm.icmp "slt" %[[FROM]], %[[TO]]
// CHECK: ^bb1:
// CHECK: llvm.return
// CHECK: ^bb2:
// CHECK: llvm.return
// CHECK-NOT: func.
func.func @main(%y: memref<4xf32> {nn.name = "y", nn.output}) {
  nn.call @k0.store(%y) {bytes = array<i64: 0, 0>, flops = array<i64: 0, 0>, nodes = ["store"]} : memref<4xf32>
  return
}
func.func private @k0.store(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel, nn.space = array<i64: 4, 0>} {
  %some = llvm.icmp "slt" %begin, %end : i64
  llvm.cond_br %some, ^bb1, ^bb2
^bb1:
  return
^bb2:
  return
}
