// LinearAttention (opset 27): a recurrence over time steps, unrolled into products and sums.
#include "compiler/import/Composite.h"
#include "compiler/import/Registry.h"
#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;
using Name = Composite::Name;

/// More steps than these make a module that nobody wants to wait for.
static constexpr int64_t kMaxSteps = 512;

/// [batch, time, heads * size] to [batch, heads, time, size], as float32.
static Name unpack(Composite &c, Name x, int64_t heads, int64_t size) { return c.transpose(c.reshape(c.cast(x, kFloat), {0, 0, heads, size}), {0, 2, 1, 3}); }

LogicalResult lathe::importer::importLinearAttention(NodeContext &node) {
  int64_t qHeads = node.integer("q_num_heads", 0), kvHeads = node.integer("kv_num_heads", 0);
  std::string rule = node.text("update_rule", "gated_delta");
  double scale = node.real("scale", 0);
  node.ignore({"chunk_size"}); // a hint that does not change the result
  if (node.hasErrors())
    return failure();
  bool gated = rule == "gated" || rule == "gated_delta", delta = rule == "delta" || rule == "gated_delta";
  if (!gated && !delta && rule != "linear")
    return node.invalid("expects attribute update_rule to be linear, gated, delta or gated_delta (got '" + printable(rule) + "')");
  if (qHeads < 1 || kvHeads < 1 || qHeads % kvHeads)
    return node.invalid("expects q_num_heads to be a multiple of kv_num_heads (got " + Twine(qHeads) + " and " + Twine(kvHeads) + ")");
  if (node.hasInput(4) != gated || node.hasInput(5) != delta)
    return node.invalid("expects decay for a gated update rule and beta for a delta rule, and only then");

  Composite c(node);
  Name query = c.input(0), key = c.input(1), value = c.input(2);
  SmallVector<int64_t> q = c.shapeOf(query), k = c.shapeOf(key), v = c.shapeOf(value);
  int32_t type = c.typeOf(query), stateType = node.hasInput(3) ? c.typeOf(c.input(3)) : type;
  if (c.failed())
    return failure();
  if (q.size() != 3 || k.size() != 3 || v.size() != 3 || q[2] % qHeads || k[2] % kvHeads || v[2] % kvHeads || k[2] / kvHeads != q[2] / qHeads)
    return node.invalid("expects query, key and value of rank 3 whose last dimensions the heads divide into one key size");
  int64_t batch = q[0], steps = q[1], keySize = q[2] / qHeads, valueSize = v[2] / kvHeads;
  if (steps > kMaxSteps)
    return node.unsupported("a sequence of " + Twine(steps) + " steps is not supported; supported: up to " + Twine(kMaxSteps));
  if (ShapedType::isDynamic(batch) && !node.hasInput(3))
    return node.needsStaticBatch("an initial state of zeros is not supported");

  query = unpack(c, query, qHeads, keySize);
  key = unpack(c, key, kvHeads, keySize);
  value = unpack(c, value, kvHeads, valueSize);
  Name decay, beta;
  if (gated) {
    SmallVector<int64_t> shape = c.shapeOf(c.input(4));
    if (c.failed() || shape.size() != 3 || (shape[2] != kvHeads && shape[2] != kvHeads * keySize))
      return c.failed() ? failure() : node.invalid("expects decay with one value per head, or per head and element of the key");
    decay = unpack(c, c.input(4), kvHeads, shape[2] / kvHeads);
  }
  if (delta) {
    SmallVector<int64_t> shape = c.shapeOf(c.input(5));
    if (c.failed() || shape.size() != 3 || (shape[2] != kvHeads && shape[2] != 1))
      return c.failed() ? failure() : node.invalid("expects beta with one value, or one per head");
    beta = unpack(c, c.input(5), shape[2], 1);
  }

  // state: [batch, kvHeads, keySize, valueSize]
  Name state = node.hasInput(3) ? c.cast(c.input(3), kFloat) : c.op("Expand", {c.number(0), c.integers({batch, kvHeads, keySize, valueSize})});
  Name factor = c.number(scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(keySize)));
  std::vector<Name> outputs;
  for (int64_t t = 0; t < steps && !c.failed(); ++t) {
    auto at = [&](Name x) { return c.slice(x, 2, t, t + 1); }; // [batch, heads, 1, size]
    Name column = c.transpose(at(key), {0, 1, 3, 2}), row = at(value);
    if (gated)
      state = c.op("Mul", {state, c.transpose(c.op("Exp", {at(decay)}), {0, 1, 3, 2})});
    if (delta)
      row = c.op("Mul", {at(beta), c.op("Sub", {row, c.op("MatMul", {at(key), state})})});
    state = c.op("Add", {state, c.op("Mul", {column, row})});
    // Each key head serves several query heads in a row: [batch, kvHeads, group, keySize] times the state.
    Name read = c.op("MatMul", {c.reshape(at(query), {0, kvHeads, qHeads / kvHeads, keySize}), state});
    outputs.push_back(c.reshape(read, {0, 1, qHeads * valueSize}));
  }
  Name all = outputs.empty() ? Name() : c.op("Concat", outputs, {{"axis", int64_t(1)}});
  if (outputs.empty())
    return node.unsupported("a sequence without steps is not supported");
  if (failed(c.define(c.cast(c.op("Mul", {all, factor}), type))))
    return failure();
  return c.define(c.cast(state, stateType), 1);
}
