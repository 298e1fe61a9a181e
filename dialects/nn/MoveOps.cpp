// nn.concat, nn.slice, nn.transpose, nn.pad: verifiers and folds. They move elements and compute nothing.
#include "dialects/nn/NNDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace lathe::nn;

static bool isBatch(int64_t extent, size_t dim) { return ShapedType::isDynamic(extent) && dim == 0; }

/// One number per dimension of `type`, and one element type on both sides.
static LogicalResult verifyLists(Operation *op, RankedTensorType input, RankedTensorType result, ArrayRef<std::pair<StringRef, ArrayRef<int64_t>>> lists) {
  if (input.getElementType() != result.getElementType())
    return op->emitOpError("expects one element type (got ") << input.getElementType() << " and " << result.getElementType() << ")";
  if (input.getRank() != result.getRank())
    return op->emitOpError("expects a result of the input's rank (got ") << input << " and " << result << ")";
  for (auto [name, list] : lists)
    if (static_cast<int64_t>(list.size()) != input.getRank())
      return op->emitOpError("expects ") << name << " of one number per dimension (got " << list.size() << " for " << input << ")";
  return success();
}

/// The weight that a recipe step makes of `input`; null if that is no weight.
static WeightAttr folded(Value input, StringRef step, ArrayRef<int64_t> arguments) {
  auto weight = input.getDefiningOp<WeightOp>();
  return weight ? weight.getWeight().withStep(StepAttr::get(weight.getContext(), step, arguments, {}, {})) : WeightAttr();
}

//===- nn.concat ---------------------------------------------------------------------------------------------------------------------------===//

LogicalResult ConcatOp::verify() {
  auto result = cast<RankedTensorType>(getType());
  int64_t axis = getAxis(), sum = 0;
  if (getInputs().empty())
    return emitOpError("expects an operand");
  if (axis < 0 || axis >= result.getRank())
    return emitOpError("expects an axis of the result (got ") << axis << " for " << result << ")";
  for (Type t : getInputs().getTypes()) {
    auto type = cast<RankedTensorType>(t);
    if (type.getElementType() != result.getElementType() || type.getRank() != result.getRank())
      return emitOpError("expects operands of the result's rank and element type (got ") << type << " and " << result << ")";
    for (auto [i, d] : llvm::enumerate(type.getShape()))
      if (static_cast<int64_t>(i) == axis ? ShapedType::isDynamic(d) : d != result.getDimSize(i))
        return emitOpError("expects static extents along the axis and the result's along the others (got ") << type << " and " << result << ")";
    sum += type.getDimSize(axis);
  }
  if (result.getDimSize(axis) != sum)
    return emitOpError("expects the sum of the extents along the axis, ") << sum << " (got " << result << ")";
  return success();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) { return getInputs().size() == 1 ? OpFoldResult(getInputs()[0]) : OpFoldResult(); }

//===- nn.slice ----------------------------------------------------------------------------------------------------------------------------===//

LogicalResult SliceOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType()), result = cast<RankedTensorType>(getType());
  if (failed(verifyLists(*this, input, result, {{"begins", getBegins()}, {"steps", getSteps()}})))
    return failure();
  for (auto [i, d] : llvm::enumerate(input.getShape())) {
    int64_t begin = getBegins()[i], step = getSteps()[i], extent = result.getDimSize(i);
    if (ShapedType::isDynamic(d) || ShapedType::isDynamic(extent)) {
      if (!isBatch(d, i) || !isBatch(extent, i) || begin != 0 || step != 1)
        return emitOpError("expects all of a dynamic dimension, which is the leading one (got ") << input << " and " << result << ")";
      continue;
    }
    // Without products, which could overflow.
    int64_t room = step > 0 ? d - 1 - begin : begin;
    bool inside = step != 0 && step != INT64_MIN && (extent == 0 || (begin >= 0 && begin < d && (extent - 1) <= room / (step > 0 ? step : -step)));
    if (!inside)
      return emitOpError("expects elements inside the input, and steps other than 0 (got begin ")
             << begin << " and step " << step << " in dimension " << i << " of " << input << " for " << result << ")";
  }
  return success();
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  bool whole = getType() == getInput().getType() && llvm::all_of(getBegins(), [](int64_t b) { return b == 0; }) &&
               llvm::all_of(getSteps(), [](int64_t s) { return s == 1; });
  return whole ? getInput() : OpFoldResult();
}

LogicalResult SliceOp::canonicalize(SliceOp op, PatternRewriter &rewriter) {
  SmallVector<int64_t> arguments(op.getBegins());
  llvm::append_range(arguments, cast<RankedTensorType>(op.getType()).getShape());
  llvm::append_range(arguments, op.getSteps());
  WeightAttr weight = folded(op.getInput(), "slice", arguments);
  if (!weight)
    return rewriter.notifyMatchFailure(op, "expects a weight as input");
  rewriter.replaceOpWithNewOp<WeightOp>(op, weight);
  return success();
}

//===- nn.transpose ------------------------------------------------------------------------------------------------------------------------===//

LogicalResult TransposeOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType()), result = cast<RankedTensorType>(getType());
  if (failed(verifyLists(*this, input, result, {{"a permutation", getPermutation()}})))
    return failure();
  SmallVector<bool> seen(input.getRank(), false);
  for (auto [i, from] : llvm::enumerate(getPermutation())) {
    if (from < 0 || from >= input.getRank() || seen[from])
      return emitOpError("expects a permutation of the dimensions (got ") << getPermutation() << " for " << input << ")";
    seen[from] = true;
    if (input.getDimSize(from) != result.getDimSize(i) || (ShapedType::isDynamic(result.getDimSize(i)) && (i || from)))
      return emitOpError("expects the permuted shape, a dynamic dimension in front (got ") << input << " and " << result << ")";
  }
  return success();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  if (llvm::is_sorted(getPermutation()))
    return getInput();
  if (auto producer = getInput().getDefiningOp<TransposeOp>()) {
    setPermutation(llvm::map_to_vector(getPermutation(), [&](int64_t i) { return producer.getPermutation()[i]; }));
    getInputMutable().assign(producer.getInput());
    return getResult();
  }
  return {};
}

/// A transposition of a concatenation is one of transposed parts. Done where the axis holds one element of each part and nothing else moves, so that the
/// parts only change their shape: a channel shuffle, which is no operation then but an order of slices.
static LogicalResult interleaveParts(TransposeOp op, PatternRewriter &rewriter) {
  auto reshape = op.getInput().getDefiningOp<ReshapeOp>();
  auto concat = reshape ? reshape.getInput().getDefiningOp<ConcatOp>() : ConcatOp();
  if (!concat || !reshape->hasOneUse() || !concat->hasOneUse())
    return rewriter.notifyMatchFailure(op, "expects the only use of a reshaped concatenation as input");
  int64_t axis = concat.getAxis(), parts = concat.getInputs().size();
  ArrayRef<int64_t> joined = cast<RankedTensorType>(concat.getType()).getShape(), split = cast<RankedTensorType>(reshape.getType()).getShape();
  bool equalParts = llvm::all_of(concat.getInputs().getTypes(), [&](Type t) { return t == concat.getInputs()[0].getType(); });
  bool splitsAxis = split.size() == joined.size() + 1 && split.take_front(axis) == joined.take_front(axis) && split[axis] == parts &&
                    split.drop_front(axis + 2) == joined.drop_front(axis + 1);
  if (!equalParts || !splitsAxis)
    return rewriter.notifyMatchFailure(op, "expects a reshape that separates parts of equal shape");
  SmallVector<int64_t> others(op.getPermutation());
  int64_t to = llvm::find(others, axis) - others.begin();
  others.erase(others.begin() + to);
  if (!llvm::is_sorted(others))
    return rewriter.notifyMatchFailure(op, "expects that nothing but the parts' dimension moves");
  SmallVector<int64_t> shape(cast<RankedTensorType>(op.getType()).getShape());
  shape[to] = 1;
  auto type = RankedTensorType::get(shape, cast<RankedTensorType>(op.getType()).getElementType());
  SmallVector<Value> reshaped;
  for (Value part : concat.getInputs())
    reshaped.push_back(ReshapeOp::create(rewriter, concat.getLoc(), type, part));
  rewriter.replaceOpWithNewOp<ConcatOp>(op, op.getType(), reshaped, to);
  return success();
}

LogicalResult TransposeOp::canonicalize(TransposeOp op, PatternRewriter &rewriter) {
  if (WeightAttr weight = folded(op.getInput(), "transpose", op.getPermutation())) {
    rewriter.replaceOpWithNewOp<WeightOp>(op, weight);
    return success();
  }
  // Dimensions of extent 1 may go anywhere.
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getInput().getType()).getShape();
  SmallVector<int64_t> longer;
  llvm::copy_if(op.getPermutation(), std::back_inserter(longer), [&](int64_t i) { return shape[i] != 1; });
  if (llvm::is_sorted(longer)) {
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getInput());
    return success();
  }
  return interleaveParts(op, rewriter);
}

//===- nn.pad ------------------------------------------------------------------------------------------------------------------------------===//

LogicalResult PadOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType()), result = cast<RankedTensorType>(getType()), value = cast<RankedTensorType>(getValue().getType());
  if (failed(verifyLists(*this, input, result, {{"begins", getBegins()}, {"ends", getEnds()}})))
    return failure();
  if (value.getRank() != 0 || value.getElementType() != input.getElementType())
    return emitOpError("expects a value of rank 0 and the input's element type (got ") << value << ")";
  for (auto [i, d] : llvm::enumerate(input.getShape())) {
    int64_t begin = getBegins()[i], end = getEnds()[i], extent = result.getDimSize(i);
    bool isDynamic = ShapedType::isDynamic(d);
    int64_t rest = extent - begin; // no sum that could overflow: both are at least 0 where it is used
    bool fits =
        begin >= 0 && end >= 0 && (isDynamic ? isBatch(d, i) && extent == d && begin == 0 && end == 0 : extent >= begin && rest >= d && rest - d == end);
    if (!fits)
      return emitOpError("expects a result that holds the input and its border, none of it negative or at a dynamic dimension (got ")
             << begin << " and " << end << " in dimension " << i << " of " << input << " for " << result << ")";
  }
  return success();
}

OpFoldResult PadOp::fold(FoldAdaptor) { return getType() == getInput().getType() ? getInput() : OpFoldResult(); }
