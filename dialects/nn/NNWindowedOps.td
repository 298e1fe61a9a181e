//===- NNWindowedOps.td - convolution, pooling, matrix multiplication ---------------------------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNWINDOWEDOPS_TD
#define DIALECTS_NN_NNWINDOWEDOPS_TD

include "dialects/nn/NNDataOps.td"
include "dialects/nn/NNInterfaces.td"

// Bufferised as operations (destination style, the destination is never read), so that no temporary can appear between them.
class NN_WindowedOp<string mn, list<Trait> traits = []> : NN_Op<mn, !listconcat([
    SingleBlock, IsolatedFromAbove, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<NN_WindowedOpInterface>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<BufferizableOpInterface, ["bufferizesToMemoryRead", "bufferizesToMemoryWrite", "bufferizesToElementwiseAccess",
      "getAliasingValues", "isNotConflicting", "bufferize"]>], traits)> {
  let regions = (region SizedRegion<1>:$epilogue);
  let hasVerifier = 1;
}

def NN_ConvOp : NN_WindowedOp<"conv"> {
  let summary = "convolution (cross-correlation, as in ONNX) of any spatial rank";
  let description = [{
    `out[n, k, o...] = epilogue(sum over c, r... of x[n, g * C/G + c, o... * stride + r... * dilation - pad_begin] * w[k, c, r...], extras)` with group
    `g = k / (K / G)`. Elements in the padding are zero (and are skipped, not multiplied).

    | operand | logical | packed |
    |---|---|---|
    | input | `[N, C, spatial...]` | the same, or blocked `[N, ceil(C / V), spatial..., V]` |
    | weights | `[K, C / G, window...]` | `[ceil(K / (ku V)), Cb, window..., Cv, ku V]` with Cv = V for a blocked input, else min(C, V), and Cb = ceil(C / Cv) |
    | weights, `tiling.winograd` | | `[ceil(K / (ku V)), m + r - 1..., C, ku V]`, under the kernel transform: the window's extents are r |
    | extras | scalar, `[K]`, or the output's shape | the same; `[K]` padded to `ceil(K / (ku V)) ku V` |
    | places | `[C]` of i32: channels (or lanes) of the input | `[C]` of i32: elements behind the first one of an image |
    | output | `[N, K, spatial...]` | blocked `[N, ceil(K / V), spatial..., V]` |

    Input channel c is channel `places[c]` of the input, which may have others besides, in any order; without `places` it is channel c. Of a blocked input
    lanes are counted, and next to packed weights stands where in an image the channel begins. Dense convolutions of one group only.

    `pads` lists all begins, then all ends; a negative one crops the input. The output extent is `floor((in + pads - dilation * (window - 1) - 1) / stride) + 1`.
    Reference: ONNX operators Conv, opset 1 to 22, and ConvTranspose, each phase of which is a convolution (`nn.interleave`).

    ```mlir
    %y = nn.conv ins(%x, %w : tensor<?x3x224x224xf32>, tensor<64x3x7x7xf32>) extras(%b : tensor<64xf32>)
         attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 3, 3, 3, 3>, groups = 1 : i64, channels = array<i64: 3, 64>}
         epilogue {
         ^bb0(%acc: f32, %bias: f32):
           %s = arith.addf %acc, %bias : f32
           nn.yield %s : f32
         } -> tensor<?x64x112x112xf32>
    ```
  }];
  let arguments = (ins NN_Data:$input, NN_Data:$weights, Variadic<NN_Data>:$extras, Optional<NN_Data>:$places, Optional<NN_Data>:$init,
    DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, I64Attr:$groups,
    DenseI64ArrayAttr:$channels, // input, output
    OptionalAttr<NN_TilingAttr>:$tiling);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $input `,` $weights `:` type($input) `,` type($weights) `)` (`extras` `(` $extras^ `:` type($extras) `)`)?
    (`places` `(` $places^ `:` type($places) `)`)? (`outs` `(` $init^ `:` type($init) `)`)? attr-dict-with-keyword `epilogue` $epilogue (`->` type($results)^)?
  }];
  let builders = [
    // Logical form with an epilogue that yields the accumulator (plus bias[k] if `bias` is not null); infers the result type.
    OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$weights, "::mlir::Value":$bias, "::llvm::ArrayRef<int64_t>":$strides,
      "::llvm::ArrayRef<int64_t>":$dilations, "::llvm::ArrayRef<int64_t>":$pads, "int64_t":$groups)>];
  let extraClassDeclaration = [{
    /// Whether the weights are those of the algorithm that `tiling.winograd` names, `[groups, m + r - 1..., C, ku V]`.
    bool hasTransformedWeights();
    /// What `places` holds, where it is a weight whose elements are in the IR; empty if there is none.
    ::mlir::SmallVector<int64_t> getKnownPlaces();
  }];
}

def NN_InterleaveOp : NN_Op<"interleave", [Pure]> {
  let summary = "images whose pixels take turns";
  let description = [{
    `out[n, k, o...] = in[p][n, k, o... / stride]` where `p` is the row-major number of the phase `o... mod stride`. A transposed convolution is this: the
    outputs of one phase see the same elements of its window, so each phase is a convolution of stride 1, and no zero is ever multiplied.

    In dimension d there are `min(stride_d, extent_d)` phases; phase p has `ceil((extent_d - p) / stride_d)` elements. Extents are the result's. Inputs and
    result are all plain or all blocked (as in nn.conv). Becomes strided slices of one destination, into which the producers write.

    ```mlir
    %y = nn.interleave %a, %b strides [2] : tensor<?x8x4xf32>, tensor<?x8x3xf32> -> tensor<?x8x7xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, DenseI64ArrayAttr:$strides);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$inputs `strides` $strides attr-dict `:` type($inputs) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Offsets of the slice that input `i` fills, per spatial dimension.
    ::mlir::SmallVector<int64_t> getPhase(int64_t i);
  }];
}

def NN_PoolKind : I32EnumAttr<"PoolKind", "what a pool does with its window", [I32EnumAttrCase<"max", 0>, I32EnumAttrCase<"avg", 1>]> {
  let cppNamespace = "::lathe::nn";
  let genSpecializedAttr = 0;
}
def NN_PoolKindAttr : EnumAttr<NN_Dialect, NN_PoolKind, "pool_kind">;

def NN_PoolOp : NN_WindowedOp<"pool"> {
  let summary = "max or average pooling of any spatial rank";
  let description = [{
    The output's extents are the result type's (ceil_mode is resolved by the importer: the last windows may reach beyond the end padding).
    `max`: over the window's elements that are inside the input; every window holds at least one. A NaN in the window is its maximum, as in numpy.
    `avg`: the sum of the elements inside the input, divided by their number or, with `count_include_pad`, by the number of window positions inside
    the padded input. Reference: ONNX operators MaxPool (opset 12), AveragePool (opset 19), GlobalAveragePool, GlobalMaxPool.

    ```mlir
    %y = nn.pool max ins(%x : tensor<?x64x112x112xf32>)
         attributes {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, channels = 64 : i64}
         epilogue {
         ^bb0(%acc: f32):
           nn.yield %acc : f32
         } -> tensor<?x64x56x56xf32>
    ```
  }];
  let arguments = (ins NN_PoolKindAttr:$kind, NN_Data:$input, Variadic<NN_Data>:$extras, Optional<NN_Data>:$init,
    DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads, UnitAttr:$count_include_pad,
    I64Attr:$channels, OptionalAttr<NN_TilingAttr>:$tiling);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `` $kind `ins` `(` $input `:` type($input) `)` (`extras` `(` $extras^ `:` type($extras) `)`)?
    (`outs` `(` $init^ `:` type($init) `)`)? attr-dict-with-keyword `epilogue` $epilogue (`->` type($results)^)?
  }];
  let builders = [
    // Logical form with an empty epilogue; the spatial extents of the result are `outputSpatial`.
    OpBuilder<(ins "::lathe::nn::PoolKind":$kind, "::mlir::Value":$input, "::llvm::ArrayRef<int64_t>":$outputSpatial, "::llvm::ArrayRef<int64_t>":$window,
      "::llvm::ArrayRef<int64_t>":$strides, "::llvm::ArrayRef<int64_t>":$dilations, "::llvm::ArrayRef<int64_t>":$pads, "bool":$countIncludePad)>];
}

def NN_MatMulOp : NN_WindowedOp<"matmul"> {
  let summary = "matrix multiplication with a weight";
  let description = [{
    `out[n, m, k] = epilogue(sum over c of x[n, m, c] * w[c, k], extras)`. Input `[N, C]` or `[N, M, C]`, output the same with K instead of C; always
    plain. It has one spatial dimension, M (1 if absent), with a window of 1.

    | operand | logical | packed |
    |---|---|---|
    | weights | `[C, K]` | `[ceil(K / (ku V)), ceil(C / V), 1, V, ku V]` |
    | extras | scalar, `[K]`, or the output's shape | the same; `[K]` padded to `ceil(K / (ku V)) ku V` |

    ```mlir
    %y = nn.matmul ins(%x, %w : tensor<?x2048xf32>, tensor<2048x1000xf32>) extras(%b : tensor<1000xf32>)
         attributes {channels = array<i64: 2048, 1000>} epilogue {
         ^bb0(%acc: f32, %bias: f32):
           %s = arith.addf %acc, %bias : f32
           nn.yield %s : f32
         } -> tensor<?x1000xf32>
    ```
  }];
  let arguments = (ins NN_Data:$input, NN_Data:$weights, Variadic<NN_Data>:$extras, Optional<NN_Data>:$init,
    DenseI64ArrayAttr:$channels, OptionalAttr<NN_TilingAttr>:$tiling);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $input `,` $weights `:` type($input) `,` type($weights) `)` (`extras` `(` $extras^ `:` type($extras) `)`)?
    (`outs` `(` $init^ `:` type($init) `)`)? attr-dict-with-keyword `epilogue` $epilogue (`->` type($results)^)?
  }];
  let builders = [
    // Logical form; adds bias[k] if `bias` is not null; infers the result type.
    OpBuilder<(ins "::mlir::Value":$input, "::mlir::Value":$weights, "::mlir::Value":$bias)>];
}

#endif // DIALECTS_NN_NNWINDOWEDOPS_TD
