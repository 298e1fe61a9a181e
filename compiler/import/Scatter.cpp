// Scatter, ScatterElements, ScatterND: copies of data with updates in them. What an iteration writes no other one does, and it applies its updates in the
// order in which they stand, so that duplicate indices mean the same for every number of threads. Indices that are computed are clamped into range.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

enum class Reduction { none, add, mul, max, min };

FailureOr<Reduction> readReduction(NodeContext &node) {
  std::string name = node.text("reduction", "none");
  static const std::pair<StringRef, Reduction> kNames[] = {
      {"none", Reduction::none}, {"add", Reduction::add}, {"mul", Reduction::mul}, {"max", Reduction::max}, {"min", Reduction::min}};
  for (auto [text, reduction] : kNames)
    if (name == text)
      return reduction;
  return node.invalid("expects attribute reduction to be none, add, mul, max or min (got '" + printable(name) + "')");
}

struct Scatter {
  Operand data, indices, updates;
  Reduction reduction = Reduction::none;

  /// False after an error. The inputs' types: those of the updates are those of the data.
  bool read(NodeContext &node) {
    DataTypes types = reduction == Reduction::none ? kAllTypes : kNumbers;
    data = node.operand(0, "data", types);
    indices = node.operand(1, "indices", kIndexTypes);
    updates = node.operand(2, "updates", types);
    if (!data || !indices || !updates)
      return false;
    if (data.dataType == updates.dataType)
      return true;
    (void)node.invalid("expects data and updates of one type (got " + dataTypeName(data.dataType) + " and " + dataTypeName(updates.dataType) + ")");
    return false;
  }

  Value combine(ProgramBuilder &b, Value old, Value update) const {
    bool isUnsigned = isIn(data.dataType, kUnsignedIntegers);
    switch (reduction) {
    case Reduction::none:
      return update;
    case Reduction::max:
      return larger(b, old, update, isUnsigned);
    case Reduction::min:
      return smaller(b, old, update, isUnsigned);
    case Reduction::add:
    case Reduction::mul:
      break;
    }
    // Sums and products of float16 are rounded after each step, as in the definition.
    Type element = old.getType(), computed = isa<FloatType>(element) ? realFor(element) : element;
    old = widened(b, old, computed);
    update = widened(b, update, computed);
    return narrowed(b, reduction == Reduction::add ? b.add(old, update) : b.mul(old, update), element);
  }

  void apply(ProgramBuilder &b, Value update, Value out, ValueRange at) const {
    b.store(reduction == Reduction::none ? update : combine(b, b.load(out, at), update), out, at);
  }
};

/// One iteration per line along the axis.
LogicalResult scatterElements(NodeContext &node, int64_t axis, Reduction reduction) {
  Scatter s;
  s.reduction = reduction;
  if (!s.read(node))
    return failure();
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis, s.data.rank());
  if (failed(resolved))
    return failure();
  if (s.indices.shape() != s.updates.shape())
    return node.invalid("expects indices and updates of one shape (got " + shapeText(s.indices.shape()) + " and " + shapeText(s.updates.shape()) + ")");
  if (s.indices.rank() != s.data.rank())
    return node.invalid("expects indices of rank " + Twine(s.data.rank()) + ", that of data (got " + Twine(s.indices.rank()) + ")");
  int64_t at = *resolved;
  for (auto [d, pair] : llvm::enumerate(llvm::zip_equal(s.indices.shape(), s.data.shape()))) {
    auto [i, extent] = pair;
    if (static_cast<int64_t>(d) == at || i == extent)
      continue;
    if (ShapedType::isDynamic(i) || ShapedType::isDynamic(extent))
      return node.needsStaticBatch("indices of another batch size than data are not supported");
    if (i > extent)
      return node.invalid("expects at most " + Twine(extent) + " indices in dimension " + Twine(d) + ", as many as data has (got " + Twine(i) + ")");
  }
  if (isEmpty(s.indices.type()) || isEmpty(s.data.type()))
    return node.define(*node.input(0, "data"));
  if (failed(checkIndexed(node, "data", s.data.shape(), at)) || failed(checkConstantIndices(node, 1, "indices", s.data.shape()[at])))
    return failure();
  SmallVector<int64_t> space(s.data.shape());
  space.erase(space.begin() + at);
  int64_t extent = s.data.shape()[at], count = s.indices.shape()[at];
  auto results = foreach (node, "scatter_elements", space, {s.data.value, s.indices.value, s.updates.value}, TypeRange(s.data.type()),
                          [&](ProgramBuilder &b, ValueRange line, ValueRange in, ValueRange out) {
                            auto on = [&](Value i) { return joined(line.take_front(at), i, line.drop_front(at)); };
                            b.forEach(b.index(0), b.index(extent), [&](Value i) { b.store(b.load(in[0], on(i)), out[0], on(i)); });
                            auto update = [&] {
                              b.forEach(b.index(0), b.index(count), [&](Value i) {
                                Value to = resolveIndex(b, b.load(in[1], on(i)), extent);
                                s.apply(b, b.load(in[2], on(i)), out[0], on(to));
                              });
                            };
                            // Lines beside the indices are copied only.
                            Value inside;
                            for (size_t d = 0; d < space.size(); ++d) {
                              int64_t has = s.indices.shape()[d < static_cast<size_t>(at) ? d : d + 1];
                              if (has == space[d])
                                continue;
                              Value below = b.compare(arith::CmpIPredicate::slt, line[d], b.index(has));
                              inside = inside ? b.both(inside, below) : below;
                            }
                            if (inside)
                              b.ifThen(inside, update);
                            else
                              update();
                          });
  return node.define(results[0], 0, s.data.dataType);
}

} // namespace

LogicalResult lathe::importer::importScatter(NodeContext &node) {
  int64_t axis = node.integer("axis", 0);
  return node.hasErrors() ? failure() : scatterElements(node, axis, Reduction::none);
}

LogicalResult lathe::importer::importScatterElements(NodeContext &node) {
  int64_t axis = node.integer("axis", 0);
  FailureOr<Reduction> reduction = readReduction(node);
  return node.hasErrors() ? failure() : scatterElements(node, axis, *reduction);
}

/// One iteration per element of the slices that are written.
LogicalResult lathe::importer::importScatterND(NodeContext &node) {
  FailureOr<Reduction> reduction = readReduction(node);
  if (node.hasErrors())
    return failure();
  Scatter s;
  s.reduction = *reduction;
  if (!s.read(node))
    return failure();
  int64_t depth = s.indices.rank() ? s.indices.shape().back() : 0;
  if (ShapedType::isDynamic(depth) || depth < 0 || depth > s.data.rank() || s.indices.rank() == 0)
    return node.invalid("expects the last dimension of indices in [0, " + Twine(s.data.rank()) + "] (got shape " + shapeText(s.indices.shape()) + ")");
  ArrayRef<int64_t> points = s.indices.shape().drop_back(), indexed = s.data.shape().take_front(depth), slice = s.data.shape().drop_front(depth);
  SmallVector<int64_t> expected(points);
  llvm::append_range(expected, slice);
  if (s.updates.shape() != ArrayRef<int64_t>(expected))
    return node.invalid("expects updates of shape " + shapeText(expected) + " (got " + shapeText(s.updates.shape()) + ")");
  if (isEmpty(s.updates.type()) || isEmpty(s.data.type()))
    return node.define(*node.input(0, "data"));
  for (int64_t d = 0; d < depth; ++d)
    if (failed(checkIndexed(node, "data", s.data.shape(), d)))
      return failure();
  if (!points.empty() && ShapedType::isDynamic(points[0]))
    return node.needsStaticBatch("a number of updates that depends on the batch is not supported");
  auto results = foreach (node, "scatter_nd", slice, {s.data.value, s.indices.value, s.updates.value}, TypeRange(s.data.type()),
                          [&](ProgramBuilder &b, ValueRange inner, ValueRange in, ValueRange out) {
                            forEachIn(b, indexed, [&](ValueRange outer) { b.store(b.load(in[0], joined(outer, inner)), out[0], joined(outer, inner)); });
                            forEachIn(b, points, [&](ValueRange point) {
                              SmallVector<Value> to;
                              for (int64_t d = 0; d < depth; ++d)
                                to.push_back(resolveIndex(b, b.load(in[1], joined(point, b.index(d))), s.data.shape()[d]));
                              s.apply(b, b.load(in[2], joined(point, inner)), out[0], joined(to, inner));
                            });
                          });
  return node.define(results[0], 0, s.data.dataType);
}
