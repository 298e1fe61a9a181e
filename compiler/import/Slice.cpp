// Slice, Split, CenterCropPad: parts of a tensor.
#include "compiler/import/Move.h"
#include "compiler/import/Program.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

/// starts, ends, axes, steps, each of which may depend on the batch size.
struct SliceLists {
  SmallVector<Affine> lists[4];
  bool given[4] = {true, true, false, false};
};

constexpr StringRef kLists[] = {"starts", "ends", "axes", "steps"};

} // namespace

/// Attributes until opset 9, inputs since.
static LogicalResult readLists(NodeContext &node, SliceLists &result) {
  bool attributes = node.opset() < 10;
  for (int i = 0; i < 4; ++i) {
    if (attributes) {
      result.given[i] = i < 3 && (i < 2 || node.hasAttribute(kLists[i]));
      for (int64_t number : i < 3 ? node.integers(kLists[i]) : SmallVector<int64_t>())
        result.lists[i].push_back({number, 0});
    } else if (i < 2 || node.hasInput(i + 1)) {
      const ShapeValue *list = node.shape(i + 1, kLists[i]);
      if (!list)
        return failure();
      if (list->rank() != 1)
        return node.invalid("expects " + kLists[i] + " of rank 1 (got " + Twine(list->rank()) + ")");
      result.lists[i] = list->elements;
      result.given[i] = true;
    }
  }
  if (node.hasErrors())
    return failure();
  for (int i = 1; i < 4; ++i)
    if (result.given[i] && result.lists[i].size() != result.lists[0].size())
      return node.invalid("expects as many " + kLists[i] + " as starts, " + Twine(result.lists[0].size()) + " (got " + Twine(result.lists[i].size()) + ")");
  return success();
}

LogicalResult lathe::importer::importSlice(NodeContext &node) {
  SliceLists lists;
  if (failed(readLists(node, lists)))
    return failure();
  const GraphValue *input = node.input(0, "data");
  if (!input)
    return failure();
  Mover move(node);
  SmallVector<int64_t> extents = Mover::shapeOf(*input), begins(extents.size(), 0), steps(extents.size(), 1), axes;
  for (size_t i = 0; i < lists.lists[0].size(); ++i) {
    Affine axis = lists.given[2] ? lists.lists[2][i] : Affine{int64_t(i), 0};
    if (!axis.isConstant())
      return node.needsStaticBatch("an axis of " + axis.str() + " is not supported");
    axes.push_back(axis.c0);
  }
  std::optional<SmallVector<int64_t>> resolved = move.axes(axes, extents.size());
  if (!resolved)
    return failure();
  for (auto [i, axis] : llvm::enumerate(*resolved)) {
    Affine start = lists.lists[0][i], end = lists.lists[1][i], step = lists.given[3] ? lists.lists[3][i] : Affine{1, 0};
    if (step == Affine{0, 0})
      return node.invalid("expects steps other than 0 (got 0 for axis " + Twine(axis) + ")");
    if (ShapedType::isDynamic(extents[axis])) {
      bool toEnd = end == Affine{0, 1} || (end.isConstant() && end.c0 >= INT32_MAX); // exporters write the largest int32 or int64
      if (start != Affine{0, 0} || !toEnd || step != Affine{1, 0})
        return node.needsStaticBatch("a slice of the batch dimension from " + start.str() + " to " + end.str() + " is not supported");
      continue;
    }
    for (Affine number : {start, end, step})
      if (!number.isConstant())
        return node.needsStaticBatch("a slice from " + start.str() + " to " + end.str() + " along axis " + Twine(axis) + " is not supported");
    Run run = resolveSlice(extents[axis], start.c0, end.c0, step.c0);
    begins[axis] = run.count ? run.begin : 0;
    extents[axis] = run.count;
    steps[axis] = run.count > 1 ? run.step : 1; // of one element the step means nothing, and none is a better view
  }
  return move.define(move.slice(*input, begins, extents, steps));
}

/// The extents of the parts; failure after a report.
static FailureOr<SmallVector<int64_t>> splitSizes(NodeContext &node, std::optional<SmallVector<int64_t>> given, int64_t parts, int64_t extent) {
  if (given) {
    int64_t sum = 0;
    for (int64_t size : *given)
      if (size < 0 || llvm::AddOverflow(sum, size, sum))
        return node.invalid("expects a split of sizes of at least 0 (got " + Twine(size) + ")");
    if (sum != extent || int64_t(given->size()) != parts)
      return node.invalid("expects a split into " + Twine(parts) + " sizes whose sum is " + Twine(extent) + " (got " + Twine(given->size()) + " of sum " +
                          Twine(sum) + ")");
    return *given;
  }
  // Since opset 18 the last part may be smaller.
  if (node.opset() < 18 && extent % parts)
    return node.invalid("expects a dimension that divides into " + Twine(parts) + " equal parts (got " + Twine(extent) + ")");
  int64_t size = llvm::divideCeil(extent, parts);
  SmallVector<int64_t> sizes;
  for (int64_t left = extent, i = 0; i < parts; ++i, left -= sizes.back())
    sizes.push_back(std::min(size, left));
  return sizes;
}

LogicalResult lathe::importer::importSplit(NodeContext &node) {
  int64_t axis = node.integer("axis", 0), parts = node.getNode().outputs.size();
  int64_t numOutputs = node.opset() >= 18 ? node.integer("num_outputs", parts) : parts;
  std::optional<SmallVector<int64_t>> given;
  if (node.opset() < 13 && node.hasAttribute("split"))
    given = node.integers("split");
  if (node.hasErrors())
    return failure();
  if (numOutputs != parts)
    return node.invalid("expects attribute num_outputs of " + Twine(parts) + ", the number of outputs (got " + Twine(numOutputs) + ")");
  if (parts == 0)
    return node.invalid("expects an output");
  const GraphValue *input = node.input(0, "input");
  if (!input)
    return failure();
  if (node.hasInput(1)) {
    given = node.constants(1, "split");
    if (!given)
      return failure();
  }
  Mover move(node);
  SmallVector<int64_t> shape = Mover::shapeOf(*input);
  std::optional<int64_t> at = move.axis("attribute axis", axis, shape.size());
  if (!at)
    return failure();
  if (ShapedType::isDynamic(shape[*at]))
    return node.needsStaticBatch("splitting the batch dimension is not supported");
  FailureOr<SmallVector<int64_t>> sizes = splitSizes(node, given, parts, shape[*at]);
  if (failed(sizes))
    return failure();
  GraphValue value = *input; // the map of values may move when outputs are defined
  int64_t begin = 0;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    if (failed(move.define(move.slice(value, *at, size ? begin : 0, size), i)))
      return failure();
    begin += size;
  }
  return success();
}

LogicalResult lathe::importer::importCenterCropPad(NodeContext &node) {
  SmallVector<int64_t> axes = node.integers("axes");
  bool allAxes = !node.hasAttribute("axes");
  if (node.hasErrors())
    return failure();
  const GraphValue *input = node.input(0, "input_data");
  std::optional<SmallVector<int64_t>> target = input ? node.constants(1, "shape") : std::nullopt;
  if (!target)
    return failure();
  Mover move(node);
  SmallVector<int64_t> shape = Mover::shapeOf(*input);
  if (allAxes)
    axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  std::optional<SmallVector<int64_t>> resolved = move.axes(axes, shape.size());
  if (!resolved)
    return failure();
  if (target->size() != resolved->size())
    return node.invalid("expects shape of " + Twine(resolved->size()) + " numbers (got " + Twine(target->size()) + ")");
  SmallVector<int64_t> begins(shape.size(), 0), extents(shape), steps(shape.size(), 1), before(shape.size(), 0), after(shape.size(), 0);
  for (auto [axis, extent] : llvm::zip(*resolved, *target)) {
    if (ShapedType::isDynamic(shape[axis]))
      return node.needsStaticBatch("cropping or padding the batch dimension is not supported");
    if (extent < 0)
      return node.invalid("expects a shape of at least 0 (got " + Twine(extent) + ")");
    if (extent <= shape[axis]) {
      begins[axis] = extent ? (shape[axis] - extent) / 2 : 0;
      extents[axis] = extent;
    } else {
      before[axis] = (extent - shape[axis]) / 2;
      after[axis] = extent - shape[axis] - before[axis];
    }
  }
  int32_t dataType = input->type();
  Mover::Result cropped = move.slice(*input, begins, extents, steps);
  if (!cropped)
    return failure();
  GraphValue zero;
  zero.kind = GraphValue::Kind::weight;
  zero.weight = splatWeight(RankedTensorType::get({}, elementType(node.builder().getContext(), dataType)), 0);
  zero.dataType = dataType;
  return move.define(move.pad(*cropped, zero, before, after));
}
