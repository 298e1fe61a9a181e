// RUN: lathe-opt %s --lathe-build-plan --verify-diagnostics

func.func @main(%y: memref<4xf32> {nn.name = "y", nn.output}) {
  nn.call @k0.store(%y) {bytes = array<i64: 0, 0>, flops = array<i64: 0, 0>, nodes = ["store"]} : memref<4xf32>
  return
}
// expected-error @+1 {{expects a kernel whose arguments are of the llvm dialect (got '(memref<4xf32>) -> ()')}}
func.func private @k0.store(%y: memref<4xf32>) attributes {nn.kernel, nn.space = array<i64: 4, 0>} {
  return
}
