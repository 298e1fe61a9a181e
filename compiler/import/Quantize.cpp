// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear.
//
// Networks that are quantised this way compute in float32: a constant that is dequantised is a recipe, and a value that is quantised and dequantised is
// rounded in the epilogue of what computes it. The numbers are those of the integer kernels of others but for the rounding of sums.
#include "compiler/import/Quantize.h"
#include "compiler/import/Cast.h"
#include "compiler/import/Recipe.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static constexpr DataTypes kQuantized = setOf({kInt8, kUInt8, kInt16, kUInt16});
static constexpr DataTypes kScales = setOf({kFloat, kFloat16});

static ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

static Value reshapeTo(NodeContext &node, Value value, ArrayRef<int64_t> shape) {
  if (shapeOf(value) == shape)
    return value;
  return nn::ReshapeOp::create(node.builder(), node.loc(), cast<RankedTensorType>(value.getType()).clone(shape), value);
}

Value lathe::importer::asFloat(NodeContext &node, const Operand &x) {
  auto weight = x.value.getDefiningOp<nn::WeightOp>();
  if (!weight || x.dataType == kFloat)
    return castTensor(node, x.value, x.dataType, kFloat);
  bool isUnsigned = isIn(x.dataType, kUnsignedIntegers);
  // One number everywhere stays a number, which code can have in it.
  if (auto integer = dyn_cast_or_null<IntegerAttr>(weight.getWeight().getSplatElement())) {
    APInt value = integer.getValue();
    double number = isUnsigned ? static_cast<double>(value.getZExtValue()) : static_cast<double>(value.getSExtValue());
    return node.materialize(splatWeight(x.type().clone(node.builder().getF32Type()), number));
  }
  return node.materialize(withStep(weight.getWeight(), "to_float", isUnsigned ? ArrayRef<int64_t>{1} : ArrayRef<int64_t>()));
}

Value lathe::importer::quantize(ProgramBuilder &b, Value x, int32_t type) {
  auto integer = cast<IntegerType>(elementType(b.getContext(), type));
  bool isUnsigned = isIn(type, kUnsignedIntegers);
  unsigned width = integer.getWidth();
  double low = isUnsigned ? 0 : -std::ldexp(1, width - 1), high = std::ldexp(1, isUnsigned ? width : width - 1) - 1;
  Value lowest = b.number(x.getType(), low), highest = b.number(x.getType(), high);
  x = b.select(b.compare(arith::CmpIPredicate::sgt, x, lowest), x, lowest); // a NaN becomes the lowest number
  x = b.select(b.compare(arith::CmpIPredicate::slt, x, highest), x, highest);
  return arith::TruncIOp::create(b, integer, arith::FPToSIOp::create(b, b.getI32Type(), x));
}

//===- Scales and zero points ----------------------------------------------------------------------------------------------------------------===//

namespace {

struct Granularity {
  int64_t axis, block; // block 0: none
};

} // namespace

static FailureOr<Granularity> readGranularity(NodeContext &node) {
  Granularity result{node.integer("axis", 1), node.integer("block_size", 0)};
  if (node.hasErrors())
    return failure();
  if (result.block < 0)
    return node.invalid("expects attribute block_size of at least 0 (got " + Twine(result.block) + ")");
  return result;
}

/// A parameter (per tensor, per axis or per block) in a shape that broadcasts to x's; null after an error.
static Value parameterFor(NodeContext &node, Value parameter, ArrayRef<int64_t> shape, Granularity granularity, StringRef role) {
  auto type = cast<RankedTensorType>(parameter.getType());
  int64_t rank = shape.size(), axis = granularity.axis < 0 ? granularity.axis + rank : granularity.axis, block = granularity.block;
  if (type.hasStaticShape() && type.getNumElements() == 1)
    return reshapeTo(node, parameter, {});
  auto mismatch = [&](const Twine &expected) {
    (void)node.invalid("expects " + role + " of " + expected);
    return Value();
  };
  if (axis < 0 || axis >= rank)
    return mismatch("one element where attribute axis is none of x's (got " + Twine(granularity.axis) + ")");
  if (!block) {
    if (type.getRank() != 1 || type.getDimSize(0) != shape[axis])
      return mismatch("one element, or one for each of the " + Twine(shape[axis]) + " of dimension " + Twine(axis));
    SmallVector<int64_t> dims(rank, 1);
    dims[axis] = shape[axis];
    return reshapeTo(node, parameter, dims);
  }
  if (llvm::any_of(shape, ShapedType::isDynamic)) {
    (void)node.needsStaticBatch("quantisation by blocks");
    return {};
  }
  SmallVector<int64_t> blocks(shape);
  blocks[axis] = llvm::divideCeil(shape[axis], block);
  if (type.getShape() != ArrayRef<int64_t>(blocks))
    return mismatch("x's shape with one element per " + Twine(block) + " of dimension " + Twine(axis));
  return generate(node, "blocks", type.clone(shape), parameter, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    SmallVector<Value> index(at);
    index[axis] = arith::DivUIOp::create(b, at[axis], b.index(block));
    return b.load(in[0], index);
  });
}

/// The zero point as float32, which holds it exactly; null with success if there is none.
static FailureOr<Value> zeroPointFor(NodeContext &node, StringRef role, DataTypes types, ArrayRef<int64_t> shape, Granularity granularity) {
  if (!node.hasInput(2))
    return Value();
  Operand zero = node.operand(2, role, types);
  Value value = zero ? parameterFor(node, asFloat(node, zero), shape, granularity, role) : Value();
  if (!value)
    return failure();
  return value;
}

//===- QuantizeLinear ------------------------------------------------------------------------------------------------------------------------===//

Value lathe::importer::quantizeTensor(NodeContext &node, Value x, Value scale, Value zero, int32_t type) {
  SmallVector<Value> inputs{x, scale};
  if (zero)
    inputs.push_back(zero);
  return map(node, inputs, shapeOf(x), elementType(x.getContext(), type), [&](ProgramBuilder &b, ValueRange v) {
    Value y = math::RoundEvenOp::create(b, b.div(v[0], v[1]));
    return quantize(b, zero ? b.add(y, v[2]) : y, type);
  });
}

LogicalResult lathe::importer::importQuantizeLinear(NodeContext &node) {
  node.ignore({"saturate"}); // of 8-bit floats
  FailureOr<Granularity> granularity = readGranularity(node);
  int64_t type = node.integer("output_dtype", kUndefined), precision = node.integer("precision", kUndefined);
  if (failed(granularity) || node.hasErrors())
    return failure();
  if (precision != kUndefined && precision != kFloat)
    return node.unsupported("attribute precision = " + dataTypeName(precision) + " is not supported; supported: float32");
  if (node.hasInput(2)) {
    const GraphValue *zero = node.input(2, "y_zero_point");
    if (!zero)
      return failure();
    if (type != kUndefined && type != zero->type())
      return node.invalid("expects attribute output_dtype to be the type of y_zero_point, " + dataTypeName(zero->type()) + " (got " + dataTypeName(type) + ")");
    type = zero->type();
  }
  if (type == kUndefined)
    type = kUInt8;
  if (!isIn(type, kQuantized))
    return node.unsupported("quantisation to " + dataTypeName(type) + " is not supported; supported: " + namesOf(kQuantized));
  Operand x = node.operand(0, "x", setOf({kFloat, kFloat16, kInt32})), scale = x ? node.operand(1, "y_scale", kScales) : Operand();
  if (!scale)
    return failure();
  Value factor = parameterFor(node, asFloat(node, scale), x.shape(), *granularity, "y_scale");
  if (!factor)
    return failure();
  FailureOr<Value> zero = zeroPointFor(node, "y_zero_point", kQuantized, x.shape(), *granularity);
  if (failed(zero))
    return failure();
  return node.define(quantizeTensor(node, castTensor(node, x.value, x.dataType, kFloat), factor, *zero, type), 0, type);
}

//===- DequantizeLinear ----------------------------------------------------------------------------------------------------------------------===//

/// (x - zero) * scale of constants, as a recipe; null if they are none, or if it takes more than steps.
static nn::WeightAttr dequantizedConstant(Value x, Value scale, Value zero, ArrayRef<int64_t> shape) {
  auto weightOf = [](Value v) {
    auto op = v.getDefiningOp<nn::WeightOp>();
    return op ? op.getWeight() : nn::WeightAttr();
  };
  nn::WeightAttr weight = weightOf(x), factor = weightOf(scale), offset = zero ? weightOf(zero) : nn::WeightAttr();
  if (!weight || !factor || (zero && !offset))
    return {};
  if (offset)
    weight = withOperand(weight, "sub", broadcastTo(offset, shape));
  return withOperand(weight, "mul", broadcastTo(factor, shape));
}

/// The constant behind a reshape that has just been built.
static Value foldReshape(NodeContext &node, Value v) {
  auto reshape = v ? v.getDefiningOp<nn::ReshapeOp>() : nn::ReshapeOp();
  auto weight = reshape ? reshape.getInput().getDefiningOp<nn::WeightOp>() : nn::WeightOp();
  return weight ? node.materialize(reshapedTo(weight.getWeight(), shapeOf(v))) : v;
}

LogicalResult lathe::importer::importDequantizeLinear(NodeContext &node) {
  FailureOr<Granularity> granularity = readGranularity(node);
  int64_t type = node.integer("output_dtype", kUndefined);
  if (failed(granularity) || node.hasErrors())
    return failure();
  DataTypes types = kQuantized | setOf({kInt32});
  Operand x = node.operand(0, "x", types), scale = x ? node.operand(1, "x_scale", kScales) : Operand();
  if (!scale)
    return failure();
  if (type == kUndefined)
    type = scale.dataType;
  if (!isIn(type, kScales))
    return node.unsupported("attribute output_dtype = " + dataTypeName(type) + " is not supported; supported: " + namesOf(kScales));
  Value factor = parameterFor(node, asFloat(node, scale), x.shape(), *granularity, "x_scale");
  if (!factor)
    return failure();
  FailureOr<Value> zero = zeroPointFor(node, "x_zero_point", setOf({x.dataType}), x.shape(), *granularity);
  if (failed(zero))
    return failure();
  bool isConstant = x.value.getDefiningOp<nn::WeightOp>() != nullptr;
  if (type == kFloat && isConstant)
    if (nn::WeightAttr constant = dequantizedConstant(asFloat(node, x), foldReshape(node, factor), foldReshape(node, *zero), x.shape()))
      return node.define(constant);
  SmallVector<Value> inputs{x.value, factor};
  if (*zero)
    inputs.push_back(*zero);
  Type element = elementType(node.builder().getContext(), type);
  Value result = map(node, inputs, x.shape(), element, [&](ProgramBuilder &b, ValueRange v) {
    Value number = castElement(b, v[0], x.dataType, kFloat);
    return castElement(b, b.mul(*zero ? b.sub(number, v[2]) : number, v[1]), kFloat, type);
  });
  return node.define(result, 0, type);
}

//===- DynamicQuantizeLinear -----------------------------------------------------------------------------------------------------------------===//

LogicalResult lathe::importer::importDynamicQuantizeLinear(NodeContext &node) {
  Operand x = node.operand(0, "x", setOf({kFloat}));
  if (!x)
    return failure();
  if (!x.type().hasStaticShape())
    return node.needsStaticBatch("one scale for the whole batch");
  OpBuilder &builder = node.builder();
  int64_t count = x.type().getNumElements();
  auto scalar = RankedTensorType::get({}, builder.getF32Type());
  // Both ends of the range, which holds 0. A NaN is in no range.
  SmallVector<Value> results =
      foreach (node, "range", {}, reshapeTo(node, x.value, count), {scalar, scalar}, [&](ProgramBuilder &b, ValueRange, ValueRange in, ValueRange out) {
        Value zero = b.number(b.getF32Type(), 0.0);
        SmallVector<Value> ends = b.fold(b.index(0), b.index(count), {zero, zero}, [&](Value i, ValueRange sofar) -> SmallVector<Value> {
          Value v = b.load(in[0], i);
          return {b.select(b.compare(arith::CmpIPredicate::slt, v, sofar[0]), v, sofar[0]),
                  b.select(b.compare(arith::CmpIPredicate::sgt, v, sofar[1]), v, sofar[1])};
        });
        Value width = b.sub(ends[1], ends[0]), one = b.number(b.getF32Type(), 1.0);
        Value scale = b.div(b.select(b.compare(arith::CmpIPredicate::eq, width, zero), one, width), b.number(b.getF32Type(), 255.0));
        b.store(scale, out[0], {});
        b.store(math::RoundEvenOp::create(b, b.div(b.sub(zero, ends[0]), scale)), out[1], {});
      });
  auto zeroPoint = map(node, results[1], {}, builder.getI8Type(), [](ProgramBuilder &b, ValueRange v) { return quantize(b, v[0], kUInt8); });
  if (failed(node.define(results[0], 1)) || failed(node.define(zeroPoint, 2, kUInt8)))
    return failure();
  Value rounded = castTensor(node, zeroPoint, kUInt8, kFloat);
  return node.define(quantizeTensor(node, x.value, results[0], rounded, kUInt8), 0, kUInt8);
}
