// TopK: the k first elements of each line in sorted order.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Is = arith::CmpIPredicate;

/// Whether `x` comes before `y`, which stands at a lower place: ties go to the lower place. A NaN is larger than all numbers, as NumPy and PyTorch sort.
static Value comesBefore(ProgramBuilder &b, Value x, Value y, bool largest, bool isUnsigned) {
  if (!isa<FloatType>(x.getType()))
    return b.compare(largest ? Is::sgt : Is::slt, x, y, isUnsigned);
  Type real = realFor(x.getType());
  x = widened(b, x, real);
  y = widened(b, y, real);
  auto isNaN = [&](Value v) { return b.compare(Is::ne, v, v); };
  auto isNumber = [&](Value v) { return b.compare(Is::eq, v, v); };
  Value above = largest ? x : y, below = largest ? y : x;
  return b.either(b.compare(Is::sgt, above, below), b.both(isNaN(above), isNumber(below)));
}

LogicalResult lathe::importer::importTopK(NodeContext &node) {
  int64_t axis = node.integer("axis", -1), k = node.integer("k", 0); // k: until opset 9
  bool largest = node.integer("largest", 1);
  node.ignore({"sorted"}); // without it any order is right
  if (node.hasErrors())
    return failure();
  Operand x = node.operand(0, "X", kNumbers);
  if (!x)
    return failure();
  if (node.opset() >= 10) {
    auto given = node.constants(1, "K");
    if (!given)
      return failure();
    if (given->size() != 1)
      return node.invalid("expects one number as " + node.describeInput(1, "K") + " (got " + Twine(given->size()) + ")");
    k = given->front();
  }
  FailureOr<int64_t> resolved = resolveAxis(node, "axis", axis, x.rank());
  if (failed(resolved))
    return failure();
  int64_t at = *resolved, extent = x.shape()[at];
  if (ShapedType::isDynamic(extent))
    return node.needsStaticBatch("sorting along the batch, axis " + Twine(at) + ", is not supported");
  if (k < 0 || k > extent)
    return node.invalid("expects K in [0, " + Twine(extent) + "], the elements along axis " + Twine(at) + " (got " + Twine(k) + ")");
  SmallVector<int64_t> shape(x.shape());
  shape[at] = k;
  RankedTensorType values = node.type(shape, x.dataType), indices = node.type(shape, kInt64);
  if (!values || !indices)
    return failure();
  if (isEmpty(values)) {
    (void)defineEmpty(node, values, 0, x.dataType);
    return defineEmpty(node, indices, 1, kInt64);
  }
  bool isUnsigned = isIn(x.dataType, kUnsignedIntegers);
  SmallVector<int64_t> space(x.shape());
  space.erase(space.begin() + at);
  // Insertion into the results, which stay sorted: most elements of a line come behind the last of them and cost one comparison.
  auto results = foreach (node, "top_k", space, x.value, {values, indices}, [&](ProgramBuilder &b, ValueRange line, ValueRange in, ValueRange out) {
    auto on = [&](Value i) { return joined(line.take_front(at), i, line.drop_front(at)); };
    Value one = b.index(1), zero = b.index(0), last = b.index(k - 1);
    b.forEach(zero, b.index(extent), [&](Value i) {
      Value element = b.load(in[0], on(i)), count = arith::MinSIOp::create(b, i, b.index(k));
      Value isFull = b.compare(Is::eq, count, b.index(k));
      Value enters = b.ifElse(
          isFull, [&] { return comesBefore(b, element, b.load(out[0], on(last)), largest, isUnsigned); }, [&] { return b.integer(b.getI1Type(), int64_t(1)); });
      b.ifThen(enters, [&] {
        // Those behind the element move up by one place; the last one leaves if there are k.
        Value place = arith::MinSIOp::create(b, count, last);
        auto isBehind = [&](ValueRange p) {
          return b.ifElse(
              b.compare(Is::sgt, p[0], zero), [&] { return comesBefore(b, element, b.load(out[0], on(b.sub(p[0], one))), largest, isUnsigned); },
              [&] { return b.integer(b.getI1Type(), int64_t(0)); });
        };
        Value found = loopWhile(b, place, isBehind, [&](ValueRange p) -> SmallVector<Value> {
          Value before = b.sub(p[0], one);
          for (Value memory : out)
            b.store(b.load(memory, on(before)), memory, on(p[0]));
          return {before};
        })[0];
        b.store(element, out[0], on(found));
        b.store(arith::IndexCastOp::create(b, b.getI64Type(), i), out[1], on(found));
      });
    });
  });
  (void)node.define(results[0], 0, x.dataType);
  return node.define(results[1], 1, kInt64);
}
