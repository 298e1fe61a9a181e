//===- NNPartialOp.td - what kernels reduce of their own maps (phase memref). Apart from NNOps.td: few files know of it -----------------------------------===//
#ifndef DIALECTS_NN_NNPARTIALOP_TD
#define DIALECTS_NN_NNPARTIALOP_TD

include "dialects/nn/NNReduceOps.td"

def NN_PartialOp : NN_Op<"partial", [SingleBlock, IsolatedFromAbove, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "what a kernel reduces of the part of a map that it has just written (phase memref)";
  let description = [{
    Stands in a `memref.alloca_scope` behind the windowed operation that writes `input`, a map in the blocked layout. What one iteration of the kernel writes
    of a block of channels is a part (Parts.h); for each lane of it, `kind` combines `body` of its pixels. With `moments`, of a sum, the values are instead
    the mean of `body` over the part's pixels, the sum of the squared differences to that mean, and the number of pixels: what is needed to find mean and
    variance of the map without loss (Chan, Golub, LeVeque 1979). The destination is `[N, C / V, values, parts, V]`, with 1 or 3 values.

    ```mlir
    memref.alloca_scope {
      nn.conv ins(%x, %w : …) outs(%y : memref<?x4x56x56x16xf32>) …
      nn.partial sum moments ins(%y : memref<?x4x56x56x16xf32>) outs(%p : memref<?x4x3x56x16xf32>) body {
      ^bb0(%v: f32):
        nn.yield %v : f32
      }
    }
    ```
  }];
  let arguments = (ins NN_Combine:$kind, UnitAttr:$moments, AnyMemRef:$input, AnyMemRef:$init);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $kind (`moments` $moments^)? `ins` `(` $input `:` type($input) `)` `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword `body` $body
  }];
  let hasVerifier = 1;
}

#endif // DIALECTS_NN_NNPARTIALOP_TD
