// lathe-expand-foreach: the program of an nn.foreach into a loop nest over its index space.
#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/NNDialect.h"
#include "passes/memref_to_loops/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace lathe::passes {
#define GEN_PASS_DEF_EXPANDFOREACHPASS
#include "passes/memref_to_loops/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

/// Innermost extents up to this one become a loop inside an iteration of the forall: index arithmetic once per line, and enough lines to share.
constexpr int64_t kLine = 4096;

class Expander : IndexBuilder {
public:
  explicit Expander(ForeachOp op) : IndexBuilder(op), op(op) {}

  void expand() {
    ArrayRef<int64_t> space = op.getSpace();
    bool line = space.size() > 1 && space.back() <= kLine;
    ArrayRef<int64_t> shared = line ? space.drop_back() : space;
    SmallVector<OpFoldResult> bounds;
    for (int64_t extent : shared)
      bounds.push_back(ShapedType::isDynamic(extent) ? OpFoldResult(batch()) : OpFoldResult(b.getIndexAttr(extent)));
    if (bounds.empty())
      bounds.push_back(b.getIndexAttr(1));
    // Before the loop: nothing but constants, dims and views may stand between it and the kernel's begin.
    Value zero = constant(0), one = constant(1), extent = line ? constant(space.back()) : Value();
    auto forall = scf::ForallOp::create(b, bounds, ValueRange{}, std::nullopt);
    SmallVector<Value> arguments(ArrayRef<Value>(forall.getInductionVars()).take_front(shared.size()));
    Operation *end = forall.getTerminator();
    if (line) {
      b.setInsertionPoint(end);
      auto loop = scf::ForOp::create(b, zero, extent, one);
      arguments.push_back(loop.getInductionVar());
      end = loop.getBody()->getTerminator();
    }
    llvm::append_range(arguments, op->getOperands());
    Block *body = &op.getBody().front();
    IRRewriter rewriter(b);
    rewriter.eraseOp(body->getTerminator());
    rewriter.inlineBlockBefore(body, end, arguments);
    rewriter.eraseOp(op);
  }

private:
  Value batch() {
    for (Value v : llvm::reverse(op->getOperands()))
      if (auto type = cast<MemRefType>(v.getType()); type.getRank() && type.isDynamicDim(0))
        return memref::DimOp::create(b, v, constant(0));
    llvm_unreachable("the verifier asks for an output with the batch");
  }

  ForeachOp op;
};

struct ExpandForeachPass : lathe::passes::impl::ExpandForeachPassBase<ExpandForeachPass> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr(NNDialect::kKernelAttr))
      return;
    SmallVector<ForeachOp> ops(getOperation().getBody().getOps<ForeachOp>());
    for (ForeachOp op : ops) {
      if (op.getInits().empty() || !llvm::all_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>)) {
        op.emitOpError("expects buffers");
        return signalPassFailure();
      }
      Expander(op).expand();
    }
  }
};

} // namespace
