// NonZero and Compress: operators whose output has a size that only the run finds. The output's memory is for the largest that it can be; its elements lie
// dense, in the order of the true shape, at the start.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"

#include <numeric>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Is = arith::CmpIPredicate;

static int64_t product(ArrayRef<int64_t> values) { return std::accumulate(values.begin(), values.end(), int64_t(1), std::multiplies<>()); }

/// Results of an operator with run-time size: a flat buffer, in the shape of the bounds, and the extents.
static LogicalResult defineFlat(NodeContext &node, ValueRange results, RankedTensorType bounds, int32_t dataType) {
  Value shaped = results[0];
  if (shaped.getType() != bounds)
    shaped = nn::ReshapeOp::create(node.builder(), node.loc(), bounds, shaped);
  return node.defineBounded(shaped, results[1], 0, dataType);
}

static Type vectorOf(Type element, int64_t count) { return RankedTensorType::get({count}, element); }

LogicalResult lathe::importer::importNonZero(NodeContext &node) {
  Operand x = node.operand(0, "X");
  if (!x)
    return failure();
  if (x.rank() == 0)
    return node.unsupported("X of rank 0 is not supported; supported: 1 or more");
  if (!x.type().hasStaticShape())
    return node.needsStaticBatch("an output whose size depends on the data is not supported");
  int64_t rank = x.rank(), count = x.type().getNumElements();
  RankedTensorType bounds = node.type({rank, count}, kInt64);
  if (!bounds)
    return failure();
  if (isEmpty(bounds))
    return defineEmpty(node, bounds, 0, kInt64);
  Type i64 = bounds.getElementType();
  auto results = foreach (
      node, "non_zero", {}, x.value, {vectorOf(i64, rank * count), vectorOf(i64, 2)}, [&](ProgramBuilder &b, ValueRange, ValueRange in, ValueRange out) {
        auto isOn = [&](ValueRange at) {
          Value v = b.load(in[0], at);
          if (isa<FloatType>(v.getType()))
            v = widened(b, v, realFor(v.getType()));
          return b.compare(Is::ne, v, isa<FloatType>(v.getType()) ? b.number(v.getType(), 0.0) : b.integer(v.getType(), int64_t(0)));
        };
        auto number = [&](Value index) { return arith::IndexCastOp::create(b, i64, index).getResult(); };
        Value zero = b.index(0), one = b.index(1);
        // Rows of indices, one per dimension: where a row begins is known when all have been counted.
        Value total =
            foldIn(b, x.shape(), zero, [&](ValueRange at, ValueRange n) -> SmallVector<Value> { return {b.add(n[0], b.select(isOn(at), one, zero))}; })[0];
        foldIn(b, x.shape(), zero, [&](ValueRange at, ValueRange n) -> SmallVector<Value> {
          Value on = isOn(at);
          b.ifThen(on, [&] {
            for (int64_t d = 0; d < rank; ++d)
              b.store(number(at[d]), out[0], b.add(b.mul(total, b.index(d)), n[0]));
          });
          return {b.add(n[0], b.select(on, one, zero))};
        });
        b.store(b.integer(i64, rank), out[1], zero);
        b.store(number(total), out[1], one);
      });
  return defineFlat(node, results, bounds, kInt64);
}

LogicalResult lathe::importer::importCompress(NodeContext &node) {
  bool flat = !node.hasAttribute("axis");
  int64_t axis = node.integer("axis", 0);
  if (node.hasErrors())
    return failure();
  Operand x = node.operand(0, "input"), condition = node.operand(1, "condition", kBools);
  if (!x || !condition)
    return failure();
  if (!x.type().hasStaticShape() || !condition.type().hasStaticShape())
    return node.needsStaticBatch("an output whose size depends on the data is not supported");
  FailureOr<int64_t> resolved = flat ? FailureOr<int64_t>(0) : resolveAxis(node, "axis", axis, x.rank());
  if (failed(resolved))
    return failure();
  // Without an axis the input counts as a vector.
  SmallVector<int64_t> shape = flat ? SmallVector<int64_t>{x.type().getNumElements()} : SmallVector<int64_t>(x.shape());
  int64_t at = *resolved, extent = shape[at], most = condition.rank() == 1 ? condition.shape()[0] : -1;
  if (most < 0 || most > extent)
    return node.invalid("expects condition to be a vector of at most " + Twine(extent) + " elements (got shape " + shapeText(condition.shape()) + ")");
  SmallVector<int64_t> bound(shape);
  bound[at] = most;
  RankedTensorType bounds = node.type(bound, x.dataType);
  if (!bounds)
    return failure();
  if (isEmpty(bounds))
    return defineEmpty(node, bounds, 0, x.dataType);
  int64_t outer = product(ArrayRef(shape).take_front(at)), inner = product(ArrayRef(shape).drop_front(at + 1)), rank = shape.size();
  Value input = x.value;
  SmallVector<int64_t> threeDims{outer, extent, inner};
  if (x.shape() != ArrayRef<int64_t>(threeDims))
    input = nn::ReshapeOp::create(node.builder(), node.loc(), RankedTensorType::get(threeDims, x.element()), input);
  Type i64 = node.builder().getI64Type();
  auto results =
      foreach (node, "compress", {}, {input, condition.value}, {vectorOf(x.element(), bounds.getNumElements()), vectorOf(i64, rank)},
               [&](ProgramBuilder &b, ValueRange, ValueRange in, ValueRange out) {
                 Value zero = b.index(0), one = b.index(1);
                 foldIn(b, {outer, most}, zero, [&](ValueRange from, ValueRange to) -> SmallVector<Value> {
                   Value on = b.toI1(b.load(in[1], from[1]));
                   b.ifThen(on, [&] { b.forEach(zero, b.index(inner), [&](Value i) { b.store(b.load(in[0], joined(from, i)), out[0], b.add(to[0], i)); }); });
                   return {b.add(to[0], b.select(on, b.index(inner), zero))};
                 });
                 Value total = b.fold(zero, b.index(most), zero, [&](Value i, ValueRange n) -> SmallVector<Value> {
                   return {b.add(n[0], b.select(b.toI1(b.load(in[1], i)), one, zero))};
                 })[0];
                 for (int64_t d = 0; d < rank; ++d)
                   b.store(d == at ? arith::IndexCastOp::create(b, i64, total).getResult() : b.integer(i64, shape[d]), out[1], b.index(d));
               });
  return defineFlat(node, results, bounds, x.dataType);
}
