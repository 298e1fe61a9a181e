// What a kernel uses comes along, hidden in its own object: helper functions and constants, also those that two kernels share.
// RUN: artifact-test %s -o %t.so --threads=2 --print-ll | FileCheck %s
// RUN: llvm-nm -D --defined-only %t.so | FileCheck %s --check-prefix=EXPORTS --implicit-check-not=table --implicit-check-not=helper

// CHECK-LABEL: define hidden void @k0
// CHECK: define internal i32 @helper
// CHECK: @table
// CHECK-LABEL: define hidden void @k1
// CHECK: define internal i32 @helper
// CHECK-NOT: @unused
// EXPORTS: lathe_artifact_v1
llvm.mlir.global constant @table(dense<[1, 2, 3, 4]> : tensor<4xi32>) : !llvm.array<4 x i32>
llvm.func @unused() {
  llvm.return
}
llvm.func @helper(%i: i64) -> i32 {
  %t = llvm.mlir.addressof @table : !llvm.ptr
  %p = llvm.getelementptr %t[0, %i] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<4 x i32>
  %v = llvm.load %p : !llvm.ptr -> i32
  llvm.return %v : i32
}
llvm.func @k0(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) {
  %v = llvm.call @helper(%begin) : (i64) -> i32
  llvm.store %v, %scratch : i32, !llvm.ptr
  llvm.return
}
llvm.func @k1(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) {
  %v = llvm.call @helper(%end) : (i64) -> i32
  llvm.store %v, %scratch : i32, !llvm.ptr
  llvm.return
}
nn.plan inputs [] outputs [] weights [] arena [64, 0] {
  nn.launch @k0 args [] space [1, 0] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}
  nn.launch @k1 args [] space [1, 0] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}
}
