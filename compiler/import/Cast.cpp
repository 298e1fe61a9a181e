// Cast and CastLike.
#include "compiler/import/Cast.h"
#include "compiler/import/Registry.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static bool isUnsigned(int32_t type) { return isIn(type, kUnsignedIntegers | kBools); }

/// A conversion beyond the range is poison: the number is brought inside first.
static Value floatToInteger(ProgramBuilder &b, Value x, int32_t to) {
  using P = arith::CmpFPredicate;
  Type floating = x.getType();
  auto type = cast<IntegerType>(elementType(b.getContext(), to));
  unsigned width = type.getWidth();
  bool noSign = isUnsigned(to);
  Value low = b.number(floating, noSign ? 0.0 : -std::ldexp(1.0, width - 1)), beyond = b.number(floating, std::ldexp(1.0, noSign ? width : width - 1));
  auto compare = [&](P predicate, Value y) { return arith::CmpFOp::create(b, predicate, x, y).getResult(); };
  Value inside = b.both(compare(P::OGT, low), compare(P::OLT, beyond));
  Value safe = b.select(inside, x, low); // a NaN is not inside
  Value integer;
  if (width < 32) // 32-bit conversions have vector instructions
    integer = arith::TruncIOp::create(b, type, arith::FPToSIOp::create(b, b.getI32Type(), safe));
  else if (noSign)
    integer = arith::FPToUIOp::create(b, type, safe);
  else
    integer = arith::FPToSIOp::create(b, type, safe);
  APInt high = noSign ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  Value highest = arith::ConstantOp::create(b, b.getIntegerAttr(type, high)), zero = b.integer(type, int64_t(0));
  return b.select(compare(P::UNO, x), zero, b.select(compare(P::OGE, beyond), highest, integer));
}

static Value integerToInteger(ProgramBuilder &b, Value x, int32_t from, int32_t to) {
  Type type = elementType(b.getContext(), to);
  unsigned have = x.getType().getIntOrFloatBitWidth(), want = type.getIntOrFloatBitWidth();
  if (have == want)
    return x;
  if (have > want)
    return arith::TruncIOp::create(b, type, x);
  return isUnsigned(from) ? arith::ExtUIOp::create(b, type, x).getResult() : arith::ExtSIOp::create(b, type, x).getResult();
}

Value lathe::importer::castElement(ProgramBuilder &b, Value x, int32_t from, int32_t to) {
  if (from == to)
    return x;
  Type type = elementType(b.getContext(), to);
  if (from == kFloat16) { // exact
    x = arith::ExtFOp::create(b, b.getF32Type(), x);
    return castElement(b, x, kFloat, to);
  }
  bool floating = isIn(from, kFloats);
  if (to == kBool) {
    Value truth = floating ? arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, x, b.number(x.getType(), 0.0)).getResult() : b.toI1(x);
    return b.toI8(truth);
  }
  if (!isIn(to, kFloats))
    return floating ? floatToInteger(b, x, to) : integerToInteger(b, x, from, to);
  if (floating) {
    if (x.getType().getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, type, x);
    return arith::TruncFOp::create(b, type, x);
  }
  // Integers that float32 does not hold exactly are beyond float16's range: one rounding.
  Type through = to == kFloat16 ? Type(b.getF32Type()) : type;
  x = isUnsigned(from) ? arith::UIToFPOp::create(b, through, x).getResult() : arith::SIToFPOp::create(b, through, x).getResult();
  return to == kFloat16 ? arith::TruncFOp::create(b, type, x).getResult() : x;
}

Value lathe::importer::castTensor(NodeContext &node, Value x, int32_t from, int32_t to) {
  if (from == to)
    return x;
  ArrayRef<int64_t> shape = cast<ShapedType>(x.getType()).getShape();
  return map(node, x, shape, elementType(x.getContext(), to), [&](ProgramBuilder &b, ValueRange v) { return castElement(b, v[0], from, to); });
}

static LogicalResult castInput(NodeContext &node, int32_t to) {
  const GraphValue *input = node.input(0, "input");
  if (!input)
    return failure();
  if (input->type() == to)
    return node.define(*input);
  if (!isIn(to, kAllTypes))
    return node.unsupported("a cast to " + dataTypeName(to) + " is not supported; supported: " + namesOf(kAllTypes));
  if (input->kind == GraphValue::Kind::shape) {
    std::string why;
    FailureOr<ShapeValue> result = castTo(input->shape, to, why);
    if (succeeded(result))
      return node.define(std::move(*result));
    if (!input->shape.constants())
      return node.unsupported(why);
  }
  Operand x = node.operand(0, "input");
  if (!x)
    return failure();
  // A weight is read as float32 by its recipe, whose arithmetic is in double: 64-bit integers could be rounded twice.
  if (auto weight = x.value.getDefiningOp<nn::WeightOp>(); weight && to == kFloat && !isIn(x.dataType, setOf({kInt64, kUInt64})))
    return node.define(weight.getWeight().withStep(
        nn::StepAttr::get(node.builder().getContext(), "to_float", isUnsigned(x.dataType) ? ArrayRef<int64_t>{1} : ArrayRef<int64_t>(), {}, {})));
  return node.define(castTensor(node, x.value, x.dataType, to), 0, to);
}

LogicalResult lathe::importer::importCast(NodeContext &node) {
  node.ignore({"saturate", "round_mode"}); // of 8-bit floats
  int64_t to;
  if (node.opset() < 6) { // a name then
    std::string name = node.text("to", "");
    to = llvm::StringSwitch<int64_t>(name)
             .Case("FLOAT", kFloat)
             .Case("UINT8", kUInt8)
             .Case("INT8", kInt8)
             .Case("UINT16", kUInt16)
             .Case("INT16", kInt16)
             .Case("INT32", kInt32)
             .Case("INT64", kInt64)
             .Case("BOOL", kBool)
             .Case("FLOAT16", kFloat16)
             .Case("DOUBLE", kDouble)
             .Case("UINT32", kUInt32)
             .Case("UINT64", kUInt64)
             .Default(kUndefined);
    if (!node.hasErrors() && to == kUndefined)
      return node.unsupported("attribute to = '" + printable(name) + "' is not supported; supported: " + namesOf(kAllTypes));
  } else {
    to = node.integer("to", kUndefined);
  }
  if (node.hasErrors())
    return failure();
  return castInput(node, static_cast<int32_t>(std::clamp<int64_t>(to, -1, INT32_MAX)));
}

LogicalResult lathe::importer::importCastLike(NodeContext &node) {
  node.ignore({"saturate", "round_mode"});
  const GraphValue *like = node.input(1, "target_type");
  return like ? castInput(node, like->type()) : failure();
}
