//===- NNInterfaces.td - what passes know of operations without knowing which they are ---------------------------------------------------------===//
#ifndef DIALECTS_NN_NNINTERFACES_TD
#define DIALECTS_NN_NNINTERFACES_TD

include "mlir/IR/OpBase.td"

def NN_ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::lathe::nn";
  let description = [{
    An operation on tensors whose result element depends only on the operands' elements at the same (broadcast) place. Fusion into an epilogue and
    the conversion to `linalg.generic` both use its scalar form.
  }];
  let methods = [
    InterfaceMethod<"Builds the scalar computation; `operands` are scalars in operand order. Every operation built is elementwise mappable.",
      "::mlir::Value", "emitScalar", (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::ValueRange":$operands)>,
  ];
}

def NN_WindowedOpInterface : OpInterface<"WindowedOpInterface"> {
  let cppNamespace = "::lathe::nn";
  let description = [{
    Convolution, pooling and matrix multiplication share layout, tiling, fusion, bufferisation and emission through this interface:

        out[n, k, o...] = epilogue(reduce over c, r... of x[n, c, o... * stride + r... * dilation - pad_begin] (and w[k, c, r...]), extras)

    `spatial` is the number of window dimensions. A tensor operand is *blocked* if its rank is spatial + 3: `[N, ceil(C / V), spatial..., V]`; its
    lanes beyond the channel count hold unspecified values and are never read. Else it is plain: `[N, C, spatial...]` (or, for a matrix
    multiplication, `[N, rows..., C]`).
  }];
  let methods = [
    InterfaceMethod<"How elements are reduced.", "::lathe::nn::Reduction", "getReduction">,
    InterfaceMethod<"The data operand.", "::mlir::Value", "getInput">,
    InterfaceMethod<"The weights, or null.", "::mlir::Value", "getWeightsOrNull">,
    InterfaceMethod<"Further operands of the epilogue, in the order of its arguments after the accumulator.", "::mlir::OperandRange", "getExtras">,
    InterfaceMethod<"Appends an operand for the epilogue; its argument is the caller's to add.", "void", "addExtra", (ins "::mlir::Value":$extra)>,
    InterfaceMethod<"The destination, or null before destinations are made.", "::mlir::Value", "getInitOrNull">,
    InterfaceMethod<"The scalar body.", "::mlir::Region &", "getEpilogue">,
    InterfaceMethod<"Number of window dimensions.", "int64_t", "getSpatialRank">,
    InterfaceMethod<"Extent of the window per spatial dim.", "::mlir::SmallVector<int64_t>", "getWindowShape">,
    InterfaceMethod<"Step of the window per spatial dim.", "::mlir::SmallVector<int64_t>", "getWindowStrides">,
    InterfaceMethod<"Distance of window elements per spatial dim.", "::mlir::SmallVector<int64_t>", "getWindowDilations">,
    InterfaceMethod<"Padding before the first element per spatial dim.", "::mlir::SmallVector<int64_t>", "getPadBegin">,
    InterfaceMethod<"Padding after the last element per spatial dim.", "::mlir::SmallVector<int64_t>", "getPadEnd">,
    InterfaceMethod<"True input channel count.", "int64_t", "getInputChannels">,
    InterfaceMethod<"True output channel count.", "int64_t", "getOutputChannels">,
    InterfaceMethod<"Type of the result or, in bufferised form, of the destination.", "::mlir::ShapedType", "getOutputType">,
    InterfaceMethod<"The cost model's decision, or null.", "::lathe::nn::TilingAttr", "getTilingOrNull">,
    InterfaceMethod<"Sets the cost model's decision.", "void", "setTiling", (ins "::lathe::nn::TilingAttr":$tiling)>,
    InterfaceMethod<"Arithmetic per image: a multiply-add is 2.", "int64_t", "getFlopsPerImage">,
  ];
  let extraSharedClassDeclaration = [{
    /// Whether this operand is in the blocked layout.
    bool isBlocked(::mlir::Value operand) {
      return ::mlir::cast<::mlir::ShapedType>(operand.getType()).getRank() == $_op.getSpatialRank() + 3;
    }
    /// How the epilogue reads extra operand `i`.
    ::lathe::nn::ExtraKind getExtraKind(int64_t i) { return ::lathe::nn::classifyExtra($_op.getExtras()[i].getType(), $_op.getOutputType()); }
  }];
}

#endif // DIALECTS_NN_NNINTERFACES_TD
