// RUN: lathe-opt %s --lathe-lower-storage --split-input-file --verify-diagnostics | FileCheck %s
// Accesses of what is stored in half the bits convert.

// CHECK-LABEL: func.func @accesses(
// CHECK-SAME: %[[X:.*]]: memref<8x4xf16>, %[[Y:.*]]: memref<8x4xbf16>
func.func @accesses(%x: memref<8x4xf16>, %y: memref<8x4xbf16>, %i: index) {
  %a = nn.stored_as %x : memref<8x4xf16> as memref<8x4xf32>
  %b = nn.stored_as %y : memref<8x4xbf16> as memref<8x4xf32>
  // CHECK: %[[F:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [32], strides: [1] : memref<8x4xf16> to memref<32xf16>
  %f = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<8x4xf32> to memref<32xf32>
  // CHECK: %[[L:.*]] = memref.load %[[F]]
  // CHECK: %[[E:.*]] = arith.extf %[[L]] : f16 to f32
  %0 = memref.load %f[%i] : memref<32xf32>
  // CHECK: %[[T:.*]] = arith.truncf %[[E]] : f32 to bf16
  // CHECK: memref.store %[[T]], %[[Y]]
  memref.store %0, %b[%i, %i] : memref<8x4xf32>
  // CHECK: vector.load %[[F]][%{{.*}}] {alignment = 8 : i64} : memref<32xf16>, vector<4xf16>
  // CHECK: %[[W:.*]] = arith.extf %{{.*}} : vector<4xf16> to vector<4xf32>
  %1 = vector.load %f[%i] {alignment = 16 : i64} : memref<32xf32>, vector<4xf32>
  // CHECK: arith.truncf %[[W]] : vector<4xf32> to vector<4xf16>
  // CHECK: vector.store %{{.*}}, %[[F]]
  vector.store %1, %f[%i] : memref<32xf32>, vector<4xf32>
  %m = arith.constant dense<true> : vector<4xi1>
  // CHECK: vector.maskedload %[[F]][%{{.*}}], %{{.*}}, %{{.*}} : memref<32xf16>, vector<4xi1>, vector<4xf16> into vector<4xf16>
  %2 = vector.maskedload %f[%i], %m, %1 : memref<32xf32>, vector<4xi1>, vector<4xf32> into vector<4xf32>
  // CHECK: vector.maskedstore %[[F]][%{{.*}}], %{{.*}}, %{{.*}} : memref<32xf16>, vector<4xi1>, vector<4xf16>
  vector.maskedstore %f[%i], %m, %2 : memref<32xf32>, vector<4xi1>, vector<4xf32>
  // CHECK-NOT: nn.stored_as
  return
}

// -----

func.func @whole(%x: memref<8x4xf16>, %y: memref<8x4xf32>) {
  %a = nn.stored_as %x : memref<8x4xf16> as memref<8x4xf32>
  // expected-error @+1 {{expects only loads, stores and views of a buffer that is stored in another type}}
  memref.copy %a, %y : memref<8x4xf32> to memref<8x4xf32>
  return
}
