//===- Passes.td - passes on the nn dialect (phase nn) -------------------------------------------------------------------------------------===//
#ifndef PASSES_NN_PASSES_TD
#define PASSES_NN_PASSES_TD

include "mlir/Pass/PassBase.td"

def FoldBatchNormPass : Pass<"nn-fold-batch-norm", "::mlir::func::FuncOp"> {
  let summary = "batch normalisation into the producer's weights, or into a multiplication and an addition";
  let description = [{
    **What.** With `s = scale / sqrt(variance + epsilon)`, a batch normalisation is `x * s + (bias - mean * s)`, channel by channel. If `x` is the
    result of an `nn.conv` or `nn.matmul` that has no other use and whose epilogue is the accumulator or the accumulator plus a per-channel weight, `s`
    goes into the recipe of its weights and the rest into the recipe of its bias. Else `nn.mul` and `nn.add` with weights of shape `[C, 1, ...]` remain,
    which `nn-fuse-epilogue` may still fuse. Only recipes are edited; no weight is read.

    **Before/After.** test/passes/nn/fold-batch-norm.mlir:

    ```mlir
    %0 = nn.conv ins(%x, %w : …) … epilogue {^bb0(%acc: f32): nn.yield %acc : f32} -> …
    %1 = nn.batch_norm %0, %scale, %bias, %mean, %variance {epsilon = 1.0e-5 : f32} : …
    ```
    becomes, with `%w2` = `%w` scaled by `s` along its output channels and `%b` = `bias - mean * s`,
    ```mlir
    %1 = nn.conv ins(%x, %w2 : …) extras(%b : …) … epilogue {^bb0(%acc: f32, %e: f32): %s = arith.addf %acc, %e : f32  nn.yield %s : f32} -> …
    ```

    **Requires / Leaves.** Requires scale, bias, mean and variance to be `nn.weight` (anything else is an error). Leaves no `nn.batch_norm`.

    **Numerics.** Changes rounding: the factor is multiplied into the weights in double and rounded once, instead of into each result.
  }];
  let options = [Option<"intoProducer", "into-producer", "bool", "true", "false: always nn.mul and nn.add, for finding a fold that is wrong">];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::arith::ArithDialect"];
}

def FuseEpiloguePass : Pass<"nn-fuse-epilogue", "::mlir::func::FuncOp"> {
  let summary = "elementwise operations into the epilogue of the windowed operation that produces their operand";
  let description = [{
    **What.** An elementwise operation moves into the epilogue of the windowed operation that computes one of its operands, if that result has no other
    use. Its other operand becomes a constant in the body (a splat), a per-channel or scalar extra operand (a weight), or an elementwise extra operand (a
    tensor of the output's type: the residual). If both operands come from windowed operations, the one that is later in program order takes it, since
    the other one must exist by then. Several elementwise operations move together if they are all that reads the result, and only the last one's value is
    used elsewhere: `x * sigmoid(x)`, a hard swish that is written out, a value that is quantised and dequantised. One walk in program order reaches the
    fixpoint: an operation is visited, as the last one of its group, after all its producers have taken what they can, and nothing that is refused
    becomes possible later. The location becomes the fusion of all locations. Where the result of a product is reshaped, scalars and rows of one element per
    column are first applied before the reshape, so that they are fused too.

    A remark of category `nn-fuse-epilogue` says of each elementwise operation where it went, or why it stayed.

    **Before/After.** test/passes/nn/fuse-epilogue.mlir:

    ```mlir
    %0 = nn.conv ins(%x, %w : …) … epilogue {^bb0(%acc: f32): nn.yield %acc : f32} -> tensor<?x64x56x56xf32>
    %1 = nn.add %r, %0 : tensor<?x64x56x56xf32>, tensor<?x64x56x56xf32> -> tensor<?x64x56x56xf32>
    ```
    becomes
    ```mlir
    %1 = nn.conv ins(%x, %w : …) extras(%r : …) … epilogue {^bb0(%acc: f32, %e: f32): %s = arith.addf %e, %acc : f32  nn.yield %s : f32} -> …
    ```

    **Requires / Leaves.** Requires logical form without destinations. Leaves the same, with fewer elementwise operations.

    **Numerics.** Bit-exact: the same scalar operations in the same order, on the same operands.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def GatherChannelsPass : Pass<"nn-gather-channels", "::mlir::func::FuncOp"> {
  let summary = "convolutions read channels where they are computed, not where shuffles, splits and concatenations put them";
  let description = [{
    **What.** Concatenations, slices, transpositions and reshapes that move whole channels of the results of `nn.conv` and `nn.pool` say of each channel
    where it was computed. A dense `nn.conv` that reads such channels gets all the results that they come from as one concatenation, in the order in which
    they are computed, and `places`: the number of each channel in it. A depthwise convolution or a pool of them becomes one for the channels of each
    result, if they are neighbours there from a whole block on. What moved the channels is then dead. In phase `linalg` the concatenation is a buffer into
    which its operands are computed, each from a whole block on.

    Nothing changes where one of the operations that read what is moved needs its channels in their order or computes by Winograd's algorithm, or where
    all of them read views of whole blocks. All that moves the same channels is rewritten, or nothing.

    **Before/After.** test/passes/nn/gather-channels.mlir:

    ```mlir
    %0 = nn.concat %a, %b axis 1 : tensor<?x3x8x8xf32>, tensor<?x3x8x8xf32> -> tensor<?x6x8x8xf32>
    %1 = nn.slice %0 begins [0, 1, 0, 0] steps [1, 2, 1, 1] : tensor<?x6x8x8xf32> -> tensor<?x3x8x8xf32>
    %2 = nn.conv ins(%1, %w : …) … -> …
    ```
    becomes
    ```mlir
    %0 = nn.concat %a, %b axis 1 : tensor<?x3x8x8xf32>, tensor<?x3x8x8xf32> -> tensor<?x6x8x8xf32>
    %p = nn.weight <dense<[1, 3, 5]> : tensor<3xi32>, tensor<3xi32>> : tensor<3xi32>
    %2 = nn.conv ins(%0, %w : …) places(%p : tensor<3xi32>) … -> …
    ```

    **Requires / Leaves.** Requires logical form without destinations and the module's `nn.target`. Leaves the same.

    **Numerics.** Bit-exact: sums are in the order of the convolution's channels, wherever they are.
  }];
  let dependentDialects = ["::lathe::nn::NNDialect"];
}

#endif // PASSES_NN_PASSES_TD
