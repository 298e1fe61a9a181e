// Range, EyeLike, Trilu, ReverseSequence: operators whose result depends on where an element stands.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"

#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Is = arith::CmpIPredicate;

/// start, start + delta, … computed in the type of the inputs, which are constants: they say how many elements there are.
static LogicalResult rangeOfConstants(NodeContext &node) {
  static const StringRef kRoles[] = {"start", "limit", "delta"};
  double numbers[3];
  int32_t dataType = kUndefined;
  Value values[3];
  for (int i = 0; i < 3; ++i) {
    Operand operand = node.operand(i, kRoles[i], kFloats | setOf({kInt16, kInt32, kInt64}));
    auto number = operand ? constantNumbers(node, i, kRoles[i]) : std::nullopt;
    if (!number)
      return failure();
    if (number->size() != 1 || !std::isfinite(number->front()))
      return node.invalid("expects one finite number as " + node.describeInput(i, kRoles[i]) + " (got " + Twine(number->size()) + " elements)");
    if (i && operand.dataType != dataType)
      return node.invalid("expects start, limit and delta of one type (got " + dataTypeName(dataType) + " and " + dataTypeName(operand.dataType) + ")");
    dataType = operand.dataType;
    numbers[i] = number->front();
    values[i] = operand.value;
  }
  if (numbers[2] == 0)
    return node.invalid("expects delta other than 0");
  double count = std::max(std::ceil((numbers[1] - numbers[0]) / numbers[2]), 0.0);
  constexpr double kMaxCount = 1u << 31;
  if (!(count <= kMaxCount))
    return node.unsupported("a range of " + std::to_string(count) + " elements is not supported; supported: up to 2^31");
  RankedTensorType type = node.type({static_cast<int64_t>(count)}, dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, dataType);
  Type element = type.getElementType();
  Type computed = isa<FloatType>(element) ? realFor(element) : element;
  auto scalar = [&](ProgramBuilder &b, Value memory) {
    auto rank = cast<MemRefType>(memory.getType()).getRank();
    return widened(b, b.load(memory, SmallVector<Value>(rank, b.index(0))), computed);
  };
  Value result = generate(node, "range", type, {values[0], values[2]}, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value start = scalar(b, in[0]), delta = scalar(b, in[1]), i = at[0];
    i = isa<FloatType>(computed) ? toReal(b, i, computed) : arith::IndexCastOp::create(b, computed, i).getResult();
    return narrowed(b, b.add(start, b.mul(i, delta)), element);
  });
  return node.define(result, 0, dataType);
}

LogicalResult lathe::importer::importRange(NodeContext &node) {
  node.ignore({"stash_type"}); // of 16-bit floats
  using Kind = GraphValue::Kind;
  const GraphValue *start = node.input(0, "start"), *limit = node.input(1, "limit"), *delta = node.input(2, "delta");
  if (!start || !limit || !delta)
    return failure();
  if (start->kind != Kind::shape || limit->kind != Kind::shape || delta->kind != Kind::shape)
    return rangeOfConstants(node);
  std::string why;
  FailureOr<ShapeValue> result = range(start->shape, limit->shape, delta->shape, why);
  if (succeeded(result))
    return node.define(std::move(*result));
  // Too many elements to be shape arithmetic, or wrong.
  bool isConstant = start->shape.constants() && limit->shape.constants() && delta->shape.constants();
  return isConstant ? rangeOfConstants(node) : LogicalResult(node.unsupported(why));
}

LogicalResult lathe::importer::importEyeLike(NodeContext &node) {
  int64_t k = node.integer("k", 0), given = node.integer("dtype", kUndefined);
  if (node.hasErrors())
    return failure();
  Operand input = node.operand(0, "input");
  if (!input)
    return failure();
  int32_t dataType = node.hasAttribute("dtype") ? static_cast<int32_t>(std::clamp<int64_t>(given, -1, INT32_MAX)) : input.dataType;
  if (!isIn(dataType, kAllTypes))
    return node.unsupported("attribute dtype is " + dataTypeName(dataType) + "; supported: " + namesOf(kAllTypes));
  if (input.rank() != 2)
    return node.invalid("expects an input of rank 2 (got " + Twine(input.rank()) + ")");
  RankedTensorType type = node.type(input.shape(), dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, dataType);
  Type element = type.getElementType();
  Value result = generate(node, "eye", type, {}, [&](ProgramBuilder &b, ValueRange at, ValueRange) {
    Value isOn = b.compare(Is::eq, at[1], b.add(at[0], b.index(k)));
    return b.select(isOn, b.number(element, 1.0), b.number(element, 0.0));
  });
  return node.define(result, 0, dataType);
}

LogicalResult lathe::importer::importTrilu(NodeContext &node) {
  bool isUpper = node.integer("upper", 1);
  if (node.hasErrors())
    return failure();
  Operand input = node.operand(0, "input");
  if (!input)
    return failure();
  int64_t k = 0;
  if (node.hasInput(1)) {
    auto given = node.constants(1, "k");
    if (!given)
      return failure();
    if (given->size() != 1)
      return node.invalid("expects one number as " + node.describeInput(1, "k") + " (got " + Twine(given->size()) + ")");
    constexpr int64_t kMaxDiagonal = int64_t(1) << 40; // beyond every tensor; so that sums of indices do not wrap
    k = std::clamp(given->front(), -kMaxDiagonal, kMaxDiagonal);
  }
  int64_t rank = input.rank();
  if (rank < 2)
    return node.invalid("expects an input of rank 2 or more (got " + Twine(rank) + ")");
  if (isEmpty(input.type()))
    return node.define(*node.input(0, "input"));
  Value result = generate(node, "trilu", input.type(), input.value, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value keeps = b.compare(isUpper ? Is::sge : Is::sle, at[rank - 1], b.add(at[rank - 2], b.index(k)));
    return b.select(keeps, b.load(in[0], at), b.number(input.element(), 0.0));
  });
  return node.define(result, 0, input.dataType);
}

LogicalResult lathe::importer::importReverseSequence(NodeContext &node) {
  int64_t batchAxis = node.integer("batch_axis", 1), timeAxis = node.integer("time_axis", 0);
  if (node.hasErrors())
    return failure();
  Operand input = node.operand(0, "input"), lengths = node.operand(1, "sequence_lens", setOf({kInt64}));
  if (!input || !lengths)
    return failure();
  if (input.rank() < 2)
    return node.invalid("expects an input of rank 2 or more (got " + Twine(input.rank()) + ")");
  if (batchAxis + timeAxis != 1 || batchAxis < 0 || batchAxis > 1)
    return node.invalid("expects attributes batch_axis and time_axis to be 0 and 1, or 1 and 0 (got " + Twine(batchAxis) + " and " + Twine(timeAxis) + ")");
  if (lengths.shape() != input.shape().slice(batchAxis, 1))
    return node.invalid("expects sequence_lens of shape " + shapeText(input.shape().slice(batchAxis, 1)) + " (got " + shapeText(lengths.shape()) + ")");
  if (isEmpty(input.type()))
    return node.define(*node.input(0, "input"));
  if (failed(checkIndexed(node, "input", input.shape(), timeAxis)))
    return failure();
  int64_t extent = input.shape()[timeAxis];
  Value result = generate(node, "reverse_sequence", input.type(), {input.value, lengths.value}, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value length = b.clampIndex(b.toIndex(b.load(in[1], at[batchAxis])), b.index(0), b.index(extent)), time = at[timeAxis];
    Value mirrored = b.sub(b.sub(length, b.index(1)), time);
    SmallVector<Value> from(at);
    from[timeAxis] = b.select(b.compare(Is::slt, time, length), mirrored, time);
    return b.load(in[0], from);
  });
  return node.define(result, 0, input.dataType);
}
