// Softmax and LogSoftmax -> a maximum, a sum of exponentials, and what is elementwise.
#include "compiler/import/Indexing.h"
#include "compiler/import/Reduction.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static Value first(ProgramBuilder &, ValueRange v) { return v[0]; }
static Value unchanged(ProgramBuilder &, Value x) { return x; }

/// exp(x - m), where x is never more than m: in a form that says so, which takes a third fewer operations.
static Value expBelow(ProgramBuilder &b, ValueRange v) {
  Value distance = math::AbsFOp::create(b, b.sub(v[0], v[1]));
  return math::ExpOp::create(b, arith::NegFOp::create(b, distance));
}

namespace {

/// The softmax of a row of f32 that lies side by side: all passes over it one after the other, so that it stays in the first cache.
class RowProgram {
public:
  RowProgram(ProgramBuilder &b, int64_t extent, bool isLog) : b(b), extent(extent), isLog(isLog) {}

  void build(ArrayRef<Value> row, Value in, Value out) {
    Value most = overRow(-std::numeric_limits<double>::infinity(), [&](Value i, int64_t width) { return load(in, row, i, width); }, larger);
    auto distance = [&](Value i, int64_t width) { return arith::SubFOp::create(b, load(in, row, i, width), spread(most, width)).getResult(); };
    Value sum = overRow(
        0,
        [&](Value i, int64_t width) -> Value {
          Value power = math::ExpOp::create(b, arith::NegFOp::create(b, math::AbsFOp::create(b, distance(i, width)))); // as in expBelow
          if (!isLog)
            store(power, out, row, i, width);
          return power;
        },
        [](ProgramBuilder &b, Value x, Value y) { return arith::AddFOp::create(b, x, y).getResult(); });
    Value last = isLog ? math::LogOp::create(b, sum).getResult() : b.div(b.number(sum.getType(), 1.0), sum);
    forEachPiece([&](Value i, int64_t width) {
      Value y = isLog ? arith::SubFOp::create(b, distance(i, width), spread(last, width)).getResult()
                      : arith::MulFOp::create(b, load(out, row, i, width), spread(last, width)).getResult();
      store(y, out, row, i, width);
    });
  }

private:
  using Piece = llvm::function_ref<Value(Value, int64_t)>;
  using Combine = llvm::function_ref<Value(ProgramBuilder &, Value, Value)>;
  static Value larger(ProgramBuilder &b, Value x, Value y) { return arith::MaximumFOp::create(b, x, y); }

  Type typeOf(int64_t width) { return width == 1 ? Type(b.getF32Type()) : VectorType::get({width}, b.getF32Type()); }
  Value spread(Value v, int64_t width) { return width == 1 ? v : vector::BroadcastOp::create(b, typeOf(width), v).getResult(); }
  Value load(Value memory, ArrayRef<Value> row, Value i, int64_t width) {
    SmallVector<Value> at = joined(row, i);
    return width == 1 ? b.load(memory, at) : vector::LoadOp::create(b, cast<VectorType>(typeOf(width)), memory, at).getResult();
  }
  void store(Value v, Value memory, ArrayRef<Value> row, Value i, int64_t width) {
    SmallVector<Value> at = joined(row, i);
    width == 1 ? b.store(v, memory, at) : (void)vector::StoreOp::create(b, v, memory, at);
  }

  /// What whole vectors leave of a row, in vectors of halved widths.
  void forRest(llvm::function_ref<void(Value, int64_t)> piece) {
    int64_t done = extent / kLanes * kLanes;
    for (int64_t width = kLanes / 2; width >= 1; width /= 2)
      if ((extent - done) & width) {
        piece(b.index(done), width);
        done += width;
      }
  }
  void forEachPiece(llvm::function_ref<void(Value, int64_t)> piece) {
    b.forEach(b.index(0), b.index(extent / kLanes), [&](Value group) { piece(b.mul(group, b.index(kLanes)), kLanes); });
    forRest(piece);
  }

  /// All pieces of the row, combined: chains of every kChains-th vector, then these, their lanes, and the rest.
  Value overRow(double identity, Piece piece, Combine combine) {
    constexpr int64_t kChains = 4; // hide the latency of an addition
    int64_t vectors = extent / kLanes, chains = std::min(vectors, kChains), rounds = vectors / chains;
    SmallVector<Value> sums(chains, spread(b.number(b.getF32Type(), identity), kLanes));
    sums = b.fold(b.index(0), b.index(rounds), sums, [&](Value round, ValueRange before) {
      SmallVector<Value> next;
      for (auto [k, sum] : llvm::enumerate(before))
        next.push_back(combine(b, sum, piece(b.add(b.mul(round, b.index(chains * kLanes)), b.index(k * kLanes)), kLanes)));
      return next;
    });
    for (int64_t v = rounds * chains; v < vectors; ++v)
      sums[v - rounds * chains] = combine(b, sums[v - rounds * chains], piece(b.index(v * kLanes), kLanes));
    for (; sums.size() > 1; sums.pop_back())
      sums[sums.size() - 2] = combine(b, sums[sums.size() - 2], sums.back());
    Value all = acrossLanes(sums[0], combine);
    forRest([&](Value i, int64_t width) { all = combine(b, all, acrossLanes(piece(i, width), combine)); });
    return all;
  }

  Value acrossLanes(Value v, Combine combine) {
    auto type = dyn_cast<VectorType>(v.getType());
    if (!type)
      return v;
    for (int64_t half = type.getDimSize(0) / 2; half >= 1; half /= 2)
      v = combine(b, vector::ShuffleOp::create(b, v, v, llvm::to_vector(llvm::seq<int64_t>(0, half))),
                  vector::ShuffleOp::create(b, v, v, llvm::to_vector(llvm::seq<int64_t>(half, 2 * half))));
    return vector::ExtractOp::create(b, v, ArrayRef<int64_t>{0});
  }

  ProgramBuilder &b;
  int64_t extent;
  bool isLog;
};

/// Along the last axes, `extent` elements of x together.
Value softmaxOfRows(NodeContext &node, Value x, int64_t extent, bool isLog) {
  node.builder().getContext()->getOrLoadDialect<vector::VectorDialect>();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(x.getType()).getShape();
  int64_t batch = shape.size() > 1 ? shape[0] : 1, image = countAlong(shape, axesFrom(shape.size() > 1 ? 1 : 0, shape.size()));
  if (shape.size() > 1 && image < extent) // the batch is part of a row
    batch = 1, image = extent;
  int64_t rows[] = {batch, image / extent, extent}, space[] = {batch, image / extent, 1};
  auto type = RankedTensorType::get(rows, node.builder().getF32Type());
  auto body = [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) { RowProgram(b, extent, isLog).build({at[0], at[1]}, in[0], out[0]); };
  Value y = foreach (node, isLog ? "log_softmax" : "softmax", space, reshaped(node, x, rows), Type(type), body)[0];
  return reshaped(node, y, shape);
}

} // namespace

/// exp(x - m) * (1 / sum) or x - m - log(sum), with the largest x of a line as m: no exponential is above 1. A line with a NaN, or with an infinity that has no
/// meaning as a limit, is NaN, as in ONNX's definition.
static LogicalResult importSoftmax(NodeContext &node, bool isLog) {
  bool coerced = node.opset() < 13; // to a matrix
  int64_t axis = node.integer("axis", coerced ? 1 : -1);
  if (node.hasErrors())
    return failure();
  FloatInput x = floatInput(node, 0, "input");
  if (!x)
    return failure();
  // A scalar has one line of one element.
  if (x.rank() == 0)
    return defineFloat(node, node.splat({}, x.dataType == kDouble ? kDouble : kFloat, isLog ? 0 : 1), x.dataType);
  // Up to opset 12 the axis may be the rank: lines of one element.
  int64_t rank = x.rank();
  FailureOr<int64_t> resolved = coerced && axis == rank ? FailureOr<int64_t>(rank) : resolveAxis(node, "axis", axis, rank);
  if (failed(resolved))
    return failure();
  if (isEmpty(x.type()))
    return node.define(splatWeight(RankedTensorType::get(x.shape(), elementType(node.builder().getContext(), x.dataType)), 0), 0, x.dataType);
  SmallVector<int64_t> axes = coerced ? axesFrom(*resolved, rank) : SmallVector<int64_t>{*resolved};
  if (failed(checkNotBatch(node, x.shape(), axes)))
    return failure();
  Type element = x.element();
  bool isRow = axes.back() + 1 == rank && element.isF32();
  if (int64_t extent = isRow ? countAlong(x.shape(), axes) : 0; extent >= kLanes)
    return defineFloat(node, softmaxOfRows(node, x.value, extent, isLog), x.dataType);
  Value most = reduceAxes(node, nn::Combine::max, x.value, axes, element, first, unchanged);
  if (isLog) {
    Value sum = reduceAxes(node, nn::Combine::sum, {x.value, most}, axes, element, expBelow,
                           [](ProgramBuilder &b, Value s) -> Value { return math::LogOp::create(b, s); });
    Value y = map(node, {x.value, most, sum}, x.shape(), element, [](ProgramBuilder &b, ValueRange v) { return b.sub(b.sub(v[0], v[1]), v[2]); });
    return defineFloat(node, y, x.dataType);
  }
  Value power = map(node, {x.value, most}, x.shape(), element, expBelow);
  Value scale = reduceAxes(node, nn::Combine::sum, power, axes, element, first, [](ProgramBuilder &b, Value s) { return b.div(b.number(s.getType(), 1), s); });
  Value y = map(node, {power, scale}, x.shape(), element, [](ProgramBuilder &b, ValueRange v) { return b.mul(v[0], v[1]); });
  return defineFloat(node, y, x.dataType);
}

LogicalResult lathe::importer::importSoftmax(NodeContext &node) { return ::importSoftmax(node, false); }
LogicalResult lathe::importer::importLogSoftmax(NodeContext &node) { return ::importSoftmax(node, true); }
