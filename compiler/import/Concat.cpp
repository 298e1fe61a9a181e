// Concat, Transpose, DepthToSpace, SpaceToDepth, Expand, Tile: whole tensors in another arrangement.
#include "compiler/import/Move.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

LogicalResult lathe::importer::importConcat(NodeContext &node) {
  int64_t axis = node.integer("axis", 1);
  if (node.opset() >= 4 && !node.hasAttribute("axis"))
    return node.invalid("expects attribute axis");
  if (node.hasErrors())
    return failure();
  SmallVector<GraphValue> values;
  for (size_t i = 0; i < node.inputCount(); ++i) {
    const GraphValue *value = node.input(i, "inputs");
    if (!value)
      return failure();
    values.push_back(*value);
  }
  Mover move(node);
  SmallVector<int64_t> first = Mover::shapeOf(values[0]);
  std::optional<int64_t> at = move.axis("attribute axis", axis, first.size());
  if (!at)
    return failure();
  for (auto [i, value] : llvm::enumerate(values)) {
    SmallVector<int64_t> shape = Mover::shapeOf(value);
    if (value.type() != values[0].type())
      return node.invalid("expects inputs of one type (got " + dataTypeName(values[0].type()) + " and " + dataTypeName(value.type()) + ")");
    if (shape.size() != first.size())
      return node.invalid("expects inputs of one rank (got " + Twine(first.size()) + " and " + Twine(shape.size()) + ")");
    if (ShapedType::isDynamic(shape[*at]))
      return node.needsStaticBatch("concatenating along the batch dimension is not supported");
    for (auto [d, extent] : llvm::enumerate(shape)) {
      if (int64_t(d) == *at || extent == first[d])
        continue;
      if (ShapedType::isDynamic(extent) || ShapedType::isDynamic(first[d]))
        return node.needsStaticBatch(node.describeInput(i, "inputs") + " has another batch than the first one, which is not supported");
      return node.invalid("expects inputs of one shape but for axis " + Twine(*at) + " (got " + Twine(first[d]) + " and " + Twine(extent) + " in dimension " +
                          Twine(d) + ")");
    }
  }
  return move.define(move.concat(values, *at));
}

LogicalResult lathe::importer::importTranspose(NodeContext &node) {
  SmallVector<int64_t> permutation = node.integers("perm");
  bool reverses = !node.hasAttribute("perm");
  if (node.hasErrors())
    return failure();
  const GraphValue *input = node.input(0, "data");
  if (!input)
    return failure();
  int64_t rank = Mover::shapeOf(*input).size();
  if (reverses)
    permutation = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  SmallVector<int64_t> sorted(permutation);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return node.invalid("expects attribute perm to be a permutation of " + Twine(rank) + " dimensions");
  Mover move(node);
  return move.define(move.transpose(*input, permutation));
}

//===- Between depth and space -------------------------------------------------------------------------------------------------------------===//

namespace {

struct Blocks {
  GraphValue input;
  SmallVector<int64_t> shape; // [N, C, H, W]
  int64_t size = 0;
  bool depthFirst = true; // mode DCR
};

} // namespace

static FailureOr<Blocks> readBlocks(NodeContext &node) {
  Blocks blocks;
  blocks.size = node.integer("blocksize", 0);
  std::string mode = node.text("mode", "DCR");
  if (node.hasErrors())
    return failure();
  if (mode != "DCR" && mode != "CRD")
    return node.invalid("expects attribute mode to be DCR or CRD (got '" + Twine(mode) + "')");
  if (blocks.size < 1 || blocks.size > (1 << 20)) // its square stays small
    return node.invalid("expects attribute blocksize from 1 to 2^20 (got " + Twine(blocks.size) + ")");
  const GraphValue *input = node.input(0, "input");
  if (!input)
    return failure();
  blocks.depthFirst = mode == "DCR";
  blocks.input = *input;
  blocks.shape = Mover::shapeOf(*input);
  if (blocks.shape.size() != 4)
    return node.invalid("expects input of rank 4 (got " + Twine(blocks.shape.size()) + ")");
  return blocks;
}

/// Splits dimensions, permutes them, joins them.
static LogicalResult rearrange(NodeContext &node, const Blocks &blocks, ArrayRef<int64_t> split, ArrayRef<int64_t> permutation, ArrayRef<int64_t> joined) {
  Mover move(node);
  if (!node.type(joined, blocks.input.type()))
    return failure();
  Mover::Result value = move.reshape(blocks.input, split);
  if (value)
    value = move.transpose(*value, permutation);
  return value ? move.define(move.reshape(*value, joined)) : failure();
}

LogicalResult lathe::importer::importDepthToSpace(NodeContext &node) {
  FailureOr<Blocks> blocks = readBlocks(node);
  if (failed(blocks))
    return failure();
  int64_t n = blocks->shape[0], c = blocks->shape[1], h = blocks->shape[2], w = blocks->shape[3], b = blocks->size;
  if (c % (b * b))
    return node.invalid("expects channels that divide into blocks of " + Twine(b * b) + " (got " + Twine(c) + ")");
  int64_t depth = c / (b * b);
  if (blocks->depthFirst)
    return rearrange(node, *blocks, {n, b, b, depth, h, w}, {0, 3, 4, 1, 5, 2}, {n, depth, h * b, w * b});
  return rearrange(node, *blocks, {n, depth, b, b, h, w}, {0, 1, 4, 2, 5, 3}, {n, depth, h * b, w * b});
}

LogicalResult lathe::importer::importSpaceToDepth(NodeContext &node) {
  FailureOr<Blocks> blocks = readBlocks(node);
  if (failed(blocks))
    return failure();
  int64_t n = blocks->shape[0], c = blocks->shape[1], h = blocks->shape[2], w = blocks->shape[3], b = blocks->size;
  if (h % b || w % b)
    return node.invalid("expects height and width that divide into blocks of " + Twine(b) + " (got " + Twine(h) + " and " + Twine(w) + ")");
  SmallVector<int64_t> permutation = blocks->depthFirst ? SmallVector<int64_t>{0, 3, 5, 1, 2, 4} : SmallVector<int64_t>{0, 1, 3, 5, 2, 4};
  return rearrange(node, *blocks, {n, c, h / b, b, w / b, b}, permutation, {n, c * b * b, h / b, w / b});
}

//===- Repetition --------------------------------------------------------------------------------------------------------------------------===//

LogicalResult lathe::importer::importExpand(NodeContext &node) {
  const GraphValue *input = node.input(0, "input");
  const ShapeValue *target = input ? node.shape(1, "shape") : nullptr;
  if (!target)
    return failure();
  if (target->rank() != 1)
    return node.invalid("expects shape of rank 1 (got " + Twine(target->rank()) + ")");
  SmallVector<int64_t> wanted, from = Mover::shapeOf(*input);
  for (Affine d : target->elements) {
    if (!d.isConstant() && d != Affine{0, 1})
      return node.needsStaticBatch("a dimension of " + d.str() + " is not supported");
    if (d.isConstant() && d.c0 < 0)
      return node.invalid("expects a shape of at least 0 (got " + d.str() + ")");
    wanted.push_back(d.isConstant() ? d.c0 : ShapedType::kDynamic);
  }
  // Larger shapes are refused before they are combined.
  FailureOr<SmallVector<int64_t>> shape = succeeded(node.checkShape(wanted)) ? nn::broadcastShapes(from, wanted) : FailureOr<SmallVector<int64_t>>();
  if (node.hasErrors())
    return failure();
  if (failed(shape)) {
    std::string why = "expects a shape with which the input's broadcasts (got " + target->str() + ")";
    bool symbolic = llvm::is_contained(from, ShapedType::kDynamic) || llvm::is_contained(wanted, ShapedType::kDynamic);
    return symbolic ? node.needsStaticBatch(why) : node.invalid(why);
  }
  Mover move(node);
  return move.define(move.broadcast(*input, *shape));
}

/// The repeats per dimension; failure after a report.
static FailureOr<SmallVector<int64_t>> readRepeats(NodeContext &node, size_t rank) {
  std::optional<SmallVector<int64_t>> repeats = node.constants(1, node.opset() < 6 ? "tiles" : "repeats");
  if (!repeats)
    return failure();
  if (node.opset() < 6) { // along one axis
    std::optional<SmallVector<int64_t>> axis = node.constants(2, "axis");
    if (!axis)
      return failure();
    if (repeats->size() != 1 || axis->size() != 1)
      return node.invalid("expects tiles and axis of one number each");
    std::optional<int64_t> at = Mover(node).axis("axis", axis->front(), rank);
    if (!at)
      return failure();
    SmallVector<int64_t> all(rank, 1);
    all[*at] = repeats->front();
    repeats = all;
  }
  if (repeats->size() != rank)
    return node.invalid("expects repeats of " + Twine(rank) + " numbers (got " + Twine(repeats->size()) + ")");
  for (int64_t repeat : *repeats)
    if (repeat < 0)
      return node.invalid("expects repeats of at least 0 (got " + Twine(repeat) + ")");
  return *repeats;
}

LogicalResult lathe::importer::importTile(NodeContext &node) {
  const GraphValue *input = node.input(0, "input");
  if (!input)
    return failure();
  SmallVector<int64_t> from = Mover::shapeOf(*input);
  FailureOr<SmallVector<int64_t>> repeats = readRepeats(node, from.size());
  if (failed(repeats))
    return failure();
  // A dimension that is repeated becomes two, of which the outer one broadcasts.
  SmallVector<int64_t> split, repeated, result;
  for (auto [extent, repeat] : llvm::zip(from, *repeats)) {
    if (repeat != 1 && ShapedType::isDynamic(extent))
      return node.needsStaticBatch("repeating the batch dimension is not supported");
    int64_t product = extent;
    if (repeat != 1 && llvm::MulOverflow(extent, repeat, product))
      product = INT64_MAX; // refused below
    result.push_back(product);
    if (repeat != 1 && extent != 1) {
      split.push_back(1);
      repeated.push_back(repeat);
    }
    split.push_back(extent);
    repeated.push_back(extent == 1 ? repeat : extent);
  }
  Mover move(node);
  if (!node.type(result, input->type()))
    return failure();
  Mover::Result value = move.reshape(*input, split);
  if (value)
    value = move.broadcast(*value, repeated);
  return value ? move.define(move.reshape(*value, result)) : failure();
}
