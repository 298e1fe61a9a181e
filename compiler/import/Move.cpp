#include "compiler/import/Move.h"

#include "compiler/import/Program.h"
#include "compiler/import/Recipe.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Kind = GraphValue::Kind;

static bool hasNoElements(RankedTensorType type) { return type.hasStaticShape() && type.getNumElements() == 0; }

/// Of numbers that are not negative: what is too large stays so, and is refused as the extent of a tensor.
static int64_t saturatingAdd(int64_t a, int64_t b) {
  int64_t sum;
  return llvm::AddOverflow(a, b, sum) ? INT64_MAX : sum;
}

static SmallVector<int64_t> rowMajor(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t i = int64_t(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

static GraphValue ofShape(ShapeValue shape) {
  GraphValue value;
  value.kind = Kind::shape;
  value.shape = std::move(shape);
  return value;
}

static GraphValue ofWeight(nn::WeightAttr weight, int32_t dataType) {
  GraphValue value;
  value.kind = Kind::weight;
  value.weight = weight;
  value.dataType = dataType;
  return value;
}

Mover::Result Mover::data(Value data, int32_t dataType) {
  GraphValue value;
  value.kind = Kind::data;
  value.data = data;
  value.dataType = dataType;
  return value;
}

Mover::Result Mover::empty(RankedTensorType type, int32_t dataType) { return ofWeight(splatWeight(type, 0), dataType); }

SmallVector<int64_t> Mover::shapeOf(const GraphValue &value) {
  if (value.kind == Kind::data)
    return SmallVector<int64_t>(cast<RankedTensorType>(value.data.getType()).getShape());
  return value.kind == Kind::weight ? *value.weight.getResultShape() : SmallVector<int64_t>(value.shape.dims);
}

Value Mover::materialize(const GraphValue &value) {
  Value data = node.materialize(value);
  if (!data)
    (void)node.needsStaticBatch("a tensor " + value.shape.str() + " is not supported as data");
  return data;
}

Mover::Result Mover::slice(const GraphValue &value, ArrayRef<int64_t> begins, ArrayRef<int64_t> extents, ArrayRef<int64_t> steps) {
  RankedTensorType type = node.type(extents, value.type());
  if (!type)
    return std::nullopt;
  if (value.kind == Kind::shape) {
    int64_t begin = 0;
    SmallVector<int64_t> strides = rowMajor(value.shape.dims);
    for (size_t i = 0; i < strides.size(); ++i) {
      begin += begins[i] * strides[i];
      strides[i] *= steps[i];
    }
    return ofShape(moved(value.shape, extents, begin, strides));
  }
  if (hasNoElements(type))
    return empty(type, value.dataType);
  bool isWhole = ArrayRef<int64_t>(shapeOf(value)) == extents && llvm::all_of(steps, [](int64_t s) { return s == 1; });
  if (isWhole)
    return value;
  if (value.kind == Kind::weight) {
    SmallVector<int64_t> arguments(begins);
    llvm::append_range(arguments, extents);
    llvm::append_range(arguments, steps);
    return ofWeight(withStep(value.weight, "slice", arguments), value.dataType);
  }
  return data(nn::SliceOp::create(node.builder(), node.loc(), type, value.data, begins, steps), value.dataType);
}

Mover::Result Mover::slice(const GraphValue &value, int64_t axis, int64_t begin, int64_t count, int64_t step) {
  SmallVector<int64_t> extents = shapeOf(value), begins(extents.size(), 0), steps(extents.size(), 1);
  begins[axis] = begin;
  extents[axis] = count;
  steps[axis] = step;
  return slice(value, begins, extents, steps);
}

Mover::Result Mover::transpose(const GraphValue &value, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> from = shapeOf(value), shape;
  for (int64_t i : permutation)
    shape.push_back(from[i]);
  RankedTensorType type = node.type(shape, value.type());
  if (!type)
    return std::nullopt;
  if (value.kind == Kind::shape) {
    SmallVector<int64_t> rows = rowMajor(from), strides;
    for (int64_t i : permutation)
      strides.push_back(rows[i]);
    return ofShape(moved(value.shape, shape, 0, strides));
  }
  if (hasNoElements(type))
    return empty(type, value.dataType);
  if (llvm::is_sorted(permutation))
    return value;
  if (value.kind == Kind::weight)
    return ofWeight(withStep(value.weight, "transpose", permutation), value.dataType);
  return data(nn::TransposeOp::create(node.builder(), node.loc(), type, value.data, permutation), value.dataType);
}

Mover::Result Mover::reshape(const GraphValue &value, ArrayRef<int64_t> shape) {
  RankedTensorType type = node.type(shape, value.type());
  if (!type)
    return std::nullopt;
  if (value.kind == Kind::shape)
    return ofShape(ShapeValue{value.shape.dataType, SmallVector<int64_t>(shape), value.shape.elements});
  if (value.kind == Kind::weight)
    return ofWeight(reshapedTo(value.weight, shape), value.dataType);
  if (value.data.getType() == type)
    return value;
  return data(nn::ReshapeOp::create(node.builder(), node.loc(), type, value.data), value.dataType);
}

Mover::Result Mover::broadcast(const GraphValue &value, ArrayRef<int64_t> shape) {
  RankedTensorType type = node.type(shape, value.type());
  if (!type)
    return std::nullopt;
  SmallVector<int64_t> from = shapeOf(value);
  if (value.kind == Kind::shape && type.hasStaticShape() && type.getNumElements() <= kMaxShapeElements) {
    SmallVector<int64_t> rows = rowMajor(from), strides(shape.size(), 0);
    for (size_t i = 0, lead = shape.size() - from.size(); i < from.size(); ++i)
      strides[lead + i] = from[i] == 1 ? 0 : rows[i];
    return ofShape(moved(value.shape, shape, 0, strides));
  }
  if (hasNoElements(type))
    return empty(type, value.type());
  if (ArrayRef<int64_t>(from) == shape)
    return value;
  if (value.kind == Kind::weight && type.hasStaticShape())
    return ofWeight(broadcastTo(value.weight, shape), value.dataType);
  Value input = materialize(value);
  if (!input)
    return std::nullopt;
  return data(map(node, input, shape, type.getElementType(), [](ProgramBuilder &, ValueRange x) { return x[0]; }), value.type());
}

Mover::Result Mover::concat(ArrayRef<GraphValue> values, int64_t axis) {
  SmallVector<int64_t> shape = shapeOf(values[0]);
  shape[axis] = 0;
  for (const GraphValue &value : values)
    shape[axis] = saturatingAdd(shape[axis], shapeOf(value)[axis]);
  RankedTensorType type = node.type(shape, values[0].type());
  if (!type)
    return std::nullopt;
  bool isShape = llvm::all_of(values, [](const GraphValue &value) { return value.kind == Kind::shape; });
  if (isShape && type.getNumElements() <= kMaxShapeElements)
    return ofShape(importer::concat(llvm::map_to_vector(values, [](const GraphValue &value) { return value.shape; }), axis));
  if (hasNoElements(type))
    return empty(type, values[0].type());
  SmallVector<Value> parts;
  for (const GraphValue &value : values) {
    if (shapeOf(value)[axis] == 0)
      continue;
    if (values.size() == 1)
      return value;
    Value part = materialize(value);
    if (!part)
      return std::nullopt;
    parts.push_back(part);
  }
  return data(nn::ConcatOp::create(node.builder(), node.loc(), type, parts, axis), values[0].type());
}

Mover::Result Mover::pad(const GraphValue &value, const GraphValue &fill, ArrayRef<int64_t> begins, ArrayRef<int64_t> ends) {
  SmallVector<int64_t> from = shapeOf(value), shape;
  for (auto [extent, begin, end] : llvm::zip_equal(from, begins, ends)) {
    shape.push_back(ShapedType::isDynamic(extent) ? extent : saturatingAdd(extent, saturatingAdd(begin, end)));
  }
  RankedTensorType type = node.type(shape, value.type());
  if (!type)
    return std::nullopt;
  if (hasNoElements(type))
    return empty(type, value.type());
  if (from == shape)
    return value;
  Result scalar = reshape(fill, {});
  if (!scalar)
    return std::nullopt;
  if (llvm::is_contained(from, 0)) // nothing but border
    return broadcast(*scalar, shape);
  Value input = materialize(value), with = input ? materialize(*scalar) : Value();
  if (!with)
    return std::nullopt;
  return data(nn::PadOp::create(node.builder(), node.loc(), type, input, with, begins, ends), value.type());
}

std::optional<int64_t> Mover::axis(StringRef name, int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  (void)node.invalid("expects " + name + " from " + Twine(-rank) + " to " + Twine(rank - 1) + " (got " + Twine(axis) + ")");
  return std::nullopt;
}

std::optional<SmallVector<int64_t>> Mover::axes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t each : axes) {
    std::optional<int64_t> resolved = axis("axes", each, rank);
    if (!resolved)
      return std::nullopt;
    if (llvm::is_contained(result, *resolved)) {
      (void)node.invalid("names axis " + Twine(each) + " twice");
      return std::nullopt;
    }
    result.push_back(*resolved);
  }
  return result;
}
