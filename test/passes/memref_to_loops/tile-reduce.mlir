// RUN: lathe-opt %s --lathe-tile-reduce | FileCheck %s
// Reductions, with vectors of 4 lanes.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// Neighbours are reduced: two vectors, whose lanes are combined pairwise; 11 = 2 * 4 + 2 + 1. The batch is shared among threads.
// CHECK-LABEL: func.func private @line(
// CHECK: %[[N:.*]] = memref.dim %arg1
// CHECK: scf.forall (%[[I:.*]]) in (%[[N]]) {
// CHECK: vector.load {{.*}} vector<4xf32>
// CHECK: vector.load {{.*}} vector<4xf32>
// CHECK-NEXT: arith.addf
// CHECK-NEXT: %[[V:.*]] = arith.addf {{.*}} : vector<4xf32>
// CHECK-NEXT: vector.shuffle %[[V]], %[[V]] [0, 1]
// CHECK-NEXT: vector.shuffle %[[V]], %[[V]] [2, 3]
// CHECK: vector.load {{.*}} vector<2xf32>
// CHECK: memref.load
// CHECK-NEXT: arith.addf
// CHECK-NEXT: %[[SUM:.*]] = arith.addf {{.*}} : f32
// CHECK-NEXT: %[[MEAN:.*]] = arith.divf %[[SUM]], %{{.*}} : f32
// CHECK-NEXT: memref.store %[[MEAN]]
// CHECK-NOT: nn.
func.func private @line(%x: memref<?x11xf32>, %y: memref<?x1xf32>) attributes {nn.kernel} {
  nn.reduce sum maps [affine_map<(n, i) -> (n, i)>, affine_map<(n, i) -> (n, 0)>] ins(%x : memref<?x11xf32>) outs(%y : memref<?x1xf32>) body {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } finish {
  ^bb0(%s: f32):
    %c = arith.constant 11.0 : f32
    %m = arith.divf %s, %c : f32
    nn.yield %m : f32
  }
  return
}

// Outputs lie side by side: they are the lanes, no sum across lanes. Four chains, in pieces of 4 * 256; 3000 = 2 * 1024 + 952.
// CHECK-LABEL: func.func private @columns(
// CHECK-NOT: vector.shuffle
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, 2) {
// CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1 iter_args(%{{.*}}) -> (vector<4xf32>) {
// CHECK: scf.for %{{.*}} = %c0 to %c1024 step %c4 iter_args({{.*}}) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>) {
// CHECK-COUNT-4: arith.maximumf
// CHECK: scf.yield
// CHECK: scf.for %{{.*}} = %c0 to %c952 step %c4
func.func private @columns(%x: memref<?x2x3000x4xf32>, %y: memref<?x2x1x4xf32>) attributes {nn.kernel} {
  nn.reduce max maps [affine_map<(b, c, p, v) -> (b, c, p, v)>, affine_map<(b, c, p, v) -> (b, c, 0, v)>] ins(%x : memref<?x2x3000x4xf32>) outs(%y : memref<?x2x1x4xf32>) body {
  ^bb0(%a: f32):
    nn.yield %a : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  }
  return
}

// A product: tiles of 4 rows by 2 vectors, which share loads; a row is left over. The sum of products is contracted.
// CHECK-LABEL: func.func private @product(
// CHECK: scf.forall (%{{.*}}, %[[ROWS:.*]]) in (%{{.*}}, 3) {
// CHECK: %[[LAST:.*]] = arith.cmpi eq, %[[ROWS]], %c2
// CHECK: scf.if %[[LAST]] {
// CHECK: } else {
// CHECK: scf.for %{{.*}} = %c0 to %c5 step %c1
// CHECK: memref.load
// CHECK-NEXT: vector.broadcast
// CHECK-NEXT: vector.load
// CHECK-NEXT: vector.fma
// CHECK-NEXT: arith.addi
// CHECK-NEXT: vector.load
// CHECK-NEXT: vector.fma
// CHECK-COUNT-6: vector.fma
// CHECK: scf.yield
func.func private @product(%x: memref<?x9x5xf32>, %w: memref<?x5x8xf32>, %y: memref<?x9x8xf32>) attributes {nn.kernel} {
  nn.reduce sum maps [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%x, %w : memref<?x9x5xf32>, memref<?x5x8xf32>) outs(%y : memref<?x9x8xf32>) body {
  ^bb0(%a: f32, %c: f32):
    %p = arith.mulf %a, %c : f32
    nn.yield %p : f32
  } finish {
  ^bb0(%s: f32):
    nn.yield %s : f32
  }
  return
}

// Nothing is contiguous: element by element.
// CHECK-LABEL: func.func private @scalar(
// CHECK-NOT: vector.load
// CHECK: memref.load {{.*}} : memref<?xi64>
// CHECK-NOT: vector.load
// CHECK: return
func.func private @scalar(%x: memref<6x4x3xi64>, %y: memref<4xi64>) attributes {nn.kernel} {
  nn.reduce prod maps [affine_map<(i, j) -> (i, j, 0)>, affine_map<(i, j) -> (j)>] ins(%x : memref<6x4x3xi64>) outs(%y : memref<4xi64>) body {
  ^bb0(%a: i64):
    nn.yield %a : i64
  } finish {
  ^bb0(%s: i64):
    nn.yield %s : i64
  }
  return
}
}
