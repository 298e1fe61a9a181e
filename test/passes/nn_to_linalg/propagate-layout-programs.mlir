// RUN: lathe-opt %s --nn-propagate-layout | FileCheck %s
// RUN: lathe-opt %s --nn-propagate-layout=propagate=false | FileCheck %s --check-prefix=PLAIN
// Programs that treat channels alike, in blocks of 4 lanes.
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "", features = "", family = "", vectorBits = 128, registers = 16,
    fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 1048576, l3BytesPerCycle = 16, memoryBytesPerCycle = 8>} {

// An interpolation: elements become vectors, places and weights stay scalars, and what both meet in is spread.
// PLAIN-LABEL: func @interpolate
// PLAIN-NOT: nn.pack
// PLAIN: nn.foreach "resize" space [?, 6, 8] ins(%arg0,
// CHECK-LABEL: func @interpolate
// CHECK: %[[P:.*]] = nn.pack %arg0
// CHECK: %[[Y:.*]] = nn.foreach "resize" space [?, 2, 8] ins(%[[P]], %arg1, %arg2 : tensor<?x2x5x4xf32>, tensor<8x2xi32>, tensor<8xf32>) body {
// CHECK-NEXT: ^bb0(%[[N:.*]]: index, %[[C:.*]]: index, %[[I:.*]]: index, %[[X:.*]]: memref<?x2x5x4xf32>, %{{.*}}: memref<8x2xi32>, %{{.*}}: memref<8xf32>, %[[R:.*]]: memref<?x2x8x4xf32>):
// CHECK: %[[J:.*]] = arith.index_cast
// CHECK: %[[E:.*]] = vector.load %[[X]][%[[N]], %[[C]], %[[J]], %{{.*}}] : memref<?x2x5x4xf32>, vector<4xf32>
// CHECK: %[[WEIGHT:.*]] = memref.load {{.*}} : memref<8xf32>
// CHECK: %[[WIDE:.*]] = vector.broadcast %[[WEIGHT]] : f32 to vector<4xf32>
// CHECK: %[[S:.*]] = arith.mulf %[[E]], %[[WIDE]] : vector<4xf32>
// CHECK: vector.store %[[S]], %[[R]][%[[N]], %[[C]], %[[I]], %{{.*}}]
// CHECK: } -> tensor<?x2x8x4xf32>
// CHECK: nn.unpack %[[Y]]
func.func @interpolate(%x: tensor<?x6x5xf32>, %at: tensor<8x2xi32>, %weights: tensor<8xf32>) -> tensor<?x6x8xf32> {
  %0 = nn.foreach "resize" space [?, 6, 8] ins(%x, %at, %weights : tensor<?x6x5xf32>, tensor<8x2xi32>, tensor<8xf32>) body {
  ^bb0(%n: index, %c: index, %i: index, %in: memref<?x6x5xf32>, %table: memref<8x2xi32>, %w: memref<8xf32>, %out: memref<?x6x8xf32>):
    %c0 = arith.constant 0 : index
    %k = memref.load %table[%i, %c0] : memref<8x2xi32>
    %j = arith.index_cast %k : i32 to index
    %e = memref.load %in[%n, %c, %j] : memref<?x6x5xf32>
    %weight = memref.load %w[%i] : memref<8xf32>
    %s = arith.mulf %e, %weight : f32
    memref.store %s, %out[%n, %c, %i] : memref<?x6x8xf32>
    nn.yield
  } -> tensor<?x6x8xf32>
  return %0 : tensor<?x6x8xf32>
}

// Control flow: sums that a loop carries and values of branches are vectors, what both start from is spread.
// CHECK-LABEL: func @sums
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[START:.*]] = vector.broadcast %[[ZERO]] : f32 to vector<4xf32>
// CHECK: %[[SUM:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[START]]) -> (vector<4xf32>)
// CHECK: %[[V:.*]] = scf.if %{{.*}} -> (vector<4xf32>)
// CHECK: scf.yield %[[SUM]] : vector<4xf32>
// CHECK: } else {
// CHECK: %[[OTHER:.*]] = vector.broadcast {{.*}} : f32 to vector<4xf32>
// CHECK: scf.yield %[[OTHER]] : vector<4xf32>
// CHECK: vector.store %[[V]]
func.func @sums(%x: tensor<?x6x5xf32>, %flags: tensor<2xi1>) -> tensor<?x6x2xf32> {
  %0 = nn.foreach "sum" space [?, 6, 2] ins(%x, %flags : tensor<?x6x5xf32>, tensor<2xi1>) body {
  ^bb0(%n: index, %c: index, %i: index, %in: memref<?x6x5xf32>, %f: memref<2xi1>, %out: memref<?x6x2xf32>):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %zero = arith.constant 0.0 : f32
    %sum = scf.for %j = %c0 to %c5 step %c1 iter_args(%before = %zero) -> f32 {
      %e = memref.load %in[%n, %c, %j] : memref<?x6x5xf32>
      %s = arith.addf %before, %e : f32
      scf.yield %s : f32
    }
    %flag = memref.load %f[%i] : memref<2xi1>
    %v = scf.if %flag -> f32 {
      scf.yield %sum : f32
    } else {
      scf.yield %zero : f32
    }
    memref.store %v, %out[%n, %c, %i] : memref<?x6x2xf32>
    nn.yield
  } -> tensor<?x6x2xf32>
  return %0 : tensor<?x6x2xf32>
}

// Copies alone do not repay packing.
// CHECK-LABEL: func @copies
// CHECK-NOT: nn.pack
// CHECK: space [?, 6, 5]
func.func @copies(%x: tensor<?x6x5xf32>) -> tensor<?x6x5xf32> {
  %0 = nn.foreach "copy" space [?, 6, 5] ins(%x : tensor<?x6x5xf32>) body {
  ^bb0(%n: index, %c: index, %i: index, %in: memref<?x6x5xf32>, %out: memref<?x6x5xf32>):
    %e = memref.load %in[%n, %c, %i] : memref<?x6x5xf32>
    memref.store %e, %out[%n, %c, %i] : memref<?x6x5xf32>
    nn.yield
  } -> tensor<?x6x5xf32>
  return %0 : tensor<?x6x5xf32>
}

// A condition that differs from channel to channel, a channel that is read at another one, and one whose number is computed with: they stay as they are.
// CHECK-LABEL: func @refused
// CHECK-NOT: nn.pack
// CHECK-COUNT-3: space [?, 6, 5]
// CHECK: return
func.func @refused(%x: tensor<?x6x5xf32>) -> (tensor<?x6x5xf32>, tensor<?x6x5xf32>, tensor<?x6x5xf32>) {
  %0 = nn.foreach "branch" space [?, 6, 5] ins(%x : tensor<?x6x5xf32>) body {
  ^bb0(%n: index, %c: index, %i: index, %in: memref<?x6x5xf32>, %out: memref<?x6x5xf32>):
    %e = memref.load %in[%n, %c, %i] : memref<?x6x5xf32>
    %s = arith.addf %e, %e : f32
    %less = arith.cmpf olt, %s, %e : f32
    scf.if %less {
      memref.store %s, %out[%n, %c, %i] : memref<?x6x5xf32>
    } else {
      memref.store %e, %out[%n, %c, %i] : memref<?x6x5xf32>
    }
    nn.yield
  } -> tensor<?x6x5xf32>
  %1 = nn.foreach "neighbour" space [?, 6, 5] ins(%x : tensor<?x6x5xf32>) body {
  ^bb0(%n: index, %c: index, %i: index, %in: memref<?x6x5xf32>, %out: memref<?x6x5xf32>):
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %next = arith.addi %c, %c1 : index
    %other = arith.minsi %next, %c5 : index
    %e = memref.load %in[%n, %other, %i] : memref<?x6x5xf32>
    %s = arith.addf %e, %e : f32
    memref.store %s, %out[%n, %c, %i] : memref<?x6x5xf32>
    nn.yield
  } -> tensor<?x6x5xf32>
  %2 = nn.foreach "number" space [?, 6, 5] ins(%x : tensor<?x6x5xf32>) body {
  ^bb0(%n: index, %c: index, %i: index, %in: memref<?x6x5xf32>, %out: memref<?x6x5xf32>):
    %e = memref.load %in[%n, %c, %i] : memref<?x6x5xf32>
    %k = arith.index_cast %c : index to i32
    %f = arith.sitofp %k : i32 to f32
    %s = arith.addf %e, %f : f32
    memref.store %s, %out[%n, %c, %i] : memref<?x6x5xf32>
    nn.yield
  } -> tensor<?x6x5xf32>
  return %0, %1, %2 : tensor<?x6x5xf32>, tensor<?x6x5xf32>, tensor<?x6x5xf32>
}

// Few output channels share registers if input channels lie side by side: a plain input is packed where its convolutions have work enough for that.
// CHECK-LABEL: func @few_channels
// CHECK: %[[P:.*]] = nn.pack %arg0
// CHECK-NEXT: nn.conv ins(%[[P]],
// CHECK-NOT: nn.pack
// CHECK: nn.conv ins(%arg1,
func.func @few_channels(%x: tensor<?x8x9x9xf32>, %y: tensor<?x8x9x9xf32>) -> (tensor<?x2x9x9xf32>, tensor<?x2x9x9xf32>) {
  %w = nn.weight <dense<0.5> : tensor<2x8x7x7xf32>, tensor<2x8x7x7xf32>> : tensor<2x8x7x7xf32>
  %v = nn.weight <dense<0.5> : tensor<2x8x1x1xf32>, tensor<2x8x1x1xf32>> : tensor<2x8x1x1xf32>
  %0 = nn.conv ins(%x, %w : tensor<?x8x9x9xf32>, tensor<2x8x7x7xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 3, 3, 3, 3>, groups = 1 : i64, channels = array<i64: 8, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x9x9xf32>
  %1 = nn.conv ins(%y, %v : tensor<?x8x9x9xf32>, tensor<2x8x1x1xf32>)
    attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64, channels = array<i64: 8, 2>} epilogue {
  ^bb0(%acc: f32):
    nn.yield %acc : f32
  } -> tensor<?x2x9x9xf32>
  return %0, %1 : tensor<?x2x9x9xf32>, tensor<?x2x9x9xf32>
}

}
