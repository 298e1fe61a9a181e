#include "compiler/import/Program.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

//===- Constants -----------------------------------------------------------------------------------------------------------------------------===//

TypedAttr lathe::importer::numberAttr(Type element, double value) {
  if (isa<FloatType>(element))
    return FloatAttr::get(element, value);
  return IntegerAttr::get(element, static_cast<int64_t>(value));
}

TypedAttr lathe::importer::numberAttr(Type element, int64_t value) {
  if (isa<FloatType>(element))
    return FloatAttr::get(element, static_cast<double>(value));
  if (auto integer = dyn_cast<IntegerType>(element)) // as many bits as there are: uint8 255 is i8 -1
    return IntegerAttr::get(element, APInt(64, static_cast<uint64_t>(value)).sextOrTrunc(integer.getWidth()));
  return IntegerAttr::get(element, value);
}

nn::WeightAttr lathe::importer::splatWeight(RankedTensorType type, double value) {
  auto elements = DenseElementsAttr::get(type, ArrayRef<Attribute>(numberAttr(type.getElementType(), value)));
  return nn::WeightAttr::get(type.getContext(), elements, type, {});
}

//===- Code ----------------------------------------------------------------------------------------------------------------------------------===//

static bool isFloat(Value v) { return isa<FloatType>(v.getType()); }

Value ProgramBuilder::add(Value a, Value b) { return isFloat(a) ? arith::AddFOp::create(*this, a, b).getResult() : arith::AddIOp::create(*this, a, b); }
Value ProgramBuilder::sub(Value a, Value b) { return isFloat(a) ? arith::SubFOp::create(*this, a, b).getResult() : arith::SubIOp::create(*this, a, b); }
Value ProgramBuilder::mul(Value a, Value b) { return isFloat(a) ? arith::MulFOp::create(*this, a, b).getResult() : arith::MulIOp::create(*this, a, b); }

Value ProgramBuilder::div(Value a, Value b, bool isUnsigned) {
  if (isFloat(a))
    return arith::DivFOp::create(*this, a, b);
  return isUnsigned ? arith::DivUIOp::create(*this, a, b).getResult() : arith::DivSIOp::create(*this, a, b).getResult();
}

Value ProgramBuilder::compare(arith::CmpIPredicate predicate, Value a, Value b, bool isUnsigned) {
  using I = arith::CmpIPredicate;
  using F = arith::CmpFPredicate;
  struct Row {
    I asSigned, asUnsigned;
    F asFloat;
  };
  static constexpr Row rows[] = {{I::eq, I::eq, F::OEQ},   {I::ne, I::ne, F::UNE},   {I::slt, I::ult, F::OLT},
                                 {I::sle, I::ule, F::OLE}, {I::sgt, I::ugt, F::OGT}, {I::sge, I::uge, F::OGE}};
  const Row *row = llvm::find_if(rows, [&](const Row &r) { return r.asSigned == predicate; });
  assert(row != std::end(rows) && "a predicate of signed integers");
  if (isFloat(a))
    return arith::CmpFOp::create(*this, row->asFloat, a, b);
  return arith::CmpIOp::create(*this, isUnsigned ? row->asUnsigned : row->asSigned, a, b);
}

Value ProgramBuilder::clampIndex(Value x, Value low, Value high) { return arith::MaxSIOp::create(*this, low, arith::MinSIOp::create(*this, x, high)); }

Value ProgramBuilder::load(Value memory, ValueRange at) { return memref::LoadOp::create(*this, memory, at); }
void ProgramBuilder::store(Value value, Value memory, ValueRange at) { memref::StoreOp::create(*this, value, memory, at); }

Value ProgramBuilder::toI1(Value truth) { return arith::CmpIOp::create(*this, arith::CmpIPredicate::ne, truth, integer(truth.getType(), int64_t(0))); }
Value ProgramBuilder::toI8(Value condition) { return arith::ExtUIOp::create(*this, getI8Type(), condition); }

Value ProgramBuilder::toIndex(Value integer, bool isUnsigned) {
  if (isUnsigned)
    return arith::IndexCastUIOp::create(*this, getIndexType(), integer);
  return arith::IndexCastOp::create(*this, getIndexType(), integer);
}

void ProgramBuilder::forEach(Value begin, Value end, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(*this, begin, end, index(1));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPoint(loop.getBody()->getTerminator());
  body(loop.getInductionVar());
}

SmallVector<Value> ProgramBuilder::fold(Value begin, Value end, ValueRange init, function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, begin, end, index(1), init);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(*this, next);
  return SmallVector<Value>(loop.getResults());
}

void ProgramBuilder::ifThen(Value condition, function_ref<void()> body) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  body();
}

Value ProgramBuilder::ifElse(Value condition, function_ref<Value()> then, function_ref<Value()> otherwise) {
  // The type is known only when one side is built.
  Block *thenBlock = new Block, *elseBlock = new Block;
  Value a, b;
  {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(thenBlock);
    a = then();
    scf::YieldOp::create(*this, a);
    setInsertionPointToStart(elseBlock);
    b = otherwise();
    scf::YieldOp::create(*this, b);
  }
  auto op = scf::IfOp::create(*this, TypeRange{a.getType()}, condition, /*addThenBlock=*/false, /*addElseBlock=*/false);
  op.getThenRegion().push_back(thenBlock);
  op.getElseRegion().push_back(elseBlock);
  return op.getResult(0);
}

//===- Operations ----------------------------------------------------------------------------------------------------------------------------===//

Value lathe::importer::map(NodeContext &node, ValueRange inputs, ArrayRef<int64_t> shape, Type element,
                           function_ref<Value(ProgramBuilder &, ValueRange)> body) {
  OpBuilder &b = node.builder();
  auto op = nn::MapOp::create(b, node.loc(), RankedTensorType::get(shape, element), inputs);
  Block &block = op.getBody().emplaceBlock();
  for (Value input : inputs)
    block.addArgument(getElementTypeOrSelf(input.getType()), node.loc());
  ProgramBuilder program(node.loc(), &block, block.end());
  nn::YieldOp::create(program, body(program, block.getArguments()));
  return op;
}

SmallVector<Value> lathe::importer::foreach (NodeContext &node, StringRef kind, ArrayRef<int64_t> space, ValueRange inputs, TypeRange results,
                                             function_ref<void(ProgramBuilder &, ValueRange, ValueRange, ValueRange)> body) {
  OpBuilder &b = node.builder();
  auto op = nn::ForeachOp::create(b, node.loc(), results, kind, space, inputs, ValueRange());
  Block &block = op.getBody().emplaceBlock();
  auto buffer = [](Type type) { return MemRefType::get(cast<ShapedType>(type).getShape(), cast<ShapedType>(type).getElementType()); };
  for (size_t i = 0; i < space.size(); ++i)
    block.addArgument(b.getIndexType(), node.loc());
  for (Type type : llvm::concat<const Type>(SmallVector<Type>(inputs.getTypes()), SmallVector<Type>(results)))
    block.addArgument(buffer(type), node.loc());
  ProgramBuilder program(node.loc(), &block, block.end());
  ValueRange arguments = block.getArguments();
  body(program, arguments.take_front(space.size()), arguments.slice(space.size(), inputs.size()), arguments.take_back(results.size()));
  nn::YieldOp::create(program, ValueRange());
  return SmallVector<Value>(op.getResults());
}

Value lathe::importer::generate(NodeContext &node, StringRef kind, RankedTensorType result, ValueRange inputs,
                                function_ref<Value(ProgramBuilder &, ValueRange, ValueRange)> body) {
  return foreach (node, kind, result.getShape(), inputs, TypeRange(result),
                  [&](ProgramBuilder &b, ValueRange at, ValueRange ins, ValueRange outs) { b.store(body(b, at, ins), outs[0], at); })[0];
}

Value lathe::importer::convertFloat(NodeContext &node, Value value, Type element) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getElementType() == element)
    return value;
  bool widens = type.getElementTypeBitWidth() < element.getIntOrFloatBitWidth();
  return map(node, value, type.getShape(), element, [&](ProgramBuilder &b, ValueRange x) -> Value {
    return widens ? arith::ExtFOp::create(b, element, x[0]).getResult() : arith::TruncFOp::create(b, element, x[0]).getResult();
  });
}
