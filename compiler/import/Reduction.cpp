#include "compiler/import/Reduction.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

FloatInput lathe::importer::floatInput(NodeContext &node, size_t i, StringRef role) {
  Operand x = node.operand(i, role, kFloats);
  if (!x)
    return {};
  return {x.dataType == kFloat16 ? convertFloat(node, x.value, node.builder().getF32Type()) : x.value, x.dataType};
}

LogicalResult lathe::importer::defineFloat(NodeContext &node, Value value, int32_t dataType, size_t output) {
  return node.define(convertFloat(node, value, elementType(node.builder().getContext(), dataType)), output, dataType);
}

Value lathe::importer::reduce(NodeContext &node, nn::Combine kind, ArrayRef<AffineMap> maps, ValueRange inputs, RankedTensorType result, Body body,
                              Finish finish) {
  OpBuilder &b = node.builder();
  auto op = nn::ReduceOp::create(b, node.loc(), result, kind, b.getAffineMapArrayAttr(maps), inputs, Value());
  Block &elements = op.getBody().emplaceBlock();
  for (Value input : inputs)
    elements.addArgument(getElementTypeOrSelf(input.getType()), node.loc());
  ProgramBuilder program(node.loc(), &elements, elements.end());
  Value combined = body(program, elements.getArguments());
  nn::YieldOp::create(program, combined);
  Block &last = op.getFinish().emplaceBlock();
  last.addArgument(combined.getType(), node.loc());
  program.setInsertionPointToEnd(&last);
  nn::YieldOp::create(program, finish(program, last.getArgument(0)));
  return op.getResult();
}

Value lathe::importer::reduceAxes(NodeContext &node, nn::Combine kind, ValueRange inputs, ArrayRef<int64_t> axes, Type element, Body body, Finish finish) {
  MLIRContext *context = node.builder().getContext();
  auto type = cast<RankedTensorType>(inputs.front().getType());
  int64_t rank = type.getRank();
  AffineExpr zero = getAffineConstantExpr(0, context);
  SmallVector<AffineMap> maps;
  for (Value input : inputs) {
    SmallVector<AffineExpr> exprs;
    for (auto [d, extent] : llvm::enumerate(cast<ShapedType>(input.getType()).getShape()))
      exprs.push_back(extent == 1 && type.getDimSize(d) != 1 ? zero : getAffineDimExpr(d, context));
    maps.push_back(AffineMap::get(rank, 0, exprs, context));
  }
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<AffineExpr> kept;
  for (int64_t d = 0; d < rank; ++d) {
    bool reduced = llvm::is_contained(axes, d);
    kept.push_back(reduced ? zero : getAffineDimExpr(d, context));
    if (reduced)
      shape[d] = 1;
  }
  maps.push_back(AffineMap::get(rank, 0, kept, context));
  return reduce(node, kind, maps, inputs, RankedTensorType::get(shape, element), body, finish);
}

int64_t lathe::importer::countAlong(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  int64_t count = 1;
  for (int64_t axis : axes)
    count *= shape[axis];
  return count;
}

LogicalResult lathe::importer::checkNotBatch(NodeContext &node, ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) {
  for (int64_t axis : axes)
    if (ShapedType::isDynamic(shape[axis]))
      return node.needsStaticBatch("axis " + Twine(axis) + ", over which it reduces, is the batch, which is not supported");
  return success();
}

Value lathe::importer::reshaped(NodeContext &node, Value value, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == shape)
    return value;
  return nn::ReshapeOp::create(node.builder(), node.loc(), RankedTensorType::get(shape, type.getElementType()), value);
}

SmallVector<int64_t> lathe::importer::axesFrom(int64_t first, int64_t rank) { return llvm::to_vector(llvm::seq<int64_t>(first, rank)); }

static Value dividedBy(ProgramBuilder &b, Value sum, int64_t count) { return b.div(sum, b.number(sum.getType(), static_cast<double>(count))); }

Value lathe::importer::meanOf(NodeContext &node, Value x, ArrayRef<int64_t> axes) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t count = countAlong(type.getShape(), axes);
  return reduceAxes(
      node, nn::Combine::sum, x, axes, type.getElementType(), [](ProgramBuilder &, ValueRange v) { return v[0]; },
      [&](ProgramBuilder &b, Value sum) { return dividedBy(b, sum, count); });
}

Value lathe::importer::varianceOf(NodeContext &node, Value x, Value mean, ArrayRef<int64_t> axes, Finish finish) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t count = countAlong(type.getShape(), axes);
  SmallVector<Value> inputs{x};
  if (mean)
    inputs.push_back(mean);
  return reduceAxes(
      node, nn::Combine::sum, inputs, axes, type.getElementType(),
      [](ProgramBuilder &b, ValueRange v) {
        Value difference = v.size() == 2 ? b.sub(v[0], v[1]) : v[0];
        return b.mul(difference, difference);
      },
      [&](ProgramBuilder &b, Value sum) { return finish(b, dividedBy(b, sum, count)); });
}
