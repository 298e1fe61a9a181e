// Resize and Upsample. What is read where, and with which weight, depends on shapes only: it stands in tables. Interpolation goes axis by axis, since it is
// separable.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"
#include "compiler/import/ResizeAxis.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/bit.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

/// A table's bytes in the IR are bounded by the contract of phase nn.
constexpr int64_t kMaxTableEntries = (1 << 20) / 8;
constexpr int64_t kMaxExtent = int64_t(1) << 31;

//===- Programs ------------------------------------------------------------------------------------------------------------------------------===//

/// A table of real numbers as the bits of integers: large float tables may not stand in the IR, where they would pass for a network's weights.
Value bitsTable(NodeContext &node, const Taps &taps, Type element) {
  int64_t out = taps.weights.size() / taps.count;
  Builder &b = node.builder();
  auto type = RankedTensorType::get({out, taps.count}, b.getIntegerType(element.getIntOrFloatBitWidth()));
  DenseElementsAttr bits;
  if (element.isF64()) {
    SmallVector<int64_t> values;
    for (double w : taps.weights)
      values.push_back(llvm::bit_cast<int64_t>(w));
    bits = DenseElementsAttr::get(type, ArrayRef(values));
  } else {
    SmallVector<int32_t> values;
    for (double w : taps.weights)
      values.push_back(llvm::bit_cast<int32_t>(static_cast<float>(w)));
    bits = DenseElementsAttr::get(type, ArrayRef(values));
  }
  return node.materialize(nn::WeightAttr::get(type.getContext(), bits, type, {}));
}

/// [N, before the axis, the axis, behind it]: the batch alone, so that it may be symbolic.
SmallVector<int64_t> fourDims(ArrayRef<int64_t> shape, int64_t axis) {
  auto product = [](ArrayRef<int64_t> dims) { return std::accumulate(dims.begin(), dims.end(), int64_t(1), std::multiplies<>()); };
  if (axis == 0)
    return {1, 1, shape[0], product(shape.drop_front())};
  return {shape[0], product(shape.slice(1, axis - 1)), shape[axis], product(shape.drop_front(axis + 1))};
}

Value reshapeTo(NodeContext &node, Value x, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(x.getType());
  if (type.getShape() == shape)
    return x;
  return nn::ReshapeOp::create(node.builder(), node.loc(), RankedTensorType::get(shape, type.getElementType()), x);
}

/// One axis of a linear or cubic interpolation of f32 or f64.
Value interpolate(NodeContext &node, Value x, const ResizeMode &mode, const ResizeAxis &axis) {
  auto type = cast<RankedTensorType>(x.getType());
  Type element = type.getElementType();
  Taps taps = computeTaps(mode, axis);
  SmallVector<int64_t> shape = fourDims(type.getShape(), axis.axis), whole(type.getShape());
  Value input = reshapeTo(node, x, shape);
  shape[2] = axis.out;
  whole[axis.axis] = axis.out;
  Value indices = integerTable(node, {axis.out, taps.count}, taps.indices), weights = bitsTable(node, taps, element);
  bool crops = llvm::is_contained(taps.indices, -1);
  constexpr int64_t kUnrolled = 4;

  // sum of weight * element over the taps; `load` gives the element at an index of the axis.
  auto weighted = [&](ProgramBuilder &b, ValueRange at, ValueRange ws, ValueRange memory, Value n, Value c, Value i) {
    auto product = [&](Value index, Value weight) { return b.mul(weight, b.load(memory[0], {n, c, index, i})); };
    Value sum = product(at[0], ws[0]);
    for (size_t k = 1; k < at.size(); ++k)
      sum = b.add(sum, product(at[k], ws[k]));
    return sum;
  };
  auto tap = [&](ProgramBuilder &b, ValueRange memory, Value o, Value k) {
    Value index = b.toIndex(b.load(memory[1], {o, k}));
    Value weight = arith::BitcastOp::create(b, element, b.load(memory[2], {o, k}));
    return std::pair<Value, Value>(index, weight);
  };
  auto sumAt = [&](ProgramBuilder &b, ValueRange memory, Value n, Value c, Value o, Value i) {
    return b.fold(b.index(0), b.index(taps.count), b.number(element, 0.0), [&](Value k, ValueRange sum) -> SmallVector<Value> {
      auto [index, weight] = tap(b, memory, o, k);
      return {b.add(sum[0], b.mul(weight, b.load(memory[0], {n, c, index, i})))};
    })[0];
  };
  // Rows of results: their taps are read once. The last dimension of the space is 1, so that rows are shared among threads.
  SmallVector<int64_t> space = shape;
  bool rows = shape[3] > 1;
  if (rows)
    space[3] = 1;
  Value result = foreach (node, "resize", space, {input, indices, weights}, TypeRange(RankedTensorType::get(shape, element)),
                          [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) {
                            Value n = at[0], c = at[1], o = at[2];
                            SmallVector<Value> places, ws;
                            if (taps.count <= kUnrolled)
                              for (int64_t k = 0; k < taps.count; ++k) {
                                auto [index, weight] = tap(b, in, o, b.index(k));
                                places.push_back(index);
                                ws.push_back(weight);
                              }
                            auto value = [&](Value i) { return taps.count <= kUnrolled ? weighted(b, places, ws, in, n, c, i) : sumAt(b, in, n, c, o, i); };
                            auto element = [&](Value i) { b.store(value(i), out[0], {n, c, o, i}); };
                            auto all = [&](function_ref<void(Value)> one) { rows ? b.forEach(b.index(0), b.index(shape[3]), one) : one(at[3]); };
                            if (!crops)
                              return all(element);
                            Value isInside = b.compare(arith::CmpIPredicate::sge, b.load(in[1], {o, b.index(0)}), b.integer(b.getI32Type(), int64_t(0)));
                            Value extrapolation = b.number(cast<MemRefType>(out[0].getType()).getElementType(), mode.extrapolation);
                            all([&](Value i) { b.store(b.ifElse(isInside, [&] { return value(i); }, [&] { return extrapolation; }), out[0], {n, c, o, i}); });
                          })[0];
  return reshapeTo(node, result, whole);
}

/// How often each element of the axis stands in the result, if that is the same for all and in order; 0 otherwise.
int64_t repeatsOf(const Taps &taps, const ResizeAxis &axis) {
  int64_t repeats = axis.out / axis.in;
  constexpr int64_t kMaxRepeats = 8;
  if (repeats * axis.in != axis.out || repeats < 2 || repeats > kMaxRepeats)
    return 0;
  for (int64_t i = 0; i < axis.out; ++i)
    if (taps.indices[i] != i / repeats)
      return 0;
  return repeats;
}

/// All axes of a nearest resize at once: copies, of any element type.
Value copyNearest(NodeContext &node, Value x, const ResizeMode &mode, ArrayRef<ResizeAxis> axes, RankedTensorType type) {
  SmallVector<Value> inputs{x};
  SmallVector<Taps> taps;
  bool crops = false;
  for (const ResizeAxis &axis : axes) {
    taps.push_back(computeTaps(mode, axis));
    crops |= llvm::is_contained(taps.back().indices, -1);
    inputs.push_back(integerTable(node, {axis.out}, taps.back().indices));
  }
  int64_t last = type.getRank() - 1;
  SmallVector<int64_t> space(type.getShape());
  space.back() = 1; // so that rows are shared among threads
  auto results = foreach (node, "resize", space, inputs, TypeRange(type), [&](ProgramBuilder &b, ValueRange row, ValueRange in, ValueRange out) {
    SmallVector<Value> from(row), to(row);
    Value inside;
    auto source = [&](size_t k, Value i) {
      Value index = b.toIndex(b.load(in[k + 1], i));
      if (!crops)
        return index;
      Value isInside = b.compare(arith::CmpIPredicate::sge, index, b.index(0));
      inside = inside ? b.both(inside, isInside) : isInside;
      return b.select(isInside, index, b.index(0));
    };
    std::optional<size_t> alongRow;
    for (auto [k, axis] : llvm::enumerate(axes))
      if (axis.axis == last)
        alongRow = k;
      else
        from[axis.axis] = source(k, row[axis.axis]);
    if (int64_t repeats = alongRow && !crops ? repeatsOf(taps[*alongRow], axes[*alongRow]) : 0)
      return b.forEach(b.index(0), b.index(axes[*alongRow].in), [&](Value i) {
        from[last] = i;
        Value element = b.load(in[0], from), begin = b.mul(i, b.index(repeats));
        for (int64_t k = 0; k < repeats; ++k) {
          to[last] = b.add(begin, b.index(k));
          b.store(element, out[0], to);
        }
      });
    b.forEach(b.index(0), b.index(type.getShape()[last]), [&](Value i) {
      Value rowInside = inside;
      to[last] = i;
      from[last] = alongRow ? source(*alongRow, i) : i;
      Value element = b.load(in[0], from);
      if (crops)
        element = b.select(inside, element, b.number(type.getElementType(), mode.extrapolation));
      b.store(element, out[0], to);
      inside = rowInside;
    });
  });
  return results[0];
}

/// Linear and cubic interpolation compute in float32, or in double where that does not hold the input.
LogicalResult defineInterpolated(NodeContext &node, const Operand &x, const ResizeMode &mode, SmallVector<ResizeAxis> axes) {
  for (const ResizeAxis &axis : axes)
    if (tapCount(mode, axis) > kMaxTableEntries / axis.out)
      return node.unsupported("a resize of dimension " + Twine(axis.axis) + " from " + Twine(axis.in) + " to " + Twine(axis.out) +
                              " elements needs a table of more than " + Twine(kMaxTableEntries) + " weights, which is not supported");
  // What shrinks most comes first: less is left to do.
  llvm::stable_sort(axes, [](const ResizeAxis &a, const ResizeAxis &b) { return a.out * b.in < b.out * a.in; });
  bool isWide = isIn(x.dataType, setOf({kDouble, kInt32}));
  Type real = isWide ? Type(node.builder().getF64Type()) : Type(node.builder().getF32Type());
  Value value = x.value;
  bool isInteger = isIn(x.dataType, kIntegers), isUnsigned = isIn(x.dataType, kUnsignedIntegers);
  if (isInteger)
    value = map(node, value, x.shape(), real, [&](ProgramBuilder &b, ValueRange v) -> Value {
      return isUnsigned ? arith::UIToFPOp::create(b, real, v[0]).getResult() : arith::SIToFPOp::create(b, real, v[0]).getResult();
    });
  else
    value = convertFloat(node, value, real);
  for (const ResizeAxis &axis : axes)
    value = interpolate(node, value, mode, axis);
  if (!isInteger)
    return node.define(convertFloat(node, value, x.element()), 0, x.dataType);
  // Rounded to the nearest number that the type has.
  unsigned bits = x.element().getIntOrFloatBitWidth();
  double low = isUnsigned ? 0 : -std::ldexp(1.0, bits - 1), high = std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  value = map(node, value, shape, x.element(), [&](ProgramBuilder &b, ValueRange v) -> Value {
    Value rounded = math::RoundEvenOp::create(b, v[0]);
    Value inside = arith::MaxNumFOp::create(b, arith::MinNumFOp::create(b, rounded, b.number(real, high)), b.number(real, low));
    return isUnsigned ? arith::FPToUIOp::create(b, x.element(), inside).getResult() : arith::FPToSIOp::create(b, x.element(), inside).getResult();
  });
  return node.define(value, 0, x.dataType);
}

LogicalResult resizeTo(NodeContext &node, const Operand &x, const ResizeMode &mode, ArrayRef<ResizeAxis> all) {
  SmallVector<int64_t> shape(x.shape());
  SmallVector<ResizeAxis> axes;
  for (const ResizeAxis &axis : all) {
    shape[axis.axis] = axis.out;
    if (!axis.isIdentity())
      axes.push_back(axis);
  }
  RankedTensorType type = node.type(shape, x.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, x.dataType);
  if (!isIn(x.dataType, kFloats) && !(std::abs(mode.extrapolation) < kMaxExtent))
    return node.invalid("expects attribute extrapolation_value to be an " + dataTypeName(x.dataType) + " (got " + std::to_string(mode.extrapolation) + ")");
  if (axes.empty())
    return node.define(*node.input(0, "X"));
  for (const ResizeAxis &axis : axes) {
    if (axis.in == 0)
      return node.invalid("expects elements in dimension " + Twine(axis.axis) + " of X to resize (got shape " + shapeText(x.shape()) + ")");
    if (axis.out > kMaxTableEntries)
      return node.unsupported("a resize of dimension " + Twine(axis.axis) + " to " + Twine(axis.out) + " elements is not supported; supported: up to " +
                              Twine(kMaxTableEntries));
  }
  if (mode.interpolation != Interpolation::nearest)
    return defineInterpolated(node, x, mode, std::move(axes));
  return node.define(copyNearest(node, x.value, mode, axes, type), 0, x.dataType);
}

//===- Attributes and inputs -----------------------------------------------------------------------------------------------------------------===//

std::optional<Interpolation> readInterpolation(NodeContext &node) {
  static constexpr std::pair<StringRef, Interpolation> kModes[] = {
      {"nearest", Interpolation::nearest}, {"linear", Interpolation::linear}, {"bilinear", Interpolation::linear}, {"cubic", Interpolation::cubic}};
  return choose<Interpolation>(node, "mode", "nearest", kModes);
}

/// Linear and cubic interpolation need numbers.
Operand readX(NodeContext &node, Interpolation interpolation) {
  constexpr DataTypes kInterpolated = kFloats | setOf({kInt8, kInt16, kUInt8, kUInt16, kInt32});
  return node.operand(0, "X", interpolation == Interpolation::nearest ? kAllTypes : kInterpolated);
}

/// The batch stays as it is; of other dimensions the scale says how long the result is.
LogicalResult addScaled(NodeContext &node, const Operand &x, int64_t axis, double scale, SmallVectorImpl<ResizeAxis> &axes) {
  int64_t in = x.shape()[axis];
  if (!(scale > 0) || !std::isfinite(scale))
    return node.invalid("expects positive scales (got " + std::to_string(scale) + " for dimension " + Twine(axis) + ")");
  if (ShapedType::isDynamic(in))
    return scale == 1 ? success() : LogicalResult(node.needsStaticBatch("a scale of " + std::to_string(scale) + " for the batch is not supported"));
  // In float32, as ONNX's shape inference and ONNX Runtime do: 10 * 0.7 is 7.
  float length = static_cast<float>(in) * static_cast<float>(scale);
  if (!(length < static_cast<float>(kMaxExtent)))
    return node.unsupported("a resize of dimension " + Twine(axis) + " to " + std::to_string(length) + " elements is not supported; supported: up to " +
                            Twine(kMaxTableEntries));
  axes.push_back({axis, in, static_cast<int64_t>(length), scale});
  return success();
}

LogicalResult scaleAll(NodeContext &node, const Operand &x, const ResizeMode &mode, ArrayRef<double> scales) {
  if (static_cast<int64_t>(scales.size()) != x.rank())
    return node.invalid("expects " + Twine(x.rank()) + " scales, one per dimension of X (got " + Twine(scales.size()) + ")");
  SmallVector<ResizeAxis> axes;
  for (auto [i, scale] : llvm::enumerate(scales))
    if (failed(addScaled(node, x, i, scale, axes)))
      return failure();
  return resizeTo(node, x, mode, axes);
}

/// Whether an optional input is there and has elements.
bool isGiven(NodeContext &node, size_t i, StringRef role) {
  if (!node.hasInput(i))
    return false;
  const GraphValue *value = node.input(i, role);
  if (value && value->kind == GraphValue::Kind::weight)
    return !llvm::is_contained(*value->weight.getResultShape(), 0);
  return !value || value->kind != GraphValue::Kind::shape || !value->shape.elements.empty();
}

enum class Policy { stretch, notLarger, notSmaller };

struct ResizeRequest {
  ResizeMode mode;
  Policy policy = Policy::stretch;
  SmallVector<int64_t> axes; // all if the attribute is absent
};

FailureOr<ResizeRequest> readRequest(NodeContext &node) {
  static constexpr std::pair<StringRef, Coordinates> kCoordinates[] = {{"half_pixel", Coordinates::halfPixel},
                                                                       {"half_pixel_symmetric", Coordinates::halfPixelSymmetric},
                                                                       {"pytorch_half_pixel", Coordinates::pytorchHalfPixel},
                                                                       {"align_corners", Coordinates::alignCorners},
                                                                       {"asymmetric", Coordinates::asymmetric},
                                                                       {"tf_half_pixel_for_nn", Coordinates::tfHalfPixelForNN},
                                                                       {"tf_crop_and_resize", Coordinates::tfCropAndResize}};
  static constexpr std::pair<StringRef, Rounding> kRoundings[] = {
      {"round_prefer_floor", Rounding::preferFloor}, {"round_prefer_ceil", Rounding::preferCeil}, {"floor", Rounding::floor}, {"ceil", Rounding::ceil}};
  static constexpr std::pair<StringRef, Policy> kPolicies[] = {
      {"stretch", Policy::stretch}, {"not_larger", Policy::notLarger}, {"not_smaller", Policy::notSmaller}};
  ResizeRequest request;
  auto interpolation = readInterpolation(node);
  auto coordinates = choose<Coordinates>(node, "coordinate_transformation_mode", "half_pixel", kCoordinates);
  auto rounding = choose<Rounding>(node, "nearest_mode", "round_prefer_floor", kRoundings);
  auto policy = choose<Policy>(node, "keep_aspect_ratio_policy", "stretch", kPolicies);
  request.mode.cubicA = node.real("cubic_coeff_a", -0.75);
  request.mode.extrapolation = node.real("extrapolation_value", 0);
  request.mode.excludeOutside = node.integer("exclude_outside", 0);
  request.mode.antialias = node.integer("antialias", 0);
  request.axes = node.integers("axes");
  if (node.hasErrors())
    return failure();
  request.mode.interpolation = *interpolation;
  request.mode.coordinates = *coordinates;
  request.mode.rounding = *rounding;
  request.policy = *policy;
  return request;
}

/// The axes that `sizes` gives, with the batch left out.
LogicalResult addSized(NodeContext &node, const Operand &x, const ResizeRequest &request, SmallVectorImpl<ResizeAxis> &axes) {
  const ShapeValue *sizes = node.shape(3, "sizes");
  if (!sizes)
    return failure();
  if (sizes->elements.size() != request.axes.size())
    return node.invalid("expects " + Twine(request.axes.size()) + " sizes, one per axis (got " + Twine(sizes->elements.size()) + ")");
  for (auto [axis, size] : llvm::zip_equal(request.axes, sizes->elements)) {
    int64_t in = x.shape()[axis];
    bool isBatch = ShapedType::isDynamic(in);
    if (isBatch && size == Affine{0, 1} && request.policy == Policy::stretch)
      continue;
    if (isBatch || !size.isConstant())
      return node.needsStaticBatch("a size of " + size.str() + " for dimension " + Twine(axis) + " is not supported");
    if (size.c0 < 0 || size.c0 > kMaxExtent)
      return node.invalid("expects sizes in [0, 2^31] (got " + Twine(size.c0) + " for dimension " + Twine(axis) + ")");
    if (in == 0)
      return node.invalid("expects elements in dimension " + Twine(axis) + " of X to resize (got shape " + shapeText(x.shape()) + ")");
    axes.push_back({axis, in, size.c0, static_cast<double>(size.c0) / static_cast<double>(in)});
  }
  if (request.policy == Policy::stretch || axes.empty())
    return success();
  auto byScale = [](const ResizeAxis &a, const ResizeAxis &b) { return a.scale < b.scale; };
  double scale = request.policy == Policy::notLarger ? llvm::min_element(axes, byScale)->scale : llvm::max_element(axes, byScale)->scale;
  for (ResizeAxis &axis : axes) {
    axis.scale = scale;
    axis.out = static_cast<int64_t>(std::floor(scale * static_cast<double>(axis.in) + 0.5));
  }
  return success();
}

LogicalResult readRegion(NodeContext &node, const ResizeRequest &request, SmallVectorImpl<ResizeAxis> &axes) {
  auto roi = constantNumbers(node, 1, "roi");
  if (!roi)
    return failure();
  size_t count = request.axes.size();
  if (roi->size() != 2 * count)
    return node.invalid("expects roi of " + Twine(2 * count) + " values, two per axis (got " + Twine(roi->size()) + ")");
  for (ResizeAxis &axis : axes) {
    size_t i = llvm::find(request.axes, axis.axis) - request.axes.begin();
    axis.begin = (*roi)[i];
    axis.end = (*roi)[count + i];
    if (!std::isfinite(axis.begin) || !std::isfinite(axis.end))
      return node.invalid("expects finite values of roi");
  }
  return success();
}

LogicalResult resizeAsOpset10(NodeContext &node) {
  auto interpolation = readInterpolation(node);
  if (node.hasErrors())
    return failure();
  Operand x = readX(node, *interpolation);
  auto scales = constantNumbers(node, 1, "scales");
  if (!x || !scales)
    return failure();
  ResizeMode mode{Coordinates::asymmetric, *interpolation, Rounding::downCeil};
  return scaleAll(node, x, mode, *scales);
}

} // namespace

LogicalResult lathe::importer::importResize(NodeContext &node) {
  if (node.opset() < 11)
    return resizeAsOpset10(node);
  FailureOr<ResizeRequest> request = readRequest(node);
  if (failed(request))
    return failure();
  const ResizeMode &mode = request->mode;
  if (mode.antialias && mode.interpolation == Interpolation::nearest)
    return node.invalid("expects attribute antialias = 0 for mode nearest");
  Operand x = readX(node, mode.interpolation);
  if (!x)
    return failure();
  if (!node.hasAttribute("axes"))
    llvm::append_range(request->axes, llvm::seq<int64_t>(0, x.rank()));
  llvm::SmallBitVector seen(x.rank());
  for (int64_t &axis : request->axes) {
    FailureOr<int64_t> resolved = resolveAxis(node, "axes", axis, x.rank());
    if (failed(resolved))
      return failure();
    axis = *resolved;
    if (seen.test(axis))
      return node.invalid("expects different axes (got " + Twine(axis) + " twice)");
    seen.set(axis);
  }
  bool hasScales = isGiven(node, 2, "scales"), hasSizes = isGiven(node, 3, "sizes");
  if (hasScales == hasSizes)
    return node.invalid(hasScales ? "expects scales or sizes (got both)" : "expects scales or sizes (got neither)");
  SmallVector<ResizeAxis> axes;
  if (hasSizes) {
    if (failed(addSized(node, x, *request, axes)))
      return failure();
  } else {
    auto scales = constantNumbers(node, 2, "scales");
    if (!scales)
      return failure();
    if (scales->size() != request->axes.size())
      return node.invalid("expects " + Twine(request->axes.size()) + " scales, one per axis (got " + Twine(scales->size()) + ")");
    for (auto [axis, scale] : llvm::zip_equal(request->axes, *scales))
      if (failed(addScaled(node, x, axis, scale, axes)))
        return failure();
  }
  if (mode.coordinates == Coordinates::tfCropAndResize && failed(readRegion(node, *request, axes)))
    return failure();
  return resizeTo(node, x, mode, axes);
}

LogicalResult lathe::importer::importUpsample(NodeContext &node) {
  auto interpolation = readInterpolation(node);
  std::vector<float> reals = node.reals("scales");
  double height = node.real("height_scale", 0), width = node.real("width_scale", 0); // of opset 1
  if (node.hasErrors())
    return failure();
  Operand x = readX(node, *interpolation);
  if (!x)
    return failure();
  SmallVector<double> scales(reals.begin(), reals.end());
  if (node.opset() < 7) {
    if (x.rank() != 4)
      return node.invalid("expects X of rank 4 (got " + Twine(x.rank()) + ")");
    scales = {1, 1, height, width};
  } else if (node.opset() >= 9) {
    auto given = constantNumbers(node, 1, "scales");
    if (!given)
      return failure();
    scales = std::move(*given);
  }
  for (double scale : scales)
    if (!(scale >= 1))
      return node.invalid("expects scales of at least 1 (got " + std::to_string(scale) + ")");
  return scaleAll(node, x, ResizeMode{Coordinates::asymmetric, *interpolation, Rounding::floor}, scales);
}
