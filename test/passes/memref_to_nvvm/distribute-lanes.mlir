// RUN: lathe-opt %s --lathe-distribute-lanes --canonicalize --cse --split-input-file | FileCheck %s
// A vector's elements live in the threads of a warp.

#gpu = #nn.target<triple = "nvptx64-nvidia-cuda", cpu = "sm_80", features = "", family = "sm_80", vectorBits = 1024, registers = 64, fmaPerCycle = 2,
  loadsPerCycle = 1, fmaLatency = 4, l1Bytes = 196608, l2Bytes = 41943040, l3BytesPerCycle = 10, memoryBytesPerCycle = 10>

module attributes {nn.target = #gpu} {
  // A whole vector: neighbouring threads have neighbouring elements; what is broadcast is loaded by all.
  // CHECK-LABEL: func.func private @multiply(
  // CHECK-SAME: attributes {nn.kernel, nn.lanes = 32 : i64}
  // CHECK: %[[ID:.*]] = nvvm.read.ptx.sreg.laneid : i32
  // CHECK: %[[LANE:.*]] = arith.index_cast %[[ID]] : i32 to index
  // CHECK: %[[SUM:.*]] = scf.for %[[C:.*]] = {{.*}} iter_args(%[[ACC:.*]] = %{{.*}}) -> (f32) {
  // CHECK: %[[AT:.*]] = arith.addi %[[C]], %[[LANE]]
  // CHECK: %[[W:.*]] = memref.load %{{.*}}[%[[AT]]] : memref<?xf32>
  // CHECK: %[[X:.*]] = memref.load %{{.*}}[%[[C]]] : memref<?xf32>
  // CHECK: math.fma %[[X]], %[[W]], %[[ACC]] : f32
  // CHECK: memref.store %[[SUM]], %{{.*}}[%[[LANE]]] : memref<?xf32>
  // CHECK-NOT: vector
  func.func private @multiply(%x: memref<?xf32>, %w: memref<?xf32>, %y: memref<?xf32>) attributes {nn.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    scf.forall (%i) in (4) {
      %zero = arith.constant dense<0.0> : vector<32xf32>
      %sum = scf.for %c = %c0 to %c8 step %c1 iter_args(%acc = %zero) -> (vector<32xf32>) {
        %row = vector.load %w[%c] : memref<?xf32>, vector<32xf32>
        %s = memref.load %x[%c] : memref<?xf32>
        %v = vector.broadcast %s : f32 to vector<32xf32>
        %next = vector.fma %v, %row, %acc : vector<32xf32>
        scf.yield %next : vector<32xf32>
      }
      vector.store %sum, %y[%c0] : memref<?xf32>, vector<32xf32>
    }
    return
  }

  // Fewer elements: threads without one load the last one again, and store nothing.
  // CHECK-LABEL: func.func private @few(
  // CHECK: %[[PLACE:.*]] = arith.minsi %[[LANE:.*]], %c7
  // CHECK: memref.load %{{.*}}[%[[PLACE]]]
  // CHECK: %[[HAS:.*]] = arith.cmpi slt, %[[LANE]], %c8
  // CHECK: scf.if %[[HAS]]
  // CHECK-NEXT: memref.store %{{.*}}[%[[LANE]]]
  func.func private @few(%x: memref<?xf32>, %y: memref<?xf32>) attributes {nn.kernel} {
    %c0 = arith.constant 0 : index
    scf.forall (%i) in (4) {
      %v = vector.load %x[%c0] : memref<?xf32>, vector<8xf32>
      %r = arith.mulf %v, %v : vector<8xf32>
      vector.store %r, %y[%c0] : memref<?xf32>, vector<8xf32>
    }
    return
  }

  // Every second element of two vectors: thread i reads thread 2 i of the first, then 2 i - 32 of the second.
  // CHECK-LABEL: func.func private @shuffle(
  // CHECK: arith.muli %[[LANE:.*]], %c2
  // CHECK: %[[A:.*]] = nvvm.shfl.sync idx
  // CHECK: %[[B:.*]] = nvvm.shfl.sync idx
  // CHECK: arith.select %{{.*}}, %[[B]], %[[A]] : f32
  func.func private @shuffle(%x: memref<?xf32>, %y: memref<?xf32>) attributes {nn.kernel} {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    scf.forall (%i) in (4) {
      %a = vector.load %x[%c0] : memref<?xf32>, vector<32xf32>
      %b = vector.load %x[%c32] : memref<?xf32>, vector<32xf32>
      %r = vector.shuffle %a, %b [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62]
        : vector<32xf32>, vector<32xf32>
      vector.store %r, %y[%c0] : memref<?xf32>, vector<32xf32>
    }
    return
  }

  // A scalar is stored by thread 0, and half a float is shuffled as bits.
  // CHECK-LABEL: func.func private @scalar(
  // CHECK: %[[BITS:.*]] = arith.bitcast %{{.*}} : f16 to i16
  // CHECK: arith.extui %[[BITS]] : i16 to i32
  // CHECK: nvvm.shfl.sync idx {{.*}} : i32 -> i32
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %{{.*}}, %c0
  // CHECK: scf.if %[[FIRST]]
  // CHECK-NEXT: memref.store
  func.func private @scalar(%x: memref<?xf16>, %y: memref<?xf16>) attributes {nn.kernel} {
    %c0 = arith.constant 0 : index
    scf.forall (%i) in (4) {
      %v = vector.load %x[%c0] : memref<?xf16>, vector<32xf16>
      %r = vector.extract %v[5] : f16 from vector<32xf16>
      memref.store %r, %y[%c0] : memref<?xf16>
    }
    return
  }

  // Nothing but scalars: a thread for each iteration.
  // CHECK-LABEL: func.func private @threads(
  // CHECK-SAME: nn.lanes = 1 : i64
  // CHECK-NOT: nvvm
  func.func private @threads(%x: memref<?xf32>, %y: memref<?xf32>) attributes {nn.kernel} {
    scf.forall (%i) in (4) {
      %v = memref.load %x[%i] : memref<?xf32>
      memref.store %v, %y[%i] : memref<?xf32>
    }
    return
  }
}

// -----

// Another target's kernels stay.
#cpu = #nn.target<triple = "x86_64-unknown-linux-gnu", cpu = "x86-64-v3", features = "+avx2,+fma", family = "x86-64-v3", vectorBits = 256, registers = 16, fmaPerCycle = 2,
  loadsPerCycle = 2, fmaLatency = 4, l1Bytes = 32768, l2Bytes = 262144, l3BytesPerCycle = 10, memoryBytesPerCycle = 4>
module attributes {nn.target = #cpu} {
  // CHECK-LABEL: func.func private @cpu(
  // CHECK: vector.load
  func.func private @cpu(%x: memref<?xf32>, %y: memref<?xf32>) attributes {nn.kernel} {
    %c0 = arith.constant 0 : index
    scf.forall (%i) in (4) {
      %v = vector.load %x[%c0] : memref<?xf32>, vector<8xf32>
      vector.store %v, %y[%c0] : memref<?xf32>, vector<8xf32>
    }
    return
  }
}
