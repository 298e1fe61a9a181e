// lathe-tile-generic: linalg operations and copies to loops over vectors.
//
// Not upstream's vectoriser: on buffers it needs tiling by subviews, peeling, unit-dim folding and transfer lowering to arrive at the vector.load and
// vector.store that are built here at once, and the subviews bring strided metadata back that the memref phase has just expanded. What an operation
// means stays upstream's: its loops, maps and body are taken as they are, and the body's operations are elementwise mappable, so that their vector form
// is the same operation at vector type.
#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/memref_to_loops/GenericNest.h"
#include "passes/memref_to_loops/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lathe::passes {
#define GEN_PASS_DEF_TILEGENERICPASS
#include "passes/memref_to_loops/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::GenericNest;

namespace {

/// Iterations of the innermost loop from which on the address arithmetic of the outer ones does not count.
constexpr int64_t kLine = 512;
/// Longer lines are split where that is exact, so that threads have something to share.
constexpr int64_t kLongLine = 8192;

class Tiler : IndexBuilder {
public:
  Tiler(linalg::LinalgOp op, GenericNest &nest, int64_t lanes) : IndexBuilder(op), op(op), nest(nest), lanes(lanes) {}

  void tile() {
    nest.orderForContiguousWrites();
    bool vectors = nest.isVectorisable();
    if (vectors) {
      nest.mergeNeighbours(kLine, kLongLine);
      nest.splitInnermost(kLongLine, kLine, lanes);
    }
    ivs.resize(nest.loops.size());
    int64_t outer = nest.firstInner(kLine, kLongLine, vectors);
    SmallVector<OpFoldResult> bounds;
    for (const GenericNest::Loop &loop : ArrayRef(nest.loops).take_front(outer))
      bounds.push_back(ShapedType::isDynamic(loop.extent) ? OpFoldResult(memref::DimOp::create(b, nest.batch, constant(nest.batchDim)).getResult())
                                                          : OpFoldResult(b.getIndexAttr(loop.extent)));
    if (bounds.empty())
      bounds.push_back(b.getIndexAttr(1));
    flatten(nest.output);
    for (GenericNest::Access &access : nest.inputs)
      flatten(access);
    auto forall = scf::ForallOp::create(b, bounds, ValueRange{}, std::nullopt);
    b.setInsertionPointToStart(forall.getBody());
    for (int64_t i = 0; i < outer; ++i)
      ivs[i] = forall.getInductionVar(i);
    // The address part of the outer loops is computed once per line.
    for (GenericNest::Access &access : nest.inputs)
      bases.push_back(base(access, outer));
    bases.push_back(base(nest.output, outer));
    int64_t last = nest.loops.size();
    loops(outer, vectors ? last - 1 : last);
    if (vectors)
      vectorLine();
    else
      compute(1);
    op->erase();
  }

private:
  //===- Addresses -----------------------------------------------------------------------------------------------------------------------------===//

  struct Base {
    Value outer;      // null if 0
    AffineExpr inner; // of the inner loops
  };

  /// One 1-D view per operand, at the top of the function (as for register tiles).
  void flatten(GenericNest::Access &access) {
    auto type = dyn_cast<MemRefType>(access.operand.getType());
    if (!type || flat.contains(access.operand))
      return;
    flat[access.operand] = memref::ReinterpretCastOp::create(b, MemRefType::get({ShapedType::kDynamic}, type.getElementType()), access.operand,
                                                             b.getIndexAttr(0), ArrayRef<OpFoldResult>{b.getIndexAttr(std::numeric_limits<int32_t>::max())},
                                                             ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  }

  Base base(GenericNest::Access &access, int64_t outerLoops) {
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
      for (int64_t i = outerLoops, e = nest.loops.size(); i < e; ++i)
        inner |= term.isFunctionOfDim(i);
      if (inner)
        result.inner = result.inner + term;
      else if (term != getAffineConstantExpr(0, b.getContext()))
        result.outer = result.outer ? add(result.outer, value(term)) : value(term);
    }
    return result;
  }

  Value address(const Base &base) {
    if (base.inner == getAffineConstantExpr(0, b.getContext()))
      return base.outer ? base.outer : constant(0);
    Value inner = value(base.inner);
    return base.outer ? add(base.outer, inner) : inner;
  }

  /// An affine expression of the loops. Nothing in it is negative, so that divisions are unsigned.
  Value value(AffineExpr expr) {
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

  //===- Loops ---------------------------------------------------------------------------------------------------------------------------------===//

  void vectorLine() {
    Value &iv = ivs.back();
    int64_t extent = nest.loops.back().extent, whole = extent / lanes * lanes;
    if (whole == lanes) {
      iv = constant(0);
      compute(lanes);
    } else if (whole) {
      auto loop = scf::ForOp::create(b, constant(0), constant(whole), constant(lanes));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      iv = loop.getInductionVar();
      compute(lanes);
    }
    // The rest in vectors of powers of two: no masks, nothing beyond the end is touched.
    for (int64_t width = lanes / 2; width >= 1; width /= 2)
      if ((extent - whole) & width) {
        iv = constant(whole);
        compute(width);
        whole += width;
      }
  }

  /// Loops [begin, end), one element at a time; what comes next is built in the innermost one.
  void loops(int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      auto loop = scf::ForOp::create(b, constant(0), constant(nest.loops[i].extent), constant(1));
      b.setInsertionPointToStart(loop.getBody());
      ivs[i] = loop.getInductionVar();
    }
  }

  //===- Body ----------------------------------------------------------------------------------------------------------------------------------===//

  static Type widen(Type type, int64_t width) { return width == 1 ? type : VectorType::get({width}, type); }

  Value broadcast(Value v, int64_t width) { return width == 1 ? v : vector::BroadcastOp::create(b, widen(v.getType(), width), v).getResult(); }

  Value load(GenericNest::Access &access, Value at, int64_t width) {
    Value memory = flat[access.operand];
    if (width == 1 || access.strides.back() == 0)
      return broadcast(memref::LoadOp::create(b, memory, at), width);
    return vector::LoadOp::create(b, cast<VectorType>(widen(cast<MemRefType>(memory.getType()).getElementType(), width)), memory, at);
  }

  /// The operation's body at the current values of the loops, for `width` neighbouring iterations of the innermost one.
  void compute(int64_t width) {
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
    Value stored = lookup(body->getTerminator()->getOperand(0)), at = addressOf(nest.output, bases.back()), memory = flat[nest.output.operand];
    if (width == 1)
      memref::StoreOp::create(b, stored, memory, at);
    else
      vector::StoreOp::create(b, stored, memory, at);
  }

  /// A scalar that is the same in all iterations.
  Value splat(Value v, int64_t width) {
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

  linalg::LinalgOp op;
  GenericNest &nest;
  int64_t lanes;
  SmallVector<Value> ivs;            // of nest.loops
  SmallVector<Base> bases;           // inputs, output
  DenseMap<AffineExpr, Base> baseOf; // by address
  DenseMap<Value, Value> flat;
  DenseMap<Attribute, Value> splats;
};

struct TileGenericPass : lathe::passes::impl::TileGenericPassBase<TileGenericPass> {
  void runOnOperation() override {
    if (!getOperation()->hasAttr(NNDialect::kKernelAttr))
      return;
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<linalg::LinalgOp, CopyOp>(op))
        ops.push_back(op);
    });
    if (ops.empty())
      return;
    TargetAttr target = targetOf(getOperation());
    if (!target)
      return signalPassFailure();
    for (Operation *op : ops)
      if (failed(tile(op, target)))
        return signalPassFailure();
  }

  LogicalResult tile(Operation *op, TargetAttr target) {
    if (auto copy = dyn_cast<CopyOp>(op)) {
      OpBuilder b(copy);
      op = linalg::makeMemRefCopyOp(b, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    }
    auto linalgOp = cast<linalg::LinalgOp>(op);
    if (linalgOp.getNumDpsInits() != 1 || !linalgOp.hasPureBufferSemantics())
      return op->emitOpError("expects one destination, and buffers");
    for (Operation &inner : linalgOp.getBlock()->without_terminator())
      if (inner.getNumResults() != 1 || inner.getNumRegions() != 0)
        return inner.emitOpError("expects operations of one result and no region in the body of a kernel");
    FailureOr<GenericNest> nest = GenericNest::analyse(linalgOp);
    if (failed(nest))
      return failure();
    unsigned bits = 8;
    for (Value v : op->getOperands()) {
      Type element = getElementTypeOrSelf(v.getType());
      if (!element.isIntOrFloat())
        return op->emitOpError("expects elements that are integers or floats (got ") << v.getType() << ")";
      bits = std::max(bits, element.getIntOrFloatBitWidth());
    }
    Tiler(linalgOp, *nest, std::max<int64_t>(target.getLanes(bits), 1)).tile();
    return success();
  }
};

} // namespace
