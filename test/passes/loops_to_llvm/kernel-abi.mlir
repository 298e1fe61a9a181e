// RUN: lathe-opt %s --lathe-kernel-abi --canonicalize | FileCheck %s
// Kernels become functions of (arguments, scratch, begin, end) that run the iterations [begin, end).

// The iteration space is 7 rows of each image: an iteration is image * 7 + row. The batch is not read, since the range carries it.
// CHECK-LABEL: func.func private @k0.relu(
// CHECK-SAME: %[[ARGS:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64)
// CHECK-SAME: nn.space = array<i64: 0, 7>
// CHECK: %[[X:.*]] = llvm.load %[[ARGS]] : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.insertvalue %[[X]]
// CHECK: %[[XM:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x7x4xf32>
// CHECK: %[[SLOT:.*]] = llvm.getelementptr %[[ARGS]][1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
// CHECK: %[[Y:.*]] = llvm.load %[[SLOT]] : !llvm.ptr -> !llvm.ptr
// CHECK: llvm.insertvalue %[[Y]]
// CHECK: %[[YM:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x7x4xf32>
// CHECK-NOT: memref.dim
// CHECK: %[[B:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[E:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[I:.*]] = %[[B]] to %[[E]] step %c1 {
// CHECK-DAG: %[[ROW:.*]] = arith.remui %[[I]], %c7
// CHECK-DAG: %[[IMAGE:.*]] = arith.divui %[[I]], %c7
// CHECK: vector.load %[[XM]][%[[IMAGE]], %[[ROW]], %c0]
// CHECK: vector.store %{{.*}}, %[[YM]][%[[IMAGE]], %[[ROW]], %c0]
func.func private @k0.relu(%x: memref<?x7x4xf32>, %y: memref<?x7x4xf32>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant dense<0.0> : vector<4xf32>
  %n = memref.dim %x, %c0 : memref<?x7x4xf32>
  scf.forall (%i, %r) in (%n, 7) {
    %v = vector.load %x[%i, %r, %c0] : memref<?x7x4xf32>, vector<4xf32>
    %m = arith.maximumf %v, %zero : vector<4xf32>
    vector.store %m, %y[%i, %r, %c0] : memref<?x7x4xf32>, vector<4xf32>
  }
  return
}

// A fixed batch is a constant part of the space: 2 * 3 * 5 iterations, the last dimension fastest.
// CHECK-LABEL: func.func private @fixed(
// CHECK-SAME: nn.space = array<i64: 30, 0>
// CHECK: scf.for %[[I:.*]] =
// CHECK-DAG: %[[C:.*]] = arith.remui %[[I]], %c5
// CHECK-DAG: %[[REST:.*]] = arith.divui %[[I]], %c5
// CHECK-DAG: %[[B:.*]] = arith.remui %[[REST]], %c3
// CHECK-DAG: %[[A:.*]] = arith.divui %[[REST]], %c3
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[A]], %[[B]], %[[C]]] : memref<2x3x5xf32>
func.func private @fixed(%y: memref<2x3x5xf32>) attributes {nn.kernel} {
  %one = arith.constant 1.0 : f32
  scf.forall (%a, %b, %c) in (2, 3, 5) {
    memref.store %one, %y[%a, %b, %c] : memref<2x3x5xf32>
  }
  return
}

// The last dimension innermost for threads, outside of the rows for each of them: of the 15 positions of an image, row * 5 + group, those of a group are
// every fifth.
// CHECK-LABEL: func.func private @last_outside(
// CHECK-SAME: nn.space = array<i64: 0, 15>
// CHECK: %[[B:.*]] = arith.index_cast
// CHECK: %[[E:.*]] = arith.index_cast
// CHECK: %[[FIRST:.*]] = arith.divui %[[B]], %c15
// CHECK: %[[BEHIND:.*]] = arith.ceildivui %[[E]], %c15
// CHECK: scf.for %[[IMAGE:.*]] = %[[FIRST]] to %[[BEHIND]] step %c1 {
// CHECK: %[[START:.*]] = arith.muli %[[IMAGE]], %c15
// CHECK: %[[B0:.*]] = arith.subi %[[B]], %[[START]]
// CHECK: %[[FROM:.*]] = arith.maxsi %[[B0]], %c0
// CHECK: %[[E0:.*]] = arith.subi %[[E]], %[[START]]
// CHECK: %[[TO:.*]] = arith.minsi %[[E0]], %c15
// CHECK: scf.for %[[GROUP:.*]] = %c0 to %c5 step %c1 {
// CHECK: %[[ROUND:.*]] = arith.subi %c4, %[[GROUP]]
// CHECK: %[[F:.*]] = arith.addi %[[FROM]], %[[ROUND]]
// CHECK: %[[LOW:.*]] = arith.divui %[[F]], %c5
// CHECK: %[[T:.*]] = arith.addi %[[TO]], %[[ROUND]]
// CHECK: %[[HIGH:.*]] = arith.divui %[[T]], %c5
// CHECK: scf.for %[[ROW:.*]] = %[[LOW]] to %[[HIGH]] step %c1 {
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[IMAGE]], %[[GROUP]], %[[ROW]]] : memref<?x5x3xf32>
func.func private @last_outside(%y: memref<?x5x3xf32>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %n = memref.dim %y, %c0 : memref<?x5x3xf32>
  scf.forall (%i, %row, %group) in (%n, 3, 5) {
    memref.store %one, %y[%i, %group, %row] : memref<?x5x3xf32>
  } {nn.last_outside}
  return
}

// Sizes and strides of a descriptor are constants, of which the leading dynamic size is never read.
// CHECK-LABEL: func.func private @strided(
// CHECK-DAG: %[[S:.*]] = llvm.mlir.constant(32 : i64)
// CHECK-DAG: %[[D:.*]] = llvm.mlir.constant(6 : i64)
// CHECK: llvm.insertvalue %[[S]], %{{.*}}[4, 0]
// CHECK: llvm.insertvalue %[[D]], %{{.*}}[3, 1]
func.func private @strided(%y: memref<?x6xf32, strided<[32, 1]>>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %n = memref.dim %y, %c0 : memref<?x6xf32, strided<[32, 1]>>
  scf.forall (%a) in (%n) {
    memref.store %one, %y[%a, %c0] : memref<?x6xf32, strided<[32, 1]>>
  }
  return
}

// Scratch memory is at the second argument; how much of it is used is said for the plan. The range's first iteration is known inside.
// CHECK-LABEL: func.func private @scratch(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %[[SCRATCH:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %{{.*}}: i64)
// CHECK-SAME: nn.scratch = 192 : i64
// CHECK: llvm.getelementptr %[[SCRATCH]][128] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK: %[[B:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: scf.for %[[I:.*]] = %[[B]] to
// CHECK: arith.cmpi eq, %[[I]], %[[B]] : index
func.func private @scratch(%y: memref<6xf32>) attributes {nn.kernel} {
  %v = nn.scratch 128 : memref<16xf32>
  scf.forall (%a) in (6) {
    %first = nn.range_begin
    %is = arith.cmpi eq, %a, %first : index
    scf.if %is {
      %c0 = arith.constant 0 : index
      %one = arith.constant 1.0 : f32
      memref.store %one, %v[%c0] : memref<16xf32>
    }
    %x = memref.load %v[%a] : memref<16xf32>
    memref.store %x, %y[%a] : memref<6xf32>
  }
  return
}

// Functions that are no kernels stay as they are.
// CHECK-LABEL: func.func @main(%arg0: memref<4xf32>)
func.func @main(%x: memref<4xf32>) {
  return
}

// Images inside of another loop: the batch is the first entry of the argument table.
// CHECK-LABEL: func private @inner_images(
// CHECK-SAME: %[[ARGS:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64) attributes {nn.batch_argument, nn.kernel, nn.space = array<i64: 0, 12>}
// CHECK: %[[ENTRY:.*]] = llvm.load %[[ARGS]] : !llvm.ptr -> i64
// CHECK: %[[N:.*]] = arith.index_cast %[[ENTRY]] : i64 to index
// CHECK: llvm.getelementptr %[[ARGS]][1]
// CHECK: scf.for %[[I:.*]] =
// CHECK: arith.remui %[[I]], %c3
// CHECK: %[[REST:.*]] = arith.divui %[[I]], %c3
// CHECK: arith.remui %[[REST]], %[[N]]
// CHECK: arith.divui %[[REST]], %[[N]]
func.func private @inner_images(%x: memref<?x4x3xf32>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?x4x3xf32>
  scf.forall (%g, %i, %r) in (4, %n, 3) {
    memref.store %zero, %x[%i, %g, %r] : memref<?x4x3xf32>
  }
  return
}

// The batch as a number: the space does not count images.
// CHECK-LABEL: func private @reads_batch(
// CHECK-SAME: nn.batch_argument, nn.kernel, nn.space = array<i64: 4, 0>
// CHECK: %[[N:.*]] = arith.index_cast
// CHECK: memref.store %[[N]]
// CHECK-NOT: memref.dim
func.func private @reads_batch(%x: memref<?xindex>) attributes {nn.kernel} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xindex>
  scf.forall (%i) in (4) {
    memref.store %n, %x[%i] : memref<?xindex>
  }
  return
}
