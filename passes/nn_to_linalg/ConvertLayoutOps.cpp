// nn.reshape, nn.pack and nn.unpack to views where the order of the elements in memory allows it, else to linalg.generic; nn.interleave to slices.
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

/// Which dims of two shapes with equally many elements hold the same elements: minimal groups of neighbours with equal products.
struct CommonGroups {
  SmallVector<ReassociationIndices> from, to;
  SmallVector<int64_t> shape; // one extent per group
};

FailureOr<CommonGroups> commonGroups(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  CommonGroups g;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    int64_t a = from[i], b = to[j];
    g.from.push_back({static_cast<int64_t>(i++)});
    g.to.push_back({static_cast<int64_t>(j++)});
    if (ShapedType::isDynamic(a) != ShapedType::isDynamic(b)) // the batch corresponds to itself only
      return failure();
    while (a != b) {
      if (a < b && i < from.size()) {
        a *= from[i];
        g.from.back().push_back(i++);
      } else if (a > b && j < to.size()) {
        b *= to[j];
        g.to.back().push_back(j++);
      } else {
        return failure();
      }
    }
    g.shape.push_back(a);
  }
  for (; i < from.size(); ++i) { // what is left has extent 1
    if (from[i] != 1 || g.from.empty())
      return failure();
    g.from.back().push_back(i);
  }
  for (; j < to.size(); ++j) {
    if (to[j] != 1 || g.to.empty())
      return failure();
    g.to.back().push_back(j);
  }
  return g;
}

Value collapse(OpBuilder &b, Location loc, Value v, ArrayRef<int64_t> shape, ArrayRef<ReassociationIndices> groups) {
  auto type = cast<RankedTensorType>(v.getType());
  if (type.getRank() == static_cast<int64_t>(shape.size()))
    return v;
  return tensor::CollapseShapeOp::create(b, loc, RankedTensorType::get(shape, type.getElementType()), v, groups);
}

Value expand(OpBuilder &b, Operation *op, Value v, RankedTensorType type, ArrayRef<ReassociationIndices> groups) {
  if (cast<RankedTensorType>(v.getType()).getRank() == type.getRank())
    return v;
  return tensor::ExpandShapeOp::create(b, op->getLoc(), type, v, groups, mixedSizes(b, op, type.getShape()));
}

/// `v` in another shape with the same elements in the same order; null if there is none.
Value reshaped(OpBuilder &b, Operation *op, Value v, RankedTensorType type) {
  auto from = cast<RankedTensorType>(v.getType());
  if (from == type)
    return v;
  if (from.getRank() == 0 || type.getRank() == 0) { // one element
    if (from.getRank() == 0)
      return tensor::ExpandShapeOp::create(b, op->getLoc(), type, v, ArrayRef<ReassociationIndices>{});
    return tensor::CollapseShapeOp::create(b, op->getLoc(), type, v, ArrayRef<ReassociationIndices>{});
  }
  FailureOr<CommonGroups> groups = commonGroups(from.getShape(), type.getShape());
  if (failed(groups))
    return {};
  return expand(b, op, collapse(b, op->getLoc(), v, groups->shape, groups->from), type, groups->to);
}

bool batchIsKnown(Operation *op, RankedTensorType type) { return type.hasStaticShape() || batchOf(op->getParentOfType<FunctionOpInterface>()); }

//   nn.reshape : tensor<?x32x4x4xf32> -> tensor<?x512xf32>   ->   tensor.collapse_shape [[0], [1, 2, 3]]
struct ReshapeToViews : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    if (!batchIsKnown(op, type))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size");
    Value v = reshaped(rewriter, op, op.getInput(), type);
    if (!v)
      return rewriter.notifyMatchFailure(op, "the shapes have no common groups of dimensions");
    rewriter.replaceOp(op, v);
    return success();
  }
};

/// Channels, lanes and spatial extents of a pack or unpack.
struct Layouts {
  Layouts(RankedTensorType plain, RankedTensorType blocked) : plain(plain), blocked(blocked), channels(plain.getDimSize(1)), lanes(blocked.getShape().back()) {}
  bool fullLanes() const { return channels % lanes == 0; }
  bool onePixel() const {
    return llvm::all_of(plain.getShape().drop_front(2), [](int64_t d) { return d == 1; });
  }
  /// [N, blocks * V]: the blocked tensor of one pixel without its unit dims.
  RankedTensorType line() const { return RankedTensorType::get({blocked.getDimSize(0), blocked.getDimSize(1) * lanes}, blocked.getElementType()); }

  RankedTensorType plain, blocked;
  int64_t channels, lanes;
};

/// A generic that only moves.
linalg::GenericOp move(PatternRewriter &rewriter, Operation *op, Value input, AffineMap inputMap, RankedTensorType type) {
  Value init = makeEmpty(rewriter, op, type);
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(rewriter, op->getLoc(), TypeRange{type}, ValueRange{input}, ValueRange{init},
                                   ArrayRef<AffineMap>{inputMap, rewriter.getMultiDimIdentityMap(type.getRank())}, iterators,
                                   [&](OpBuilder &b, Location loc, ValueRange arguments) { linalg::YieldOp::create(b, loc, arguments[0]); });
}

//   nn.unpack : tensor<?x2x5x9x16xf32> -> tensor<?x17x5x9xf32>   ->   generic (n, c, h, w) reads (n, c floordiv 16, h, w, c mod 16)
struct UnpackToLinalg : OpRewritePattern<UnpackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UnpackOp op, PatternRewriter &rewriter) const override {
    Layouts l(cast<RankedTensorType>(op.getType()), cast<RankedTensorType>(op.getInput().getType()));
    if (!batchIsKnown(op, l.plain))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size");
    if (l.onePixel()) {
      Value v = reshaped(rewriter, op, op.getInput(), l.line());
      if (!v)
        return rewriter.notifyMatchFailure(op, "empty dimensions");
      if (!l.fullLanes()) {
        SmallVector<OpFoldResult> zeros(2, rewriter.getIndexAttr(0)), ones(2, rewriter.getIndexAttr(1));
        auto type = RankedTensorType::get({l.plain.getDimSize(0), l.channels}, l.plain.getElementType());
        v = tensor::ExtractSliceOp::create(rewriter, op.getLoc(), type, v, zeros, mixedSizes(rewriter, op, type.getShape()), ones);
      }
      rewriter.replaceOp(op, reshaped(rewriter, op, v, l.plain));
      return success();
    }
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < l.plain.getRank(); ++i)
      exprs.push_back(rewriter.getAffineDimExpr(i));
    AffineExpr channel = exprs[1];
    exprs[1] = channel.floorDiv(l.lanes);
    exprs.push_back(channel % l.lanes);
    AffineMap map = AffineMap::get(l.plain.getRank(), 0, exprs, getContext());
    rewriter.replaceOp(op, move(rewriter, op, op.getInput(), map, l.plain));
    return success();
  }
};

//   nn.pack : tensor<?x32x5x9xf32> -> tensor<?x2x5x9x16xf32>   ->   generic (n, b, h, w, v) reads (n, b * 16 + v, h, w)
// With 17 channels it reads (n, (b * 16 + v) mod 17, h, w), which is inside the input: the lanes beyond C get what nobody reads.
struct PackToLinalg : OpRewritePattern<PackOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PackOp op, PatternRewriter &rewriter) const override {
    Layouts l(cast<RankedTensorType>(op.getInput().getType()), cast<RankedTensorType>(op.getType()));
    if (!batchIsKnown(op, l.plain))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size");
    if (l.onePixel() && l.fullLanes()) {
      Value v = reshaped(rewriter, op, op.getInput(), l.line());
      if (!v)
        return rewriter.notifyMatchFailure(op, "empty dimensions");
      rewriter.replaceOp(op, reshaped(rewriter, op, v, l.blocked));
      return success();
    }
    int64_t rank = l.blocked.getRank();
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i + 1 < rank; ++i)
      exprs.push_back(rewriter.getAffineDimExpr(i));
    exprs[1] = exprs[1] * l.lanes + rewriter.getAffineDimExpr(rank - 1);
    if (!l.fullLanes())
      exprs[1] = exprs[1] % l.channels;
    rewriter.replaceOp(op, move(rewriter, op, op.getInput(), AffineMap::get(rank, 0, exprs, getContext()), l.blocked));
    return success();
  }
};

//   nn.interleave %a, %b strides [2]   ->   tensor.insert_slice %a into %empty[0, 0, 0] [.., 4] [1, 1, 2], then %b at [0, 0, 1]
//   nn.interleave %a, %a strides [2]   ->   generic (n, c, w) reads (n, c, w floordiv 2)
struct InterleaveToSlices : OpRewritePattern<InterleaveOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(InterleaveOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    if (!batchIsKnown(op, type))
      return rewriter.notifyMatchFailure(op, "no argument gives the batch size");
    if (op.getInputs().size() > 1 && llvm::all_equal(op.getInputs())) {
      SmallVector<AffineExpr> exprs;
      for (int64_t i = 0; i < type.getRank(); ++i)
        exprs.push_back(rewriter.getAffineDimExpr(i));
      for (auto [d, stride] : llvm::enumerate(op.getStrides()))
        exprs[2 + d] = exprs[2 + d].floorDiv(stride);
      rewriter.replaceOp(op, move(rewriter, op, op.getInputs()[0], AffineMap::get(type.getRank(), 0, exprs, getContext()), type));
      return success();
    }
    Value v = makeEmpty(rewriter, op, type);
    for (auto [i, input] : llvm::enumerate(op.getInputs())) {
      SmallVector<OpFoldResult> offsets(type.getRank(), rewriter.getIndexAttr(0)), steps(type.getRank(), rewriter.getIndexAttr(1));
      for (auto [d, phase] : llvm::enumerate(op.getPhase(i))) {
        offsets[2 + d] = rewriter.getIndexAttr(phase);
        steps[2 + d] = rewriter.getIndexAttr(op.getStrides()[d]);
      }
      ArrayRef<int64_t> shape = cast<RankedTensorType>(input.getType()).getShape();
      v = tensor::InsertSliceOp::create(rewriter, op.getLoc(), input, v, offsets, mixedSizes(rewriter, op, shape), steps);
    }
    rewriter.replaceOp(op, v);
    return success();
  }
};

} // namespace

void lathe::passes::populateLayoutOpPatterns(RewritePatternSet &patterns) {
  patterns.add<ReshapeToViews, UnpackToLinalg, PackToLinalg, InterleaveToSlices>(patterns.getContext());
}
