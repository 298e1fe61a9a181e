// A kernel that needs libm is an internal error that names both; memcpy is allowed.
// RUN: split-file %s %t
// RUN: not artifact-test %t/exp.mlir -o %t/exp.so 2>&1 | FileCheck %s
// RUN: artifact-test %t/memcpy.mlir -o %t/memcpy.so
// RUN: llvm-nm -uD %t/memcpy.so | FileCheck %s --check-prefix=MEMCPY

// CHECK: error: internal error: kernel 'k0.exp': generated code calls 'expf' (expects nothing beyond memcpy, memset and memmove)
// MEMCPY: U memcpy

//--- exp.mlir
llvm.func @k0.exp(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) {
  %x = llvm.load %args : !llvm.ptr -> f32
  %y = llvm.intr.exp(%x) : (f32) -> f32
  llvm.store %y, %args : f32, !llvm.ptr
  llvm.return
}
nn.plan inputs [] outputs [] weights [] arena [64, 0] {
  nn.launch @k0.exp args [#nn.arg<arena, 0, 0, 0>] space [1, 0] {nodes = ["exp"], flops = array<i64: 1, 0>, bytes = array<i64: 8, 0>}
}

//--- memcpy.mlir
llvm.func @k0.copy(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) {
  "llvm.intr.memcpy"(%args, %scratch, %end) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
  llvm.return
}
nn.plan inputs [] outputs [] weights [] arena [64, 0] {
  nn.launch @k0.copy args [#nn.arg<arena, 0, 0, 0>] space [1, 0] {nodes = ["copy"], flops = array<i64: 0, 0>, bytes = array<i64: 8, 0>}
}
