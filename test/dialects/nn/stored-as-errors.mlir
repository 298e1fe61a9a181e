// RUN: lathe-opt %s --split-input-file --verify-diagnostics
// Tilings of blocks, and buffers that are stored in another type.

// expected-error @+1 {{expects block to be rows, columns, warps along both, and stages, each at least 1 (got 32, 32, 2, 2)}}
#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [4], block = [32, 32, 2, 2]>

// -----

// expected-error @+1 {{expects a block beside no other choice but ku, unroll and segments (got 32, 32, 2, 2, 3)}}
#t = #nn.tiling<ku = 1, unroll = 1, merge = 1, segments = [4], images = 1, block = [32, 32, 2, 2, 3]>

// -----

func.func @stored_as(%x: memref<4xi32>) {
  // expected-error @+1 {{expects a buffer of f16 or bf16 seen as f32 (got 'memref<4xi32>' as 'memref<4xf32>')}}
  %0 = nn.stored_as %x : memref<4xi32> as memref<4xf32>
  return
}

// -----

func.func @stored_as(%x: memref<4xf16>) {
  // expected-error @+1 {{expects the same shape, strides and offset (got 'memref<4xf16>' as 'memref<8xf32>')}}
  %0 = nn.stored_as %x : memref<4xf16> as memref<8xf32>
  return
}
