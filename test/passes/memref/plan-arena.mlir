// RUN: lathe-opt %s --lathe-plan-arena | FileCheck %s
// RUN: lathe-opt %s --lathe-plan-arena=reuse=false | FileCheck %s --check-prefix=APART
// Lifetimes and offsets. Every buffer of 16 floats is 64 bytes.

// Static buffers at [0, c0), batched ones at c0 + c1 * N. The first and the third buffer are not live together.
// Without reuse, all three batched ones are apart.
// APART-LABEL: func @offsets(
// APART-SAME: attributes {nn.arena = array<i64: 64, 192>}
// CHECK-LABEL: func @offsets(
// CHECK-SAME: %[[ARENA:[^:]*]]: memref<?xi8> {nn.arena}) attributes {nn.arena = array<i64: 64, 128>}
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK: %[[N:.*]] = memref.dim %arg0
// CHECK: %[[S:.*]] = memref.view %[[ARENA]][%[[C0]]][] : memref<?xi8> to memref<16xf32>
// CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[C64]]][%[[N]]] : memref<?xi8> to memref<?x16xf32>
// CHECK: %[[M:.*]] = arith.muli %[[N]], %[[C64]] : index
// CHECK: %[[O:.*]] = arith.addi %[[M]], %[[C64]] : index
// CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[O]]][%[[N]]] : memref<?xi8> to memref<?x16xf32>
// CHECK: %[[C:.*]] = memref.view %[[ARENA]][%[[C64]]][%[[N]]] : memref<?xi8> to memref<?x16xf32>
// CHECK-NOT: memref.alloc
func.func @offsets(%x: memref<?x16xf32>, %w: memref<16xf32>, %y: memref<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x16xf32>
  %s = memref.alloc() : memref<16xf32>
  linalg.exp ins(%w : memref<16xf32>) outs(%s : memref<16xf32>)
  %a = memref.alloc(%n) : memref<?x16xf32>
  nn.copy %x to %a because "test" : memref<?x16xf32>, memref<?x16xf32>
  %b = memref.alloc(%n) : memref<?x16xf32>
  nn.copy %a to %b because "test" : memref<?x16xf32>, memref<?x16xf32>
  %c = memref.alloc(%n) : memref<?x16xf32>
  nn.copy %b to %c because "test" : memref<?x16xf32>, memref<?x16xf32>
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>],
    iterator_types = ["parallel", "parallel"]} ins(%c, %s : memref<?x16xf32>, memref<16xf32>) outs(%y : memref<?x16xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %r = arith.addf %p, %q : f32
    linalg.yield %r : f32
  }
  return
}

// A use through a view keeps the buffer alive.
// CHECK-LABEL: func @views(
// CHECK-SAME: attributes {nn.arena = array<i64: 128, 0>}
func.func @views(%x: memref<16xf32>, %y: memref<4x4xf32>, %z: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  nn.copy %x to %a because "test" : memref<16xf32>, memref<16xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [4, 4] : memref<16xf32> into memref<4x4xf32>
  %b = memref.alloc() : memref<16xf32>
  nn.copy %x to %b because "test" : memref<16xf32>, memref<16xf32>
  nn.copy %b to %z because "test" : memref<16xf32>, memref<16xf32>
  nn.copy %v to %y because "test" : memref<4x4xf32>, memref<4x4xf32>
  return
}

// Sizes are rounded up, so that every offset is aligned for any batch size.
// CHECK-LABEL: func @alignment(
// CHECK-SAME: attributes {nn.arena = array<i64: 0, 64>}
func.func @alignment(%x: memref<?x3xf32>, %y: memref<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x3xf32>
  %a = memref.alloc(%n) : memref<?x3xf32>
  nn.copy %x to %a because "test" : memref<?x3xf32>, memref<?x3xf32>
  nn.copy %a to %y because "test" : memref<?x3xf32>, memref<?x3xf32>
  memref.dealloc %a : memref<?x3xf32>
  return
}

// A function without buffers has an arena, too: all entries look alike.
// CHECK-LABEL: func @none(
// CHECK-SAME: memref<?xi8> {nn.arena}) attributes {nn.arena = array<i64: 0, 0>}
func.func @none(%x: memref<16xf32>, %y: memref<16xf32>) {
  nn.copy %x to %y because "test" : memref<16xf32>, memref<16xf32>
  return
}

// CHECK-LABEL: func private @kernel(
// CHECK-SAME: %arg0: memref<16xf32>) attributes {nn.kernel}
func.func private @kernel(%x: memref<16xf32>) attributes {nn.kernel} {
  return
}
