//===- NNLoweringOps.td - register tiles (phase loops) and the plan (phase llvm) -----------------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNLOWERINGOPS_TD
#define DIALECTS_NN_NNLOWERINGOPS_TD

include "dialects/nn/NNWindowedOps.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ViewLikeInterface.td"

def NN_Reduction : I32EnumAttr<"Reduction", "how a windowed operation reduces", [
    I32EnumAttrCase<"dense", 0>,       // multiply-add over input channels and window
    I32EnumAttrCase<"depthwise", 1>,   // multiply-add over the window, channel by channel
    I32EnumAttrCase<"max", 2>, I32EnumAttrCase<"sum", 3>]> {
  let cppNamespace = "::lathe::nn";
  let genSpecializedAttr = 0;
}
def NN_ReductionAttr : EnumAttr<NN_Dialect, NN_Reduction, "reduction">;

def NN_MicroKernelOp : NN_Op<"microkernel", [SingleBlock, IsolatedFromAbove, AttrSizedOperandSegments, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "one register tile of a windowed operation";
  let description = [{
    Computes `width` neighbouring output pixels of one line for one group of output-channel vectors. It takes whole buffers and indices, not
    subviews, and all border arithmetic of the outer dimensions is in its operands:
    - `image`, `group`: batch index and index of the channel group (of `tiling.ku` vectors);
    - `rows`: the output position in all spatial dimensions but the last (none for one spatial dimension);
    - `column`: the first output pixel of the tile in the last dimension;
    - `first`: per outer dimension the input position of window element 0 (may be negative);
    - `begin`, `end`: per outer dimension the window elements that are inside the input;
    - `ring`: how many rows (of the first spatial dimension) of the input and of the output are in memory, row i at the place of i modulo that; 0 for all;
    - `edge`: the tile touches the padding of the last dimension; `first_column` (static) says where it is, so that each window element's subset of
      pixels is known at compile time.

    ```mlir
    nn.microkernel dense at[%n, %g] rows(%oh) column(%ow) window(%ih from %r0 to %r1) ins(%x, %w : memref<?x8x28x28x16xf32>, memref<4x8x3x3x16x32xf32>)
      outs(%y : memref<?x8x28x28x16xf32>) attributes {…} epilogue {…}
    ```
  }];
  let arguments = (ins NN_ReductionAttr:$reduction, Index:$image, Index:$group, Variadic<Index>:$rows, Index:$column, Variadic<Index>:$first,
    Variadic<Index>:$begin, Variadic<Index>:$end, AnyMemRef:$input, Optional<AnyMemRef>:$weights, Variadic<AnyMemRef>:$extras,
    Optional<AnyMemRef>:$places, AnyMemRef:$init, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
    DenseI64ArrayAttr:$pads, UnitAttr:$count_include_pad, DenseI64ArrayAttr:$channels, DefaultValuedAttr<I64Attr, "1">:$groups, NN_TilingAttr:$tiling,
    I64Attr:$width, I64Attr:$first_column, UnitAttr:$edge, OptionalAttr<DenseI64ArrayAttr>:$ring);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `` $reduction `at` `[` $image `,` $group `]` (`rows` `(` $rows^ `)`)? `column` `(` $column `)`
    (`window` `(` $first^ `from` $begin `to` $end `)`)?
    `ins` `(` $input `:` type($input) `)` (`weights` `(` $weights^ `:` type($weights) `)`)? (`extras` `(` $extras^ `:` type($extras) `)`)?
    (`places` `(` $places^ `:` type($places) `)`)? `outs` `(` $init `:` type($init) `)` attr-dict-with-keyword `epilogue` $epilogue
  }];
  let hasVerifier = 1;
}

def NN_ScratchOp : NN_Op<"scratch", [Pure]> {
  let summary = "a buffer in the calling thread's scratch memory (phase loops)";
  let description = [{
    `offset` is in bytes from the start of the scratch, a multiple of 64. Buffers of one kernel at different offsets do not overlap; what they hold when a
    kernel is called is unspecified. A kernel needs as much scratch as its furthest buffer ends.

    ```mlir
    %v = nn.scratch 4096 : memref<36x2x28x16xf32>
    ```
  }];
  let arguments = (ins I64Attr:$offset);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$offset attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def NN_StoredAsOp : NN_Op<"stored_as", [Pure, DeclareOpInterfaceMethods<ViewLikeOpInterface>]> {
  let summary = "a buffer seen with elements of a wider type than it stores (phases memref and loops)";
  let description = [{
    The same buffer, with the same shape and strides: what is read through the result is extended, what is written is rounded to the nearest, ties to even.
    So operations compute in f32 on tensors that take half of the memory. lathe-lower-storage rewrites the loads and stores.

    ```mlir
    %x = nn.stored_as %0 : memref<?x4x56x56x32xf16> as memref<?x4x56x56x32xf32>
    ```
  }];
  let arguments = (ins AnyMemRef:$source);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `as` type($result)";
  let hasVerifier = 1;
}

def NN_RangeBeginOp : NN_Op<"range_begin", [Pure]> {
  let summary = "the first iteration that this call of the kernel runs (phase loops)";
  let description = [{
    A kernel's iterations are a range that is split among threads; each call runs one part, in order. The iteration with this number must prepare what later
    ones find in the scratch. Iterations are numbered row-major over the bounds of the kernel's `scf.forall`.
  }];
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def NN_CallOp : NN_Op<"call", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a kernel on buffers (phases memref and loops)";
  let description = [{
    The operands' types are the kernel's argument types up to the layout's offset: kernels are written for offset 0, so that equal operations on
    different slices share one kernel. The last `destinations` operands are written. `nodes` are the ONNX nodes that the call computes; `flops` and `bytes` are arithmetic and compulsory traffic as
    array<i64: c0, c1>, meaning c0 + c1 * N.

    ```mlir
    nn.call @k0.conv1(%x, %w, %y) {nodes = ["/conv1/Conv"], flops = array<i64: 0, 236027904>, bytes = array<i64: 37888, 3813376>}
      : memref<?x3x224x224xf32>, memref<2x1x7x7x3x32xf32>, memref<?x4x112x112x16xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyMemRef>:$operands, StrArrayAttr:$nodes, DenseI64ArrayAttr:$flops, DenseI64ArrayAttr:$bytes,
    DefaultValuedAttr<I64Attr, "1">:$destinations);
  let assemblyFormat = "$kernel `(` $operands `)` attr-dict `:` type($operands)";
  let hasVerifier = 1;
}

def NN_PlanOp : NN_Op<"plan", [SingleBlock, NoTerminator, IsolatedFromAbove, NoRegionArguments]> {
  let summary = "the network as data: what the runtime walks";
  let description = [{
    One per module, in phase `llvm`. Its region is a list of `nn.launch`. `inputs` and `outputs` are dictionaries `{name, type}` with the tensor types
    of the network's border; `weights` lists the packed recipes in order of first use with their types; `arena` is array<i64: c0, c1>: the bytes of
    all intermediates are c0 + c1 * N. `scratch` is what each thread needs besides, in bytes.

    ```mlir
    nn.plan inputs [{name = "x", type = tensor<?x3x224x224xf32>} ] outputs [{name = "y", type = tensor<?x1000xf32>} ]
      weights [#nn.weight<…>] arena [0, 5218304] {
      nn.launch @k0.conv1 args [#nn.arg<input, 0, 0, 0>, #nn.arg<weights, 0, 0, 0>, #nn.arg<arena, 0, 0, 0>] space [0, 448]
        {nodes = ["/conv1/Conv", "/relu/Relu"], flops = array<i64: 0, 236027904>, bytes = array<i64: 37888, 3813376>}
    }
    ```
  }];
  let arguments = (ins ArrayAttr:$inputs, ArrayAttr:$outputs, ArrayAttr:$weights, DenseI64ArrayAttr:$arena,
    DefaultValuedAttr<I64Attr, "0">:$scratch);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`inputs` $inputs `outputs` $outputs `weights` $weights `arena` $arena attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def NN_LaunchOp : NN_Op<"launch", [HasParent<"PlanOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one step of the plan: a kernel and its arguments";
  let description = [{
    `space` is array<i64: c0, c1>: the kernel's iterations are [0, c0 + c1 * N). `nodes` are the ONNX nodes that it computes. `flops` and `bytes` are
    the arithmetic and the compulsory traffic, as c0 + c1 * N.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, TypedArrayAttrBase<NN_ArgAttr, "plan arguments">:$args, DenseI64ArrayAttr:$space, StrArrayAttr:$nodes,
    DenseI64ArrayAttr:$flops, DenseI64ArrayAttr:$bytes);
  let assemblyFormat = "$kernel `args` $args `space` $space attr-dict";
  let hasVerifier = 1;
}

#endif // DIALECTS_NN_NNLOWERINGOPS_TD
