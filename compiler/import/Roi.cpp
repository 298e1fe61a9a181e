// RoiAlign and MaxRoiPool: regions of images, brought to one size.
// Source: the operators' descriptions in the ONNX specification (RoiAlign-10, -16, -22; MaxRoiPool-1) and, for what they leave open, the test data and the
// reference evaluator of the onnx package.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Is = arith::CmpIPredicate;

namespace {

struct RoiInputs {
  Operand x, rois, images; // images: of RoiAlign only
};

/// [N, C, H, W] and [R, columns]; the images may not be the symbolic batch, since regions name them.
LogicalResult checkRois(NodeContext &node, const RoiInputs &in, int64_t columns) {
  if (in.x.rank() != 4)
    return node.invalid("expects X of rank 4 (got " + Twine(in.x.rank()) + ")");
  if (in.rois.rank() != 2 || in.rois.shape()[1] != columns)
    return node.invalid("expects rois of shape [R, " + Twine(columns) + "] (got " + shapeText(in.rois.shape()) + ")");
  if (in.x.dataType != in.rois.dataType)
    return node.invalid("expects X and rois of one type (got " + dataTypeName(in.x.dataType) + " and " + dataTypeName(in.rois.dataType) + ")");
  for (int64_t d : {0, 2, 3})
    if (failed(checkIndexed(node, "X", in.x.shape(), d)))
      return failure();
  return success();
}

/// One axis of a sample of RoiAlign: two neighbours with their weights. Outside of [-1, extent] the sample is 0.
struct Neighbours {
  Value low, high, lowWeight, highWeight, inside;
};

Neighbours neighboursAt(ProgramBuilder &b, Value x, int64_t extent) {
  Type real = x.getType();
  auto number = [&](double v) { return b.number(real, v); };
  Neighbours n;
  n.inside = b.both(b.compare(Is::sge, x, number(-1)), b.compare(Is::sle, x, number(static_cast<double>(extent))));
  x = arith::MaxNumFOp::create(b, x, number(0));
  n.low = toIndexBetween(b, x, 0, extent - 1);
  n.high = b.clampIndex(b.add(n.low, b.index(1)), b.index(0), b.index(extent - 1));
  Value isLast = b.compare(Is::sge, n.low, b.index(extent - 1));
  n.highWeight = b.select(isLast, number(0), b.sub(x, toReal(b, n.low, real)));
  n.lowWeight = b.sub(number(1), n.highWeight);
  return n;
}

/// Samples along one axis of one bin.
struct Bin {
  Value begin, step, count; // of the samples: places in the image, index
};

struct RoiAlign {
  bool isMax = false, halfPixel = false;
  int64_t height = 1, width = 1, sampling = 0;
  double scale = 1;

  Bin binOf(ProgramBuilder &b, Value begin, Value end, Value position, int64_t bins, int64_t extent) const {
    Type real = begin.getType();
    auto number = [&](double v) { return b.number(real, v); };
    Value offset = number(halfPixel ? 0.5 : 0);
    Value start = b.sub(b.mul(begin, number(scale)), offset), length = b.sub(b.sub(b.mul(end, number(scale)), offset), start);
    if (!halfPixel)
      length = arith::MaxNumFOp::create(b, length, number(1)); // malformed regions count as one element
    Value size = b.div(length, number(static_cast<double>(bins)));
    // One sample per element, if the model does not say how many: bounded, for a region of senseless size must not take forever.
    int64_t most = 16 * extent + 16;
    Value count = sampling > 0 ? b.index(sampling) : toIndexBetween(b, math::CeilOp::create(b, size), 0, most);
    Value step = b.div(size, toReal(b, count, real));
    Value first = b.add(b.add(start, b.mul(toReal(b, position, real), size)), b.mul(step, number(0.5)));
    return {first, step, count};
  }

  /// The value of one sample: the interpolation, or the largest of its weighted terms.
  Value sample(ProgramBuilder &b, Value x, ValueRange plane, Value y, Value column, int64_t h, int64_t w, Type real) const {
    Neighbours v = neighboursAt(b, y, h), u = neighboursAt(b, column, w);
    auto term = [&](Value row, Value rowWeight, Value at, Value weight) {
      return b.mul(b.mul(rowWeight, weight), widened(b, b.load(x, joined(plane, {row, at})), real));
    };
    Value terms[] = {term(v.low, v.lowWeight, u.low, u.lowWeight), term(v.low, v.lowWeight, u.high, u.highWeight),
                     term(v.high, v.highWeight, u.low, u.lowWeight), term(v.high, v.highWeight, u.high, u.highWeight)};
    Value result = terms[0];
    for (Value next : ArrayRef(terms).drop_front())
      result = isMax ? larger(b, result, next) : b.add(result, next);
    return b.select(b.both(v.inside, u.inside), result, b.number(real, 0.0));
  }

  Value element(ProgramBuilder &b, ValueRange at, ValueRange in, ArrayRef<int64_t> shape, Type real) const {
    auto corner = [&](int64_t i) { return widened(b, b.load(in[1], {at[0], b.index(i)}), real); };
    Bin rows = binOf(b, corner(1), corner(3), at[2], height, shape[2]), columns = binOf(b, corner(0), corner(2), at[3], width, shape[3]);
    Value image = resolveIndex(b, b.load(in[2], at[0]), shape[0]), zero = b.index(0);
    // The maximum starts with the first sample; a region without samples is 0.
    double start = isMax ? -INFINITY : 0;
    Value total = b.fold(zero, rows.count, b.number(real, start), [&](Value i, ValueRange outer) {
      Value y = b.add(rows.begin, b.mul(toReal(b, i, real), rows.step));
      return b.fold(zero, columns.count, outer, [&](Value j, ValueRange sum) -> SmallVector<Value> {
        Value x = b.add(columns.begin, b.mul(toReal(b, j, real), columns.step));
        Value value = sample(b, in[0], {image, at[1]}, y, x, shape[2], shape[3], real);
        return {isMax ? larger(b, sum[0], value) : b.add(sum[0], value)};
      });
    })[0];
    Value count = b.mul(rows.count, columns.count);
    if (!isMax)
      return b.div(total, toReal(b, b.clampIndex(count, b.index(1), count), real));
    return b.select(b.compare(Is::eq, count, zero), b.number(real, 0.0), total);
  }
};

} // namespace

LogicalResult lathe::importer::importRoiAlign(NodeContext &node) {
  static constexpr std::pair<StringRef, bool> kModes[] = {{"avg", false}, {"max", true}}, kCoordinates[] = {{"half_pixel", true}, {"output_half_pixel", false}};
  RoiAlign roi;
  auto isMax = choose<bool>(node, "mode", "avg", kModes);
  auto halfPixel = choose<bool>(node, "coordinate_transformation_mode", node.opset() < 16 ? "output_half_pixel" : "half_pixel", kCoordinates);
  roi.height = node.integer("output_height", 1);
  roi.width = node.integer("output_width", 1);
  roi.sampling = node.integer("sampling_ratio", 0);
  roi.scale = node.real("spatial_scale", 1);
  if (node.hasErrors())
    return failure();
  roi.isMax = *isMax;
  roi.halfPixel = *halfPixel;
  if (roi.height < 1 || roi.width < 1)
    return node.invalid("expects attributes output_height and output_width of at least 1 (got " + Twine(roi.height) + " and " + Twine(roi.width) + ")");
  if (!std::isfinite(roi.scale))
    return node.invalid("expects attribute spatial_scale to be finite");
  RoiInputs in;
  in.x = node.operand(0, "X", kFloats);
  in.rois = node.operand(1, "rois", kFloats);
  in.images = node.operand(2, "batch_indices", setOf({kInt64}));
  if (!in.x || !in.rois || !in.images || failed(checkRois(node, in, 4)))
    return failure();
  if (in.images.shape() != in.rois.shape().take_front(1))
    return node.invalid("expects batch_indices of shape " + shapeText(in.rois.shape().take_front(1)) + " (got " + shapeText(in.images.shape()) + ")");
  RankedTensorType type = node.type({in.rois.shape()[0], in.x.shape()[1], roi.height, roi.width}, in.x.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, in.x.dataType);
  Type real = realFor(in.x.element());
  Value result = generate(node, "roi_align", type, {in.x.value, in.rois.value, in.images.value}, [&](ProgramBuilder &b, ValueRange at, ValueRange memory) {
    return narrowed(b, roi.element(b, at, memory, in.x.shape(), real), in.x.element());
  });
  return node.define(result, 0, in.x.dataType);
}

/// floor(v + 0.5), or away from zero for negative halves, as std::round.
static Value rounded(ProgramBuilder &b, Value v) {
  Value down = math::FloorOp::create(b, b.add(math::AbsFOp::create(b, v), b.number(v.getType(), 0.5)));
  return math::CopySignOp::create(b, down, v);
}

LogicalResult lathe::importer::importMaxRoiPool(NodeContext &node) {
  SmallVector<int64_t> pooled = node.integers("pooled_shape");
  double scale = node.real("spatial_scale", 1);
  if (node.hasErrors())
    return failure();
  if (pooled.size() != 2 || pooled[0] < 1 || pooled[1] < 1)
    return node.invalid("expects attribute pooled_shape of two positive numbers");
  if (!std::isfinite(scale))
    return node.invalid("expects attribute spatial_scale to be finite");
  RoiInputs in;
  in.x = node.operand(0, "X", kFloats);
  in.rois = node.operand(1, "rois", kFloats);
  if (!in.x || !in.rois || failed(checkRois(node, in, 5)))
    return failure();
  ArrayRef<int64_t> shape = in.x.shape();
  RankedTensorType type = node.type({in.rois.shape()[0], shape[1], pooled[0], pooled[1]}, in.x.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, in.x.dataType);
  Type real = realFor(in.x.element());
  // Rows of rois: image, x and y of the first element, x and y of the last one.
  Value result = generate(node, "max_roi_pool", type, {in.x.value, in.rois.value}, [&](ProgramBuilder &b, ValueRange at, ValueRange memory) {
    auto number = [&](double v) { return b.number(real, v); };
    auto column = [&](int64_t i) { return widened(b, b.load(memory[1], {at[0], b.index(i)}), real); };
    auto range = [&](Value first, Value last, Value position, int64_t bins, int64_t extent) {
      Value begin = rounded(b, b.mul(first, number(scale))), end = rounded(b, b.mul(last, number(scale)));
      Value size = arith::MaxNumFOp::create(b, b.add(b.sub(end, begin), number(1)), number(1));
      Value bin = b.div(size, number(static_cast<double>(bins))), i = toReal(b, position, real);
      Value low = math::FloorOp::create(b, b.mul(i, bin)), high = math::CeilOp::create(b, b.mul(b.add(i, number(1)), bin));
      return std::pair(toIndexBetween(b, b.add(low, begin), 0, extent), toIndexBetween(b, b.add(high, begin), 0, extent));
    };
    Value image = toIndexBetween(b, column(0), 0, shape[0] - 1);
    auto [top, bottom] = range(column(2), column(4), at[2], pooled[0], shape[2]);
    auto [left, right] = range(column(1), column(3), at[3], pooled[1], shape[3]);
    Value most = b.fold(top, bottom, number(-INFINITY), [&, left = left, right = right](Value y, ValueRange outer) {
      return b.fold(left, right, outer, [&](Value x, ValueRange best) -> SmallVector<Value> {
        Value value = widened(b, b.load(memory[0], {image, at[1], y, x}), real);
        return {b.select(b.compare(Is::sgt, value, best[0]), value, best[0])};
      });
    })[0];
    Value empty = b.either(b.compare(Is::sge, top, bottom), b.compare(Is::sge, left, right));
    return narrowed(b, b.select(empty, number(0), most), in.x.element());
  });
  return node.define(result, 0, in.x.dataType);
}
