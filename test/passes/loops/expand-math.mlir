// RUN: lathe-opt %s --lathe-expand-math | FileCheck %s
// Which operations become polynomials, of which type; test/e2e/test_elementwise.py has their numbers.

// CHECK-LABEL: func private @vector(
// CHECK-NOT: math.{{exp|expm1|log|tanh|erf}}
// CHECK: math.fma {{.*}} : vector<8xf32>
// CHECK: return
func.func private @vector(%x: vector<8xf32>) -> vector<8xf32> attributes {nn.kernel} {
  %0 = math.exp %x : vector<8xf32>
  %1 = math.expm1 %0 : vector<8xf32>
  %2 = math.log %1 : vector<8xf32>
  %3 = math.tanh %2 : vector<8xf32>
  %4 = math.erf %3 : vector<8xf32>
  return %4 : vector<8xf32>
}

// A tail of one element. Rounding to an integer is an addition, which has a meaning for NaN too.
// CHECK-LABEL: func private @scalar(
// CHECK-NOT: arith.fptosi
// CHECK: %[[ROUND:.*]] = arith.constant 0x4B400000 : f32
// CHECK: math.fma %{{.*}}, %{{.*}}, %[[ROUND]] : f32
// CHECK: arith.bitcast %{{.*}} : f32 to i32
// CHECK-NOT: math.exp
// CHECK: return
func.func private @scalar(%x: f32) -> f32 attributes {nn.kernel} {
  %0 = math.exp %x : f32
  return %0 : f32
}

// What the target has an instruction for, and what has no expansion, stay.
// CHECK-LABEL: func private @others(
// CHECK: math.sqrt
// CHECK: math.floor
// CHECK: math.erf %{{.*}} : f64
func.func private @others(%x: f32, %y: f64) -> (f32, f64) attributes {nn.kernel} {
  %0 = math.sqrt %x : f32
  %1 = math.floor %0 : f32
  %2 = math.erf %y : f64
  return %1, %2 : f32, f64
}

// CHECK-LABEL: func private @double(
// CHECK-NOT: math.{{exp|expm1|log|tanh|atan}}
// CHECK: arith.bitcast %{{.*}} : vector<4xf64> to vector<4xi64>
// CHECK: return
func.func private @double(%x: vector<4xf64>) -> vector<4xf64> attributes {nn.kernel} {
  %0 = math.exp %x : vector<4xf64>
  %1 = math.expm1 %0 : vector<4xf64>
  %2 = math.log %1 : vector<4xf64>
  %3 = math.tanh %2 : vector<4xf64>
  %4 = math.atan %3 : vector<4xf64>
  return %4 : vector<4xf64>
}

// In double precision, with the bits of 2 / pi for large arguments.
// CHECK-LABEL: func private @trigonometry(
// CHECK-NOT: math.{{sin|cos|tan}}
// CHECK: arith.extf %{{.*}} : vector<8xf32> to vector<8xf64>
// CHECK: arith.constant dense<2734261102> : vector<8xi64>
// CHECK: return
func.func private @trigonometry(%x: vector<8xf32>) -> vector<8xf32> attributes {nn.kernel} {
  %0 = math.sin %x : vector<8xf32>
  %1 = math.cos %0 : vector<8xf32>
  %2 = math.tan %1 : vector<8xf32>
  return %2 : vector<8xf32>
}

// A sigmoid is one function, without a choice.
// CHECK-LABEL: func private @sigmoid(
// CHECK-NOT: math.exp
// CHECK: %[[DIVIDED:.*]] = arith.divf
// CHECK-NOT: arith.divf
// CHECK: return %[[DIVIDED]]
func.func private @sigmoid(%x: vector<8xf32>) -> vector<8xf32> attributes {nn.kernel} {
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %one = arith.constant dense<1.0> : vector<8xf32>
  %magnitude = math.absf %x : vector<8xf32>
  %negated = arith.negf %magnitude : vector<8xf32>
  %e = math.exp %negated : vector<8xf32>
  %less = arith.cmpf olt, %x, %zero : vector<8xf32>
  %choice = arith.select %less, %e, %one : vector<8xi1>, vector<8xf32>
  %sum = arith.addf %one, %e : vector<8xf32>
  %0 = arith.divf %choice, %sum : vector<8xf32>
  return %0 : vector<8xf32>
}

// Not quite one: the choice stays.
// CHECK-LABEL: func private @almost(
// CHECK: %[[SUM:.*]] = arith.addf %cst_0,
// CHECK: arith.divf %{{.*}}, %[[SUM]]
// CHECK: return
func.func private @almost(%x: vector<8xf32>) -> vector<8xf32> attributes {nn.kernel} {
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %one = arith.constant dense<1.0> : vector<8xf32>
  %magnitude = math.absf %x : vector<8xf32>
  %negated = arith.negf %magnitude : vector<8xf32>
  %e = math.exp %negated : vector<8xf32>
  %less = arith.cmpf olt, %x, %zero : vector<8xf32>
  %choice = arith.select %less, %one, %e : vector<8xi1>, vector<8xf32>
  %sum = arith.addf %one, %e : vector<8xf32>
  %0 = arith.divf %choice, %sum : vector<8xf32>
  return %0 : vector<8xf32>
}
