// RUN: lathe-opt %s --lathe-coalesce-copies --canonicalize -mlir-print-local-scope | FileCheck %s
// A buffer that is copied into a part of another one lives there.

// CHECK-LABEL: func @whole(
// CHECK: %[[B:.*]] = memref.alloc() : memref<16x4xf32>
// CHECK: %[[S:.*]] = memref.subview %[[B]][8, 0] [8, 4] [1, 1]
// CHECK: linalg.fill ins(%arg0 : f32) outs(%[[S]]
// CHECK-NOT: memref.copy
func.func @whole(%f: f32, %out: memref<16x4xf32> {nn.output}) {
  %a = memref.alloc() : memref<8x4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<8x4xf32>)
  %b = memref.alloc() : memref<16x4xf32>
  %t = memref.subview %b[0, 0] [8, 4] [1, 1] : memref<16x4xf32> to memref<8x4xf32, strided<[4, 1]>>
  linalg.fill ins(%f : f32) outs(%t : memref<8x4xf32, strided<[4, 1]>>)
  %s = memref.subview %b[8, 0] [8, 4] [1, 1] : memref<16x4xf32> to memref<8x4xf32, strided<[4, 1], offset: 32>>
  memref.copy %a, %s : memref<8x4xf32> to memref<8x4xf32, strided<[4, 1], offset: 32>>
  linalg.negf ins(%b : memref<16x4xf32>) outs(%out : memref<16x4xf32>)
  return
}

// Halves of one value, one of which is read elsewhere too, straight into a result.
// CHECK-LABEL: func @halves(
// CHECK: %[[S:.*]] = memref.subview %arg1[2, 0] [8, 4] [1, 1]
// CHECK: linalg.fill {{.*}} outs(%[[S]]
// CHECK: %[[H:.*]] = memref.subview %[[S]][4, 0] [4, 4] [1, 1]
// CHECK: linalg.negf ins(%[[H]]
// CHECK-NOT: memref.copy
func.func @halves(%f: f32, %out: memref<12x4xf32> {nn.output}, %other: memref<4x4xf32> {nn.output}) {
  %a = memref.alloc() : memref<8x4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<8x4xf32>)
  %a0 = memref.subview %a[0, 0] [4, 4] [1, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[4, 1]>>
  %a1 = memref.subview %a[4, 0] [4, 4] [1, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[4, 1], offset: 16>>
  linalg.negf ins(%a1 : memref<4x4xf32, strided<[4, 1], offset: 16>>) outs(%other : memref<4x4xf32>)
  %b0 = memref.subview %out[2, 0] [4, 4] [1, 1] : memref<12x4xf32> to memref<4x4xf32, strided<[4, 1], offset: 8>>
  %b1 = memref.subview %out[6, 0] [4, 4] [1, 1] : memref<12x4xf32> to memref<4x4xf32, strided<[4, 1], offset: 24>>
  memref.copy %a0, %b0 : memref<4x4xf32, strided<[4, 1]>> to memref<4x4xf32, strided<[4, 1], offset: 8>>
  memref.copy %a1, %b1 : memref<4x4xf32, strided<[4, 1], offset: 16>> to memref<4x4xf32, strided<[4, 1], offset: 24>>
  return
}

// One phase of an image of which the other phases are written in place.
// CHECK-LABEL: func @phase(
// CHECK: linalg.fill
// CHECK-NOT: memref.copy
func.func @phase(%f: f32, %out: memref<8x4xf32> {nn.output}) {
  %a = memref.alloc() : memref<8x4xf32>
  %a0 = memref.subview %a[0, 0] [4, 4] [2, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[8, 1]>>
  linalg.fill ins(%f : f32) outs(%a0 : memref<4x4xf32, strided<[8, 1]>>)
  %b0 = memref.subview %out[0, 0] [4, 4] [2, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[8, 1]>>
  %b1 = memref.subview %out[1, 0] [4, 4] [2, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[8, 1], offset: 4>>
  linalg.fill ins(%f : f32) outs(%b1 : memref<4x4xf32, strided<[8, 1], offset: 4>>)
  memref.copy %a0, %b0 : memref<4x4xf32, strided<[8, 1]>> to memref<4x4xf32, strided<[8, 1]>>
  return
}

// A reshape on the way is undone.
// CHECK-LABEL: func @reshaped(
// CHECK: %[[S:.*]] = memref.subview %arg1[0, 4] [2, 8] [1, 1]
// CHECK: %[[E:.*]] = memref.expand_shape %[[S]] {{\[\[}}0], [1, 2]] output_shape [2, 2, 4]
// CHECK: linalg.fill {{.*}} outs(%[[E]]
// CHECK-NOT: memref.copy
func.func @reshaped(%f: f32, %out: memref<2x16xf32> {nn.output}) {
  %a = memref.alloc() : memref<2x2x4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<2x2x4xf32>)
  %c = memref.collapse_shape %a [[0], [1, 2]] : memref<2x2x4xf32> into memref<2x8xf32>
  %s = memref.subview %out[0, 4] [2, 8] [1, 1] : memref<2x16xf32> to memref<2x8xf32, strided<[16, 1], offset: 4>>
  memref.copy %c, %s : memref<2x8xf32> to memref<2x8xf32, strided<[16, 1], offset: 4>>
  return
}

// Not where it is written after the copy,
// CHECK-LABEL: func @written_later(
// CHECK: memref.copy
func.func @written_later(%f: f32, %out: memref<8x4xf32> {nn.output}, %other: memref<4x4xf32> {nn.output}) {
  %a = memref.alloc() : memref<4x4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<4x4xf32>)
  %s = memref.subview %out[0, 0] [4, 4] [1, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[4, 1]>>
  memref.copy %a, %s : memref<4x4xf32> to memref<4x4xf32, strided<[4, 1]>>
  linalg.fill ins(%f : f32) outs(%a : memref<4x4xf32>)
  linalg.negf ins(%a : memref<4x4xf32>) outs(%other : memref<4x4xf32>)
  return
}

// nor where its place is taken while it is needed,
// CHECK-LABEL: func @taken(
// CHECK: memref.copy
func.func @taken(%f: f32, %out: memref<8x4xf32> {nn.output}, %other: memref<4x4xf32> {nn.output}) {
  %a = memref.alloc() : memref<4x4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<4x4xf32>)
  %s = memref.subview %out[0, 0] [4, 4] [1, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[4, 1]>>
  linalg.fill ins(%f : f32) outs(%out : memref<8x4xf32>)
  memref.copy %a, %s : memref<4x4xf32> to memref<4x4xf32, strided<[4, 1]>>
  linalg.negf ins(%a : memref<4x4xf32>) outs(%other : memref<4x4xf32>)
  return
}

// nor where elements would not be neighbours any more, nor from an input.
// CHECK-LABEL: func @strided(
// CHECK-COUNT-2: memref.copy
func.func @strided(%f: f32, %x: memref<4x4xf32>, %out: memref<8x8xf32> {nn.output}) {
  %a = memref.alloc() : memref<4x4xf32>
  linalg.fill ins(%f : f32) outs(%a : memref<4x4xf32>)
  %s = memref.subview %out[0, 0] [4, 4] [1, 2] : memref<8x8xf32> to memref<4x4xf32, strided<[8, 2]>>
  memref.copy %a, %s : memref<4x4xf32> to memref<4x4xf32, strided<[8, 2]>>
  %t = memref.subview %out[4, 0] [4, 4] [1, 1] : memref<8x8xf32> to memref<4x4xf32, strided<[8, 1], offset: 32>>
  memref.copy %x, %t : memref<4x4xf32> to memref<4x4xf32, strided<[8, 1], offset: 32>>
  return
}
