// RUN: split-file %s %t
// RUN: lathe-opt %t/without.mlir --lathe-expand-math | FileCheck %t/without.mlir
// RUN: lathe-opt %t/with.mlir --lathe-expand-math | FileCheck %t/with.mlir
// Conversions of f16 become bit arithmetic where the target has no instruction for them; from f64 there is none anywhere.

//--- without.mlir
// CHECK-LABEL: func private @convert(
// CHECK-NOT: arith.extf {{.*}}f16
// CHECK-NOT: arith.truncf {{.*}}f16
// CHECK: return
func.func private @convert(%h: vector<8xf16>, %s: vector<8xf32>, %d: vector<8xf64>) -> (vector<8xf32>, vector<8xf64>, vector<8xf16>, vector<8xf16>) attributes {nn.kernel} {
  %0 = arith.extf %h : vector<8xf16> to vector<8xf32>
  %1 = arith.extf %h : vector<8xf16> to vector<8xf64>
  %2 = arith.truncf %s : vector<8xf32> to vector<8xf16>
  %3 = arith.truncf %d : vector<8xf64> to vector<8xf16>
  return %0, %1, %2, %3 : vector<8xf32>, vector<8xf64>, vector<8xf16>, vector<8xf16>
}

// What has been folded goes through f32.
// CHECK-LABEL: func private @integers(
// CHECK: arith.sitofp %{{.*}} : i8 to f32
// CHECK: arith.uitofp %{{.*}} : i64 to f32
// CHECK: arith.fptosi %{{.*}} : f32 to i32
func.func private @integers(%b: i8, %l: i64, %h: f16) -> (f16, f16, i32) attributes {nn.kernel} {
  %0 = arith.sitofp %b : i8 to f16
  %1 = arith.uitofp %l : i64 to f16
  %2 = arith.fptosi %h : f16 to i32
  return %0, %1, %2 : f16, f16, i32
}

//--- with.mlir
// CHECK-LABEL: func private @convert(
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK: %[[S:.*]] = arith.truncf %{{.*}} : f64 to f32
// CHECK: arith.bitcast %[[S]]
// CHECK: arith.truncf %{{.*}} : f32 to f16
module attributes {nn.target = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+avx2,+f16c,+fma", family = "x86-64-v3", vectorBits = 256,
    registers = 16, fmaPerCycle = 2, loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 262144, l3BytesPerCycle = 16, memoryBytesPerCycle = 4>} {
func.func private @convert(%h: f16, %s: f32, %d: f64) -> (f32, f16, f16) attributes {nn.kernel} {
  %0 = arith.extf %h : f16 to f32
  %1 = arith.truncf %s : f32 to f16
  %2 = arith.truncf %d : f64 to f16
  return %0, %1, %2 : f32, f16, f16
}
}
