// RUN: lathe-opt %s --lathe-tile-generic | FileCheck %s
// Elementwise operations, with vectors of 4 lanes.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// One line per image; 11 = 2 * 4 + 2 + 1, and nothing is touched beyond it.
// CHECK-LABEL: func.func private @remainder(
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[C10:.*]] = arith.constant 10 : index
// CHECK-DAG: %[[C11:.*]] = arith.constant 11 : index
// CHECK: %[[N:.*]] = memref.dim %arg1
// CHECK: %[[Y:.*]] = memref.reinterpret_cast %arg1
// CHECK: %[[X:.*]] = memref.reinterpret_cast %arg0
// CHECK: scf.forall (%[[I:.*]]) in (%[[N]]) {
// CHECK-NEXT: %[[LINE:.*]] = arith.muli %[[I]], %[[C11]]
// CHECK-NEXT: scf.for %[[J:.*]] = %{{.*}} to %[[C8]]
// CHECK-NEXT: %[[AT:.*]] = arith.addi %[[LINE]], %[[J]]
// CHECK-NEXT: %[[A:.*]] = vector.load %[[X]][%[[AT]]] : memref<?xf32>, vector<4xf32>
// CHECK-NEXT: %[[R:.*]] = math.exp %[[A]] : vector<4xf32>
// CHECK-NEXT: vector.store %[[R]], %[[Y]][%[[AT]]] : memref<?xf32>, vector<4xf32>
// CHECK-NEXT: }
// CHECK-NEXT: %[[AT8:.*]] = arith.addi %[[LINE]], %[[C8]]
// CHECK-NEXT: vector.load %[[X]][%[[AT8]]] : memref<?xf32>, vector<2xf32>
// CHECK: %[[AT10:.*]] = arith.addi %[[LINE]], %[[C10]]
// CHECK-NEXT: memref.load %[[X]][%[[AT10]]]
// CHECK-NEXT: math.exp %{{.*}} : f32
// CHECK-NEXT: memref.store
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func private @remainder(%x: memref<?x11xf32>, %y: memref<?x11xf32>) attributes {nn.kernel} {
  linalg.exp ins(%x : memref<?x11xf32>) outs(%y : memref<?x11xf32>)
  return
}

// Dimensions that all operands go through as through one are merged, up to a line that pays for its addresses; the outer ones are for threads.
// CHECK-LABEL: func.func private @merge(
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, 3) {
// CHECK: scf.for %{{.*}} = %{{.*}} to %c1280 step %c4
// CHECK-NOT: scf.for
func.func private @merge(%x: memref<?x3x80x4x4xf32>, %y: memref<?x3x80x4x4xf32>) attributes {nn.kernel} {
  linalg.exp ins(%x : memref<?x3x80x4x4xf32>) outs(%y : memref<?x3x80x4x4xf32>)
  return
}

// A value per channel in blocked layout: pixels are one loop, lanes are one vector, and the value does not move with the pixels.
// CHECK-LABEL: func.func private @per_channel(
// CHECK: scf.forall (%{{.*}}, %[[B:.*]]) in (%{{.*}}, 3) {
// CHECK: %[[S:.*]] = arith.muli %[[B]], %c4
// CHECK: scf.for %{{.*}} = %c0 to %c200 step %c1
// CHECK-DAG: vector.load %{{.*}}[%[[S]]] : memref<?xf32>, vector<4xf32>
// CHECK-DAG: arith.mulf %{{.*}} : vector<4xf32>
func.func private @per_channel(%x: memref<?x3x10x20x4xf32>, %s: memref<3x1x1x4xf32>, %y: memref<?x3x10x20x4xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>, affine_map<(d0, d1, d2, d3, d4) -> (d1, 0, 0, d4)>,
                                   affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>],
    iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
    ins(%x, %s : memref<?x3x10x20x4xf32>, memref<3x1x1x4xf32>) outs(%y : memref<?x3x10x20x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  }
  return
}

// A value per row is broadcast; constants become vectors; an operand that is given twice is loaded once.
// CHECK-LABEL: func.func private @broadcast(
// CHECK: %[[Z:.*]] = arith.constant dense<0.0{{.*}}> : vector<4xf32>
// CHECK: scf.forall (%{{.*}}) in (1) {
// CHECK: scf.for %[[I:.*]] = %c0 to %c7
// CHECK: %[[A:.*]] = vector.load
// CHECK: %[[B:.*]] = memref.load %{{.*}}[%[[I]]]
// CHECK: %[[V:.*]] = vector.broadcast %[[B]] : f32 to vector<4xf32>
// CHECK-NOT: load
// CHECK: %[[M:.*]] = arith.mulf %[[A]], %[[V]]
// CHECK: %[[S:.*]] = arith.addf %[[M]], %[[A]]
// CHECK: %[[C:.*]] = arith.cmpf ogt, %[[Z]], %[[S]] : vector<4xf32>
// CHECK: arith.select %[[C]], %[[Z]], %[[S]] : vector<4xi1>, vector<4xf32>
func.func private @broadcast(%x: memref<7x4xf32>, %s: memref<7x1xf32>, %y: memref<7x4xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, 0)>, affine_map<(d0, d1) -> (d0, d1)>,
                                   affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%x, %s, %x : memref<7x4xf32>, memref<7x1xf32>, memref<7x4xf32>) outs(%y : memref<7x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %z = arith.constant 0.0 : f32
    %m = arith.mulf %a, %b : f32
    %r = arith.addf %m, %c : f32
    %n = arith.cmpf ogt, %z, %r : f32
    %t = arith.select %n, %z, %r : f32
    linalg.yield %t : f32
  }
  return
}

// A long line is split where that is exact, for threads.
// CHECK-LABEL: func.func private @split(
// CHECK: scf.forall (%{{.*}}) in (32) {
// CHECK: scf.for %{{.*}} = %c0 to %c512 step %c4
func.func private @split(%x: memref<1x16384xf32>, %y: memref<1x16384xf32>) attributes {nn.kernel} {
  linalg.exp ins(%x : memref<1x16384xf32>) outs(%y : memref<1x16384xf32>)
  return
}

// Strided rows: only the row is a line.
// CHECK-LABEL: func.func private @copy(
// CHECK: scf.forall (%[[I:.*]]) in (%{{.*}}) {
// CHECK-DAG: arith.muli %[[I]], %c16
// CHECK-DAG: arith.muli %[[I]], %c8
// CHECK: vector.load
// CHECK: vector.store
func.func private @copy(%x: memref<?x8xf32, strided<[16, 1]>>, %y: memref<?x8xf32>) attributes {nn.kernel} {
  nn.copy %x to %y because "test" : memref<?x8xf32, strided<[16, 1]>>, memref<?x8xf32>
  return
}
}
