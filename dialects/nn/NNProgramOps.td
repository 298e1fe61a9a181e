//===- NNProgramOps.td - operations that are given by a program: nn.map, nn.foreach -----------------------------------------------------------------===//
#ifndef DIALECTS_NN_NNPROGRAMOPS_TD
#define DIALECTS_NN_NNPROGRAMOPS_TD

include "dialects/nn/NNDataOps.td"
include "dialects/nn/NNInterfaces.td"

def NN_MapOp : NN_Op<"map", [Pure, SingleBlock, IsolatedFromAbove, DeclareOpInterfaceMethods<NN_ElementwiseOpInterface>]> {
  let summary = "elementwise: a scalar program";
  let description = [{
    Result element = the body applied to the operands' elements at the same (broadcast) place. For everything elementwise that no pass looks for by
    name: integer and logic arithmetic, comparisons, selections, casts, quantisation. Operands may have different element types. Integers are signless;
    whether they count as signed is in the body (`arith.divsi` or `arith.divui`), truth values are i8 of 0 and 1. Every operation of the body is
    elementwise mappable or a constant.

    ```mlir
    %2 = nn.map ins(%0, %1 : tensor<?x8xi32>, tensor<8xi32>) body {
    ^bb0(%a: i32, %b: i32):
      %less = arith.cmpi slt, %a, %b : i32
      %r = arith.extui %less : i1 to i8
      nn.yield %r : i8
    } -> tensor<?x8xi8>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "(`ins` `(` $inputs^ `:` type($inputs) `)`)? attr-dict-with-keyword `body` $body `->` type($result)";
  let hasVerifier = 1;
}

def NN_ForeachOp : NN_Op<"foreach", [SingleBlock, IsolatedFromAbove, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<BufferizableOpInterface, ["bufferizesToMemoryRead", "bufferizesToMemoryWrite", "getAliasingValues", "bufferize"]>]> {
  let summary = "runs a program for each point of an index space, in any order or in parallel";
  let description = [{
    For operations whose element access is not affine, or whose work is not one element: gather and scatter, sampling, sorting, scans, regions of interest.
    `kind` names it for people and has no meaning. The body's arguments are one index per dimension of `space`, then the inputs and then the outputs,
    always as memrefs with identity layout: the body is written for buffers in all phases, with `memref.load`, `memref.store`, `scf`, `arith`, `math`
    and, where it works on whole rows, `vector`.
    - Iterations run in any order and concurrently: none may touch what another one writes.
    - Outputs hold unspecified values before; each element must be written, once at least. The body may read back what the same iteration has written.
    - A leading `space` extent that is dynamic is the batch. The batch is known to a body in no other way.
    - An output that nothing uses serves as scratch memory.

    ```mlir
    %1 = nn.foreach "gather" space [?, 5] ins(%x, %at : tensor<?x9xf32>, tensor<5xi64>) body {
    ^bb0(%n: index, %i: index, %data: memref<?x9xf32>, %indices: memref<5xi64>, %out: memref<?x5xf32>):
      %k = memref.load %indices[%i] : memref<5xi64>
      %j = arith.index_cast %k : i64 to index
      %v = memref.load %data[%n, %j] : memref<?x9xf32>
      memref.store %v, %out[%n, %i] : memref<?x5xf32>
      nn.yield
    } -> tensor<?x5xf32>
    ```
  }];
  let arguments = (ins StrAttr:$kind, DenseI64ArrayAttr:$space, Variadic<NN_Data>:$inputs, Variadic<NN_Data>:$inits);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $kind `space` custom<Extents>($space) (`ins` `(` $inputs^ `:` type($inputs) `)`)? (`outs` `(` $inits^ `:` type($inits) `)`)?
    attr-dict-with-keyword `body` $body (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The types of the outputs: of the results, or of the destinations in bufferised form.
    ::mlir::SmallVector<::mlir::ShapedType> getOutputTypes();
  }];
}

#endif // DIALECTS_NN_NNPROGRAMOPS_TD
