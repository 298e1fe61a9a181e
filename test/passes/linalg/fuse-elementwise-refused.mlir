// RUN: lathe-opt %s --lathe-fuse-elementwise --remarks-filter=lathe-fuse-elementwise --remark-format=emitRemark --verify-diagnostics | FileCheck %s
// Nothing is ever computed twice, and what is not fused says why.

#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func @two_uses(
// CHECK-COUNT-2: linalg.generic
func.func @two_uses(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // expected-remark @+1 {{not fused into its consumer: its value is used more than once}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.mulf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %0, %1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// One value per image is broadcast over 8 channels.
// CHECK-LABEL: func @broadcast(
// CHECK-COUNT-2: linalg.generic
func.func @broadcast(%x: tensor<?x1xf32>, %y: tensor<?x8xf32>, %e: tensor<?x1xf32>, %f: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-remark @+1 {{not fused into its consumer: the consumer reads elements more than once}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x1xf32>) outs(%e : tensor<?x1xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x1xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, 0)>, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%0, %y : tensor<?x1xf32>, tensor<?x8xf32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// One image's values are broadcast over the batch, which may be larger.
// CHECK-LABEL: func @broadcast_batch(
// CHECK-COUNT-2: linalg.generic
func.func @broadcast_batch(%x: tensor<1x8xf32>, %y: tensor<?x8xf32>, %e: tensor<1x8xf32>, %f: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-remark @+1 {{not fused into its consumer: the consumer reads elements more than once}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<1x8xf32>) outs(%e : tensor<1x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<1x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (0, d1)>, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%0, %y : tensor<1x8xf32>, tensor<?x8xf32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// A reduction is no elementwise producer.
// CHECK-LABEL: func @reduction(
// CHECK-COUNT-2: linalg.generic
func.func @reduction(%x: tensor<?x8xf32>, %e: tensor<?xf32>) -> tensor<?xf32> {
  // expected-remark @+1 {{not fused into its consumer: it is no elementwise producer of that operand}}
  %0 = linalg.generic {indexing_maps = [#id, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<?x8xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %o, %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%0 : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// CHECK-LABEL: func @fused(
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT: linalg.generic
func.func @fused(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-remark @+1 {{computed in its only consumer}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.mulf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}
