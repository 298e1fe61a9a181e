// More live vectors in an innermost loop than registers: a remark says so. With enough registers another says that there are none.
// RUN: artifact-test %s -o %t.so --mtriple=x86_64-linux-gnu --mcpu=x86-64-v2 --spills | FileCheck %s
// RUN: artifact-test %s -o %t.so --mtriple=x86_64-linux-gnu --mcpu=x86-64-v4 --spills | FileCheck %s --check-prefix=NONE

// CHECK: codegen k0.twenty: more values are live than registers: {{[1-9][0-9]*}} spills and {{[1-9][0-9]*}} reloads in 1 innermost loop(s)
// CHECK-NOT: codegen
// NONE: codegen k0.twenty: no spill in an innermost loop
llvm.func @k0.twenty(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) {
  %one = llvm.mlir.constant(1 : i64) : i64
  llvm.br ^test(%begin : i64)
^test(%n: i64):
  %more = llvm.icmp "slt" %n, %end : i64
  llvm.cond_br %more, ^body, ^done
^body:
  %p0 = llvm.getelementptr %args[0] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v0 = llvm.load volatile %p0 : !llvm.ptr -> vector<4xf32>
  %p1 = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v1 = llvm.load volatile %p1 : !llvm.ptr -> vector<4xf32>
  %p2 = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v2 = llvm.load volatile %p2 : !llvm.ptr -> vector<4xf32>
  %p3 = llvm.getelementptr %args[3] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v3 = llvm.load volatile %p3 : !llvm.ptr -> vector<4xf32>
  %p4 = llvm.getelementptr %args[4] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v4 = llvm.load volatile %p4 : !llvm.ptr -> vector<4xf32>
  %p5 = llvm.getelementptr %args[5] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v5 = llvm.load volatile %p5 : !llvm.ptr -> vector<4xf32>
  %p6 = llvm.getelementptr %args[6] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v6 = llvm.load volatile %p6 : !llvm.ptr -> vector<4xf32>
  %p7 = llvm.getelementptr %args[7] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v7 = llvm.load volatile %p7 : !llvm.ptr -> vector<4xf32>
  %p8 = llvm.getelementptr %args[8] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v8 = llvm.load volatile %p8 : !llvm.ptr -> vector<4xf32>
  %p9 = llvm.getelementptr %args[9] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v9 = llvm.load volatile %p9 : !llvm.ptr -> vector<4xf32>
  %p10 = llvm.getelementptr %args[10] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v10 = llvm.load volatile %p10 : !llvm.ptr -> vector<4xf32>
  %p11 = llvm.getelementptr %args[11] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v11 = llvm.load volatile %p11 : !llvm.ptr -> vector<4xf32>
  %p12 = llvm.getelementptr %args[12] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v12 = llvm.load volatile %p12 : !llvm.ptr -> vector<4xf32>
  %p13 = llvm.getelementptr %args[13] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v13 = llvm.load volatile %p13 : !llvm.ptr -> vector<4xf32>
  %p14 = llvm.getelementptr %args[14] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v14 = llvm.load volatile %p14 : !llvm.ptr -> vector<4xf32>
  %p15 = llvm.getelementptr %args[15] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v15 = llvm.load volatile %p15 : !llvm.ptr -> vector<4xf32>
  %p16 = llvm.getelementptr %args[16] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v16 = llvm.load volatile %p16 : !llvm.ptr -> vector<4xf32>
  %p17 = llvm.getelementptr %args[17] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v17 = llvm.load volatile %p17 : !llvm.ptr -> vector<4xf32>
  %p18 = llvm.getelementptr %args[18] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v18 = llvm.load volatile %p18 : !llvm.ptr -> vector<4xf32>
  %p19 = llvm.getelementptr %args[19] : (!llvm.ptr) -> !llvm.ptr, vector<4xf32>
  %v19 = llvm.load volatile %p19 : !llvm.ptr -> vector<4xf32>
  llvm.store volatile %v0, %p3 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v1, %p10 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v2, %p17 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v3, %p4 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v4, %p11 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v5, %p18 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v6, %p5 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v7, %p12 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v8, %p19 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v9, %p6 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v10, %p13 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v11, %p0 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v12, %p7 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v13, %p14 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v14, %p1 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v15, %p8 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v16, %p15 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v17, %p2 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v18, %p9 : vector<4xf32>, !llvm.ptr
  llvm.store volatile %v19, %p16 : vector<4xf32>, !llvm.ptr
  %next = llvm.add %n, %one : i64
  llvm.br ^test(%next : i64)
^done:
  llvm.return
}
nn.plan inputs [] outputs [] weights [] arena [64, 0] {
  nn.launch @k0.twenty args [] space [1, 0] {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>}
}
