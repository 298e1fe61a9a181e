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

def NN_ConcatOp : NN_Op<"concat", [Pure]> {
  let summary = "tensors one after the other along an axis";
  let description = [{
    All other dimensions are equal; the axis has the sum of the extents, and is not the dynamic batch. ONNX operator Concat, opset 1 to 13. Becomes one
    destination into whose slices the producers write. Concatenations that begin with the same operands share it (DenseNet).

    ```mlir
    %2 = nn.concat %0, %1 axis 1 : tensor<?x64x9x9xf32>, tensor<?x32x9x9xf32> -> tensor<?x96x9x9xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$inputs `axis` $axis attr-dict `:` type($inputs) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def NN_SliceOp : NN_Op<"slice", [Pure]> {
  let summary = "every so many elements along each dimension";
  let description = [{
    `out[i...] = in[begins + i * steps...]`; steps may be negative, extents are the result's. A dynamic batch is kept whole. ONNX operators Slice
    (opset 1 to 13), Split and CenterCropPad. Becomes a view if no step is negative and elements of the last dimension stay neighbours.

    ```mlir
    %1 = nn.slice %0 begins [0, 8, 6] steps [1, 1, -2] : tensor<?x16x7xf32> -> tensor<?x8x4xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$begins, DenseI64ArrayAttr:$steps);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `begins` $begins `steps` $steps attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def NN_TransposeOp : NN_Op<"transpose", [Pure]> {
  let summary = "dimensions in another order";
  let description = [{
    Dimension i of the result is dimension `permutation[i]` of the input; a dynamic batch stays the leading one. ONNX operators Transpose, DepthToSpace and
    SpaceToDepth (with nn.reshape).

    ```mlir
    %1 = nn.transpose %0 permutation [0, 2, 1] : tensor<?x16x49xf32> -> tensor<?x49x16xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `permutation` $permutation attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def NN_PadOp : NN_Op<"pad", [Pure]> {
  let summary = "a border of one value";
  let description = [{
    `begins` elements before and `ends` elements behind each dimension, none negative and none at a dynamic batch, all equal to `value`, a tensor of rank 0.
    ONNX operator Pad, opset 1 to 25, mode constant; the other modes are slices and concatenations of their input.

    ```mlir
    %1 = nn.pad %0 with %v begins [0, 0, 1, 2] ends [0, 0, 1, 2] : tensor<?x16x7x9xf32>, tensor<f32> -> tensor<?x16x9x13xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$value, DenseI64ArrayAttr:$begins, DenseI64ArrayAttr:$ends);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `with` $value `begins` $begins `ends` $ends attr-dict `:` type($input) `,` type($value) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
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
