//===- NNElementwiseOps.td - one result element per place ------------------------------------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNELEMENTWISEOPS_TD
#define DIALECTS_NN_NNELEMENTWISEOPS_TD

include "dialects/nn/NNDataOps.td"
include "dialects/nn/NNInterfaces.td"

/// Their scalar forms are floating-point operations.
def NN_FloatTensor : RankedTensorOf<[AnyFloat]>;

class NN_ElementwiseOp<string mn, list<Trait> traits = []> : NN_Op<mn, !listconcat([Pure,
    DeclareOpInterfaceMethods<NN_ElementwiseOpInterface>, DeclareOpInterfaceMethods<InferTypeOpInterface>], traits)>;

class NN_BinaryOp<string mn, string formula, list<Trait> traits = []> : NN_ElementwiseOp<mn, traits> {
  let summary = "elementwise: " # formula;
  let description = "`" # formula # [{`, elementwise, with numpy broadcasting; both operands have one element type. A dynamic dimension is the batch and
broadcasts like any other.

```mlir
%2 = nn.}] # mn # [{ %0, %1 : tensor<?x64x56x56xf32>, tensor<64x1x1xf32> -> tensor<?x64x56x56xf32>
```
}];
  let arguments = (ins NN_FloatTensor:$lhs, NN_FloatTensor:$rhs);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

class NN_UnaryOp<string mn, string formula, list<Trait> traits = []> : NN_ElementwiseOp<mn, traits> {
  let summary = "elementwise: " # formula;
  let description = "`" # formula # [{`, elementwise.

```mlir
%1 = nn.}] # mn # [{ %0 : tensor<?x64x56x56xf32>
```
}];
  let arguments = (ins NN_FloatTensor:$input);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}

def NN_AddOp : NN_BinaryOp<"add", "lhs + rhs", [Commutative]> { let hasFolder = 1; let hasCanonicalizeMethod = 1; }
def NN_SubOp : NN_BinaryOp<"sub", "lhs - rhs"> { let hasFolder = 1; let hasCanonicalizeMethod = 1; }
def NN_MulOp : NN_BinaryOp<"mul", "lhs * rhs", [Commutative]> { let hasFolder = 1; let hasCanonicalizeMethod = 1; }
def NN_DivOp : NN_BinaryOp<"div", "lhs / rhs"> { let hasFolder = 1; let hasCanonicalizeMethod = 1; }
def NN_ReluOp : NN_UnaryOp<"relu", "max(input, 0); a NaN stays a NaN, -0 stays -0"> { let hasFolder = 1; }

def NN_BatchNormOp : NN_Op<"batch_norm", [Pure, SameOperandsAndResultElementType]> {
  let summary = "inference-mode batch normalisation over dimension 1";
  let description = [{
    `(input - mean[c]) / sqrt(var[c] + epsilon) * scale[c] + bias[c]`. Exists only until `nn-fold-batch-norm`, which moves it into the recipes of the
    producer's weights or, where there is no such producer, turns it into a multiplication and an addition.

    ```mlir
    %1 = nn.batch_norm %0, %scale, %bias, %mean, %var {epsilon = 1.0e-5 : f32}
       : tensor<?x32x8x8xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32> -> tensor<?x32x8x8xf32>
    ```
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$scale, NN_FloatTensor:$bias, NN_FloatTensor:$mean, NN_FloatTensor:$variance,
    F32Attr:$epsilon);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $scale `,` $bias `,` $mean `,` $variance attr-dict
    `:` type($input) `,` type($scale) `,` type($bias) `,` type($mean) `,` type($variance) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // DIALECTS_NN_NNELEMENTWISEOPS_TD
