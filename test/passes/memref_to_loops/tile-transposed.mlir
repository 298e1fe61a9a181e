// RUN: lathe-opt %s --lathe-tile-generic | FileCheck %s
// Layout changes and transpositions: blocks are loaded as they lie in the input, turned in registers, and stored as they lie in the output.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// 700 is 175 vectors of 4. Threads share the rows of the output.
// CHECK-LABEL: func.func private @transposed(
// CHECK: scf.forall (%[[I:.*]]) in (150) {
// CHECK: scf.for %[[J:.*]] = %c0 to %c700 step %c4
// CHECK-COUNT-4: vector.load {{.*}} vector<4xf32>
// The bits of an element's number go round: 0 4 1 5 are the elements of rows 0 and 2 by turns.
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [0, 4, 1, 5]
// CHECK-NEXT: vector.shuffle %{{.*}}, %{{.*}} [2, 6, 3, 7]
// CHECK-COUNT-6: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK-COUNT-4: vector.store {{.*}} vector<4xf32>
// CHECK-NOT: vector.store
func.func private @transposed(%x: memref<700x600xf32>, %y: memref<600x700xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1, d0)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<700x600xf32>) outs(%y : memref<600x700xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// 6 channels in blocks of 4: all 4 lanes of the last block are read, two rows are stored in its place.
// CHECK-LABEL: func.func private @unpack(
// CHECK: scf.forall (%[[N:.*]], %[[B:.*]]) in (%{{.*}}, 2) {
// CHECK: scf.for %{{.*}} = %c0 to %c600 step %c4
// CHECK-COUNT-4: vector.load
// CHECK-COUNT-2: vector.store
// CHECK: %[[WHOLE:.*]] = arith.cmpi ne, %[[B]], %c1
// CHECK: scf.if %[[WHOLE]] {
// CHECK-COUNT-2: vector.store
// CHECK: }
func.func private @unpack(%x: memref<?x2x30x20x4xf32>, %y: memref<?x6x30x20xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1 floordiv 4, d2, d3, d1 mod 4)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
    iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : memref<?x2x30x20x4xf32>) outs(%y : memref<?x6x30x20xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// The other way round the channel of each lane is computed, once per block. 601 pixels are 150 vectors and one.
// CHECK-LABEL: func.func private @pack(
// CHECK: scf.forall (%[[N:.*]], %[[B:.*]]) in (%{{.*}}, 2) {
// CHECK: scf.for %{{.*}} = %c0 to %c600 step %c4
// CHECK-COUNT-4: vector.load
// CHECK-COUNT-4: vector.store
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1
// CHECK: memref.store
func.func private @pack(%x: memref<?x6x601xf32>, %y: memref<?x2x601x4xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, (d1 * 4 + d3) mod 6, d2)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
    iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : memref<?x6x601xf32>) outs(%y : memref<?x2x601x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// What is computed on the way is computed on the rows of the output; the other operand is read as it lies. Blocks of 4 x 2 and 2 x 4 are turned likewise.
// CHECK-LABEL: func.func private @fused(
// CHECK: scf.forall (%{{.*}}) in (1) {
// CHECK-COUNT-4: vector.load {{.*}} vector<4xf32>
// CHECK: vector.load {{.*}} vector<4xf32>
// CHECK: arith.addf {{.*}} vector<4xf32>
// CHECK: vector.store {{.*}} vector<4xf32>
// CHECK: vector.store {{.*}} vector<2xf32>
// CHECK: vector.load {{.*}} vector<2xf32>
// CHECK: vector.store {{.*}} vector<4xf32>
// CHECK: vector.store {{.*}} vector<2xf32>
func.func private @fused(%x: memref<6x6xf32>, %r: memref<6x6xf32>, %y: memref<6x6xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
    iterator_types = ["parallel", "parallel"]} ins(%x, %r : memref<6x6xf32>, memref<6x6xf32>) outs(%y : memref<6x6xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  return
}

// Depth to space: three lines take turns.
// CHECK-LABEL: func.func private @turns(
// CHECK: scf.forall (%{{.*}}) in (1) {
// CHECK: scf.for %{{.*}} = %c0 to %c64 step %c4
// CHECK-COUNT-3: vector.load {{.*}} vector<4xf32>
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [0, 4, 0, 1]
// CHECK-NEXT: vector.shuffle %{{.*}}, %{{.*}} [0, 1, 4, 3]
// CHECK: vector.store
// CHECK-COUNT-2: vector.store
func.func private @turns(%x: memref<3x8x8xf32>, %y: memref<8x8x3xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d2, d0, d1)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
    iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : memref<3x8x8xf32>) outs(%y : memref<8x8x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// Pixels that are repeated: one line by turns with itself.
// CHECK-LABEL: func.func private @repeated(
// CHECK: %[[V:.*]] = vector.load {{.*}} vector<4xf32>
// CHECK: vector.shuffle %[[V]], %[[V]] [0, 0, 1, 1]
// CHECK: vector.store
// CHECK: vector.shuffle %[[V]], %[[V]] [2, 2, 3, 3]
// CHECK: vector.store
func.func private @repeated(%x: memref<5x8xf32>, %y: memref<10x16xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0 floordiv 2, d1 floordiv 2)>, affine_map<(d0, d1) -> (d0, d1)>],
    iterator_types = ["parallel", "parallel"]} ins(%x : memref<5x8xf32>) outs(%y : memref<10x16xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}

// Every third element, backwards: three vectors, the last one of which ends where the elements do.
// CHECK-LABEL: func.func private @strided(
// CHECK: scf.for %[[I:.*]] = %c0 to %c16 step %c4
// CHECK-COUNT-3: vector.load {{.*}} vector<4xf32>
// CHECK: vector.shuffle
// CHECK: vector.store
func.func private @strided(%x: memref<64xf32>, %y: memref<17xf32>) attributes {nn.kernel} {
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0 * -3 + 50)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%x : memref<64xf32>) outs(%y : memref<17xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  return
}
}
