#include "compiler/import/Indexing.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

//===- Checks --------------------------------------------------------------------------------------------------------------------------------===//

FailureOr<int64_t> lathe::importer::resolveAxis(NodeContext &node, StringRef name, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return node.invalid("expects attribute " + name + " in [" + Twine(-rank) + ", " + Twine(rank) + ") (got " + Twine(axis) + ")");
  return axis < 0 ? axis + rank : axis;
}

LogicalResult lathe::importer::checkIndexed(NodeContext &node, StringRef role, ArrayRef<int64_t> shape, int64_t axis) {
  if (ShapedType::isDynamic(shape[axis]))
    return node.needsStaticBatch("indices into the batch, dimension " + Twine(axis) + " of " + role + ", are not supported");
  if (shape[axis] == 0)
    return node.invalid("expects elements in dimension " + Twine(axis) + " of " + role + " to index (got shape " + shapeText(shape) + ")");
  return success();
}

std::string lathe::importer::shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, d] : llvm::enumerate(shape))
    text += (i ? ", " : "") + (ShapedType::isDynamic(d) ? std::string("N") : std::to_string(d));
  return text + "]";
}

LogicalResult lathe::importer::defineEmpty(NodeContext &node, RankedTensorType type, size_t output, int32_t dataType) {
  return node.define(splatWeight(type, 0), output, dataType);
}

LogicalResult lathe::importer::checkConstantIndices(NodeContext &node, size_t input, StringRef role, int64_t extent) {
  const GraphValue *value = node.input(input, role);
  if (!value)
    return failure();
  if (value->kind != GraphValue::Kind::shape)
    return success();
  for (Affine index : value->shape.elements)
    if (index.isConstant() && (index.c0 < -extent || index.c0 >= extent))
      return node.invalid("expects " + node.describeInput(input, role) + " in [" + Twine(-extent) + ", " + Twine(extent) + ") (got " + Twine(index.c0) + ")");
  return success();
}

std::optional<SmallVector<double>> lathe::importer::constantNumbers(NodeContext &node, size_t input, StringRef role) {
  const GraphValue *value = node.input(input, role);
  if (!value)
    return std::nullopt;
  SmallVector<double> numbers;
  if (value->kind == GraphValue::Kind::shape) {
    std::optional<SmallVector<int64_t>> integers = node.constants(input, role);
    if (!integers)
      return std::nullopt;
    numbers.assign(integers->begin(), integers->end());
    return numbers;
  }
  auto dense = value->kind == GraphValue::Kind::weight && value->weight.getSteps().empty() ? dyn_cast<DenseElementsAttr>(value->weight.getSource())
                                                                                           : DenseElementsAttr();
  if (!dense || dense.getNumElements() > kMaxShapeElements) {
    (void)node.unsupported(node.describeInput(input, role) +
                           (value->kind == GraphValue::Kind::data ? " is computed at run time" : " is a large or computed constant") +
                           "; supported: a constant of up to " + Twine(kMaxShapeElements) + " elements");
    return std::nullopt;
  }
  bool isUnsigned = isIn(value->dataType, kUnsignedIntegers);
  if (isa<FloatType>(dense.getElementType())) {
    for (APFloat element : dense.getValues<APFloat>()) {
      bool inexact;
      element.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
      numbers.push_back(element.convertToDouble());
    }
  } else {
    for (const APInt &element : dense.getValues<APInt>())
      numbers.push_back(isUnsigned ? static_cast<double>(element.getZExtValue()) : static_cast<double>(element.getSExtValue()));
  }
  return numbers;
}

//===- Code ----------------------------------------------------------------------------------------------------------------------------------===//

Value lathe::importer::resolveIndex(ProgramBuilder &b, Value integer, int64_t extent) {
  Value index = b.toIndex(integer), zero = b.index(0);
  Value fromEnd = b.add(index, b.index(extent));
  return b.clampIndex(b.select(b.compare(arith::CmpIPredicate::slt, index, zero), fromEnd, index), zero, b.index(extent - 1));
}

static void forEachBelow(ProgramBuilder &b, ArrayRef<int64_t> extents, SmallVectorImpl<Value> &at, function_ref<void(ValueRange)> body) {
  if (extents.empty())
    return body(at);
  b.forEach(b.index(0), b.index(extents.front()), [&](Value i) {
    at.push_back(i);
    forEachBelow(b, extents.drop_front(), at, body);
    at.pop_back();
  });
}

void lathe::importer::forEachIn(ProgramBuilder &b, ArrayRef<int64_t> extents, function_ref<void(ValueRange)> body) {
  SmallVector<Value> at;
  forEachBelow(b, extents, at, body);
}

static SmallVector<Value> foldBelow(ProgramBuilder &b, ArrayRef<int64_t> extents, SmallVectorImpl<Value> &at, ValueRange init,
                                    function_ref<SmallVector<Value>(ValueRange, ValueRange)> body) {
  if (extents.empty())
    return body(at, init);
  return b.fold(b.index(0), b.index(extents.front()), init, [&](Value i, ValueRange state) {
    at.push_back(i);
    SmallVector<Value> next = foldBelow(b, extents.drop_front(), at, state, body);
    at.pop_back();
    return next;
  });
}

SmallVector<Value> lathe::importer::foldIn(ProgramBuilder &b, ArrayRef<int64_t> extents, ValueRange init,
                                           function_ref<SmallVector<Value>(ValueRange, ValueRange)> body) {
  SmallVector<Value> at;
  return foldBelow(b, extents, at, init, body);
}

SmallVector<Value> lathe::importer::loopWhile(ProgramBuilder &b, ValueRange state, function_ref<Value(ValueRange)> condition,
                                              function_ref<SmallVector<Value>(ValueRange)> body) {
  auto loop = scf::WhileOp::create(
      b, TypeRange(state), state,
      [&](OpBuilder &inner, Location, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        scf::ConditionOp::create(b, condition(arguments), arguments);
      },
      [&](OpBuilder &inner, Location, ValueRange arguments) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        scf::YieldOp::create(b, body(arguments));
      });
  return SmallVector<Value>(loop.getResults());
}

Type lathe::importer::realFor(Type element) { return element.isF64() ? element : Type(Float32Type::get(element.getContext())); }

Value lathe::importer::widened(ProgramBuilder &b, Value v, Type real) { return v.getType() == real ? v : arith::ExtFOp::create(b, real, v).getResult(); }

Value lathe::importer::narrowed(ProgramBuilder &b, Value v, Type element) {
  return v.getType() == element ? v : arith::TruncFOp::create(b, element, v).getResult();
}

Value lathe::importer::toReal(ProgramBuilder &b, Value index, Type real) {
  return arith::SIToFPOp::create(b, real, arith::IndexCastOp::create(b, b.getI64Type(), index));
}

Value lathe::importer::toIndexBetween(ProgramBuilder &b, Value x, int64_t low, int64_t high) {
  // maxnum(NaN, low) is low. Both bounds are exact or at least close in float32, so the integers are clamped again.
  Type real = x.getType();
  Value inside =
      arith::MinNumFOp::create(b, arith::MaxNumFOp::create(b, x, b.number(real, static_cast<double>(low))), b.number(real, static_cast<double>(high)));
  Value index = b.toIndex(arith::FPToSIOp::create(b, b.getI64Type(), inside));
  return b.clampIndex(index, b.index(low), b.index(high));
}

SmallVector<Value> lathe::importer::joined(ValueRange begin, ValueRange middle, ValueRange end) {
  SmallVector<Value> all(begin);
  llvm::append_range(all, middle);
  llvm::append_range(all, end);
  return all;
}

static VectorType lanesOf(Type element) { return VectorType::get(kLanes, element); }

Value lathe::importer::loadLanes(ProgramBuilder &b, Value memory, ValueRange at) {
  return vector::LoadOp::create(b, lanesOf(cast<MemRefType>(memory.getType()).getElementType()), memory, at);
}

void lathe::importer::storeLanes(ProgramBuilder &b, Value lanes, Value memory, ValueRange at) { vector::StoreOp::create(b, lanes, memory, at); }

Value lathe::importer::allLanes(ProgramBuilder &b, Value number) { return vector::BroadcastOp::create(b, lanesOf(number.getType()), number); }

void lathe::importer::forEachLanes(ProgramBuilder &b, int64_t extent, function_ref<void(Value)> wide, function_ref<void(Value)> single) {
  b.getContext()->getOrLoadDialect<vector::VectorDialect>();
  int64_t groups = extent / kLanes;
  if (groups)
    b.forEach(b.index(0), b.index(groups), [&](Value group) { wide(b.mul(group, b.index(kLanes))); });
  if (groups * kLanes != extent)
    b.forEach(b.index(groups * kLanes), b.index(extent), single);
}

Value lathe::importer::integerTable(NodeContext &node, ArrayRef<int64_t> shape, ArrayRef<int32_t> elements) {
  auto type = RankedTensorType::get(shape, node.builder().getI32Type());
  return node.materialize(nn::WeightAttr::get(type.getContext(), DenseElementsAttr::get(type, elements), type, {}));
}

Value lathe::importer::larger(ProgramBuilder &b, Value x, Value y, bool isUnsigned) {
  if (isa<FloatType>(x.getType()))
    return arith::MaximumFOp::create(b, x, y);
  return isUnsigned ? arith::MaxUIOp::create(b, x, y).getResult() : arith::MaxSIOp::create(b, x, y).getResult();
}

Value lathe::importer::smaller(ProgramBuilder &b, Value x, Value y, bool isUnsigned) {
  if (isa<FloatType>(x.getType()))
    return arith::MinimumFOp::create(b, x, y);
  return isUnsigned ? arith::MinUIOp::create(b, x, y).getResult() : arith::MinSIOp::create(b, x, y).getResult();
}
