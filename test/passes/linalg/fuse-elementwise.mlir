// RUN: lathe-opt %s --lathe-fuse-elementwise --canonicalize -mlir-print-local-scope -mlir-print-debuginfo | FileCheck %s
// RUN: lathe-opt %s --lathe-fuse-elementwise | FileCheck %s --check-prefix=PLAIN
// A producer with one use is computed in its consumer.

#id = affine_map<(d0, d1) -> (d0, d1)>

// Chains become one operation, with the locations of all.
// CHECK-LABEL: func @chain(
// CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%arg0, %arg1 : tensor<?x8xf32>, tensor<?x8xf32>)
// CHECK: %[[A:.*]] = arith.addf
// CHECK: %[[B:.*]] = arith.mulf %[[A]], %[[A]]
// CHECK: %[[C:.*]] = arith.negf %[[B]]
// CHECK: linalg.yield %[[C]]
// CHECK: } -> tensor<?x8xf32> loc(fused["add", "square", "neg"])
// CHECK-NEXT: return %[[R]]
func.func @chain(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x, %y : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32> loc("add")
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.mulf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32> loc("square")
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32> loc("neg")
  return %2 : tensor<?x8xf32>
}

// x * sigmoid(x): two uses in one operation are one, so that what makes x is computed there too.
// CHECK-LABEL: func @read_twice(
// CHECK: %[[R:.*]] = linalg.generic {{.*}} ins(%arg0 : tensor<?x8xf32>)
// CHECK: %[[A:.*]] = arith.negf
// CHECK: %[[B:.*]] = math.exp %[[A]]
// CHECK: %[[C:.*]] = arith.mulf %[[A]], %[[B]]
// CHECK: linalg.yield %[[C]]
// CHECK-NOT: linalg.generic
// CHECK: return %[[R]]
func.func @read_twice(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %1 : tensor<?x8xf32>, tensor<?x8xf32>)
    outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// A change of layout reads each element once at most: what comes before it is computed there. Lanes that it drops are not computed.
// CHECK-LABEL: func @into_unpack(
// CHECK: linalg.generic
// CHECK-SAME: affine_map<(d0, d1, d2) -> (d0, d1 floordiv 4, d2, d1 mod 4)>
// CHECK: arith.negf
// CHECK-NOT: linalg.generic
func.func @into_unpack(%x: tensor<?x2x5x4xf32>, %e: tensor<?x2x5x4xf32>, %f: tensor<?x6x5xf32>) -> tensor<?x6x5xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>],
    iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : tensor<?x2x5x4xf32>) outs(%e : tensor<?x2x5x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x2x5x4xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1 floordiv 4, d2, d1 mod 4)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
    iterator_types = ["parallel", "parallel", "parallel"]} ins(%0 : tensor<?x2x5x4xf32>) outs(%f : tensor<?x6x5xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x6x5xf32>
  return %1 : tensor<?x6x5xf32>
}

// A body that uses indices is fused, too, and leaves no affine operation.
// PLAIN-LABEL: func @with_index(
// PLAIN-NOT: affine.apply
// CHECK-LABEL: func @with_index(
// CHECK: linalg.generic
// CHECK-NOT: affine.apply
// CHECK: %[[I:.*]] = linalg.index 1 : index
// CHECK: arith.index_cast %[[I]]
// CHECK-NOT: linalg.generic
func.func @with_index(%e: tensor<?x8xi32>) -> tensor<?x8xi32> {
  %0 = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<?x8xi32>) {
  ^bb0(%o: i32):
    %i = linalg.index 1 : index
    %c = arith.index_cast %i : index to i32
    linalg.yield %c : i32
  } -> tensor<?x8xi32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xi32>) outs(%e : tensor<?x8xi32>) {
  ^bb0(%a: i32, %o: i32):
    %r = arith.addi %a, %a : i32
    linalg.yield %r : i32
  } -> tensor<?x8xi32>
  return %1 : tensor<?x8xi32>
}
