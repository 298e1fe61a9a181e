// RUN: lathe-opt %s --lathe-results-to-arguments --split-input-file --verify-diagnostics

// expected-error @+1 {{expects result 0 to be a memref with identity layout (got 'tensor<8xf32>')}}
func.func @tensor(%x: tensor<8xf32>) -> tensor<8xf32> {
  return %x : tensor<8xf32>
}

// -----

// expected-error @+1 {{expects result 1 to be a memref with identity layout (got 'memref<8xf32, strided<[2]>>')}}
func.func @strided(%x: memref<8xf32>, %y: memref<8xf32, strided<[2]>>) -> (memref<8xf32>, memref<8xf32, strided<[2]>>) {
  return %x, %y : memref<8xf32>, memref<8xf32, strided<[2]>>
}

// -----

// expected-error @+1 {{expects one block that ends in func.return}}
func.func @blocks(%x: memref<8xf32>) -> memref<8xf32> {
  cf.br ^bb1
^bb1:
  return %x : memref<8xf32>
}
