// RUN: lathe-opt %s --lathe-tile-generic | FileCheck %s
// What has no vector form is computed element by element, in the order in which the output lies in memory.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// The loops that an operation asks for by number are still found after loops of one iteration are gone.
// CHECK-LABEL: func.func private @index(
// CHECK: scf.forall (%[[I:.*]]) in (5) {
// CHECK: scf.for %[[J:.*]] =
// CHECK: %[[S:.*]] = arith.addi %[[I]], %[[J]] : index
// CHECK: %[[T:.*]] = arith.addi %[[S]], %c0 : index
// CHECK: arith.index_cast %[[T]]
func.func private @index(%y: memref<5x1x3xi32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]} outs(%y : memref<5x1x3xi32>) {
  ^bb0(%o: i32):
    %i = linalg.index 0 : index
    %k = linalg.index 1 : index
    %j = linalg.index 2 : index
    %s = arith.addi %i, %j : index
    %t = arith.addi %s, %k : index
    %r = arith.index_cast %t : index to i32
    linalg.yield %r : i32
  }
  return
}

// Neither are quotients of two loops, nor what divides otherwise than the layout does: the address is computed.
// CHECK-LABEL: func.func private @quotient(
// CHECK: scf.forall (%[[I:.*]]) in (5) {
// CHECK: scf.for %[[J:.*]] = %c0 to %c7 step %c1
// CHECK: arith.divui
// CHECK: memref.store
func.func private @quotient(%x: memref<10xf32>, %y: memref<5x7xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> ((d0 * 3 + d1) floordiv 2)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<10xf32>) outs(%y : memref<5x7xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// Reductions stay inside one thread: the order of the sum does not depend on the number of threads.
// CHECK-LABEL: func.func private @reduction(
// CHECK: scf.forall (%[[I:.*]]) in (%{{.*}}) {
// CHECK: scf.for
// CHECK: %[[A:.*]] = memref.load
// CHECK: %[[O:.*]] = memref.load %{{.*}}[%[[I]]]
// CHECK: %[[S:.*]] = arith.addf %[[O]], %[[A]]
// CHECK: memref.store %[[S]], %{{.*}}[%[[I]]]
func.func private @reduction(%x: memref<?x8xf32>, %y: memref<?xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}
    ins(%x : memref<?x8xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a : f32
    linalg.yield %r : f32
  }
  return
}

// A scalar: a loop of one iteration, so that there is a space to share.
// CHECK-LABEL: func.func private @scalar(
// CHECK: scf.forall (%{{.*}}) in (1) {
// CHECK: memref.store
func.func private @scalar(%x: memref<f32>, %y: memref<f32>) attributes {nn.kernel} {
  nn.copy %x to %y because "test" : memref<f32>, memref<f32>
  return
}
}
