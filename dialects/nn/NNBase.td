//===- NNBase.td - the nn dialect, its base classes ----------------------------------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNBASE_TD
#define DIALECTS_NN_NNBASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let summary = "Lathe's dialect of neural-network operations";
  let description = [{
    One dialect for the whole way of a network through the compiler. The same operation appears in up to three forms:

    1. **logical** (phase `nn`): tensors in the network's own shapes, `[N, C, spatial...]`; weights in ONNX order;
    2. **packed** (phase `linalg`): tensors in a blocked layout `[N, ceil(C / V), spatial..., V]` where the cost model wants it, weights in
       the order in which the kernel reads them, a `#nn.tiling` attribute, and (last) a destination operand;
    3. **bufferised** (phase `memref` and later): the same on memrefs, without results.

    Windowed and matrix operations carry an **epilogue region**: a scalar body that is applied to each finished output element before it is
    stored. Fusion moves bias, activation, residual and scale into it. The region is isolated from above, every operation in it is elementwise
    mappable (so that its vector form is the same operation at vector type), and its block takes the accumulator and one scalar per extra operand.

    The batch size is the only dimension that may be dynamic, and only as the leading one; all dynamic dimensions of a module are equal.
  }];
  let cppNamespace = "::lathe::nn";
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
  let extraClassDeclaration = [{
    /// Module attributes that the importer writes and later phases read.
    static constexpr ::llvm::StringLiteral kModelDirAttr = "nn.model_dir";     // directory against which #nn.file paths are resolved
    static constexpr ::llvm::StringLiteral kModelNameAttr = "nn.model_name";   // file name of the ONNX model
    static constexpr ::llvm::StringLiteral kModelHashAttr = "nn.model_hash";   // BLAKE3 of the ONNX file, hex
    static constexpr ::llvm::StringLiteral kFlagsAttr = "nn.flags";            // the flags that change code, in canonical order
    static constexpr ::llvm::StringLiteral kTargetAttr = "nn.target";          // #nn.target of this compilation
    static constexpr ::llvm::StringLiteral kBatchSymbolAttr = "nn.batch";      // dim_param of the batch; absent if the batch is fixed
    static constexpr ::llvm::StringLiteral kBatchRangeAttr = "nn.batch_range"; // array<i64: min, max>
    /// Function argument and result attribute: the ONNX name of an input or output.
    static constexpr ::llvm::StringLiteral kNameAttr = "nn.name";
    /// Function argument and result attribute: the data type ("uint8", "bool") where the signless element type does not tell it.
    static constexpr ::llvm::StringLiteral kDataTypeAttr = "nn.dtype";
    /// Result attribute: this result holds the true extents of the result of that number, whose type has their upper bounds. Not seen by the caller.
    static constexpr ::llvm::StringLiteral kExtentsOfAttr = "nn.extents_of";
    /// Marks the entry function's arguments that are destinations of results (phase memref and later).
    static constexpr ::llvm::StringLiteral kOutputAttr = "nn.output";
    /// Marks the functions that hold one kernel each.
    static constexpr ::llvm::StringLiteral kKernelAttr = "nn.kernel";
    /// Entry function: arena bytes as array<i64: c0, c1>, meaning c0 + c1 * N. The same name marks the argument that is the arena.
    static constexpr ::llvm::StringLiteral kArenaAttr = "nn.arena";
    /// On the module: what `--tf32`, `--fp16` and `--bf16` ask for ("tf32", "f16", "bf16"); absent for f32.
    static constexpr ::llvm::StringLiteral kPrecisionAttr = "nn.precision";
    /// On a GPU's kernel: so many threads run an iteration. One warp or thread, or a block that shares memory.
    static constexpr ::llvm::StringLiteral kLanesAttr = "nn.lanes";
    /// On a kernel in phase llvm: bytes of scratch memory that it needs.
    static constexpr ::llvm::StringLiteral kScratchAttr = "nn.scratch";
    /// On a kernel in phase llvm: the first entry of its argument table is the batch, before the buffers.
    static constexpr ::llvm::StringLiteral kBatchArgumentAttr = "nn.batch_argument";
    /// On the memref.alloca_scope of a chain of windowed operations: so many output rows of the last one are computed together.
    static constexpr ::llvm::StringLiteral kRowsAttr = "nn.rows";
    /// On a kernel's scf.forall: threads share the space with its last dimension innermost, and each goes through its part with that one outside of all
    /// others but the first.
    static constexpr ::llvm::StringLiteral kLastOutsideAttr = "nn.last_outside";
  }];
}

/// Ranked tensors before bufferisation, ranked memrefs after it.
def NN_Data : AnyTypeOf<[AnyRankedTensor, AnyMemRef], "ranked tensor or memref", "::mlir::ShapedType">;

class NN_Attr<string name, string mn, list<Trait> traits = []> : AttrDef<NN_Dialect, name, traits> { let mnemonic = mn; }
class NN_Op<string mn, list<Trait> traits = []> : Op<NN_Dialect, mn, traits>;

#endif // DIALECTS_NN_NNBASE_TD
