// RUN: lathe-opt %s --lathe-expand-microkernel --canonicalize --cse | FileCheck %s
// A tile of a grouped convolution reduces over the input channels of its own groups only.

// 3 groups of 4 input and 8 output channels at 4 lanes, tiles of 2 vectors: tile g reads input block g.
// CHECK-LABEL: func private @whole_blocks(
// CHECK-SAME: %[[I:[a-z0-9]+]]: index, %[[G:[a-z0-9]+]]: index)
// CHECK: %[[FIRST:.*]] = arith.muli %[[G]], %c8 : index
// CHECK-NEXT: %[[GROUP:.*]] = arith.divui %[[FIRST]], %c8 : index
// CHECK-NEXT: %[[WANTED:.*]] = arith.muli %[[GROUP]], %c4 : index
// CHECK-NEXT: %[[CHANNEL:.*]] = arith.minui %[[WANTED]], %c8 : index
// CHECK: %[[BLOCK:.*]] = arith.divui %[[CHANNEL]], %c4 : index
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1
// CHECK-COUNT-2: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func private @whole_blocks(%x: memref<5x3x2x4xf32>, %w: memref<3x1x1x4x8xf32>, %y: memref<5x6x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<5x3x2x4xf32>) weights(%w : memref<3x1x1x4x8xf32>) outs(%y : memref<5x6x2x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 12, 24>, groups = 3 : i64,
    tiling = #nn.tiling<ku = 2, unroll = 1, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Groups of 2 channels at 4 lanes: one tile of 4 output channels spans 2 groups, which are a block.
// CHECK-LABEL: func private @groups_of_a_block(
// CHECK: %[[BLOCK:.*]] = arith.divui %{{.*}}, %c4
// CHECK-NOT: arith.remui
// CHECK: scf.for %{{.*}} = %c0 to %c4 step %c1
// CHECK-COUNT-1: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func private @groups_of_a_block(%x: memref<5x2x2x4xf32>, %w: memref<2x1x1x4x4xf32>, %y: memref<5x2x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<5x2x2x4xf32>) weights(%w : memref<2x1x1x4x4xf32>) outs(%y : memref<5x2x2x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 8, 8>, groups = 4 : i64,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Groups of 2 input and 4 output channels: a tile reads one half of a block, which its channels follow.
// CHECK-LABEL: func private @part_of_a_block(
// CHECK: %[[BLOCK:.*]] = arith.divui %{{.*}}, %c4
// CHECK: %[[LANE:.*]] = arith.remui %{{.*}}, %c4
// CHECK: scf.for %{{.*}} = %c0 to %c2 step %c1
// CHECK-NOT: arith.divui
// CHECK-COUNT-1: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func private @part_of_a_block(%x: memref<5x1x2x4xf32>, %w: memref<2x1x1x2x4xf32>, %y: memref<5x2x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<5x1x2x4xf32>) weights(%w : memref<2x1x1x2x4xf32>) outs(%y : memref<5x2x2x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 4, 8>, groups = 2 : i64,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Groups of 3 channels: a tile spans 2 of them, 6 input channels, each with an address of its own.
// CHECK-LABEL: func private @parts_of_blocks(
// CHECK: scf.for %[[C:.*]] = %c0 to %c6 step %c1
// CHECK: %[[CHANNEL:.*]] = arith.addi %{{.*}}, %[[C]]
// CHECK: arith.divui %[[CHANNEL]], %c4
// CHECK: arith.remui %[[CHANNEL]], %c4
// CHECK-COUNT-1: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func private @parts_of_blocks(%x: memref<5x3x2x4xf32>, %w: memref<3x1x1x6x4xf32>, %y: memref<5x3x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<5x3x2x4xf32>) weights(%w : memref<3x1x1x6x4xf32>) outs(%y : memref<5x3x2x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 12, 12>, groups = 4 : i64,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// The same of a plain input, whose channels are equally far apart anywhere.
// CHECK-LABEL: func private @plain_groups(
// CHECK-NOT: arith.remui
// CHECK: scf.for %{{.*}} = %c0 to %c6 step %c1
// CHECK-NOT: arith.divui
// CHECK-COUNT-1: vector.fma
// CHECK-NOT: vector.fma
// CHECK: return
func.func private @plain_groups(%x: memref<5x12x2xf32>, %w: memref<3x1x1x6x4xf32>, %y: memref<5x3x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<5x12x2xf32>) weights(%w : memref<3x1x1x6x4xf32>) outs(%y : memref<5x3x2x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 12, 12>, groups = 4 : i64,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Groups of 2 input and 6 output channels: a tile of 3 vectors holds two of them, which meet in the middle one. Each lane has the weights of its own group,
// and the vector that both share takes their broadcasts blended. Of 4 groups, the first two are the first tile. 6 vectors are two tiles.
// CHECK-LABEL: func private @meeting(
// CHECK-COUNT-3: vector.load {{.*}} vector<4xf32>
// CHECK: %[[A:.*]] = vector.broadcast
// CHECK: %[[B:.*]] = vector.broadcast
// CHECK: vector.fma %[[A]],
// CHECK: %[[BOTH:.*]] = vector.shuffle %[[A]], %[[B]] [0, 1, 6, 7]
// CHECK: vector.fma %[[BOTH]],
// CHECK: vector.fma %[[B]],
// CHECK-NOT: scf.if
// CHECK: return
func.func private @meeting(%x: memref<5x2x2x4xf32>, %w: memref<2x1x1x2x12xf32>, %y: memref<5x6x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<5x2x2x4xf32>) weights(%w : memref<2x1x1x2x12xf32>) outs(%y : memref<5x6x2x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 8, 24>, groups = 4 : i64,
    tiling = #nn.tiling<ku = 3, unroll = 2, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// Of 3 groups the second tile has one: its channels are read at the last group, and what lies beyond the output's 5 vectors is not stored.
// CHECK-LABEL: func private @fewer_groups(
// CHECK-COUNT-2: arith.minui {{.*}}, %c4
// CHECK-COUNT-2: vector.store
// CHECK: %[[EXISTS:.*]] = arith.cmpi ult, %{{.*}}, %c5
// CHECK: scf.if %[[EXISTS]] {
// CHECK: vector.store
// CHECK: return
func.func private @fewer_groups(%x: memref<5x2x2x4xf32>, %w: memref<2x1x1x2x12xf32>, %y: memref<5x5x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<5x2x2x4xf32>) weights(%w : memref<2x1x1x2x12xf32>) outs(%y : memref<5x5x2x4xf32>)
    attributes {window = array<i64: 1>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 6, 18>, groups = 3 : i64,
    tiling = #nn.tiling<ku = 3, unroll = 2, merge = 1, segments = [1, 1]>, width = 1 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}

// The same with weights of one group's channels for each lane: an input pixel is shuffled once per channel, and serves both pixels of the tile that see it.
// Window elements of a line and pixels are unrolled: 3 input pixels by 2 channels are 6 shuffles, for 2 pixels by 2 elements by 2 channels, 8 multiply-adds.
// CHECK-LABEL: func private @in_lanes(
// CHECK-NOT: scf.for
// CHECK: %[[X:.*]] = vector.load {{.*}} : memref<?xf32>, vector<4xf32>
// CHECK-NEXT: vector.shuffle %[[X]], %[[X]] [0, 0, 2, 2]
// CHECK: vector.fma
// CHECK: vector.shuffle %[[X]], %[[X]] [1, 1, 3, 3]
// CHECK: vector.fma
// CHECK-COUNT-4: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK: return
func.func private @in_lanes(%x: memref<5x2x3x4xf32>, %w: memref<2x1x2x2x4xf32>, %y: memref<5x2x2x4xf32>, %i: index, %g: index) {
  %c0 = arith.constant 0 : index
  nn.microkernel dense at[%i, %g] column(%c0) ins(%x : memref<5x2x3x4xf32>) weights(%w : memref<2x1x2x2x4xf32>) outs(%y : memref<5x2x2x4xf32>)
    attributes {window = array<i64: 2>, strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, channels = array<i64: 8, 8>, groups = 4 : i64,
    tiling = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [2]>, width = 2 : i64, first_column = 0 : i64} epilogue {
  ^bb0(%a: f32):
    nn.yield %a : f32
  }
  return
}
