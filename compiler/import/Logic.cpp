// Comparisons, logic, bits and Where, with broadcasting. On shape values they fold where the answer does not depend on the batch size.
#include "compiler/import/Broadcast.h"
#include "compiler/import/Registry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Kind = GraphValue::Kind;
using P = arith::CmpIPredicate;

//===- Two operands --------------------------------------------------------------------------------------------------------------------------===//

/// Shape arithmetic where it has an answer; nullopt where there is none, which data may have.
static std::optional<LogicalResult> onShapes(NodeContext &node, int32_t resultType, BinaryFunction function) {
  const GraphValue *a = node.input(0, "A"), *b = a ? node.input(1, "B") : nullptr;
  if (!b)
    return failure();
  if (!areSmallShapes(*a, *b))
    return std::nullopt;
  std::string why;
  FailureOr<ShapeValue> result = elementwise(a->shape, b->shape, resultType, function, why);
  if (succeeded(result))
    return node.define(std::move(*result));
  if (a->shape.constants() && b->shape.constants())
    return std::nullopt;
  return node.unsupported(why);
}

/// A program on two operands with a truth value as result.
static LogicalResult importPredicate(NodeContext &node, DataTypes types, BinaryFunction shapeFunction,
                                     function_ref<Value(ProgramBuilder &, Value, Value, bool isUnsigned)> function) {
  LegacyBroadcast legacy(node);
  if (node.hasErrors())
    return failure();
  if (std::optional<LogicalResult> done = onShapes(node, kBool, shapeFunction))
    return *done;
  std::optional<Operands> operands = elementwiseOperands(node, {"A", "B"}, types, &legacy);
  if (!operands)
    return failure();
  Value result = map(node, operands->values, operands->shape, node.builder().getI8Type(),
                     [&](ProgramBuilder &b, ValueRange v) { return function(b, v[0], v[1], operands->isUnsigned()); });
  return node.define(result, 0, kBool);
}

static LogicalResult importComparison(NodeContext &node, P predicate) {
  auto onShapes = [&](Affine a, Affine b, std::string &why) -> FailureOr<Affine> {
    if (predicate == P::eq)
      return equal(a, b, why);
    FailureOr<Affine> difference = subtract(a, b, why);
    if (failed(difference))
      return failure();
    if (!difference->isConstant()) {
      why = "how " + a.str() + " compares with " + b.str() + " depends on the batch size N";
      return failure();
    }
    int64_t d = difference->c0;
    return Affine{predicate == P::slt ? d < 0 : predicate == P::sle ? d <= 0 : predicate == P::sgt ? d > 0 : d >= 0, 0};
  };
  DataTypes types = predicate == P::eq ? kAllTypes : kNumbers;
  return importPredicate(node, types, onShapes,
                         [&](ProgramBuilder &b, Value x, Value y, bool isUnsigned) { return b.toI8(b.compare(predicate, x, y, isUnsigned)); });
}

LogicalResult lathe::importer::importEqual(NodeContext &node) { return importComparison(node, P::eq); }
LogicalResult lathe::importer::importGreater(NodeContext &node) { return importComparison(node, P::sgt); }
LogicalResult lathe::importer::importGreaterOrEqual(NodeContext &node) { return importComparison(node, P::sge); }
LogicalResult lathe::importer::importLess(NodeContext &node) { return importComparison(node, P::slt); }
LogicalResult lathe::importer::importLessOrEqual(NodeContext &node) { return importComparison(node, P::sle); }

/// On bits: truth values are 0 and 1, and stay so.
template <typename Op> static Value onBits(ProgramBuilder &b, Value x, Value y) { return Op::create(b, x, y); }

template <typename Op> static LogicalResult importLogic(NodeContext &node, function_ref<bool(bool, bool)> function) {
  auto onShapes = [&](Affine a, Affine b, std::string &) -> FailureOr<Affine> { return Affine{function(a.c0, b.c0), 0}; };
  return importPredicate(node, kBools, onShapes, [](ProgramBuilder &b, Value x, Value y, bool) { return onBits<Op>(b, x, y); });
}

LogicalResult lathe::importer::importAnd(NodeContext &node) {
  return importLogic<arith::AndIOp>(node, [](bool a, bool b) { return a && b; });
}
LogicalResult lathe::importer::importOr(NodeContext &node) {
  return importLogic<arith::OrIOp>(node, [](bool a, bool b) { return a || b; });
}
LogicalResult lathe::importer::importXor(NodeContext &node) {
  return importLogic<arith::XOrIOp>(node, [](bool a, bool b) { return a != b; });
}

static LogicalResult importBitwise(NodeContext &node, function_ref<Value(ProgramBuilder &, Value, Value, bool isUnsigned)> function) {
  std::optional<Operands> operands = elementwiseOperands(node, {"A", "B"}, kIntegers);
  if (!operands)
    return failure();
  return defineElementwise(node, *operands, map(node, operands->values, operands->shape, operands->element(), [&](ProgramBuilder &b, ValueRange v) {
                             return function(b, v[0], v[1], operands->isUnsigned());
                           }));
}

LogicalResult lathe::importer::importBitwiseAnd(NodeContext &node) {
  return importBitwise(node, [](ProgramBuilder &b, Value x, Value y, bool) { return onBits<arith::AndIOp>(b, x, y); });
}
LogicalResult lathe::importer::importBitwiseOr(NodeContext &node) {
  return importBitwise(node, [](ProgramBuilder &b, Value x, Value y, bool) { return onBits<arith::OrIOp>(b, x, y); });
}
LogicalResult lathe::importer::importBitwiseXor(NodeContext &node) {
  return importBitwise(node, [](ProgramBuilder &b, Value x, Value y, bool) { return onBits<arith::XOrIOp>(b, x, y); });
}

LogicalResult lathe::importer::importBitShift(NodeContext &node) {
  std::string direction = node.text("direction", "");
  if (node.hasErrors())
    return failure();
  if (direction != "LEFT" && direction != "RIGHT")
    return node.invalid("expects attribute direction of 'LEFT' or 'RIGHT' (got '" + printable(direction) + "')");
  bool left = direction == "LEFT";
  // By all bits or more, or by less than 0 (which is a large number without sign), everything is shifted out; what is shifted in are copies of the sign.
  return importBitwise(node, [&](ProgramBuilder &b, Value x, Value by, bool isUnsigned) {
    Type type = x.getType();
    int64_t width = type.getIntOrFloatBitWidth();
    Value beyond = b.compare(P::sge, by, b.integer(type, width), /*isUnsigned=*/true), zero = b.integer(type, int64_t(0));
    if (left)
      return b.select(beyond, zero, arith::ShLIOp::create(b, x, b.select(beyond, zero, by)));
    if (isUnsigned)
      return b.select(beyond, zero, arith::ShRUIOp::create(b, x, b.select(beyond, zero, by)));
    return arith::ShRSIOp::create(b, x, b.select(beyond, b.integer(type, width - 1), by)).getResult();
  });
}

//===- One operand ---------------------------------------------------------------------------------------------------------------------------===//

LogicalResult lathe::importer::importNot(NodeContext &node) {
  const GraphValue *input = node.input(0, "X");
  if (!input)
    return failure();
  if (input->kind == Kind::shape && input->shape.dataType == kBool) { // truth values do not depend on N
    ShapeValue result = input->shape;
    for (Affine &element : result.elements)
      element = {!element.c0, 0};
    return node.define(std::move(result));
  }
  Operand x = node.operand(0, "X", kBools);
  if (!x)
    return failure();
  auto body = [](ProgramBuilder &b, ValueRange v) { return onBits<arith::XOrIOp>(b, v[0], b.integer(v[0].getType(), int64_t(1))); };
  return node.define(map(node, x.value, x.shape(), x.element(), body), 0, kBool);
}

LogicalResult lathe::importer::importBitwiseNot(NodeContext &node) {
  Operand x = node.operand(0, "X", kIntegers);
  if (!x)
    return failure();
  auto body = [](ProgramBuilder &b, ValueRange v) { return onBits<arith::XOrIOp>(b, v[0], b.integer(v[0].getType(), int64_t(-1))); };
  return node.define(map(node, x.value, x.shape(), x.element(), body), 0, x.dataType);
}

/// A truth value of each float.
static LogicalResult importTest(NodeContext &node, function_ref<Value(ProgramBuilder &, Value)> test) {
  std::optional<Operands> x = elementwiseOperands(node, {"X"}, kFloats);
  if (!x)
    return failure();
  auto body = [&](ProgramBuilder &b, ValueRange v) { return b.toI8(test(b, v[0])); };
  return node.define(map(node, x->values, x->shape, node.builder().getI8Type(), body), 0, kBool);
}

LogicalResult lathe::importer::importIsNaN(NodeContext &node) {
  return importTest(node, [](ProgramBuilder &b, Value x) { return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x).getResult(); });
}

LogicalResult lathe::importer::importIsInf(NodeContext &node) {
  bool negative = node.integer("detect_negative", 1) != 0, positive = node.integer("detect_positive", 1) != 0;
  if (node.hasErrors())
    return failure();
  return importTest(node, [&](ProgramBuilder &b, Value x) {
    double infinity = std::numeric_limits<double>::infinity();
    auto equals = [&](bool asked, double value) -> Value {
      return asked ? b.compare(P::eq, x, b.number(x.getType(), value)) : arith::ConstantOp::create(b, b.getBoolAttr(false)).getResult();
    };
    return b.either(equals(positive, infinity), equals(negative, -infinity));
  });
}

//===- Where ---------------------------------------------------------------------------------------------------------------------------------===//

LogicalResult lathe::importer::importWhere(NodeContext &node) {
  const GraphValue *condition = node.input(0, "condition"), *x = condition ? node.input(1, "X") : nullptr, *y = x ? node.input(2, "Y") : nullptr;
  if (!y)
    return failure();
  if (condition->kind == Kind::shape && x->kind == Kind::shape && y->kind == Kind::shape) {
    std::string why;
    FailureOr<ShapeValue> result = select(condition->shape, x->shape, y->shape, why);
    if (succeeded(result))
      return node.define(std::move(*result));
    if (!x->shape.constants() || !y->shape.constants() || !condition->shape.constants())
      return node.unsupported(why);
  }
  Operand c = node.operand(0, "condition", kBools), a = c ? node.operand(1, "X") : Operand(), b = a ? node.operand(2, "Y") : Operand();
  if (!b)
    return failure();
  if (a.dataType != b.dataType)
    return node.invalid("expects X and Y of one type (got " + dataTypeName(a.dataType) + " and " + dataTypeName(b.dataType) + ")");
  Value values[] = {c.value, a.value, b.value};
  std::optional<SmallVector<int64_t>> shape = broadcastAll(node, values);
  if (!shape)
    return failure();
  auto body = [](ProgramBuilder &p, ValueRange v) { return p.select(p.toI1(v[0]), v[1], v[2]); };
  return node.define(map(node, values, *shape, a.element(), body), 0, a.dataType);
}
