//===- Passes.td - from the nn dialect to layouts, tilings and linalg ----------------------------------------------------------------------------===//
#ifndef PASSES_NN_TO_LINALG_PASSES_TD
#define PASSES_NN_TO_LINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def PropagateLayoutPass : Pass<"nn-propagate-layout", "::mlir::func::FuncOp"> {
  let summary = "chooses the plain or the blocked layout for every value";
  let description = [{
    **What.** Results of convolutions and pools become blocked, `[N, ceil(C / V), spatial..., V]` with the target's V lanes; elementwise operations
    follow their operands, and so do concatenations, slices, transpositions and borders as long as they move whole blocks of channels; matrix
    multiplications, reshapes and the function's border stay plain. Convolutions read a plain producer (the network's
    input, a reshape) in place, unless there is so much to compute that a faster algorithm, which needs blocks, repays packing. Programs (`nn.foreach`)
    that treat channels alike compute a block of them at once (ChannelLanes.h). Where layouts meet, `nn.pack` or `nn.unpack` is inserted, once per value, and a remark says which operation asks for
    it. Weights get recipe steps instead.

    **Before/After.** test/passes/nn_to_linalg/propagate-layout.mlir, propagate-layout-programs.mlir.

    **Requires / Leaves.** Requires nn in logical form and the module's `nn.target`. Leaves nn; every pool and every depthwise convolution reads and
    writes blocked tensors, every convolution writes one.

    **Numerics.** None: lanes beyond the channel count are never read.
  }];
  let options = [Option<"propagate", "propagate", "bool", "true", "false: values are plain between operations, for finding a layout that is wrong">];
  let dependentDialects = ["::lathe::nn::NNDialect", "::mlir::vector::VectorDialect"];
}

def SelectTilingPass : Pass<"nn-select-tiling", "::mlir::func::FuncOp"> {
  let summary = "register tiles by the cost model; packs weights for them";
  let description = [{
    **What.** Each windowed operation gets the `#nn.tiling` that the cost model (CostModel.h) finds cheapest for its shape on the module's `nn.target`; an
    attribute that is already there is kept. Then its weights' recipe gets the steps that bring them into the order in which the tile reads them, and
    per-channel operands are padded to whole tiles. A remark says what was chosen, the predicted cycles and the next best. When all tiles are known,
    a schedule (StreamWeights.h) says which weights are fetched while which operation runs.

    **Before/After.** test/passes/nn_to_linalg/select-tiling.mlir.

    **Requires / Leaves.** Requires layouts (`nn-propagate-layout`). Leaves windowed operations in packed form.

    Convolutions of one group and steps of 1 may get tiles of Winograd's algorithm instead (WinogradCost.h), if the model says that they pay.

    **Numerics.** Every register tile computes an element by the same chain, or with `share` by the same sum of chains. Winograd's algorithm rounds
    differently: up to 1e-4 of the largest output (docs/rationale/Winograd.md).
  }];
  let options = [Option<"naive", "naive", "bool", "false", "one pixel by one vector everywhere: for debugging at -O0">,
                 Option<"winograd", "winograd", "bool", "true", "false: every convolution by its definition">,
                 Option<"shareLanes", "share-lanes", "bool", "true", "false: input channels are summed one after the other everywhere">,
                 Option<"prefetch", "prefetch", "bool", "true", "false: no weights are fetched ahead">];
  let dependentDialects = ["::lathe::nn::NNDialect"];
}

def ConvertNNToLinalgPass : Pass<"convert-nn-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "elementwise, layout and shape operations to linalg and tensor";
  let description = [{
    **What.** Elementwise operations become `linalg.generic` (numpy broadcasting is a constant 0 in an indexing map, a splat weight a constant in the
    body). `nn.reshape` becomes tensor.collapse_shape and expand_shape. `nn.pack` and `nn.unpack` become views where all spatial extents are 1 and the
    channels fill the lanes, else `linalg.generic`. `nn.concat` and `nn.pad` become one destination into whose slices the parts are inserted, so that
    bufferisation lets their producers write there; concatenations that begin with the operands of another one share its destination. `nn.slice` becomes a
    view unless it goes backwards or takes the last dimension apart; that and `nn.transpose` are `linalg.generic`. Windowed operations and weights stay.

    **Before/After.** test/passes/nn_to_linalg/convert-nn-to-linalg.mlir.

    **Requires / Leaves.** Requires layouts; no `nn.batch_norm`. Leaves linalg, tensor, arith, and of nn only weights and windowed operations.

    **Numerics.** Bit-exact.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

#endif // PASSES_NN_TO_LINALG_PASSES_TD
