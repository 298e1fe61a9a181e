// RUN: lathe-opt %s --lathe-build-plan --split-input-file | FileCheck %s
// The true extents of an output are no argument of the caller's: they are written behind everything else in the arena, and the plan says where.

// Two outputs with a size that the run finds, in an arena of 20 + 36 * N bytes: places are multiples of 8.
// CHECK-LABEL: nn.plan
// CHECK-SAME: inputs [{name = "x", type = tensor<?x4xf32>}]
// CHECK-SAME: outputs [{name = "y", type = tensor<4xf32>}, {extents = array<i64: 32, 40>, name = "z", type = tensor<2x8xi64>}, {extents = array<i64: 24, 40>, name = "w", type = tensor<9xi64>}]
// CHECK-SAME: arena [48, 40]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<output, 1, 0, 0>, #nn.arg<arena, 0, 32, 40>]
// CHECK-NEXT: nn.launch @k0 args [#nn.arg<output, 2, 0, 0>, #nn.arg<arena, 0, 24, 40>]
func.func @main(%x: memref<?x4xf32> {nn.name = "x"}, %y: memref<4xf32> {nn.name = "y", nn.output}, %z: memref<2x8xi64> {nn.name = "z", nn.output},
                %w: memref<9xi64> {nn.name = "w", nn.output}, %ew: memref<1xi64> {nn.extents_of = 2 : i64, nn.output},
                %ez: memref<2xi64> {nn.extents_of = 1 : i64, nn.output}, %a: memref<?xi8> {nn.arena}) attributes {nn.arena = array<i64: 20, 36>} {
  nn.call @k0(%z, %ez) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<2x8xi64>, memref<2xi64>
  nn.call @k0(%w, %ew) {nodes = [], flops = array<i64: 0, 0>, bytes = array<i64: 0, 0>} : memref<9xi64>, memref<1xi64>
  return
}
func.func private @k0(%args: !llvm.ptr, %scratch: !llvm.ptr, %begin: i64, %end: i64) attributes {nn.kernel, nn.space = array<i64: 1, 0>} {
  return
}
