// Sequences exist at compile time only: lists of values whose length and positions are known. They leave nothing in the module.
#include "compiler/import/Composite.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static LogicalResult defineSequence(NodeContext &node, std::vector<GraphValue> elements) {
  GraphValue value;
  value.kind = GraphValue::Kind::sequence;
  value.elements = std::make_shared<const std::vector<GraphValue>>(std::move(elements));
  return node.define(value);
}

/// A position from the front; from -`size` to `last`. Nullopt after an error.
static std::optional<int64_t> positionOf(NodeContext &node, size_t i, int64_t size, int64_t last) {
  std::optional<SmallVector<int64_t>> given = node.constants(i, "position");
  if (!given)
    return std::nullopt;
  int64_t at = given->size() == 1 ? given->front() : INT64_MAX;
  if (at < -size || at > last) {
    (void)node.invalid("expects one position from " + Twine(-size) + " to " + Twine(last) + " in a sequence of " + Twine(size) + " (got " +
                       Twine(given->size() == 1 ? std::to_string(at) : std::to_string(given->size()) + " numbers") + ")");
    return std::nullopt;
  }
  return at < 0 ? at + size : at;
}

LogicalResult lathe::importer::importSequenceEmpty(NodeContext &node) {
  node.ignore({"dtype"}); // what is put in has a type of its own
  return defineSequence(node, {});
}

LogicalResult lathe::importer::importSequenceConstruct(NodeContext &node) {
  std::vector<GraphValue> elements;
  for (size_t i = 0; i < node.inputCount(); ++i) {
    const GraphValue *element = node.input(i, "inputs");
    if (!element)
      return failure();
    elements.push_back(*element);
  }
  return defineSequence(node, std::move(elements));
}

LogicalResult lathe::importer::importSequenceInsert(NodeContext &node) {
  const std::vector<GraphValue> *sequence = node.sequence(0, "input_sequence");
  const GraphValue *element = sequence ? node.input(1, "tensor") : nullptr;
  if (!element)
    return failure();
  int64_t size = sequence->size();
  std::optional<int64_t> at = node.hasInput(2) ? positionOf(node, 2, size, size) : size;
  if (!at)
    return failure();
  std::vector<GraphValue> elements(*sequence);
  elements.insert(elements.begin() + *at, *element);
  return defineSequence(node, std::move(elements));
}

LogicalResult lathe::importer::importSequenceErase(NodeContext &node) {
  const std::vector<GraphValue> *sequence = node.sequence(0, "input_sequence");
  if (!sequence)
    return failure();
  int64_t size = sequence->size();
  if (!size)
    return node.invalid("erases from an empty sequence");
  std::optional<int64_t> at = node.hasInput(1) ? positionOf(node, 1, size, size - 1) : size - 1;
  if (!at)
    return failure();
  std::vector<GraphValue> elements(*sequence);
  elements.erase(elements.begin() + *at);
  return defineSequence(node, std::move(elements));
}

LogicalResult lathe::importer::importSequenceAt(NodeContext &node) {
  const std::vector<GraphValue> *sequence = node.sequence(0, "input_sequence");
  if (!sequence)
    return failure();
  int64_t size = sequence->size();
  std::optional<int64_t> at = positionOf(node, 1, size, size - 1);
  return at ? node.define((*sequence)[*at]) : failure();
}

LogicalResult lathe::importer::importSequenceLength(NodeContext &node) {
  const std::vector<GraphValue> *sequence = node.sequence(0, "input_sequence");
  return sequence ? node.define(ShapeValue{kInt64, {}, {{static_cast<int64_t>(sequence->size()), 0}}}) : failure();
}

LogicalResult lathe::importer::importConcatFromSequence(NodeContext &node) {
  int64_t axis = node.integer("axis", 0), newAxis = node.integer("new_axis", 0);
  if (node.hasErrors())
    return failure();
  const std::vector<GraphValue> *sequence = node.sequence(0, "input_sequence");
  if (!sequence)
    return failure();
  if (sequence->empty())
    return node.invalid("concatenates an empty sequence");
  Composite c(node);
  std::vector<Composite::Name> parts;
  for (const GraphValue &element : *sequence) {
    Composite::Name part = c.value(element);
    parts.push_back(newAxis ? c.op("Unsqueeze", {part, c.integers(axis)}) : part);
  }
  return c.define(c.op("Concat", parts, {{"axis", axis}}));
}

LogicalResult lathe::importer::importSplitToSequence(NodeContext &node) {
  int64_t axis = node.integer("axis", 0), keep = node.integer("keepdims", 1);
  if (node.hasErrors())
    return failure();
  Composite c(node);
  SmallVector<int64_t> shape = c.shapeOf(c.input(0));
  if (c.failed())
    return failure();
  int64_t rank = shape.size();
  if (axis < -rank || axis >= rank)
    return node.invalid("expects attribute axis from " + Twine(-rank) + " to " + Twine(rank - 1) + " (got " + Twine(axis) + ")");
  int64_t extent = shape[axis < 0 ? axis + rank : axis];
  if (ShapedType::isDynamic(extent))
    return node.needsStaticBatch("splitting the batch is not supported");
  SmallVector<int64_t> sizes(node.hasInput(1) ? 0 : extent, 1);
  if (node.hasInput(1)) {
    const ShapeValue *split = node.shape(1, "split");
    std::optional<SmallVector<int64_t>> given = split ? node.constants(1, "split") : std::nullopt;
    if (!given)
      return failure();
    if (split->rank() == 0) { // equal parts, the last one is what is left
      int64_t size = given->front();
      if (size < 1)
        return node.invalid("expects parts of at least 1 (got " + Twine(size) + ")");
      for (int64_t left = extent; left > 0; left -= size)
        sizes.push_back(std::min(left, size));
    } else {
      sizes = *given;
    }
  }
  constexpr size_t kMaxParts = 4096;
  if (sizes.size() > kMaxParts)
    return node.unsupported("a sequence of " + Twine(sizes.size()) + " parts is not supported; supported: up to " + Twine(kMaxParts));
  std::vector<Composite::Name> parts;
  if (!sizes.empty())
    parts = c.ops("Split", {c.input(0), c.integers(sizes)}, sizes.size(), {{"axis", axis}});
  std::vector<GraphValue> elements;
  for (const Composite::Name &part : parts) {
    const GraphValue *value = c.find(!keep && !node.hasInput(1) ? c.op("Squeeze", {part, c.integers(axis)}) : part);
    if (!value)
      return failure();
    elements.push_back(*value);
  }
  return c.failed() ? failure() : defineSequence(node, std::move(elements));
}
