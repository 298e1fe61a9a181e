// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// What happens to a finished accumulator: the epilogue at vector type, then the store; what lies beyond the last channel is not touched in plain outputs.

#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2]>

// Each kind of extra operand: a scalar and a channel's value once per vector, an elementwise one per pixel, from the place where the result goes.
// CHECK-LABEL: func private @extras(
// CHECK-SAME: %{{.*}}, %{{.*}}, %[[S:.*]]: memref<f32>, %[[B:.*]]: memref<24xf32>, %[[R:.*]]: memref<2x3x2x8xf32>, %[[Y:.*]]: memref<2x3x2x8xf32>, %{{.*}}: index, %[[G:.*]]: index)
// CHECK-DAG: %[[YF:.*]] = memref.reinterpret_cast %[[Y]]
// CHECK-DAG: %[[RF:.*]] = memref.reinterpret_cast %[[R]]
// CHECK-DAG: %[[HALF:.*]] = arith.constant dense<5.0{{.*}}e-01> : vector<8xf32>
// CHECK: %[[K:.*]] = arith.muli %[[G]], %c8
// CHECK: %[[SCALAR:.*]] = memref.load %[[S]][] : memref<f32>
// CHECK-NEXT: %[[SV:.*]] = vector.broadcast %[[SCALAR]] : f32 to vector<8xf32>
// CHECK-NEXT: %[[BV:.*]] = vector.load %[[B]][%[[K]]]
// CHECK-NEXT: %[[RV:.*]] = vector.load %[[RF]][%[[AT:.*]]]
// CHECK-NEXT: %[[E0:.*]] = arith.mulf %{{.*}}, %[[SV]] : vector<8xf32>
// CHECK-NEXT: %[[E1:.*]] = arith.addf %[[E0]], %[[BV]] : vector<8xf32>
// CHECK-NEXT: %[[E2:.*]] = arith.addf %[[E1]], %[[RV]] : vector<8xf32>
// CHECK-NEXT: %[[E3:.*]] = arith.maximumf %[[E2]], %[[HALF]] : vector<8xf32>
// CHECK-NEXT: vector.store %[[E3]], %[[YF]][%[[AT]]]
// CHECK: vector.load %[[RF]][%[[NEXT:.*]]]
// CHECK: vector.store %{{.*}}, %[[YF]][%[[NEXT]]]
func.func private @extras(%x: memref<2x1x2xf32>, %w: memref<3x1x1x1x8xf32>, %s: memref<f32>, %b: memref<24xf32>, %r: memref<2x3x2x8xf32>,
                          %y: memref<2x3x2x8xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<2x1x2xf32>) weights(%w : memref<3x1x1x1x8xf32>)
    extras(%s, %b, %r : memref<f32>, memref<24xf32>, memref<2x3x2x8xf32>) outs(%y : memref<2x3x2x8xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 1, 24>,
    tiling = #t, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32, %scale: f32, %bias: f32, %residual: f32):
    %half = arith.constant 0.5 : f32
    %0 = arith.mulf %a, %scale : f32
    %1 = arith.addf %0, %bias : f32
    %2 = arith.addf %1, %residual : f32
    %3 = arith.maximumf %2, %half : f32
    nn.yield %3 : f32
  }
  return
}

// A comparison is of type i1 per lane.
// CHECK-LABEL: func private @compare(
// CHECK: %[[C:.*]] = arith.cmpf ogt, %[[A:.*]], %{{.*}} : vector<8xf32>
// CHECK-NEXT: arith.select %[[C]], %[[A]], %{{.*}} : vector<8xi1>, vector<8xf32>
func.func private @compare(%x: memref<2x1x2xf32>, %w: memref<3x1x1x1x8xf32>, %y: memref<2x3x2x8xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<2x1x2xf32>) weights(%w : memref<3x1x1x1x8xf32>) outs(%y : memref<2x3x2x8xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 1, 24>,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    %zero = arith.constant 0.0 : f32
    %0 = arith.cmpf ogt, %a, %zero : f32
    %1 = arith.select %0, %a, %zero : f32
    nn.yield %1 : f32
  }
  return
}

// A matrix of 13 columns in rows of 16: the lanes from 13 on are neither read from the residual nor stored.
// CHECK-LABEL: func private @tail(
// CHECK-DAG: %[[LANES:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : vector<8xi32>
// CHECK: %[[LEFT:.*]] = arith.subi %c13, %{{.*}} : index
// CHECK: %[[L32:.*]] = arith.index_cast %[[LEFT]] : index to i32
// CHECK-NEXT: %[[LIMIT:.*]] = vector.broadcast %[[L32]] : i32 to vector<8xi32>
// CHECK: %[[MASK:.*]] = arith.cmpi sgt, %[[LIMIT]], %[[LANES]] : vector<8xi32>
// CHECK: vector.maskedload %{{.*}}[%[[AT:.*]]], %[[MASK]]
// CHECK: vector.maskedstore %{{.*}}[%[[AT]]], %[[MASK]]
// CHECK: vector.maskedstore
// CHECK-NOT: vector.store
// CHECK: return
func.func private @tail(%x: memref<?x4xf32>, %w: memref<1x1x1x8x16xf32>, %r: memref<?x13xf32>, %y: memref<?x13xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<?x4xf32>) weights(%w : memref<1x1x1x8x16xf32>) extras(%r : memref<?x13xf32>)
    outs(%y : memref<?x13xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 4, 13>,
    tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32, %residual: f32):
    %0 = arith.addf %a, %residual : f32
    nn.yield %0 : f32
  }
  return
}

// Whole vectors need no mask.
// CHECK-LABEL: func private @whole(
// CHECK-COUNT-2: vector.store
// CHECK-NOT: masked
// CHECK: return
func.func private @whole(%x: memref<?x4xf32>, %w: memref<1x1x1x8x16xf32>, %y: memref<?x16xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<?x4xf32>) weights(%w : memref<1x1x1x8x16xf32>) outs(%y : memref<?x16xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 4, 16>,
    tiling = #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
