// RUN: lathe-opt %s | lathe-opt | FileCheck %s

// CHECK-LABEL: func @forms(
// CHECK: nn.partial max ins(%{{.*}} : memref<?x4x56x56x16xf32>) outs(%{{.*}} : memref<?x4x1x56x16xf32>) body {
// CHECK: nn.partial sum moments ins(%{{.*}} : memref<?x4x56x56x16xf32>) outs(%{{.*}} : memref<?x4x3x56x16xf32>) body {
func.func @forms(%y: memref<?x4x56x56x16xf32>, %p: memref<?x4x1x56x16xf32>, %q: memref<?x4x3x56x16xf32>) {
  nn.partial max ins(%y : memref<?x4x56x56x16xf32>) outs(%p : memref<?x4x1x56x16xf32>) body {
  ^bb0(%v: f32):
    %0 = math.absf %v : f32
    nn.yield %0 : f32
  }
  nn.partial sum moments ins(%y : memref<?x4x56x56x16xf32>) outs(%q : memref<?x4x3x56x16xf32>) body {
  ^bb0(%v: f32):
    nn.yield %v : f32
  }
  return
}
