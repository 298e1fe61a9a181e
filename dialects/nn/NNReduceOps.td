//===- NNReduceOps.td - sums, products and extrema over dimensions: nn.reduce ------------------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNREDUCEOPS_TD
#define DIALECTS_NN_NNREDUCEOPS_TD

include "dialects/nn/NNDataOps.td"

def NN_Combine : I32EnumAttr<"Combine", "how elements are combined", [
    I32EnumAttrCase<"sum", 0>, I32EnumAttrCase<"prod", 1>, I32EnumAttrCase<"max", 2>, I32EnumAttrCase<"min", 3>,
    I32EnumAttrCase<"umax", 4>, I32EnumAttrCase<"umin", 5>]> {
  let cppNamespace = "::lathe::nn";
}

def NN_ReduceOp : NN_Op<"reduce", [SingleBlock, IsolatedFromAbove, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<BufferizableOpInterface, ["bufferizesToMemoryRead", "bufferizesToMemoryWrite", "getAliasingValues", "bufferize"]>]> {
  let summary = "combines elements over some of the dimensions of an iteration space";
  let description = [{
    Result element = `finish(kind over the reduced dimensions of body(elements))`. `maps` say where each input, and last the result, lies in the iteration
    space: affine maps whose results are dimensions or 0. A dimension that the result's map does not name is reduced. An input may name one twice (a
    diagonal), and need not name all (it broadcasts). `body` turns the inputs' elements into what is combined, `finish` what was combined into the
    result's element; every operation in them is elementwise mappable or a constant.

    `kind` is `sum`, `prod`, `max` or `min` of floats (a NaN wins) or of signed integers, or `umax` or `umin` of unsigned ones. The order in which
    elements are combined is unspecified, but depends on shapes and target only: not on threads, nor on the batch. The batch is never reduced. Stands for
    the ONNX operators ReduceSum, ReduceMean, ReduceMax, ..., for products of computed matrices (MatMul, Gemm, Einsum), and for the statistics of
    normalisations.

    ```mlir
    // A mean over the image; a product of computed matrices.
    %1 = nn.reduce sum maps [affine_map<(n, c, h, w) -> (n, c, h, w)>, affine_map<(n, c, h, w) -> (n, c, 0, 0)>] ins(%0 : tensor<?x8x7x7xf32>) body {
    ^bb0(%x: f32):
      nn.yield %x : f32
    } finish {
    ^bb0(%sum: f32):
      %count = arith.constant 49.0 : f32
      %mean = arith.divf %sum, %count : f32
      nn.yield %mean : f32
    } -> tensor<?x8x1x1xf32>
    %4 = nn.reduce sum maps [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%2, %3 : tensor<9x5xf32>, tensor<5x7xf32>) body {
    ^bb0(%a: f32, %b: f32):
      %p = arith.mulf %a, %b : f32
      nn.yield %p : f32
    } finish {
    ^bb0(%sum: f32):
      nn.yield %sum : f32
    } -> tensor<9x7xf32>
    ```
  }];
  let arguments = (ins NN_Combine:$kind, AffineMapArrayAttr:$maps, Variadic<NN_Data>:$inputs, Optional<NN_Data>:$init);
  let results = (outs Optional<AnyRankedTensor>:$result);
  let regions = (region SizedRegion<1>:$body, SizedRegion<1>:$finish);
  let assemblyFormat = [{
    $kind `maps` $maps `ins` `(` $inputs `:` type($inputs) `)` (`outs` `(` $init^ `:` type($init) `)`)?
    attr-dict-with-keyword `body` $body `finish` $finish (`->` type($result)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Type of the result or, in bufferised form, of the destination.
    ::mlir::ShapedType getOutputType();
    ::mlir::AffineMap getMap(size_t operand) { return ::mlir::cast<::mlir::AffineMapAttr>(getMaps()[operand]).getValue(); }
    ::mlir::AffineMap getResultMap() { return getMap(getMaps().size() - 1); }
    /// Of the iteration space; a dynamic one is the batch.
    ::mlir::SmallVector<int64_t> getExtents();
    /// Per dimension of the iteration space: whether it is reduced.
    ::mlir::SmallVector<bool> getReducedDims();
  }];
}

#endif // DIALECTS_NN_NNREDUCEOPS_TD
