// Pad. A constant border is an operation; the other modes are slices of the input, one beside the other.
#include "compiler/import/Move.h"
#include "compiler/import/Program.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

enum class Mode { constant, reflect, edge, wrap };

/// Nobody pads by more, and each run is a slice.
constexpr size_t kMaxRuns = 64;

} // namespace

/// The elements at positions [from, to), counted from the first element of the input, as runs of step 1, -1 or 0; too many are cut off.
static void appendRuns(SmallVectorImpl<Run> &runs, Mode mode, int64_t size, int64_t from, int64_t to) {
  auto modulo = [](int64_t a, int64_t b) { return (a % b + b) % b; };
  int64_t last = size - 1;
  while (from < to && runs.size() <= kMaxRuns) {
    Run run;
    if (mode == Mode::edge || size == 1) {
      run = {from < 0 ? 0 : last, to - from, 0};
    } else if (mode == Mode::wrap) {
      int64_t at = modulo(from, size);
      run = {at, size - at, 1};
    } else { // up to the last element, down to the first one, each of which stands there once
      int64_t at = modulo(from, 2 * last);
      run = at < last ? Run{at, last - at, 1} : Run{2 * last - at, 2 * last - at, -1};
    }
    run.count = std::min(run.count, to - from);
    runs.push_back(run);
    from += run.count;
  }
}

static SmallVector<Run> runsOf(Mode mode, int64_t size, int64_t begin, int64_t end) {
  SmallVector<Run> runs;
  appendRuns(runs, mode, size, -begin, 0);
  runs.push_back({0, size, 1});
  appendRuns(runs, mode, size, size, size + end);
  return runs;
}

static Mover::Result padAxis(NodeContext &node, Mover &move, const GraphValue &value, Mode mode, int64_t axis, int64_t begin, int64_t end) {
  SmallVector<int64_t> shape = Mover::shapeOf(value);
  int64_t size = shape[axis];
  if (size == 0) {
    (void)node.invalid("pads dimension " + Twine(axis) + ", which has no elements, with elements of its own");
    return std::nullopt;
  }
  shape[axis] = size + begin + end; // no overflow: the caller bounds both
  if (!node.type(shape, value.type()))
    return std::nullopt;
  SmallVector<Run> runs = runsOf(mode, size, begin, end);
  if (runs.size() > kMaxRuns) {
    (void)node.unsupported("pads of " + Twine(begin) + " and " + Twine(end) + " for a dimension of " + Twine(size) + " are not supported; supported: up to " +
                           Twine(kMaxRuns) + " repetitions of it");
    return std::nullopt;
  }
  SmallVector<GraphValue> parts;
  for (const Run &run : runs) {
    Mover::Result part = run.step ? move.slice(value, axis, run.begin, run.count, run.count > 1 ? run.step : 1) : move.slice(value, axis, run.begin, 1);
    if (part && run.step == 0) {
      shape[axis] = run.count;
      part = move.broadcast(*part, shape);
    }
    if (!part)
      return std::nullopt;
    parts.push_back(*part);
  }
  return move.concat(parts, axis);
}

/// Begins, then ends, per dimension: the attribute or input with `axes` taken into account.
static FailureOr<SmallVector<int64_t>> readPads(NodeContext &node, Mover &move, int64_t rank, std::optional<SmallVector<int64_t>> pads) {
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (!pads)
    pads = node.constants(1, "pads");
  if (pads && node.hasInput(3)) {
    std::optional<SmallVector<int64_t>> given = node.constants(3, "axes"), resolved = given ? move.axes(*given, rank) : std::nullopt;
    if (!resolved)
      return failure();
    axes = *resolved;
  }
  if (!pads)
    return failure();
  if (pads->size() != 2 * axes.size())
    return node.invalid("expects pads of " + Twine(2 * axes.size()) + " numbers (got " + Twine(pads->size()) + ")");
  SmallVector<int64_t> all(2 * rank, 0);
  for (auto [i, pad] : llvm::enumerate(*pads)) {
    if (std::abs(pad) > (int64_t(1) << 40)) // more than any tensor has
      return node.unsupported("a pad of " + Twine(pad) + " is not supported");
    all[axes[i % axes.size()] + (i < axes.size() ? 0 : rank)] = pad;
  }
  return all;
}

/// What the border is filled with.
static std::optional<GraphValue> readFill(NodeContext &node, int32_t dataType, double attribute) {
  if (node.opset() >= 11 && node.hasInput(2)) {
    const GraphValue *value = node.input(2, "constant_value");
    if (!value)
      return std::nullopt;
    int64_t count = 1;
    for (int64_t d : Mover::shapeOf(*value))
      count = ShapedType::isDynamic(d) ? 0 : count * d;
    if (count == 1 && value->type() == dataType)
      return *value;
    (void)node.invalid("expects " + node.describeInput(2, "constant_value") + " to be one element of " + dataTypeName(dataType));
    return std::nullopt;
  }
  GraphValue fill;
  fill.kind = GraphValue::Kind::weight;
  fill.weight = splatWeight(RankedTensorType::get({}, elementType(node.builder().getContext(), dataType)), attribute);
  fill.dataType = dataType;
  return fill;
}

LogicalResult lathe::importer::importPad(NodeContext &node) {
  std::string mode = node.text("mode", "constant");
  double attribute = node.opset() < 11 ? node.real("value", 0) : 0;
  std::optional<SmallVector<int64_t>> given;
  if (node.opset() < 11)
    given = node.integers(node.opset() < 2 ? "paddings" : "pads");
  if (node.hasErrors())
    return failure();
  static constexpr StringRef kModes[] = {"constant", "reflect", "edge", "wrap"};
  const StringRef *found = llvm::find(kModes, StringRef(mode));
  if (found == std::end(kModes))
    return node.invalid("expects attribute mode to be constant, reflect, edge or wrap (got '" + Twine(mode) + "')");
  const GraphValue *input = node.input(0, "data");
  if (!input)
    return failure();
  Mover move(node);
  SmallVector<int64_t> shape = Mover::shapeOf(*input);
  int64_t rank = shape.size();
  FailureOr<SmallVector<int64_t>> pads = readPads(node, move, rank, given);
  if (failed(pads))
    return failure();
  // Negative pads crop, first: a border is made of what is left.
  SmallVector<int64_t> cropBegins(rank, 0), extents(shape), ones(rank, 1), begins, ends;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t begin = (*pads)[i], end = (*pads)[rank + i];
    if ((begin || end) && ShapedType::isDynamic(shape[i]))
      return node.needsStaticBatch("padding the batch dimension is not supported");
    begins.push_back(std::max<int64_t>(begin, 0));
    ends.push_back(std::max<int64_t>(end, 0));
    if (begin >= 0 && end >= 0)
      continue;
    cropBegins[i] = std::max<int64_t>(-begin, 0);
    extents[i] -= cropBegins[i] + std::max<int64_t>(-end, 0);
    if (extents[i] < 0)
      return node.invalid("crops dimension " + Twine(i) + " of " + Twine(shape[i]) + " by more than there is");
    if (extents[i] == 0)
      cropBegins[i] = 0;
  }
  auto kind = static_cast<Mode>(found - std::begin(kModes));
  std::optional<GraphValue> fill;
  if (kind == Mode::constant && !(fill = readFill(node, input->type(), attribute)))
    return failure();
  Mover::Result value = move.slice(*input, cropBegins, extents, ones);
  if (kind == Mode::constant)
    return value ? move.define(move.pad(*value, *fill, begins, ends)) : failure();
  for (int64_t axis = 0; axis < rank && value; ++axis)
    if (begins[axis] || ends[axis])
      value = padAxis(node, move, *value, kind, axis, begins[axis], ends[axis]);
  return move.define(value);
}
