// Gather, GatherElements, GatherND, OneHot: what stands in the result is where an index says. Indices that are computed are clamped into range.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// Result [data before the axis, indices, data after it].
static LogicalResult gatherData(NodeContext &node, int64_t axis) {
  Operand data = node.operand(0, "data"), indices = node.operand(1, "indices", kIndexTypes);
  if (!data || !indices)
    return failure();
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis, data.rank());
  if (failed(resolved))
    return failure();
  size_t at = *resolved, count = indices.rank();
  SmallVector<int64_t> shape(data.shape().take_front(at));
  llvm::append_range(shape, indices.shape());
  llvm::append_range(shape, data.shape().drop_front(at + 1));
  RankedTensorType type = node.type(shape, data.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, data.dataType);
  if (failed(checkIndexed(node, "data", data.shape(), at)) || failed(checkConstantIndices(node, 1, "indices", data.shape()[at])))
    return failure();
  Value result = generate(node, "gather", type, {data.value, indices.value}, [&](ProgramBuilder &b, ValueRange to, ValueRange in) {
    Value index = resolveIndex(b, b.load(in[1], to.slice(at, count)), data.shape()[at]);
    return b.load(in[0], joined(to.take_front(at), index, to.drop_front(at + count)));
  });
  return node.define(result, 0, data.dataType);
}

LogicalResult lathe::importer::importGather(NodeContext &node) {
  int64_t axis = node.integer("axis", 0);
  if (node.hasErrors())
    return failure();
  const GraphValue *data = node.input(0, "data"), *indices = node.input(1, "indices");
  if (!data || !indices)
    return failure();
  using Kind = GraphValue::Kind;
  bool isVector = data->kind == Kind::shape && data->shape.rank() == 1 && (axis == 0 || axis == -1);
  if (!isVector || indices->kind != Kind::shape)
    return gatherData(node, axis);
  std::string why;
  FailureOr<ShapeValue> result = gather(data->shape, indices->shape, why);
  return succeeded(result) ? node.define(std::move(*result)) : node.unsupported(why);
}

/// Whether `inner` fits into `outer` in every dimension but `axis`, for each batch size.
static bool fitsBeside(ArrayRef<int64_t> inner, ArrayRef<int64_t> outer, int64_t axis) {
  for (auto [d, pair] : llvm::enumerate(llvm::zip_equal(inner, outer))) {
    auto [i, o] = pair;
    if (static_cast<int64_t>(d) != axis && i != o && (ShapedType::isDynamic(i) || ShapedType::isDynamic(o) || i > o))
      return false;
  }
  return true;
}

LogicalResult lathe::importer::importGatherElements(NodeContext &node) {
  int64_t axis = node.integer("axis", 0);
  if (node.hasErrors())
    return failure();
  Operand data = node.operand(0, "data"), indices = node.operand(1, "indices", kIndexTypes);
  if (!data || !indices)
    return failure();
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis, data.rank());
  if (failed(resolved))
    return failure();
  if (indices.rank() != data.rank() || !fitsBeside(indices.shape(), data.shape(), *resolved))
    return node.invalid("expects indices that fit into data but for dimension " + Twine(*resolved) + " (got " + shapeText(indices.shape()) + " for " +
                        shapeText(data.shape()) + ")");
  RankedTensorType type = node.type(indices.shape(), data.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, data.dataType);
  int64_t at = *resolved;
  if (failed(checkIndexed(node, "data", data.shape(), at)) || failed(checkConstantIndices(node, 1, "indices", data.shape()[at])))
    return failure();
  Value result = generate(node, "gather_elements", type, {data.value, indices.value}, [&](ProgramBuilder &b, ValueRange to, ValueRange in) {
    SmallVector<Value> from(to);
    from[at] = resolveIndex(b, b.load(in[1], to), data.shape()[at]);
    return b.load(in[0], from);
  });
  return node.define(result, 0, data.dataType);
}

LogicalResult lathe::importer::importGatherND(NodeContext &node) {
  int64_t batchDims = node.integer("batch_dims", 0);
  if (node.hasErrors())
    return failure();
  Operand data = node.operand(0, "data"), indices = node.operand(1, "indices", kIndexTypes);
  if (!data || !indices)
    return failure();
  int64_t depth = indices.rank() ? indices.shape().back() : 0;
  if (batchDims < 0 || batchDims >= std::min(data.rank(), indices.rank()))
    return node.invalid("expects attribute batch_dims in [0, " + Twine(std::min(data.rank(), indices.rank())) + ") (got " + Twine(batchDims) + ")");
  if (ShapedType::isDynamic(depth) || depth < 1 || depth > data.rank() - batchDims)
    return node.invalid("expects the last dimension of indices in [1, " + Twine(data.rank() - batchDims) + "] (got shape " + shapeText(indices.shape()) + ")");
  if (data.shape().take_front(batchDims) != indices.shape().take_front(batchDims))
    return node.invalid("expects the first " + Twine(batchDims) + " dimensions of data and indices to be equal (got " + shapeText(data.shape()) + " and " +
                        shapeText(indices.shape()) + ")");
  SmallVector<int64_t> shape(indices.shape().drop_back());
  llvm::append_range(shape, data.shape().drop_front(batchDims + depth));
  RankedTensorType type = node.type(shape, data.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, data.dataType);
  for (int64_t d = 0; d < depth; ++d)
    if (failed(checkIndexed(node, "data", data.shape(), batchDims + d)))
      return failure();
  size_t points = indices.rank() - 1;
  Value result = generate(node, "gather_nd", type, {data.value, indices.value}, [&](ProgramBuilder &b, ValueRange to, ValueRange in) {
    SmallVector<Value> from(to.take_front(batchDims));
    for (int64_t d = 0; d < depth; ++d)
      from.push_back(resolveIndex(b, b.load(in[1], joined(to.take_front(points), b.index(d))), data.shape()[batchDims + d]));
    llvm::append_range(from, to.drop_front(points));
    return b.load(in[0], from);
  });
  return node.define(result, 0, data.dataType);
}

/// The number of columns of OneHot.
static std::optional<int64_t> readDepth(NodeContext &node) {
  std::optional<SmallVector<double>> depth = constantNumbers(node, 1, "depth");
  if (!depth)
    return std::nullopt;
  constexpr double kMaxDepth = 1u << 31;
  if (depth->size() == 1 && depth->front() >= 1 && depth->front() <= kMaxDepth)
    return static_cast<int64_t>(depth->front());
  (void)node.invalid("expects one positive number as " + node.describeInput(1, "depth") +
                     (depth->size() == 1 ? " (got " + std::to_string(depth->front()) + ")" : " (got " + std::to_string(depth->size()) + " elements)"));
  return std::nullopt;
}

LogicalResult lathe::importer::importOneHot(NodeContext &node) {
  int64_t axis = node.integer("axis", -1);
  if (node.hasErrors())
    return failure();
  Operand indices = node.operand(0, "indices", kNumbers), values = node.operand(2, "values");
  std::optional<int64_t> depth = readDepth(node);
  if (!indices || !values || !depth)
    return failure();
  if (values.shape() != ArrayRef<int64_t>(2))
    return node.invalid("expects values of shape [2], those of the others and of the index (got " + shapeText(values.shape()) + ")");
  FailureOr<int64_t> at = resolveAxis(node, "axis", axis, indices.rank() + 1);
  if (failed(at))
    return failure();
  SmallVector<int64_t> shape(indices.shape());
  shape.insert(shape.begin() + *at, *depth);
  RankedTensorType type = node.type(shape, values.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, values.dataType);
  bool isUnsigned = isIn(indices.dataType, kUnsignedIntegers);
  // An index out of [-depth, depth) matches no column. Fractions are cut off, as ONNX Runtime does.
  auto matches = [&](ProgramBuilder &b, Value index, Value column) -> Value {
    using Is = arith::CmpIPredicate;
    Type i64 = b.getI64Type();
    column = arith::IndexCastOp::create(b, i64, column);
    if (auto real = dyn_cast<FloatType>(index.getType())) {
      if (real.isF16())
        index = arith::ExtFOp::create(b, b.getF32Type(), index);
      Type wide = index.getType();
      Value absolute = math::FloorOp::create(b, math::AbsFOp::create(b, index)), cut = math::CopySignOp::create(b, absolute, index);
      Value here = arith::SIToFPOp::create(b, wide, column), fromEnd = b.sub(here, b.number(wide, double(*depth)));
      return b.either(b.compare(Is::eq, cut, here), b.compare(Is::eq, cut, fromEnd));
    }
    if (cast<IntegerType>(index.getType()).getWidth() < 64)
      index = isUnsigned ? arith::ExtUIOp::create(b, i64, index).getResult() : arith::ExtSIOp::create(b, i64, index).getResult();
    Value here = b.compare(Is::eq, index, column);
    return isUnsigned ? here : b.either(here, b.compare(Is::eq, index, b.sub(column, b.integer(i64, *depth))));
  };
  Value result = generate(node, "one_hot", type, {indices.value, values.value}, [&](ProgramBuilder &b, ValueRange to, ValueRange in) {
    Value index = b.load(in[0], joined(to.take_front(*at), to.drop_front(*at + 1)));
    return b.load(in[1], b.select(matches(b, index, to[*at]), b.index(1), b.index(0)));
  });
  return node.define(result, 0, values.dataType);
}
