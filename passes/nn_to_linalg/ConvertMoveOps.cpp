// nn.concat, nn.slice, nn.transpose and nn.pad to slices of destinations and views where that is possible, else to linalg.generic.
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/nn_to_linalg/Patterns.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::makeEmpty;
using lathe::passes::mixedSizes;

namespace {

/// A box in a tensor; a dynamic extent is the batch, all of it.
struct Box {
  explicit Box(ArrayRef<int64_t> shape) : offsets(shape.size(), 0), steps(shape.size(), 1), sizes(shape) {}
  SmallVector<int64_t> offsets, steps, sizes;
};

struct Mixed {
  Mixed(OpBuilder &b, Operation *op, const Box &box)
      : offsets(getAsIndexOpFoldResult(b.getContext(), box.offsets)), sizes(mixedSizes(b, op, box.sizes)),
        steps(getAsIndexOpFoldResult(b.getContext(), box.steps)) {}
  SmallVector<OpFoldResult> offsets, sizes, steps;
};

Value insert(OpBuilder &b, Operation *op, Value part, Value whole, const Box &box) {
  Mixed m(b, op, box);
  return tensor::InsertSliceOp::create(b, op->getLoc(), part, whole, m.offsets, m.sizes, m.steps);
}

Value extract(OpBuilder &b, Operation *op, Value whole, RankedTensorType type, const Box &box) {
  Mixed m(b, op, box);
  return tensor::ExtractSliceOp::create(b, op->getLoc(), type, whole, m.offsets, m.sizes, m.steps);
}

/// Element (i...) of the result is the one at `map` of the input.
Value gather(OpBuilder &b, Operation *op, Value input, AffineMap map, RankedTensorType type) {
  Value init = makeEmpty(b, op, type);
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto body = [](OpBuilder &inner, Location loc, ValueRange arguments) { linalg::YieldOp::create(inner, loc, arguments[0]); };
  return linalg::GenericOp::create(b, op->getLoc(), TypeRange{type}, ValueRange{input}, ValueRange{init},
                                   ArrayRef<AffineMap>{map, b.getMultiDimIdentityMap(type.getRank())}, iterators, body)
      .getResult(0);
}

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

bool batchIsKnown(Operation *op) { return typeOf(op->getResult(0)).hasStaticShape() || batchOf(op->getParentOfType<FunctionOpInterface>()); }

//===- Concatenations ----------------------------------------------------------------------------------------------------------------------===//

//   nn.concat %a, %b axis 1   ->   tensor.insert_slice %a into tensor.empty at 0, then %b behind it
struct ConcatToSlices : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const override {
    if (!batchIsKnown(op))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size");
    Value v = makeEmpty(rewriter, op, typeOf(op));
    int64_t at = 0;
    for (Value input : op.getInputs()) {
      Box box(typeOf(input).getShape());
      box.offsets[op.getAxis()] = at;
      at += box.sizes[op.getAxis()];
      v = insert(rewriter, op, input, v, box);
    }
    rewriter.replaceOp(op, v);
    return success();
  }
};

/// Concatenations each of which begins with the operands of the one before, the shortest first.
using Chain = SmallVector<ConcatOp>;

bool isPrefix(ConcatOp shorter, ConcatOp longer) {
  return shorter.getAxis() == longer.getAxis() && shorter.getInputs().size() < longer.getInputs().size() &&
         llvm::equal(shorter.getInputs(), longer.getInputs().take_front(shorter.getInputs().size()));
}

SmallVector<Chain> findChains(Operation *function) {
  SmallVector<Chain> chains;
  DenseMap<std::pair<Value, int64_t>, SmallVector<size_t>> byFirst; // operand and axis to chains
  function->walk([&](ConcatOp op) {
    for (size_t chain : byFirst[{op.getInputs()[0], op.getAxis()}])
      if (chains[chain].back()->getBlock() == op->getBlock() && isPrefix(chains[chain].back(), op)) {
        chains[chain].push_back(op);
        return;
      }
    byFirst[{op.getInputs()[0], op.getAxis()}].push_back(chains.size());
    chains.push_back({op});
  });
  return chains;
}

/// DenseNet: one destination for all of a chain. Each operand is inserted once; the shorter concatenations are the filled part of it.
void shareDestination(const Chain &chain) {
  IRRewriter b(chain.front());
  ConcatOp last = chain.back();
  int64_t axis = last.getAxis(), filled = 0;
  size_t next = 0;
  Value v = makeEmpty(b, chain.front(), typeOf(last));
  for (ConcatOp op : chain) {
    b.setInsertionPoint(op);
    for (; next < op.getInputs().size(); ++next) {
      Value input = op.getInputs()[next];
      Box box(typeOf(input).getShape());
      box.offsets[axis] = filled;
      filled += box.sizes[axis];
      v = insert(b, op, input, v, box);
    }
    b.replaceOp(op, op == last ? v : extract(b, op, v, typeOf(op), Box(typeOf(op).getShape())));
  }
}

//===- Slices ------------------------------------------------------------------------------------------------------------------------------===//

//   nn.slice %x begins [0, 8] steps [1, 1]    ->   tensor.extract_slice
//   nn.slice %x begins [0, 8] steps [1, -2]   ->   generic (i, j) reads (i, 8 - 2 * j)
struct SliceToView : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SliceOp op, PatternRewriter &rewriter) const override {
    RankedTensorType type = typeOf(op);
    if (!batchIsKnown(op) || (type.hasStaticShape() && type.getNumElements() == 0))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size, or no elements");
    ArrayRef<int64_t> begins = op.getBegins(), steps = op.getSteps();
    // Kernels read vectors along the last dimension.
    bool isView = llvm::all_of(steps, [](int64_t s) { return s > 0; }) && (steps.empty() || steps.back() == 1);
    if (isView) {
      Box box(type.getShape());
      box.offsets.assign(begins.begin(), begins.end());
      box.steps.assign(steps.begin(), steps.end());
      rewriter.replaceOp(op, extract(rewriter, op, op.getInput(), type, box));
      return success();
    }
    SmallVector<AffineExpr> exprs;
    for (auto [i, begin, step] : llvm::enumerate(begins, steps))
      exprs.push_back(rewriter.getAffineDimExpr(i) * step + begin);
    rewriter.replaceOp(op, gather(rewriter, op, op.getInput(), AffineMap::get(type.getRank(), 0, exprs, getContext()), type));
    return success();
  }
};

//===- Transpositions and borders ----------------------------------------------------------------------------------------------------------===//

//   nn.transpose %x permutation [0, 2, 1]   ->   generic (i, j, k) reads (i, k, j)
struct TransposeToGeneric : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    if (!batchIsKnown(op))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size");
    AffineMap map = inversePermutation(AffineMap::getPermutationMap(op.getPermutation(), getContext()));
    rewriter.replaceOp(op, gather(rewriter, op, op.getInput(), map, typeOf(op)));
    return success();
  }
};

//   nn.pad %x with %v begins [0, 1] ends [0, 1]   ->   %v broadcast into two columns of a destination, %x between them
struct PadToSlices : OpRewritePattern<PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PadOp op, PatternRewriter &rewriter) const override {
    if (!batchIsKnown(op))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size");
    RankedTensorType type = typeOf(op), input = typeOf(op.getInput());
    Value v = makeEmpty(rewriter, op, type);
    Box rest(type.getShape()); // what no border has filled yet
    auto fill = [&](int64_t dim, int64_t offset, int64_t extent) {
      if (extent == 0)
        return;
      Box box = rest;
      box.offsets[dim] = offset;
      box.sizes[dim] = extent;
      auto border = RankedTensorType::get(box.sizes, type.getElementType());
      AffineMap scalar = AffineMap::get(type.getRank(), 0, {}, getContext());
      v = insert(rewriter, op, gather(rewriter, op, op.getValue(), scalar, border), v, box);
    };
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (ShapedType::isDynamic(type.getDimSize(dim)))
        continue;
      int64_t begin = op.getBegins()[dim], end = op.getEnds()[dim], extent = input.getDimSize(dim);
      fill(dim, 0, begin);
      fill(dim, begin + extent, end);
      rest.offsets[dim] = begin;
      rest.sizes[dim] = extent;
    }
    rewriter.replaceOp(op, insert(rewriter, op, op.getInput(), v, rest));
    return success();
  }
};

} // namespace

void lathe::passes::shareConcatDestinations(Operation *function) {
  for (const Chain &chain : findChains(function))
    if (chain.size() > 1 && batchIsKnown(chain.front()))
      shareDestination(chain);
}

void lathe::passes::populateMoveOpPatterns(RewritePatternSet &patterns) {
  patterns.add<ConcatToSlices, SliceToView, TransposeToGeneric, PadToSlices>(patterns.getContext());
}
