#include "passes/memref_to_loops/GenericEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using lathe::passes::GenericEmitter;
using lathe::passes::GenericNest;

void GenericEmitter::openForall(ArrayRef<int64_t> shared) {
  ivs.resize(nest.loops.size());
  SmallVector<OpFoldResult> bounds;
  for (int64_t i : shared) {
    int64_t extent = nest.loops[i].extent;
    bounds.push_back(ShapedType::isDynamic(extent) ? OpFoldResult(memref::DimOp::create(b, nest.batch, constant(nest.batchDim)).getResult())
                                                   : OpFoldResult(b.getIndexAttr(extent)));
  }
  if (bounds.empty())
    bounds.push_back(b.getIndexAttr(1));
  flatten(nest.output);
  for (GenericNest::Access &access : nest.inputs)
    flatten(access);
  auto forall = scf::ForallOp::create(b, bounds, ValueRange{}, std::nullopt);
  b.setInsertionPointToStart(forall.getBody());
  for (auto [i, loop] : llvm::enumerate(shared))
    ivs[loop] = forall.getInductionVar(i);
  // The address part of the shared loops is computed once per iteration.
  for (GenericNest::Access &access : nest.inputs)
    bases.push_back(base(access, shared));
  bases.push_back(base(nest.output, shared));
}

void GenericEmitter::openLoop(int64_t loop) {
  auto op = scf::ForOp::create(b, constant(0), constant(nest.loops[loop].extent), constant(1));
  b.setInsertionPointToStart(op.getBody());
  ivs[loop] = op.getInductionVar();
}

//===- Addresses -----------------------------------------------------------------------------------------------------------------------------===//

/// One 1-D view per operand, at the top of the function (as for register tiles).
void GenericEmitter::flatten(GenericNest::Access &access) {
  auto type = dyn_cast<MemRefType>(access.operand.getType());
  if (!type || flat.contains(access.operand))
    return;
  flat[access.operand] = nn::flatView(b, access.operand);
}

GenericEmitter::Base GenericEmitter::base(GenericNest::Access &access, ArrayRef<int64_t> shared) {
  if (!access.address)
    return {};
  if (auto known = baseOf.find(access.address); known != baseOf.end())
    return known->second;
  Base &result = baseOf[access.address];
  result.inner = getAffineConstantExpr(0, b.getContext());
  SmallVector<AffineExpr> terms{access.address};
  while (!terms.empty()) {
    AffineExpr term = terms.pop_back_val();
    if (auto sum = dyn_cast<AffineBinaryOpExpr>(term); sum && sum.getKind() == AffineExprKind::Add) {
      terms.push_back(sum.getRHS());
      terms.push_back(sum.getLHS());
      continue;
    }
    bool inner = false;
    for (int64_t i = 0, e = nest.loops.size(); i < e; ++i)
      inner |= term.isFunctionOfDim(i) && !llvm::is_contained(shared, i);
    if (inner)
      result.inner = result.inner + term;
    else if (term != getAffineConstantExpr(0, b.getContext()))
      result.outer = result.outer ? add(result.outer, value(term)) : value(term);
  }
  return result;
}

Value GenericEmitter::address(const Base &base) {
  if (base.inner == getAffineConstantExpr(0, b.getContext()))
    return base.outer ? base.outer : constant(0);
  Value inner = value(base.inner);
  return base.outer ? add(base.outer, inner) : inner;
}

/// An affine expression of the loops. Nothing in it is negative, so that divisions are unsigned.
Value GenericEmitter::value(AffineExpr expr) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return ivs[dim.getPosition()];
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return constant(number.getValue());
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = value(binary.getLHS());
  if (expr.getKind() == AffineExprKind::Add)
    return add(lhs, value(binary.getRHS()));
  int64_t rhs = cast<AffineConstantExpr>(binary.getRHS()).getValue();
  if (expr.getKind() == AffineExprKind::Mul)
    return mul(lhs, rhs);
  if (expr.getKind() == AffineExprKind::Mod)
    return arith::RemUIOp::create(b, lhs, constant(rhs));
  if (expr.getKind() == AffineExprKind::CeilDiv)
    lhs = add(lhs, rhs - 1);
  return arith::DivUIOp::create(b, lhs, constant(rhs));
}

//===- Body ----------------------------------------------------------------------------------------------------------------------------------===//

static Type widen(Type type, int64_t width) { return width == 1 ? type : VectorType::get({width}, type); }

Value GenericEmitter::broadcast(Value v, int64_t width) { return width == 1 ? v : vector::BroadcastOp::create(b, widen(v.getType(), width), v).getResult(); }

Value GenericEmitter::load(GenericNest::Access &access, Value at, int64_t width) {
  Value memory = flat[access.operand];
  int64_t stride = access.strides.back();
  if (width == 1 || stride == 0)
    return broadcast(memref::LoadOp::create(b, memory, at), width);
  auto type = cast<VectorType>(widen(cast<MemRefType>(memory.getType()).getElementType(), width));
  return stride == 1 ? vector::LoadOp::create(b, type, memory, at).getResult() : loadStrided(type, memory, at, stride);
}

/// All the elements from the first one that is wanted to the last one, in vectors; the last vector ends there, and may overlap the one before it.
Value GenericEmitter::loadStrided(VectorType type, Value memory, Value at, int64_t stride) {
  int64_t width = type.getDimSize(0), step = std::abs(stride), count = step, end = (count - 1) * (width - 1);
  Value begin = stride < 0 ? add(at, (width - 1) * stride) : at;
  SmallVector<Value> vectors;
  for (int64_t i = 0; i < count; ++i)
    vectors.push_back(vector::LoadOp::create(b, type, memory, add(begin, i + 1 < count ? i * width : end)));
  SmallVector<Pick> picks;
  for (int64_t lane = 0; lane < width; ++lane) {
    int64_t from = (stride < 0 ? width - 1 - lane : lane) * step;
    picks.push_back(from < (count - 1) * width ? Pick{from / width, from % width} : Pick{count - 1, from - end});
  }
  return gathered(vectors, picks);
}

Value GenericEmitter::gathered(ArrayRef<Value> vectors, ArrayRef<Pick> picks) {
  int64_t width = picks.size();
  SmallVector<int64_t> used;
  for (const Pick &pick : picks)
    if (!llvm::is_contained(used, pick.vector))
      used.push_back(pick.vector);
  // Of the first vector (or two of them) any lane may be read; after that, what was read is in its place. Other lanes are open.
  Value result = vectors[used[0]];
  SmallVector<int64_t> mask(width, 0);
  for (size_t k = 0; k == 0 || k < used.size(); ++k) {
    if (k == 0 && used.size() > 1) {
      for (auto [lane, pick] : llvm::enumerate(picks))
        mask[lane] = pick.vector == used[0] ? pick.lane : pick.vector == used[1] ? width + pick.lane : 0;
      result = vector::ShuffleOp::create(b, result, vectors[used[++k]], mask);
    } else {
      for (auto [lane, pick] : llvm::enumerate(picks))
        mask[lane] = pick.vector == used[k] ? (k ? width : 0) + pick.lane : static_cast<int64_t>(lane);
      result = vector::ShuffleOp::create(b, result, vectors[used[k]], mask);
    }
  }
  return result;
}

void GenericEmitter::forEachPiece(int64_t loop, function_ref<void(Value, int64_t)> piece) {
  int64_t extent = nest.loops[loop].extent, whole = extent / lanes * lanes;
  if (whole == lanes) {
    piece(constant(0), lanes);
  } else if (whole) {
    auto iterations = scf::ForOp::create(b, constant(0), constant(whole), constant(lanes));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(iterations.getBody());
    piece(iterations.getInductionVar(), lanes);
  }
  for (int64_t width = lanes / 2; width >= 1; width /= 2)
    if ((extent - whole) & width) {
      piece(constant(whole), width);
      whole += width;
    }
}

void GenericEmitter::compute(int64_t width, function_ref<Value(size_t)> loadInput) {
  Block *body = op.getBlock();
  DenseMap<Value, Value> values;
  DenseMap<std::pair<Value, AffineExpr>, Value> loaded; // an operand may be given twice
  DenseMap<AffineExpr, Value> addresses;
  auto addressOf = [&](GenericNest::Access &access, const Base &base) {
    Value &at = addresses[access.address];
    if (!at)
      at = address(base);
    return at;
  };
  for (auto [i, argument] : llvm::enumerate(body->getArguments())) {
    if (argument.use_empty())
      continue;
    GenericNest::Access &access = i < nest.inputs.size() ? nest.inputs[i] : nest.output;
    if (!access.address) {
      values[argument] = broadcast(access.operand, width);
      continue;
    }
    if (Value given = loadInput && i < nest.inputs.size() ? loadInput(i) : Value()) {
      values[argument] = given;
      continue;
    }
    Value &v = loaded[{access.operand, access.address}];
    if (!v)
      v = load(access, addressOf(access, bases[i]), width);
    values[argument] = v;
  }
  auto lookup = [&](Value v) {
    Value &known = values[v];
    if (!known) // from outside the body
      known = splat(v, width);
    return known;
  };
  for (Operation &inner : body->without_terminator()) {
    Value result = inner.getResult(0);
    if (inner.hasTrait<OpTrait::ConstantLike>()) {
      values[result] = splat(result, width);
    } else if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      int64_t loop = nest.loopOf[index.getDim()];
      values[result] = loop < 0 ? constant(0) : ivs[loop];
    } else {
      SmallVector<Value> operands = llvm::map_to_vector(inner.getOperands(), lookup);
      OperationState state(inner.getLoc(), inner.getName(), operands, {widen(result.getType(), width)}, inner.getAttrs());
      values[result] = b.create(state)->getResult(0);
    }
  }
  Value stored = lookup(body->getTerminator()->getOperand(0)), at = add(addressOf(nest.output, bases.back()), storeOffset), memory = flat[nest.output.operand];
  if (width == 1)
    memref::StoreOp::create(b, stored, memory, at);
  else
    vector::StoreOp::create(b, stored, memory, at);
}

/// A scalar that is the same in all iterations.
Value GenericEmitter::splat(Value v, int64_t width) {
  Attribute number;
  if (!matchPattern(v, m_Constant(&number)))
    return broadcast(v, width);
  if (width > 1)
    number = DenseElementsAttr::get(cast<VectorType>(widen(v.getType(), width)), number);
  Value &slot = splats[number];
  if (!slot) { // with the other constants, at the top of the function
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&op->getParentOfType<func::FuncOp>().getBody().front());
    slot = arith::ConstantOp::create(b, cast<TypedAttr>(number));
  }
  return slot;
}
