//===- NNAttrs.td - weights as recipes, tiling, target description, plan arguments ------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNATTRS_TD
#define DIALECTS_NN_NNATTRS_TD

include "dialects/nn/NNBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"

//===- Weights ---------------------------------------------------------------------------------------------------------------------------------===//

def NN_FileAttr : NN_Attr<"File", "file"> {
  let summary = "bytes of a file: path, offset, length, BLAKE3 of these bytes";
  let description = [{
    The path is relative to the module's `nn.model_dir`. The hash (64 hex digits) is checked whenever the bytes are read, so that a compilation that is
    resumed from dumped IR never uses other weights than the one that wrote it.

    ```mlir
    #nn.file<"resnet50.weights", 0, 37632, "6f0d…">
    ```
  }];
  let parameters = (ins StringRefParameter<>:$path, "int64_t":$offset, "int64_t":$length, StringRefParameter<>:$hash);
  let assemblyFormat = "`<` $path `,` $offset `,` $length `,` $hash `>`";
  let genVerifyDecl = 1;
}

def NN_StepAttr : NN_Attr<"Step", "step"> {
  let summary = "one step of a weight recipe";
  let description = [{
    | kind | arguments | operand | result |
    |---|---|---|---|
    | `scale` | axis | s, 1-D | x[.., i, ..] * s[i] |
    | `add`, `sub`, `mul`, `div` | | y, same shape, or a scalar | elementwise |
    | `div_sqrt` | epsilon in `value` | y, same shape | x / sqrt(y + epsilon) |
    | `mul_scalar` | factor in `value` | | x * factor |
    | `transpose` | permutation | | as numpy.transpose |
    | `reshape` | dims | | same elements |
    | `pad` | dims | | zeros after the end of each dim up to these dims |
    | `broadcast` | dims | | numpy broadcasting to these dims |
    | `slice` | begins, extents, steps: one per dim each | | element i of a dim is begin + i * step; steps may be negative |
    | `expand_groups` | groups, tile | | weights `[K, C / G, window...]` of a grouped convolution to `[ceil(K / tile) tile, span, window...]`: each tile of output channels as a dense one over the input channels of its groups, zero elsewhere (GroupSpan.h) |
    | `share_rows` | lanes, share | | packed weights `[..., rows, columns]`: in the last `lanes` columns each `share` rows become one, row d's column k at k * share + d; the others become zero |
    | `winograd` | m: output pixels of a tile, per trailing dimension | | weights `[K, C, r...]` to `[K, C, m + r - 1...]`: each window under the kernel transform of F(m, r) (CookToom.h) |
    | `to_float` | 1: the integers are unsigned | | the element as f32; first of the steps that compute |
    | `to_f16`, `to_bf16` | | | the element in that type; the last step |

    Arithmetic is done in double and rounded once at the end of the recipe; its elements are f32, if no step says otherwise. Sources of other element types are moved by `transpose`,
    `reshape`, `pad`, `broadcast` and `slice` as they are.
  }];
  let parameters = (ins StringRefParameter<>:$kind, OptionalArrayRefParameter<"int64_t">:$args, OptionalParameter<"::mlir::FloatAttr">:$value,
                    OptionalParameter<"::lathe::nn::WeightAttr">:$operand);
  // `<"kind", [args], value = value, with = operand>`, all but the kind optional: the declarative format cannot tell which part follows a comma.
  let hasCustomAssemblyFormat = 1;
}

def NN_WeightAttr : NN_Attr<"Weight", "weight"> {
  let summary = "a weight: where its bytes are and what is done to them";
  let description = [{
    A name for bytes, never the bytes: passes edit the recipe, the artifact writer evaluates it once. `source` is a `#nn.file` or, for splats and
    small tensors that the compiler made itself, a `dense` elements attribute. `type` is the type of the source.

    ```mlir
    #nn.weight<#nn.file<"m.onnx", 128, 37632, "6f0d…">, tensor<64x3x7x7xf32>, steps = [<"transpose", [0, 2, 3, 1]>]>
    ```
  }];
  let parameters = (ins "::mlir::Attribute":$source, "::mlir::RankedTensorType":$type, OptionalArrayRefParameter<"::lathe::nn::StepAttr">:$steps);
  let assemblyFormat = "`<` $source `,` $type (`,` `steps` `=` `[` $steps^ `]`)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Shape after all steps; failure if a step does not fit (the verifier has said which).
    ::mlir::FailureOr<::mlir::SmallVector<int64_t>> getResultShape() const;
    /// The element type after all steps: that of the last `to_…`, else the source's.
    ::mlir::Type getResultElementType() const;
    /// The same recipe with one more step.
    WeightAttr withStep(StepAttr step) const;
    /// The element (FloatAttr or IntegerAttr) if the weight is a splat without steps that could change that; else null.
    ::mlir::TypedAttr getSplatElement() const;
    /// The same as a number, of floats only.
    ::std::optional<double> getSplatValue() const;
  }];
}

//===- Tiling and target -----------------------------------------------------------------------------------------------------------------------===//

def NN_TilingAttr : NN_Attr<"Tiling", "tiling"> {
  let summary = "the cost model's decision for one windowed or matrix operation";
  let description = [{
    Nothing below reads shapes again to decide; the attribute may be edited by hand.
    - `ku`: output-channel vectors per register tile; the weights are packed in groups of `ku * V` output channels.
    - `unroll`: input channels per iteration of the innermost loop.
    - `merge`: rows that are treated as one line. More than 1 only where the window is 1x1 with stride 1 and no padding.
    - `segments`: widths of the register tiles that cover a line, in pixels; their sum is the line's width.
    - `winograd`: the algorithm of Winograd, m output pixels by tile and spatial dimension (a 1 leaves a dimension alone); absent for the direct one.
      `segments` then cover a block of tiles that are transformed together, and count tiles.
    - `images`: how images and groups of output channels are nested. Absent (0): image by image, each with all groups. 1: group by group, each for all
      images, so that a group's weights are read once. More: as 1, and that many images, each of them one output pixel, are the pixels of a register tile;
      what is left of the batch is covered by tiles of half as many, and so on.
    - `prefetch`: from which cache line to which other one weights are fetched while the operation runs on an image, counted from the first of its own
      weights, behind which lie those of the operations that run next. Tiles share them by their pixels, own weights and later ones
      apart, and spread them over the iterations of their innermost loops. Absent for none.
    - `share`: the last vector of channels fills at most one in `share` lanes, and its registers sum so many input channels at once, side by side; the parts
      are added at the end. A power of two; only in a dense operation of one group of vectors.
    - `streams`: the weights of every vector of channels lie apart, and so many vectors are a group. A single image takes them all at once, and reads as many
      streams of memory. Several images go through `ku` of them (a divisor) before the next `ku`, in tiles of at most as many accumulators as `images`.
      Absent (0): the `ku` vectors of a group lie side by side.
    - `block`: on a GPU, the operation is a product of matrices whose rows are the output pixels of all images, and a block of threads computes a tile of it:
      rows, columns, warps along the rows, warps along the columns, and steps of the reduction that are in shared memory at once. Columns are `ku * V`.
      Absent: a warp computes a register tile, as a core of a CPU does.

    ```mlir
    #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [14, 14]>
    #nn.tiling<ku = 2, unroll = 4, merge = 7, segments = [13, 12, 12, 12], prefetch = [1024, 9216]>
    #nn.tiling<ku = 3, unroll = 4, merge = 1, segments = [1], images = 8>
    #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [1], images = 8, streams = 8>
    #nn.tiling<ku = 2, unroll = 4, merge = 1, segments = [12, 12], winograd = [4, 4]>
    #nn.tiling<ku = 2, unroll = 1, merge = 1, segments = [56], block = [128, 64, 2, 2, 4]>
    ```
  }];
  let parameters = (ins "int64_t":$ku, "int64_t":$unroll, "int64_t":$merge, ArrayRefParameter<"int64_t">:$segments,
                    OptionalArrayRefParameter<"int64_t">:$winograd, DefaultValuedParameter<"int64_t", "0">:$images,
                    OptionalArrayRefParameter<"int64_t">:$prefetch, DefaultValuedParameter<"int64_t", "1">:$share,
                    DefaultValuedParameter<"int64_t", "0">:$streams, OptionalArrayRefParameter<"int64_t">:$block);
  let skipDefaultBuilders = 1;
  let builders = [AttrBuilder<(ins "int64_t":$ku, "int64_t":$unroll, "int64_t":$merge, "::llvm::ArrayRef<int64_t>":$segments,
                                   CArg<"::llvm::ArrayRef<int64_t>", "{}">:$winograd, CArg<"int64_t", "0">:$images,
                                   CArg<"::llvm::ArrayRef<int64_t>", "{}">:$prefetch, CArg<"int64_t", "1">:$share, CArg<"int64_t", "0">:$streams,
                                   CArg<"::llvm::ArrayRef<int64_t>", "{}">:$block),
                              [{ return $_get($_ctxt, ku, unroll, merge, segments, winograd, images, prefetch, share, streams, block); }]>];
  let extraClassDeclaration = [{
    /// Vectors of output channels in a group of weights.
    int64_t getGroupVectors() const { return getStreams() > 0 ? getStreams() : getKu(); }
    /// Vectors of output channels side by side in a row of packed weights.
    int64_t getRowVectors() const { return getStreams() > 0 ? 1 : getKu(); }
    // Of `block`.
    int64_t getBlockRows() const { return getBlock()[0]; }
    int64_t getBlockColumns() const { return getBlock()[1]; }
    int64_t getWarpsOfRows() const { return getBlock()[2]; }
    int64_t getWarpsOfColumns() const { return getBlock()[3]; }
    int64_t getStages() const { return getBlock()[4]; }
  }];
  let assemblyFormat = [{
    `<` `ku` `=` $ku `,` `unroll` `=` $unroll `,` `merge` `=` $merge `,` `segments` `=` `[` $segments `]` `` custom<TilingOptions>($winograd, $images, $prefetch, $share, $streams, $block) `>`
  }];
  let genVerifyDecl = 1;
}

def NN_TargetAttr : NN_Attr<"Target", "target"> {
  let summary = "what the cost model and the code generator know of the machine";
  let description = [{
    Read from a target description file (`compiler/target/cpu/*.json`), one per CPU family. Sizes are bytes, bandwidths bytes per cycle of one core.
    `vectorBits` is the widest vector that is used; `registers` counts vector registers; `fmaPerCycle` and `loadsPerCycle` are vector instructions.
    Of a GPU the numbers are those of one multiprocessor, and there are three more: how many of them it has, multiply-adds of 16-bit numbers that the tensor
    cores of one do in a cycle, and the shared memory that a block of threads may have.
  }];
  let parameters = (ins StringRefParameter<>:$triple, StringRefParameter<>:$cpu, StringRefParameter<>:$features, StringRefParameter<>:$family,
                    "int64_t":$vectorBits, "int64_t":$registers, "int64_t":$fmaPerCycle, "int64_t":$loadsPerCycle, "int64_t":$fmaLatency,
                    "int64_t":$l1Bytes, "int64_t":$l2Bytes, "int64_t":$l3BytesPerCycle, "int64_t":$memoryBytesPerCycle,
                    DefaultValuedParameter<"int64_t", "0">:$multiprocessors, DefaultValuedParameter<"int64_t", "0">:$tensorFmaPerCycle,
                    DefaultValuedParameter<"int64_t", "0">:$sharedBytes);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$triple, "::llvm::StringRef":$cpu, "::llvm::StringRef":$features, "::llvm::StringRef":$family,
                                   "int64_t":$vectorBits, "int64_t":$registers, "int64_t":$fmaPerCycle, "int64_t":$loadsPerCycle, "int64_t":$fmaLatency,
                                   "int64_t":$l1Bytes, "int64_t":$l2Bytes, "int64_t":$l3BytesPerCycle, "int64_t":$memoryBytesPerCycle),
                              [{ return $_get($_ctxt, triple, cpu, features, family, vectorBits, registers, fmaPerCycle, loadsPerCycle, fmaLatency, l1Bytes,
                                              l2Bytes, l3BytesPerCycle, memoryBytesPerCycle, 0, 0, 0); }]>];
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    /// Lanes of a full vector of elements of this many bits.
    /// Elements of a vector. A GPU's is a warp's: one element for each thread, whatever its type.
    int64_t getLanes(int64_t elementBits) const { return getVectorBits() / (isGpu() ? 32 : elementBits); }
    bool isGpu() const { return getTriple().starts_with("nvptx"); }
  }];
}

//===- The plan's arguments --------------------------------------------------------------------------------------------------------------------===//

def NN_ArgKind : I32EnumAttr<"ArgKind", "base of a plan argument", [
    I32EnumAttrCase<"input", 0>, I32EnumAttrCase<"output", 1>, I32EnumAttrCase<"weights", 2>, I32EnumAttrCase<"arena", 3>,
    I32EnumAttrCase<"batch", 4>]> {
  let cppNamespace = "::lathe::nn";
}

def NN_ArgAttr : NN_Attr<"Arg", "arg"> {
  let summary = "an entry of a launch's argument table: base + c0 + c1 * N bytes";
  let description = [{
    `index` is the number of the input, output or (in `nn.plan`'s list) weight; 0 for the arena and the batch. The numbers are those of `lathe_arg`
    in the runtime's artifact.h, but that a weight is named by its index, since its offset is known only when the artifact is laid out.

    ```mlir
    #nn.arg<arena, 0, 1024, 802816>
    ```
  }];
  let parameters = (ins EnumParameter<NN_ArgKind>:$kind, "int64_t":$index, "int64_t":$c0, "int64_t":$c1);
  let assemblyFormat = "`<` $kind `,` $index `,` $c0 `,` $c1 `>`";
}

#endif // DIALECTS_NN_NNATTRS_TD
