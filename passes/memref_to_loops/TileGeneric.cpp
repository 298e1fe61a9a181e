#include "dialects/nn/NNDialect.h"
#include "passes/memref_to_loops/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lathe::passes {
#define GEN_PASS_DEF_TILEGENERICPASS
#include "passes/memref_to_loops/Passes.h.inc"
} // namespace lathe::passes

namespace {
struct TileGenericPass : lathe::passes::impl::TileGenericPassBase<TileGenericPass> {
  void runOnOperation() override {}
};
} // namespace
