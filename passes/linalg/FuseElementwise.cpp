// lathe-fuse-elementwise: upstream's elementwise fusion, restricted to what never computes an element twice, with a remark per decision. In program
// order, so that a chain is fused from its first operation on.
#include "dialects/nn/NNDialect.h"
#include "passes/linalg/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/BitVector.h"

namespace lathe::passes {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "passes/linalg/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;

namespace {

/// Iterations per image (a dynamic extent is the batch, on both sides).
int64_t iterations(linalg::GenericOp op) {
  int64_t n = 1;
  for (int64_t extent : op.getStaticLoopRanges())
    if (!ShapedType::isDynamic(extent))
      n *= extent;
  return n;
}

int64_t dynamicLoops(linalg::GenericOp op) { return llvm::count_if(op.getStaticLoopRanges(), ShapedType::isDynamic); }

/// Why the value behind `operand` cannot be computed in its consumer; empty if it can.
StringRef obstacle(OpOperand &operand, linalg::GenericOp producer, linalg::GenericOp consumer) {
  if (!producer->hasOneUse())
    return "its value is used more than once";
  // Each iteration of the consumer computes one element of the producer.
  if (dynamicLoops(consumer) > dynamicLoops(producer) || iterations(consumer) > iterations(producer))
    return "the consumer reads elements more than once";
  if (!linalg::areElementwiseOpsFusable(&operand))
    return "it is no elementwise producer of that operand";
  return {};
}

struct FuseElementwisePass : lathe::passes::impl::FuseElementwisePassBase<FuseElementwisePass> {
  void runOnOperation() override {
    reported.clear();
    SmallVector<linalg::GenericOp> consumers;
    getOperation().walk([&](linalg::GenericOp op) { consumers.push_back(op); });
    for (linalg::GenericOp consumer : consumers)
      while ((consumer = fuseOneProducer(consumer))) {
      }
    expandIndices();
  }

  /// Fusion writes the loop indices of a producer's body (those of a partial nn.pack) as affine.apply of the consumer's; the phase knows no affine.
  void expandIndices() {
    getOperation().walk([](affine::AffineApplyOp apply) {
      OpBuilder b(apply);
      SmallVector<Value> dims(apply.getDimOperands()), symbols(apply.getSymbolOperands());
      if (Value v = affine::expandAffineExpr(b, apply.getLoc(), apply.getAffineMap().getResult(0), dims, symbols)) {
        apply.replaceAllUsesWith(v);
        apply.erase();
      }
    });
  }

  /// The operation that replaces `consumer`, or null if there was nothing to fuse.
  linalg::GenericOp fuseOneProducer(linalg::GenericOp consumer) {
    for (OpOperand *operand : consumer.getDpsInputOperands()) {
      auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
      if (!producer)
        continue;
      auto opts = remark::RemarkOpts::name("ProducerFused").category("lathe-fuse-elementwise");
      if (StringRef why = obstacle(*operand, producer, consumer); !why.empty()) {
        if (reported.insert(operand->get()).second)
          remark::missed(producer.getLoc(), opts) << ("not fused into its consumer: " + why).str();
        continue;
      }
      IRRewriter rewriter(consumer);
      FailureOr<linalg::ElementwiseOpFusionResult> fused = linalg::fuseElementwiseOps(rewriter, operand);
      if (failed(fused))
        continue;
      auto result = cast<linalg::GenericOp>(fused->fusedOp);
      result->setLoc(FusedLoc::get(&getContext(), {producer.getLoc(), consumer.getLoc()}));
      remark::passed(producer.getLoc(), opts) << "computed in its only consumer";
      for (auto [from, to] : fused->replacements)
        rewriter.replaceUsesWithIf(from, to, [&](OpOperand &use) { return use.getOwner() != producer; });
      rewriter.eraseOp(consumer);
      rewriter.eraseOp(producer);
      return withoutRepeatedInputs(rewriter, result);
    }
    return {};
  }

  /// An input that is read twice in the same order (x, of x * sigmoid(x)) once, so that its producer has one use.
  static linalg::GenericOp withoutRepeatedInputs(RewriterBase &rewriter, linalg::GenericOp op) {
    Block &body = op.getRegion().front();
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    llvm::BitVector repeated(body.getNumArguments());
    SmallVector<unsigned> places; // of the inputs that stay
    for (OpOperand *in : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(in);
      size_t first = 0;
      while (first < inputs.size() && (inputs[first] != in->get() || maps[first] != map))
        ++first;
      if (first < inputs.size()) {
        body.getArgument(in->getOperandNumber()).replaceAllUsesWith(body.getArgument(places[first]));
        repeated.set(in->getOperandNumber());
        continue;
      }
      inputs.push_back(in->get());
      maps.push_back(map);
      places.push_back(in->getOperandNumber());
    }
    if (repeated.none())
      return op;
    for (OpOperand &out : op.getDpsInitsMutable())
      maps.push_back(op.getMatchingIndexingMap(&out));
    rewriter.setInsertionPoint(op);
    auto result = linalg::GenericOp::create(rewriter, op.getLoc(), op->getResultTypes(), inputs, op.getOutputs(), rewriter.getAffineMapArrayAttr(maps),
                                            op.getIteratorTypes(), /*doc=*/StringAttr(), /*library_call=*/StringAttr());
    body.eraseArguments(repeated);
    result.getRegion().takeBody(op.getRegion());
    rewriter.replaceOp(op, result);
    return result;
  }

  DenseSet<Value> reported; // producers whose remark is out; a consumer is looked at again after each fusion
};

} // namespace
