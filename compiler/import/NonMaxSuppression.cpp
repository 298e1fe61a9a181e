// NonMaxSuppression: of boxes that overlap the one with the highest score stays. How many stay only the run finds.
// Source: the operator's description in the ONNX specification (NonMaxSuppression-10, -11) and its test data.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Is = arith::CmpIPredicate;

namespace {

/// A box by its edges.
struct Box {
  Value left, right, top, bottom;
  Value area(ProgramBuilder &b) const { return b.mul(b.sub(right, left), b.sub(bottom, top)); }
};

/// boxes[image, i]: two opposite corners (y, x, y, x) in any order, or (x, y, width, height) around the centre.
Box boxAt(ProgramBuilder &b, Value boxes, Value image, Value i, bool isCentre) {
  Value v[4];
  for (int k = 0; k < 4; ++k)
    v[k] = b.load(boxes, {image, i, b.index(k)});
  auto sorted = [&](Value x, Value y) {
    Value less = b.compare(Is::slt, x, y);
    return std::pair(b.select(less, x, y), b.select(less, y, x));
  };
  auto around = [&](Value centre, Value size) {
    Value half = b.mul(size, b.number(size.getType(), 0.5));
    return std::pair(b.sub(centre, half), b.add(centre, half));
  };
  auto [left, right] = isCentre ? around(v[0], v[2]) : sorted(v[1], v[3]);
  auto [top, bottom] = isCentre ? around(v[1], v[3]) : sorted(v[0], v[2]);
  return {left, right, top, bottom};
}

/// Whether intersection over union is above the threshold; boxes without an area do not overlap.
Value overlaps(ProgramBuilder &b, const Box &p, const Box &q, Value threshold) {
  auto most = [&](Value x, Value y) { return b.select(b.compare(Is::sgt, x, y), x, y); };
  auto least = [&](Value x, Value y) { return b.select(b.compare(Is::slt, x, y), x, y); };
  Value zero = b.number(threshold.getType(), 0.0);
  Value width = b.sub(least(p.right, q.right), most(p.left, q.left)), height = b.sub(least(p.bottom, q.bottom), most(p.top, q.top));
  Value both = b.mul(width, height), areaP = p.area(b), areaQ = q.area(b), either = b.sub(b.add(areaP, areaQ), both);
  auto positive = [&](Value x) { return b.compare(Is::sgt, x, zero); };
  Value real = b.both(b.both(positive(width), positive(height)), b.both(positive(both), positive(either)));
  real = b.both(real, b.both(positive(areaP), positive(areaQ)));
  return b.both(real, b.compare(Is::sgt, b.div(both, either), threshold));
}

struct Suppression {
  Operand boxes, scores, iouThreshold, scoreThreshold;
  bool isCentre = false;
  int64_t images = 0, classes = 0, count = 0, most = 0; // boxes of an image, and of these at most to be kept

  Value scalar(ProgramBuilder &b, Value memory) const { return b.load(memory, SmallVector<Value>(cast<MemRefType>(memory.getType()).getRank(), b.index(0))); }

  /// For one image and class: `kept` gets the numbers of the boxes that stay, best first, `keptCount` how many they are. `candidates` is scratch.
  void select(ProgramBuilder &b, Value image, Value type, ValueRange in, Value kept, Value keptCount, Value candidates) const {
    Type i32 = b.getI32Type();
    Value zero = b.index(0), one = b.index(1);
    Value iou = iouThreshold ? scalar(b, in[2]) : b.number(b.getF32Type(), 0.0);
    Value least = scoreThreshold ? scalar(b, in[iouThreshold ? 3 : 2]) : Value();
    auto scoreOf = [&](Value i) { return b.load(in[1], {image, type, i}); };
    auto candidate = [&](Value i) { return b.toIndex(b.load(candidates, {image, type, i})); };
    auto keep = [&](Value memory, Value at, Value i) { b.store(arith::IndexCastOp::create(b, i32, i), memory, {image, type, at}); };
    // The candidates in the order of their numbers, so that of equal scores the first one wins.
    Value alive = b.fold(zero, b.index(count), zero, [&](Value i, ValueRange n) -> SmallVector<Value> {
      keep(candidates, n[0], i);
      Value enters = least ? b.compare(Is::sgt, scoreOf(i), least) : b.integer(b.getI1Type(), int64_t(1));
      return {b.add(n[0], b.select(enters, one, zero))};
    })[0];
    // Each round keeps the best candidate and strikes out those that overlap it.
    auto goesOn = [&](ValueRange state) { return b.both(b.compare(Is::sgt, state[0], zero), b.compare(Is::slt, state[1], b.index(most))); };
    Value total = loopWhile(b, {alive, zero}, goesOn, [&](ValueRange state) -> SmallVector<Value> {
      Value first = candidate(zero);
      SmallVector<Value> best = b.fold(one, state[0], {first, scoreOf(first)}, [&](Value i, ValueRange so) -> SmallVector<Value> {
        Value c = candidate(i), score = scoreOf(c), isBetter = b.compare(Is::sgt, score, so[1]);
        return {b.select(isBetter, c, so[0]), b.select(isBetter, score, so[1])};
      });
      keep(kept, state[1], best[0]);
      Box chosen = boxAt(b, in[0], image, best[0], isCentre);
      Value left = b.fold(zero, state[0], zero, [&](Value i, ValueRange n) -> SmallVector<Value> {
        Value c = candidate(i);
        Value goes = b.either(b.compare(Is::eq, c, best[0]), overlaps(b, boxAt(b, in[0], image, c, isCentre), chosen, iou));
        keep(candidates, n[0], c);
        return {b.add(n[0], b.select(goes, zero, one))};
      })[0];
      return {left, b.add(state[1], one)};
    })[1];
    b.store(arith::IndexCastOp::create(b, i32, total), keptCount, {image, type});
  }

  LogicalResult build(NodeContext &node) const {
    MLIRContext *context = node.builder().getContext();
    Type i32 = IntegerType::get(context, 32);
    RankedTensorType rows = node.type({images * classes * most, 3}, kInt64);
    if (!rows)
      return failure();
    SmallVector<Value> inputs{boxes.value, scores.value};
    for (const Operand &threshold : {iouThreshold, scoreThreshold})
      if (threshold)
        inputs.push_back(threshold.value);
    Type perClass[] = {RankedTensorType::get({images, classes, most}, i32), RankedTensorType::get({images, classes}, i32),
                       RankedTensorType::get({images, classes, count}, i32)};
    auto kept = foreach (node, "non_max_suppression", {images, classes, 1}, inputs, perClass,
                         [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) { select(b, at[0], at[1], in, out[0], out[1], out[2]); });
    // Then all rows one behind the other.
    Type joinedTypes[] = {rows, RankedTensorType::get({2}, IntegerType::get(context, 64))};
    auto joinedRows = foreach (node, "collect", {}, {kept[0], kept[1]}, joinedTypes, [&](ProgramBuilder &b, ValueRange, ValueRange in, ValueRange out) {
      Type i64 = b.getI64Type();
      auto number = [&](Value index) { return arith::IndexCastOp::create(b, i64, index).getResult(); };
      Value total = foldIn(b, {images, classes}, b.index(0), [&](ValueRange at, ValueRange begin) -> SmallVector<Value> {
        Value n = b.toIndex(b.load(in[1], at));
        b.forEach(b.index(0), n, [&](Value i) {
          Value row = b.add(begin[0], i);
          b.store(number(at[0]), out[0], {row, b.index(0)});
          b.store(number(at[1]), out[0], {row, b.index(1)});
          b.store(arith::ExtSIOp::create(b, i64, b.load(in[0], joined(at, i))), out[0], {row, b.index(2)});
        });
        return {b.add(begin[0], n)};
      })[0];
      b.store(number(total), out[1], b.index(0));
      b.store(b.integer(i64, int64_t(3)), out[1], b.index(1));
    });
    return node.defineBounded(joinedRows[0], joinedRows[1], 0, kInt64);
  }
};

} // namespace

LogicalResult lathe::importer::importNonMaxSuppression(NodeContext &node) {
  Suppression s;
  s.isCentre = node.integer("center_point_box", 0);
  if (node.hasErrors())
    return failure();
  s.boxes = node.operand(0, "boxes", setOf({kFloat}));
  s.scores = node.operand(1, "scores", setOf({kFloat}));
  if (!s.boxes || !s.scores)
    return failure();
  int64_t most = 0; // nothing is kept unless the model says how much
  if (node.hasInput(2)) {
    auto given = node.constants(2, "max_output_boxes_per_class");
    if (!given)
      return failure();
    if (given->size() > 1)
      return node.invalid("expects one number as " + node.describeInput(2, "max_output_boxes_per_class") + " (got " + Twine(given->size()) + ")");
    most = given->empty() ? 0 : std::max<int64_t>(given->front(), 0);
  }
  static const StringRef kThresholds[] = {"iou_threshold", "score_threshold"};
  for (int i : {0, 1}) {
    if (!node.hasInput(i + 3))
      continue;
    Operand &threshold = i ? s.scoreThreshold : s.iouThreshold;
    threshold = node.operand(i + 3, kThresholds[i], setOf({kFloat}));
    if (!threshold)
      return failure();
    if (!threshold.type().hasStaticShape() || threshold.type().getNumElements() != 1)
      return node.invalid("expects one number as " + node.describeInput(i + 3, kThresholds[i]) + " (got shape " + shapeText(threshold.shape()) + ")");
  }
  ArrayRef<int64_t> boxes = s.boxes.shape(), scores = s.scores.shape();
  if (boxes.size() != 3 || scores.size() != 3 || boxes[2] != 4 || boxes[0] != scores[0] || boxes[1] != scores[2])
    return node.invalid("expects boxes [N, count, 4] and scores [N, classes, count] (got " + shapeText(boxes) + " and " + shapeText(scores) + ")");
  if (ShapedType::isDynamic(boxes[0]))
    return node.needsStaticBatch("an output whose size depends on the data is not supported");
  s.images = boxes[0];
  s.classes = scores[1];
  s.count = boxes[1];
  s.most = std::min(most, s.count);
  if (s.images == 0 || s.classes == 0 || s.most == 0) {
    RankedTensorType none = node.type({0, 3}, kInt64);
    return none ? defineEmpty(node, none, 0, kInt64) : failure();
  }
  if (failed(node.checkShape({s.images, s.classes, s.count})) || s.count > INT32_MAX)
    return node.hasErrors() ? failure() : LogicalResult(node.unsupported("more than 2^31 boxes are not supported"));
  return s.build(node);
}
