// Operators that give the same elements another shape: on data nn.reshape, on constants a step of the recipe, on shape values nothing at all.
#include "compiler/import/Recipe.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static SmallVector<Affine> shapeOf(const GraphValue &value) {
  if (value.kind == GraphValue::Kind::data)
    return dimsOf(value.data);
  SmallVector<int64_t> shape = value.kind == GraphValue::Kind::weight ? *value.weight.getResultShape() : SmallVector<int64_t>(value.shape.dims);
  return llvm::map_to_vector(shape, [](int64_t d) { return Affine{d, 0}; });
}

/// Gives `value` the shape that `target` means for it.
static LogicalResult defineReshaped(NodeContext &node, const GraphValue &value, ArrayRef<Affine> target, bool allowZero) {
  SmallVector<Affine> input = shapeOf(value);
  bool symbolic = llvm::any_of(input, [](Affine d) { return !d.isConstant(); });
  std::string why;
  FailureOr<SmallVector<Affine>> dims = resolveReshape(input, target, allowZero, why);
  if (failed(dims))
    return symbolic ? node.needsStaticBatch(why) : node.invalid(why);
  SmallVector<int64_t> shape;
  for (Affine d : *dims) {
    if (!d.isConstant() && d != Affine{0, 1})
      return node.needsStaticBatch("a dimension of " + d.str() + " is not supported");
    shape.push_back(d.isConstant() ? d.c0 : ShapedType::kDynamic);
  }
  if (value.kind == GraphValue::Kind::shape)
    return node.define(ShapeValue{value.shape.dataType, SmallVector<int64_t>(shape), value.shape.elements});
  RankedTensorType type = node.type(shape, value.type());
  if (!type)
    return failure();
  if (value.kind == GraphValue::Kind::weight)
    return node.define(reshapedTo(value.weight, shape), 0, value.dataType);
  if (type == value.data.getType())
    return node.define(value);
  return node.define(nn::ReshapeOp::create(node.builder(), node.loc(), type, value.data).getResult(), 0, value.dataType);
}

LogicalResult lathe::importer::importReshape(NodeContext &node) {
  bool allowZero = node.integer("allowzero", 0), attribute = node.opset() < 5;
  SmallVector<Affine> wanted;
  if (attribute) {
    node.ignore({"consumed_inputs"}); // that the result may take the input's memory
    for (int64_t d : node.integers("shape"))
      wanted.push_back({d, 0});
  }
  if (node.hasErrors())
    return failure();
  const GraphValue *input = node.input(0, "data");
  if (input && attribute)
    return defineReshaped(node, *input, wanted, allowZero);
  const ShapeValue *target = node.shape(1, "shape");
  if (!input || !target)
    return failure();
  if (target->rank() != 1)
    return node.invalid("expects shape of rank 1 (got " + Twine(target->rank()) + ")");
  return defineReshaped(node, *input, target->elements, allowZero);
}

LogicalResult lathe::importer::importFlatten(NodeContext &node) {
  int64_t axis = node.integer("axis", 1);
  if (node.hasErrors())
    return failure();
  const GraphValue *input = node.input(0, "input");
  if (!input)
    return failure();
  SmallVector<Affine> dims = shapeOf(*input);
  int64_t rank = dims.size();
  if (axis < -rank || axis > rank)
    return node.invalid("expects attribute axis from " + Twine(-rank) + " to " + Twine(rank) + " (got " + Twine(axis) + ")");
  if (axis < 0)
    axis += rank;
  Affine target[] = {{1, 0}, {1, 0}};
  for (auto [i, d] : llvm::enumerate(dims)) {
    std::string why;
    FailureOr<Affine> product = multiply(target[int64_t(i) >= axis], d, why);
    if (failed(product))
      return node.unsupported(why);
    target[int64_t(i) >= axis] = *product;
  }
  return defineReshaped(node, *input, target, /*allowZero=*/true);
}

/// The axes of Squeeze and Unsqueeze, an attribute until opset 12, an input since: in range for this rank and without repetition.
static FailureOr<SmallVector<bool>> readAxes(NodeContext &node, ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<bool> chosen(rank, false);
  for (int64_t axis : axes) {
    if (axis < -rank || axis >= rank)
      return node.invalid("expects axes from " + Twine(-rank) + " to " + Twine(rank - 1) + " (got " + Twine(axis) + ")");
    bool &seen = chosen[axis < 0 ? axis + rank : axis];
    if (seen)
      return node.invalid("names axis " + Twine(axis) + " twice");
    seen = true;
  }
  return chosen;
}

/// Empty if there are none; failure after an error.
static FailureOr<std::optional<SmallVector<int64_t>>> axesOf(NodeContext &node) {
  std::optional<SmallVector<int64_t>> axes;
  if (node.opset() < 13) {
    if (node.hasAttribute("axes"))
      axes = node.integers("axes");
    if (node.hasErrors())
      return failure();
  } else if (node.hasInput(1)) {
    axes = node.constants(1, "axes");
    if (!axes)
      return failure();
  }
  return axes;
}

LogicalResult lathe::importer::importSqueeze(NodeContext &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes = axesOf(node);
  const GraphValue *input = node.input(0, "data");
  if (failed(axes) || !input)
    return failure();
  SmallVector<Affine> dims = shapeOf(*input), result;
  FailureOr<SmallVector<bool>> chosen = readAxes(node, axes->value_or(SmallVector<int64_t>()), dims.size());
  if (failed(chosen))
    return failure();
  for (auto [i, d] : llvm::enumerate(dims)) {
    bool one = d == Affine{1, 0};
    // A batch of 1 would vanish and a larger one would not.
    if (!d.isConstant() && (!*axes || (*chosen)[i]))
      return node.needsStaticBatch("squeezing the batch dimension is not supported");
    if ((*chosen)[i] && !one)
      return node.invalid("squeezes dimension " + Twine(i) + ", which is " + d.str() + " and not 1");
    if (!((*chosen)[i] || (!*axes && one)))
      result.push_back(d);
  }
  return defineReshaped(node, *input, result, /*allowZero=*/true);
}

LogicalResult lathe::importer::importUnsqueeze(NodeContext &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes = axesOf(node);
  const GraphValue *input = node.input(0, "data");
  if (failed(axes) || !input)
    return failure();
  if (!*axes)
    return node.invalid("expects axes");
  SmallVector<Affine> dims = shapeOf(*input), result;
  FailureOr<SmallVector<bool>> chosen = readAxes(node, **axes, dims.size() + (*axes)->size());
  if (failed(chosen))
    return failure();
  size_t next = 0;
  for (bool isNew : *chosen)
    result.push_back(isNew ? Affine{1, 0} : dims[next++]);
  return defineReshaped(node, *input, result, /*allowZero=*/true);
}
