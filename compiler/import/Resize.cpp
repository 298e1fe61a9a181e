// Resize and Upsample. What is read where, and with which weight, depends on shapes only: it stands in tables. Interpolation goes axis by axis, since it is
// separable.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"
#include "compiler/import/ResizeAxis.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
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

/// One axis of a linear or cubic interpolation of f32 or f64: the program of one result element, or of a row of `behind` elements behind the axis. Its inputs
/// are the tensor, the table of indices and the table of weights.
class AxisProgram {
public:
  AxisProgram(const Taps &taps, double extrapolation, Type element, int64_t axis, int64_t behind)
      : taps(taps), extrapolation(extrapolation), element(element), axis(axis), behind(behind), crops(llvm::is_contained(taps.indices, -1)) {}

  void build(ProgramBuilder &b, ValueRange at, ValueRange in, Value out) {
    if (taps.count <= kUnrolled) // they are the same for all of a row
      for (int64_t k = 0; k < taps.count; ++k)
        read.push_back(tapAt(b, in, at[axis], b.index(k)));
    Value inside = crops ? b.compare(arith::CmpIPredicate::sge, b.load(in[1], {at[axis], b.index(0)}), b.integer(b.getI32Type(), int64_t(0))) : Value();
    auto store = [&](Value i, bool wide) {
      SmallVector<Value> to(at.drop_back());
      to.push_back(i);
      auto sum = [&] { return sumAt(b, in, to, wide); };
      auto outside = [&] { return spread(b, b.number(element, extrapolation), wide); };
      Value value = inside ? b.ifElse(inside, sum, outside) : sum();
      wide ? storeLanes(b, value, out, to) : b.store(value, out, to);
    };
    if (behind == 1)
      return store(at.back(), false);
    forEachLanes(b, behind, [&](Value i) { store(i, true); }, [&](Value i) { store(i, false); });
  }

private:
  static constexpr int64_t kUnrolled = 4;
  struct Tap {
    Value index, weight;
  };

  Tap tapAt(ProgramBuilder &b, ValueRange in, Value o, Value k) const {
    return {b.toIndex(b.load(in[1], {o, k})), arith::BitcastOp::create(b, element, b.load(in[2], {o, k}))};
  }
  static Value spread(ProgramBuilder &b, Value number, bool wide) { return wide ? allLanes(b, number) : number; }

  /// The sum of weight times element, from the first tap to the last one.
  Value sumAt(ProgramBuilder &b, ValueRange in, ArrayRef<Value> to, bool wide) const {
    auto product = [&](const Tap &tap) -> Value {
      SmallVector<Value> from(to);
      from[axis] = tap.index;
      return arith::MulFOp::create(b, spread(b, tap.weight, wide), wide ? loadLanes(b, in[0], from) : b.load(in[0], from));
    };
    if (read.empty())
      return b.fold(b.index(0), b.index(taps.count), spread(b, b.number(element, 0.0), wide),
                    [&](Value k, ValueRange sum) -> SmallVector<Value> { return {arith::AddFOp::create(b, sum[0], product(tapAt(b, in, to[axis], k)))}; })[0];
    Value sum = product(read[0]);
    for (const Tap &tap : ArrayRef(read).drop_front())
      sum = arith::AddFOp::create(b, sum, product(tap));
    return sum;
  }

  const Taps &taps;
  double extrapolation;
  Type element;
  int64_t axis, behind;
  bool crops;
  SmallVector<Tap> read;
};

/// Images of fewer channels are interpolated along their rows.
constexpr int64_t kFewChannels = 4;

/// Along the dims behind the channels it is the program of one element: channels are computed alike, and so become lanes (nn-propagate-layout). Else it is, on
/// [N, before the axis, the axis, behind it], the program of a row.
Value interpolate(NodeContext &node, Value x, const ResizeMode &mode, const ResizeAxis &axis) {
  auto type = cast<RankedTensorType>(x.getType());
  Type element = type.getElementType();
  Taps taps = computeTaps(mode, axis);
  bool byChannel = axis.axis >= 2 && type.getDimSize(1) >= kFewChannels && element.isF32();
  SmallVector<int64_t> whole(type.getShape()), shape = byChannel ? whole : fourDims(whole, axis.axis);
  int64_t at = byChannel ? axis.axis : 2, behind = byChannel ? 1 : shape.back();
  Value input = reshapeTo(node, x, shape);
  shape[at] = axis.out;
  whole[axis.axis] = axis.out;
  Value inputs[] = {input, integerTable(node, {axis.out, taps.count}, taps.indices), bitsTable(node, taps, element)};
  // A row is one iteration: the last dimension of the space is 1, so that rows are shared among threads.
  SmallVector<int64_t> space = shape;
  if (behind > 1)
    space.back() = 1;
  AxisProgram program(taps, mode.extrapolation, element, at, behind);
  auto body = [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) { program.build(b, at, in, out[0]); };
  Value result = foreach (node, "resize", space, inputs, Type(RankedTensorType::get(shape, element)), body)[0];
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

/// All axes of a nearest resize at once: copies, of any element type. Its inputs are the tensor and a table of indices per axis.
class NearestProgram {
public:
  NearestProgram(const ResizeMode &mode, ArrayRef<ResizeAxis> axes, RankedTensorType type)
      : axes(axes), type(type), last(type.getRank() - 1), extrapolation(mode.extrapolation) {
    for (auto [k, axis] : llvm::enumerate(axes)) {
      taps.push_back(computeTaps(mode, axis));
      crops |= llvm::is_contained(taps.back().indices, -1);
      if (axis.axis == last)
        alongRow = k;
    }
    if (crops)
      return;
    repeats = alongRow ? repeatsOf(taps[*alongRow], axes[*alongRow]) : 1;
    for (auto [k, axis] : llvm::enumerate(axes))
      if (axis.axis == last - 1 && repeats)
        rowRepeats = std::max<int64_t>(repeatsOf(taps[k], axis), 1);
  }

  SmallVector<Value> tables(NodeContext &node) const {
    SmallVector<Value> all;
    for (auto [axis, tap] : llvm::zip_equal(axes, taps))
      all.push_back(integerTable(node, {axis.out}, tap.indices));
    return all;
  }

  /// An iteration is a row of the result, or all rows that are the same. The last dimension is 1, so that rows are shared among threads.
  SmallVector<int64_t> space() const {
    SmallVector<int64_t> extents(type.getShape());
    if (last > 0)
      extents[last - 1] /= rowRepeats; // a symbolic batch is not resized
    extents[last] = 1;
    return extents;
  }

  void build(ProgramBuilder &b, ValueRange row, ValueRange in, Value out) {
    SmallVector<Value> from(row), to(row);
    for (auto [k, axis] : llvm::enumerate(axes))
      if (axis.axis != last && !(axis.axis == last - 1 && rowRepeats > 1))
        from[axis.axis] = source(b, in, k, row[axis.axis]);
    if (!repeats)
      return copyByTable(b, in, out, from, to);
    auto copy = [&](Value i, bool wide) {
      from[last] = i;
      Value element = wide ? loadLanes(b, in[0], from) : b.load(in[0], from), begin = b.mul(i, b.index(repeats));
      for (int64_t k = 0; k < repeats; ++k) {
        Value part = wide && repeats > 1 ? repeated(b, element, k) : element;
        to[last] = b.add(begin, b.index(wide ? k * kLanes : k));
        for (int64_t r = 0; r < rowRepeats; ++r) {
          if (rowRepeats > 1)
            to[last - 1] = b.add(b.mul(row[last - 1], b.index(rowRepeats)), b.index(r));
          wide ? storeLanes(b, part, out, to) : b.store(part, out, to);
        }
      }
    };
    forEachLanes(b, type.getShape()[last] / repeats, [&](Value i) { copy(i, true); }, [&](Value i) { copy(i, false); });
  }

private:
  /// The lanes [k * kLanes, (k + 1) * kLanes) of a vector each element of which stands `repeats` times.
  Value repeated(ProgramBuilder &b, Value lanes, int64_t k) const {
    SmallVector<int64_t> mask;
    for (int64_t i = 0; i < kLanes; ++i)
      mask.push_back((k * kLanes + i) / repeats);
    return vector::ShuffleOp::create(b, lanes, lanes, mask);
  }

  /// What the table of an axis says for place `i`. Outside the input: the first element, which `inside` then tells.
  Value source(ProgramBuilder &b, ValueRange in, size_t k, Value i) {
    Value index = b.toIndex(b.load(in[k + 1], i));
    if (!crops)
      return index;
    Value isInside = b.compare(arith::CmpIPredicate::sge, index, b.index(0));
    inside = inside ? b.both(inside, isInside) : isInside;
    return b.select(isInside, index, b.index(0));
  }

  void copyByTable(ProgramBuilder &b, ValueRange in, Value out, MutableArrayRef<Value> from, MutableArrayRef<Value> to) {
    b.forEach(b.index(0), b.index(type.getShape()[last]), [&](Value i) {
      Value rowInside = inside;
      to[last] = i;
      from[last] = alongRow ? source(b, in, *alongRow, i) : i;
      Value element = b.load(in[0], from);
      if (crops)
        element = b.select(inside, element, b.number(type.getElementType(), extrapolation));
      b.store(element, out, to);
      inside = rowInside;
    });
  }

  ArrayRef<ResizeAxis> axes;
  SmallVector<Taps> taps;
  RankedTensorType type;
  int64_t last;
  double extrapolation;
  std::optional<size_t> alongRow;      // the axis that is the last dimension
  int64_t repeats = 0, rowRepeats = 1; // of elements along the row (0: as the table says), and of whole rows
  bool crops = false;
  Value inside; // of places that the tables give: all are inside the input
};

Value copyNearest(NodeContext &node, Value x, const ResizeMode &mode, ArrayRef<ResizeAxis> axes, RankedTensorType type) {
  NearestProgram program(mode, axes, type);
  SmallVector<Value> inputs{x};
  llvm::append_range(inputs, program.tables(node));
  auto body = [&](ProgramBuilder &b, ValueRange row, ValueRange in, ValueRange out) { program.build(b, row, in, out[0]); };
  return foreach (node, "resize", program.space(), inputs, type, body)[0];
}

/// An image each pixel of which is repeated, as pixels that take turns: unlike a table of indices, it can stay in whatever layout the image has. Null if
/// the resize is another one.
Value repeatPixels(NodeContext &node, Value x, const ResizeMode &mode, ArrayRef<ResizeAxis> axes, RankedTensorType type) {
  constexpr int64_t kMostPhases = 64;
  if (type.getRank() < 3)
    return {};
  SmallVector<int64_t> strides(type.getRank() - 2, 1);
  int64_t phases = 1;
  for (const ResizeAxis &axis : axes) {
    int64_t repeats = axis.axis < 2 ? 0 : repeatsOf(computeTaps(mode, axis), axis);
    phases *= repeats;
    if (phases == 0 || phases > kMostPhases)
      return {};
    strides[axis.axis - 2] = repeats;
  }
  return nn::InterleaveOp::create(node.builder(), node.loc(), type, SmallVector<Value>(phases, x), strides);
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
  Value repeated = repeatPixels(node, x.value, mode, axes, type);
  return node.define(repeated ? repeated : copyNearest(node, x.value, mode, axes, type), 0, x.dataType);
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
