// GridSample and AffineGrid, of any number of spatial dimensions.
// Source: the operators' descriptions in the ONNX specification (GridSample-16, -20, -22; AffineGrid-20).
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Is = arith::CmpIPredicate;

namespace {

enum class Mode { nearest, linear, cubic };
enum class Padding { zeros, border, reflection };

/// What is read along one axis: `count` elements with their weights. Indices lie inside; `inside` (zeros only) says which of them stand for an element.
struct AxisTaps {
  SmallVector<Value> indices, weights, inside;
};

class Sampler {
public:
  Sampler(Mode mode, Padding padding, bool alignCorners) : mode(mode), padding(padding), alignCorners(alignCorners) {}

  /// Of a coordinate in [-1, 1] on an axis of `length` elements.
  AxisTaps tapsAt(ProgramBuilder &b, Value normalised, int64_t length) const {
    Type real = normalised.getType();
    auto number = [&](double v) { return b.number(real, v); };
    double n = static_cast<double>(length);
    Value x = b.add(normalised, number(1));
    x = alignCorners ? b.mul(b.mul(x, number(0.5)), number(n - 1)) : b.mul(b.sub(b.mul(x, number(n)), number(1)), number(0.5));
    // So far outside all is the same, or noise; a NaN becomes a number: what follows is converted to integers.
    constexpr double kFar = 1 << 30;
    x = arith::MaxNumFOp::create(b, arith::MinNumFOp::create(b, x, number(kFar)), number(-kFar));
    if (mode == Mode::nearest)
      x = math::RoundEvenOp::create(b, x);
    // What lies outside is brought inside element by element, as PyTorch and ONNX Runtime do it. (To move the coordinate first would be the same but for cubic
    // interpolation near a border.)
    AxisTaps taps;
    if (mode == Mode::nearest) {
      addTap(b, taps, x, Value(), length);
      return taps;
    }
    Value left = math::FloorOp::create(b, x), t = b.sub(x, left);
    SmallVector<Value> weights = mode == Mode::linear ? SmallVector<Value>{b.sub(number(1), t), t} : cubicWeights(b, t);
    for (auto [k, weight] : llvm::enumerate(weights))
      addTap(b, taps, b.add(left, number(static_cast<double>(k) - (mode == Mode::cubic ? 1 : 0))), weight, length);
    return taps;
  }

  /// The weighted sum over the taps of all axes from `axis` on; `read` gives an element.
  Value sum(ProgramBuilder &b, ArrayRef<AxisTaps> taps, Type element, function_ref<Value(ValueRange)> read) const {
    SmallVector<Value> at;
    return sumFrom(b, taps, 0, at, Value(), element, read);
  }

private:
  Value sumFrom(ProgramBuilder &b, ArrayRef<AxisTaps> taps, size_t axis, SmallVectorImpl<Value> &at, Value inside, Type element,
                function_ref<Value(ValueRange)> read) const {
    if (axis == taps.size()) {
      Value value = read(at);
      return inside ? b.select(inside, value, b.number(element, 0.0)) : value;
    }
    Value total;
    for (auto [k, index] : llvm::enumerate(taps[axis].indices)) {
      at.push_back(index);
      Value here = inside;
      if (!taps[axis].inside.empty())
        here = inside ? b.both(inside, taps[axis].inside[k]) : taps[axis].inside[k];
      Value value = sumFrom(b, taps, axis + 1, at, here, element, read);
      at.pop_back();
      if (Value weight = taps[axis].weights[k])
        value = b.mul(value, weight);
      total = total ? b.add(total, value) : value;
    }
    return total;
  }

  void addTap(ProgramBuilder &b, AxisTaps &taps, Value x, Value weight, int64_t length) const {
    if (padding == Padding::reflection)
      x = reflected(b, x, length);
    Type i64 = b.getI64Type();
    Value index = b.toIndex(arith::FPToSIOp::create(b, i64, x)), last = b.index(length - 1), zero = b.index(0);
    if (padding == Padding::zeros)
      taps.inside.push_back(b.both(b.compare(Is::sge, index, zero), b.compare(Is::sle, index, last)));
    taps.indices.push_back(b.clampIndex(index, zero, last));
    taps.weights.push_back(weight);
  }

  /// x mirrored at the borders until it lies between them.
  Value reflected(ProgramBuilder &b, Value x, int64_t length) const {
    Type real = x.getType();
    auto number = [&](double v) { return b.number(real, v); };
    double low = alignCorners ? 0 : -0.5, high = static_cast<double>(length) - (alignCorners ? 1 : 0.5), range = high - low;
    if (range == 0)
      return number(low);
    // The distance from the low border, modulo twice the range; the second half of it runs backwards.
    Value distance = math::AbsFOp::create(b, b.sub(x, number(low)));
    Value turns = math::FloorOp::create(b, b.div(distance, number(range)));
    Value rest = b.sub(distance, b.mul(turns, number(range)));
    Value half = b.mul(turns, number(0.5)), isEven = b.compare(Is::eq, math::FloorOp::create(b, half), half);
    Value mirrored = b.select(isEven, b.add(number(low), rest), b.sub(number(high), rest));
    Value inside = b.both(b.compare(Is::sge, x, number(low)), b.compare(Is::sle, x, number(high)));
    return b.select(inside, x, mirrored);
  }

  /// R. Keys' cubic convolution with a = -0.75, for the elements at -1, 0, 1 and 2 of a place t in [0, 1).
  SmallVector<Value> cubicWeights(ProgramBuilder &b, Value t) const {
    Type real = t.getType();
    auto number = [&](double v) { return b.number(real, v); };
    constexpr double a = -0.75;
    auto near = [&](Value x) { return b.add(b.mul(b.mul(b.sub(b.mul(number(a + 2), x), number(a + 3)), x), x), number(1)); };
    auto far = [&](Value x) { return b.sub(b.mul(b.add(b.mul(b.sub(b.mul(number(a), x), number(5 * a)), x), number(8 * a)), x), number(4 * a)); };
    Value one = number(1), two = number(2);
    return {far(b.add(t, one)), near(t), near(b.sub(one, t)), far(b.sub(two, t))};
  }

  Mode mode;
  Padding padding;
  bool alignCorners;
};

} // namespace

LogicalResult lathe::importer::importGridSample(NodeContext &node) {
  // Opset 20 has renamed the modes.
  static constexpr std::pair<StringRef, Mode> kModes[] = {
      {"linear", Mode::linear}, {"nearest", Mode::nearest}, {"cubic", Mode::cubic}, {"bilinear", Mode::linear}, {"bicubic", Mode::cubic}};
  static constexpr std::pair<StringRef, Padding> kPaddings[] = {{"zeros", Padding::zeros}, {"border", Padding::border}, {"reflection", Padding::reflection}};
  auto mode = choose<Mode>(node, "mode", "linear", kModes);
  auto padding = choose<Padding>(node, "padding_mode", "zeros", kPaddings);
  bool alignCorners = node.integer("align_corners", 0);
  if (node.hasErrors())
    return failure();
  Operand x = node.operand(0, "X", *mode == Mode::nearest ? kAllTypes : kFloats), grid = node.operand(1, "grid", kFloats);
  if (!x || !grid)
    return failure();
  int64_t spatial = x.rank() - 2;
  if (spatial < 1 || grid.rank() != x.rank() || grid.shape().back() != spatial)
    return node.invalid("expects X [N, C, spatial…] and grid [N, spatial…, " + Twine(std::max<int64_t>(spatial, 1)) + "] of one rank (got " +
                        shapeText(x.shape()) + " and " + shapeText(grid.shape()) + ")");
  if (x.shape()[0] != grid.shape()[0])
    return node.invalid("expects X and grid of one batch size (got " + shapeText(x.shape()) + " and " + shapeText(grid.shape()) + ")");
  SmallVector<int64_t> shape{x.shape()[0], x.shape()[1]};
  llvm::append_range(shape, grid.shape().drop_front().drop_back());
  RankedTensorType type = node.type(shape, x.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, x.dataType);
  for (int64_t d = 0; d < spatial; ++d)
    if (failed(checkIndexed(node, "X", x.shape(), d + 2)))
      return failure();
  Type element = x.element(), real = *mode == Mode::nearest ? element : realFor(element), place = realFor(grid.element());
  // One iteration per place: all channels are read at the same one.
  SmallVector<int64_t> space(grid.shape().drop_back());
  Sampler sampler(*mode, *padding, alignCorners);
  auto results =
      foreach (node, "grid_sample", space, {x.value, grid.value}, TypeRange(type), [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) {
        SmallVector<AxisTaps> taps;
        for (int64_t d = 0; d < spatial; ++d) {
          Value coordinate = b.load(in[1], joined(at, b.index(spatial - 1 - d))); // the last axis comes first in the grid
          taps.push_back(sampler.tapsAt(b, widened(b, coordinate, place), x.shape()[d + 2]));
          for (Value &weight : taps.back().weights)
            if (weight && weight.getType() != real)
              weight = real.isF64() ? arith::ExtFOp::create(b, real, weight).getResult() : arith::TruncFOp::create(b, real, weight).getResult();
        }
        b.forEach(b.index(0), b.index(shape[1]), [&](Value channel) {
          auto read = [&](ValueRange where) {
            Value v = b.load(in[0], joined({at[0], channel}, where));
            return *mode == Mode::nearest ? v : widened(b, v, real);
          };
          Value sum = sampler.sum(b, taps, real, read);
          b.store(*mode == Mode::nearest ? sum : narrowed(b, sum, element), out[0], joined({at[0], channel}, at.drop_front()));
        });
      });
  return node.define(results[0], 0, x.dataType);
}

LogicalResult lathe::importer::importAffineGrid(NodeContext &node) {
  bool alignCorners = node.integer("align_corners", 0);
  if (node.hasErrors())
    return failure();
  Operand theta = node.operand(0, "theta", kFloats);
  const ShapeValue *size = theta ? node.shape(1, "size") : nullptr;
  if (!size)
    return failure();
  int64_t spatial = static_cast<int64_t>(size->elements.size()) - 2;
  if (spatial != 2 && spatial != 3)
    return node.invalid("expects size of 4 or 5 numbers, [N, C, spatial…] (got " + Twine(size->elements.size()) + ")");
  if (theta.rank() != 3 || theta.shape().drop_front() != ArrayRef<int64_t>({spatial, spatial + 1}))
    return node.invalid("expects theta of shape [N, " + Twine(spatial) + ", " + Twine(spatial + 1) + "] (got " + shapeText(theta.shape()) + ")");
  int64_t batch = theta.shape()[0];
  if (size->elements[0] != (ShapedType::isDynamic(batch) ? Affine{0, 1} : Affine{batch, 0}))
    return node.invalid("expects size and theta of one batch size (got " + size->str() + " and " + shapeText(theta.shape()) + ")");
  SmallVector<int64_t> shape{batch};
  for (Affine d : ArrayRef<Affine>(size->elements).drop_front(2)) {
    if (!d.isConstant())
      return node.needsStaticBatch("a size of " + size->str() + " is not supported");
    shape.push_back(d.c0);
  }
  shape.push_back(spatial);
  RankedTensorType type = node.type(shape, theta.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, theta.dataType);
  Type element = theta.element(), real = realFor(element);
  // Row `i` of theta times (x, y[, z], 1), where x runs along the last axis.
  Value result = generate(node, "affine_grid", type, theta.value, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    auto row = [&](int64_t column) { return widened(b, b.load(in[0], {at[0], at.back(), b.index(column)}), real); };
    Value sum;
    for (int64_t k = 0; k < spatial; ++k) {
      double extent = static_cast<double>(shape[spatial - k]);
      double step = alignCorners ? (extent > 1 ? 2 / (extent - 1) : 0) : 2 / extent, first = alignCorners ? -1 : step / 2 - 1;
      Value i = toReal(b, at[spatial - k], real);
      Value term = b.mul(row(k), b.add(b.mul(i, b.number(real, step)), b.number(real, first)));
      sum = sum ? b.add(sum, term) : term;
    }
    return narrowed(b, b.add(sum, row(spatial)), element);
  });
  return node.define(result, 0, theta.dataType);
}
