// Attention, RotaryEmbedding, SwiGLU, CausalConvWithState: composites of matrix products, softmax and data movement (ONNX function bodies of opset 23 to 27).
#include "compiler/import/Composite.h"
#include "compiler/import/Registry.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;
using Name = Composite::Name;

namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

/// Attention of one node. Tensors are [batch, heads, length, size]; `element` is the data type of Q.
class AttentionImporter {
public:
  explicit AttentionImporter(NodeContext &node) : node(node), c(node) {}

  LogicalResult import() {
    bool causal = node.integer("is_causal", 0);
    qHeads = node.integer("q_num_heads", 0);
    kvHeads = node.integer("kv_num_heads", 0);
    double scale = node.real("scale", 0), softcap = node.real("softcap", 0);
    int64_t mode = node.integer("qk_matmul_output_mode", 0), precision = node.integer("softmax_precision", 0);
    int64_t left = node.integer("left_window_size", -1), right = node.integer("right_window_size", -1);
    if (node.hasErrors())
      return failure();
    if (mode < 0 || mode > 3)
      return node.invalid("expects attribute qk_matmul_output_mode from 0 to 3 (got " + Twine(mode) + ")");
    if (qHeads < 0 || kvHeads < 0 || left < -1 || right < -1)
      return node.invalid("expects head counts of at least 0 and window sizes of at least -1");
    element = c.typeOf(c.input(0));
    Name q = heads(c.input(0), qHeads, "Q"), k = heads(c.input(1), kvHeads, "K"), v = heads(c.input(2), kvHeads, "V");
    bool flat = c.shapeOf(c.input(0)).size() == 3;
    if (c.failed())
      return failure();
    int64_t past = 0;
    if (node.hasInput(4) != node.hasInput(5))
      return node.invalid("expects past_key and past_value together");
    if (node.hasInput(4)) {
      if (node.hasInput(6))
        return node.invalid("expects nonpad_kv_seqlen or past_key, not both");
      SmallVector<int64_t> shape = c.shapeOf(c.input(4));
      if (shape.size() == 4)
        past = shape[2];
      k = c.op("Concat", {c.input(4), k}, {{"axis", int64_t(2)}});
      v = c.op("Concat", {c.input(5), v}, {{"axis", int64_t(2)}});
    }
    Name presentKey = k, presentValue = v;
    SmallVector<int64_t> qShape = c.shapeOf(q), kShape = c.shapeOf(k);
    if (c.failed() || qShape.size() != 4 || kShape.size() != 4)
      return c.failed() ? failure() : node.invalid("expects Q, K and V of rank 3 or 4");
    queries = qShape[2];
    keys = kShape[2];
    if (kShape[1] == 0 || qShape[1] % kShape[1])
      return node.invalid("expects a number of query heads that is a multiple of the key heads (got " + Twine(qShape[1]) + " and " + Twine(kShape[1]) + ")");
    k = repeatHeads(k, qShape[1] / kShape[1]);
    v = repeatHeads(v, qShape[1] / kShape[1]);

    Name bias = mask(causal, left, right, past);
    // Both factors get the square root of the scale: products of half precision stay in range.
    double root = std::sqrt(scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(qShape[3])));
    Name factor = c.number(root, element);
    Name scores = c.op("MatMul", {c.op("Mul", {q, factor}), c.op("Mul", {c.transpose(k, {0, 1, 3, 2}), factor})});
    Name shown = scores;
    if (softcap > 0) {
      Name cap = c.number(softcap, element);
      scores = c.op("Mul", {c.op("Tanh", {c.op("Div", {scores, cap})}), cap});
      if (mode != 0)
        shown = scores;
    }
    if (!bias.empty())
      scores = c.op("Add", {scores, bias});
    if (mode == 2)
      shown = scores;
    Name weights = c.op("Softmax", {precision ? c.cast(scores, precision) : scores}, {{"axis", int64_t(-1)}});
    weights = c.cast(weights, element);
    if (!bias.empty()) { // a query that may see no key gets zeros
      Name best = c.op("ReduceMax", {bias, c.integers(-1)});
      Name blind = c.op("Equal", {best, c.number(kMinusInfinity, element)});
      weights = c.op("Where", {blind, c.number(0, element), weights});
    }
    if (mode == 3)
      shown = weights;
    Name y = c.op("MatMul", {weights, v});
    if (flat) {
      y = c.transpose(y, {0, 2, 1, 3});
      SmallVector<int64_t> shape = c.shapeOf(y);
      if (!c.failed())
        y = c.reshape(y, {0, 0, shape[2] * shape[3]});
    }
    (void)c.define(y);
    (void)c.define(presentKey, 1);
    (void)c.define(presentValue, 2);
    return c.define(shown, 3);
  }

private:
  /// [batch, length, heads * size] to [batch, heads, length, size].
  Name heads(Name x, int64_t count, StringRef role) {
    SmallVector<int64_t> shape = c.shapeOf(x);
    if (c.failed() || shape.size() != 3)
      return x;
    if (count < 1 || shape[2] % count) {
      (void)node.invalid("expects a number of heads that divides the last dimension of " + role + ", " + Twine(shape[2]) + " (got " + Twine(count) + ")");
      c.fail();
      return {};
    }
    return c.transpose(c.reshape(x, {0, 0, count, shape[2] / count}), {0, 2, 1, 3});
  }

  /// Each head `times` times in a row.
  Name repeatHeads(Name x, int64_t times) {
    SmallVector<int64_t> s = c.shapeOf(x);
    if (times == 1 || c.failed())
      return x;
    Name apart = c.op("Unsqueeze", {x, c.integers(2)});
    Name many = c.op("Expand", {apart, c.integers({1, 1, times, 1, 1})});
    return c.reshape(many, {0, s[1] * times, s[2], s[3]});
  }

  Name choose(Name allowed) { return c.op("Where", {allowed, c.number(0, element), c.number(kMinusInfinity, element)}); }

  /// What is added to the scores, or nothing.
  Name mask(bool causal, int64_t left, int64_t right, int64_t past) {
    Name bias;
    auto also = [&](Name more) { bias = bias.empty() ? more : c.op("Add", {bias, more}); };
    if (node.hasInput(3)) {
      Name given = c.input(3);
      SmallVector<int64_t> shape = c.shapeOf(given);
      bool truth = c.typeOf(given) == kBool;
      if (!shape.empty() && shape.back() < keys) { // what is left out is masked
        std::vector<int64_t> pads(2 * shape.size(), 0);
        pads.back() = keys - shape.back();
        given = truth ? choose(given) : given;
        truth = false;
        given = c.op("Pad", {given, c.integers(pads), c.number(kMinusInfinity, c.typeOf(given))});
      }
      also(c.cast(truth ? choose(given) : given, element));
    }
    Name seen; // tokens per batch element that are no padding
    if (node.hasInput(6))
      seen = c.reshape(c.cast(c.input(6), kInt64), {-1, 1, 1, 1});
    if (causal || left >= 0 || right >= 0) {
      // key - query - offset: 0 on the diagonal
      Name columns = c.op("Range", {index(0), index(keys), index(1)});
      Name rows = c.reshape(c.op("Range", {index(past), index(past + queries), index(1)}), {queries, 1});
      Name distance = c.op("Sub", {columns, rows});
      if (!seen.empty())
        distance = c.op("Sub", {distance, c.op("Sub", {seen, index(queries)})});
      if (causal)
        also(choose(c.op("LessOrEqual", {distance, index(0)})));
      if (left >= 0)
        also(choose(c.op("GreaterOrEqual", {distance, index(-left)})));
      if (right >= 0)
        also(choose(c.op("LessOrEqual", {distance, index(right)})));
    }
    if (!seen.empty())
      also(choose(c.op("Less", {c.op("Range", {index(0), index(keys), index(1)}), seen})));
    return bias;
  }

  Name index(int64_t value) { return c.op("Squeeze", {c.integers(value), c.integers(0)}); }

  NodeContext &node;
  Composite c;
  int32_t element = kUndefined;
  int64_t qHeads = 0, kvHeads = 0, queries = 0, keys = 0;
};

} // namespace

LogicalResult lathe::importer::importAttention(NodeContext &node) { return AttentionImporter(node).import(); }

LogicalResult lathe::importer::importRotaryEmbedding(NodeContext &node) {
  bool interleaved = node.integer("interleaved", 0);
  int64_t dim = node.integer("rotary_embedding_dim", 0), headCount = node.integer("num_heads", 0);
  if (node.hasErrors())
    return failure();
  Composite c(node);
  Name x = c.input(0), cosine = c.input(1), sine = c.input(2);
  SmallVector<int64_t> shape = c.shapeOf(x);
  if (c.failed())
    return failure();
  bool flat = shape.size() == 3;
  if (!flat && shape.size() != 4)
    return node.invalid("expects X of rank 3 or 4 (got " + Twine(shape.size()) + ")");
  if (flat && (headCount < 1 || shape[2] % headCount))
    return node.invalid("expects attribute num_heads to divide the last dimension of X, " + Twine(shape[2]) + " (got " + Twine(headCount) + ")");
  // [batch, length, heads, size]
  x = flat ? c.reshape(x, {0, 0, headCount, shape[2] / headCount}) : c.transpose(x, {0, 2, 1, 3});
  int64_t size = flat ? shape[2] / headCount : shape[3];
  dim = dim ? dim : size;
  if (dim < 2 || dim > size || dim % 2)
    return node.invalid("expects attribute rotary_embedding_dim to be even and at most " + Twine(size) + " (got " + Twine(dim) + ")");
  if (node.hasInput(3)) {
    cosine = c.op("Gather", {cosine, c.input(3)});
    sine = c.op("Gather", {sine, c.input(3)});
  }
  cosine = c.op("Unsqueeze", {cosine, c.integers(2)});
  sine = c.op("Unsqueeze", {sine, c.integers(2)});
  Name turning = dim == size ? x : c.slice(x, 3, 0, dim);
  Name a = interleaved ? c.slice(turning, 3, 0, dim, 2) : c.slice(turning, 3, 0, dim / 2);
  Name b = interleaved ? c.slice(turning, 3, 1, dim, 2) : c.slice(turning, 3, dim / 2, dim);
  Name real = c.op("Sub", {c.op("Mul", {cosine, a}), c.op("Mul", {sine, b})});
  Name imaginary = c.op("Add", {c.op("Mul", {sine, a}), c.op("Mul", {cosine, b})});
  Name turned;
  if (interleaved) {
    turned = c.op("Concat", {c.op("Unsqueeze", {real, c.integers(4)}), c.op("Unsqueeze", {imaginary, c.integers(4)})}, {{"axis", int64_t(4)}});
    SmallVector<int64_t> s = c.shapeOf(turned);
    if (c.failed())
      return failure();
    turned = c.reshape(turned, {0, 0, s[2], dim});
  } else {
    turned = c.op("Concat", {real, imaginary}, {{"axis", int64_t(3)}});
  }
  if (dim != size)
    turned = c.op("Concat", {turned, c.slice(x, 3, dim, size)}, {{"axis", int64_t(3)}});
  return c.define(flat ? c.reshape(turned, {0, 0, shape[2]}) : c.transpose(turned, {0, 2, 1, 3}));
}

LogicalResult lathe::importer::importSwiGLU(NodeContext &node) {
  double alpha = node.real("alpha", 1);
  if (node.hasErrors())
    return failure();
  Composite c(node);
  Name a = c.input(0);
  if (c.shapeOf(a) != c.shapeOf(c.input(1)) && !c.failed())
    return node.invalid("expects A and B of one shape");
  Name gate = c.op("Sigmoid", {c.op("Mul", {a, c.number(alpha, c.typeOf(a))})});
  return c.define(c.op("Mul", {c.op("Mul", {a, gate}), c.input(1)}));
}

LogicalResult lathe::importer::importCausalConvWithState(NodeContext &node) {
  std::string activation = node.text("activation", "none");
  if (node.hasErrors())
    return failure();
  if (activation != "none" && activation != "silu" && activation != "swish")
    return node.invalid("expects attribute activation to be none, silu or swish (got '" + printable(activation) + "')");
  Composite c(node);
  Name x = c.input(0), weight = c.input(1);
  SmallVector<int64_t> shape = c.shapeOf(x), window = c.shapeOf(weight);
  if (c.failed())
    return failure();
  if (shape.size() != 3 || window.size() != 3 || window[2] < 1)
    return node.invalid("expects input and weight of rank 3");
  int64_t history = window[2] - 1;
  Name padded = x;
  if (node.hasInput(3))
    padded = c.op("Concat", {c.input(3), x}, {{"axis", int64_t(2)}});
  else if (history)
    padded = c.op("Pad", {x, c.integers({0, 0, history, 0, 0, 0})});
  Name y = c.op("Conv", {padded, weight, c.input(2)}, {{"group", shape[1]}});
  if (activation != "none")
    y = c.op("Mul", {y, c.op("Sigmoid", {y})});
  (void)c.define(y);
  return c.define(c.slice(padded, 2, shape[2], shape[2] + history), 1);
}
