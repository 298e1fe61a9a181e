// RUN: lathe-opt %s --lathe-expand-foreach | FileCheck %s

// The batch comes from a buffer's shape; the last dimension is a loop inside, so that threads share lines.
// CHECK-LABEL: func.func private @lines(
// CHECK-SAME: %[[X:.*]]: memref<?x9xf32>, %[[Y:.*]]: memref<?x5xf32>)
// CHECK: %[[BATCH:.*]] = memref.dim %[[Y]], %c0
// CHECK: scf.forall (%[[N:.*]]) in (%[[BATCH]]) {
// CHECK-NEXT: scf.for %[[I:.*]] = %c0 to %c5 step %c1 {
// CHECK-NEXT: %[[V:.*]] = memref.load %[[X]][%[[N]], %[[I]]]
// CHECK-NEXT: memref.store %[[V]], %[[Y]][%[[N]], %[[I]]]
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NOT: nn.
func.func private @lines(%x: memref<?x9xf32>, %y: memref<?x5xf32>) attributes {nn.kernel} {
  nn.foreach "head" space [?, 5] ins(%x : memref<?x9xf32>) outs(%y : memref<?x5xf32>) body {
  ^bb0(%n: index, %i: index, %in: memref<?x9xf32>, %out: memref<?x5xf32>):
    %v = memref.load %in[%n, %i] : memref<?x9xf32>
    memref.store %v, %out[%n, %i] : memref<?x5xf32>
    nn.yield
  }
  return
}

// A long last dimension is shared, too.
// CHECK-LABEL: func.func private @long(
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (2, 10000) {
// CHECK-NOT: scf.for
func.func private @long(%y: memref<2x10000xf32>) attributes {nn.kernel} {
  nn.foreach "fill" space [2, 10000] outs(%y : memref<2x10000xf32>) body {
  ^bb0(%n: index, %i: index, %out: memref<2x10000xf32>):
    %one = arith.constant 1.0 : f32
    memref.store %one, %out[%n, %i] : memref<2x10000xf32>
    nn.yield
  }
  return
}

// One point, and buffers with gaps: the program is written for memrefs of any layout.
// CHECK-LABEL: func.func private @point(
// CHECK-SAME: %[[X:.*]]: memref<4xf32, strided<[2]>>, %[[Y:.*]]: memref<f32>)
// CHECK: scf.forall (%{{.*}}) in (1) {
// CHECK: memref.load %[[X]][%{{.*}}] : memref<4xf32, strided<[2]>>
func.func private @point(%x: memref<4xf32, strided<[2]>>, %y: memref<f32>) attributes {nn.kernel} {
  nn.foreach "first" space [] ins(%x : memref<4xf32, strided<[2]>>) outs(%y : memref<f32>) body {
  ^bb0(%in: memref<4xf32>, %out: memref<f32>):
    %zero = arith.constant 0 : index
    %v = memref.load %in[%zero] : memref<4xf32>
    memref.store %v, %out[] : memref<f32>
    nn.yield
  }
  return
}
