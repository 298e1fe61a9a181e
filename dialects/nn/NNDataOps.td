//===- NNDataOps.td - weights, layout, shape -----------------------------------------------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNDATAOPS_TD
#define DIALECTS_NN_NNDATAOPS_TD

include "dialects/nn/NNAttrs.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"

def NN_YieldOp : NN_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "ends an epilogue with the element to be stored";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def NN_WeightOp : NN_Op<"weight", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<BufferizableOpInterface, ["bufferize", "isWritable", "getBufferType"]>]> {
  let summary = "a weight, named by its recipe";
  let description = [{
    The recipe's shape is the result's shape. Bufferises to a read-only memref; equal weights are merged by CSE, unused ones removed.

    ```mlir
    %w = nn.weight #nn.weight<#nn.file<"m.onnx", 128, 37632, "6f0d…">, tensor<64x3x7x7xf32>> : tensor<64x3x7x7xf32>
    ```
  }];
  let arguments = (ins NN_WeightAttr:$weight);
  let results = (outs NN_Data:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::lathe::nn::WeightAttr":$weight)>];
}

def NN_ReshapeOp : NN_Op<"reshape", [Pure]> {
  let summary = "the same elements in row-major order under another shape";
  let description = [{
    The leading dimension may be dynamic (the batch) on both sides or on neither; the other dimensions hold equally many elements on both sides.

    ```mlir
    %1 = nn.reshape %0 : tensor<?x2048x1x1xf32> -> tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def NN_PackOp : NN_Op<"pack", [Pure]> {
  let summary = "plain to blocked layout";
  let description = [{
    `[N, C, spatial...]` to `[N, ceil(C / V), spatial..., V]`; the lanes beyond C hold unspecified values, which no operation reads. So packing what was
    unpacked gives back the original.

    ```mlir
    %1 = nn.pack %0 : tensor<?x17x5x9xf32> -> tensor<?x2x5x9x16xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_UnpackOp : NN_Op<"unpack", [Pure]> {
  let summary = "blocked to plain layout";
  let description = [{
    `[N, ceil(C / V), spatial..., V]` to `[N, C, spatial...]`; C is the result's.

    ```mlir
    %1 = nn.unpack %0 : tensor<?x2x5x9x16xf32> -> tensor<?x17x5x9xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_CopyOp : NN_Op<"copy", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "a copy that bufferisation could not avoid";
  let description = [{
    Only in the bufferised phases, where every remaining copy is visible as one of these. `reason` says why it is there.

    ```mlir
    nn.copy %a to %b because "the value is returned twice" : memref<?x8xf32>, memref<?x8xf32>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, AnyMemRef:$target, StrAttr:$reason);
  let assemblyFormat = "$source `to` $target `because` $reason attr-dict `:` type($source) `,` type($target)";
  let hasVerifier = 1;
}

#endif // DIALECTS_NN_NNDATAOPS_TD
