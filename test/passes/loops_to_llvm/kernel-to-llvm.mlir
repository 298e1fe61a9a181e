// RUN: lathe-opt %s --lathe-kernel-to-llvm | FileCheck %s

// Loops, views and descriptors become branches and addresses; no cast is left. The function itself stays what it is.
// CHECK-LABEL: func.func private @k0.scale(
// CHECK-SAME: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64) attributes {nn.kernel}
// CHECK-NOT: scf.
// CHECK-NOT: memref
// CHECK-NOT: unrealized_conversion_cast
// CHECK: llvm.cond_br
// CHECK: llvm.getelementptr
// CHECK: llvm.fmul %{{.*}} : vector<4xf32>
func.func private @k0.scale(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel} {
  %p = llvm.load %args : !llvm.ptr -> !llvm.ptr
  %poison = llvm.mlir.poison : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %zero = llvm.mlir.constant(0 : i64) : i64
  %d0 = llvm.insertvalue %p, %poison[0] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %d1 = llvm.insertvalue %p, %d0[1] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %d2 = llvm.insertvalue %zero, %d1[2] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %m = builtin.unrealized_conversion_cast %d2 : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> to memref<64xf32>
  %lower = arith.index_cast %begin : i64 to index
  %upper = arith.index_cast %end : i64 to index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %lower to %upper step %c1 {
    %at = arith.muli %i, %c4 : index
    %v = vector.load %m[%at] : memref<64xf32>, vector<4xf32>
    %square = arith.mulf %v, %v : vector<4xf32>
    vector.store %square, %m[%at] : memref<64xf32>, vector<4xf32>
  }
  return
}

// Functions that are no kernels are left alone.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: memref<4xf32>
// CHECK: memref.dim
func.func @main(%x: memref<4xf32>, %i: index) -> index {
  %d = memref.dim %x, %i : memref<4xf32>
  return %d : index
}
