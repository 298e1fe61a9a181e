// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// Reductions that are not dense: pools and depthwise convolutions compute channels in lanes, and load vectors instead of broadcasting.

#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2]>

// CHECK-LABEL: func private @max(
// CHECK-DAG: %[[NEVER:.*]] = arith.constant dense<0xFF800000> : vector<4xf32>
// CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %[[NEVER]], %[[B:.*]] = %[[NEVER]])
// CHECK: %[[V:.*]] = vector.load
// CHECK-NEXT: arith.maximumf %[[A]], %[[V]] : vector<4xf32>
// CHECK: arith.maximumf %[[B]]
// CHECK-NOT: arith.divf
// CHECK: return
func.func private @max(%x: memref<2x3x5x4xf32>, %y: memref<2x3x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel max at[%i, %g] column(%c0) ins(%x : memref<2x3x5x4xf32>) outs(%y : memref<2x3x2x4xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 12, 12>,
    tiling = #t, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// At the edge each pixel has a divisor of its own: 2 of 3 elements are inside for pixel 0, 3 for pixel 1.
// CHECK-LABEL: func private @average(
// CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2.0{{.*}}> : vector<4xf32>
// CHECK-DAG: %[[THREE:.*]] = arith.constant dense<3.0{{.*}}> : vector<4xf32>
// CHECK: arith.addf
// CHECK: arith.divf %{{.*}}, %[[TWO]]
// CHECK-NEXT: arith.divf %{{.*}}, %[[THREE]]
func.func private @average(%x: memref<2x3x4x4xf32>, %y: memref<2x3x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel sum at[%i, %g] column(%c0) ins(%x : memref<2x3x4x4xf32>) outs(%y : memref<2x3x2x4xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 1, 0>, channels = array<i64: 12, 12>,
    tiling = #t, width = 2 : i64, first_column = 0 : i64, edge} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// With the padding counted, only elements beyond the padded input are left out (ceil_mode): 3 for pixel 0, 2 for pixel 1.
// CHECK-LABEL: func private @average_padded(
// CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2.0{{.*}}> : vector<4xf32>
// CHECK-DAG: %[[THREE:.*]] = arith.constant dense<3.0{{.*}}> : vector<4xf32>
// CHECK: arith.divf %{{.*}}, %[[THREE]]
// CHECK-NEXT: arith.divf %{{.*}}, %[[TWO]]
func.func private @average_padded(%x: memref<2x3x3x4xf32>, %y: memref<2x3x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel sum at[%i, %g] column(%c0) ins(%x : memref<2x3x3x4xf32>) outs(%y : memref<2x3x2x4xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, pads = array<i64: 1, 0>, channels = array<i64: 12, 12>,
    count_include_pad, tiling = #t, width = 2 : i64, first_column = 0 : i64, edge} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Of an outer dimension the number of elements is known only at run time: its clipped range times the elements of the line.
// CHECK-LABEL: func private @average_clipped(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index)
// CHECK: %[[ROWS:.*]] = arith.subi %[[END]], %[[BEGIN]] : index
// CHECK-NEXT: %[[ALL:.*]] = arith.muli %[[ROWS]], %c3 : index
// CHECK-NEXT: %[[I:.*]] = arith.index_cast %[[ALL]] : index to i32
// CHECK-NEXT: %[[F:.*]] = arith.sitofp %[[I]] : i32 to f32
// CHECK-NEXT: %[[D:.*]] = vector.broadcast %[[F]] : f32 to vector<4xf32>
// CHECK-NEXT: arith.divf %{{.*}}, %[[D]]
func.func private @average_clipped(%x: memref<2x3x4x3x4xf32>, %y: memref<2x3x4x1x4xf32>, %i: index, %g: index, %row: index, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel sum at[%i, %g] rows(%row) column(%c0) window(%row from %begin to %end) ins(%x : memref<2x3x4x3x4xf32>) outs(%y : memref<2x3x4x1x4xf32>)
    attributes {window = array<i64: 2, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 1, 0>, channels = array<i64: 12, 12>,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// CHECK-LABEL: func private @depthwise(
// CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}})
// CHECK: %[[W:.*]] = vector.load
// CHECK: %[[X0:.*]] = vector.load
// CHECK: vector.fma %[[X0]], %[[W]], %[[A]]
// CHECK: %[[X1:.*]] = vector.load
// CHECK: vector.fma %[[X1]], %[[W]], %[[B]]
// CHECK-NOT: vector.broadcast
// CHECK: return
func.func private @depthwise(%x: memref<2x3x4x4xf32>, %w: memref<3x1x3x1x4xf32>, %y: memref<2x3x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel depthwise at[%i, %g] column(%c0) ins(%x : memref<2x3x4x4xf32>) weights(%w : memref<3x1x3x1x4xf32>) outs(%y : memref<2x3x2x4xf32>)
    attributes {window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 12, 12>, groups = 12 : i64,
    tiling = #t, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
