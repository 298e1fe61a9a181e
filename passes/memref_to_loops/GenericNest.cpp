#include "passes/memref_to_loops/GenericNest.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using lathe::passes::GenericNest;

/// Elements this far apart are picked out of whole vectors of neighbours.
constexpr int64_t kShortStride = 4;

/// Strides of the loops in `access.address`, and which of them it divides.
static void findStrides(GenericNest::Access &access, int64_t loops) {
  access.strides.assign(loops, 0);
  access.divided.assign(loops, false);
  SmallVector<AffineExpr> terms;
  if (access.address) // else a scalar
    terms.push_back(access.address);
  while (!terms.empty()) {
    AffineExpr term = terms.pop_back_val();
    auto binary = dyn_cast<AffineBinaryOpExpr>(term);
    if (binary && binary.getKind() == AffineExprKind::Add) {
      terms.append({binary.getLHS(), binary.getRHS()});
      continue;
    }
    AffineExpr factor = term;
    int64_t stride = 1;
    if (binary && binary.getKind() == AffineExprKind::Mul) {
      factor = binary.getLHS();
      stride = cast<AffineConstantExpr>(binary.getRHS()).getValue();
    }
    if (auto dim = dyn_cast<AffineDimExpr>(factor)) {
      access.strides[dim.getPosition()] += stride;
      continue;
    }
    for (int64_t i = 0; i < loops; ++i)
      if (factor.isFunctionOfDim(i))
        access.divided[i] = true;
  }
}

FailureOr<GenericNest> GenericNest::analyse(linalg::LinalgOp op) {
  GenericNest nest;
  nest.body = op.getBlock();
  MLIRContext *context = op.getContext();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<AffineExpr> kept; // of the operation's loops, in terms of the nest's
  for (auto [extent, iterator] : llvm::zip(extents, iterators)) {
    if (extent == 1) {
      nest.loopOf.push_back(-1);
      kept.push_back(getAffineConstantExpr(0, context));
      continue;
    }
    nest.loopOf.push_back(nest.loops.size());
    kept.push_back(getAffineDimExpr(nest.loops.size(), context));
    nest.loops.push_back({extent, linalg::isParallelIterator(iterator)});
  }
  for (OpOperand &operand : op->getOpOperands()) {
    Access access;
    access.operand = operand.get();
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (auto type = dyn_cast<MemRefType>(operand.get().getType())) {
      SmallVector<int64_t> strides;
      int64_t offset;
      if (failed(type.getStridesAndOffset(strides, offset)) || offset != 0 || llvm::any_of(strides, ShapedType::isDynamic))
        return op->emitOpError("expects buffers with offset 0 and static strides (got ") << type << ")";
      access.address = getAffineConstantExpr(0, context);
      for (auto [i, expr] : llvm::enumerate(map.getResults())) {
        access.address = access.address + expr.replaceDims(kept) * strides[i];
        auto dim = dyn_cast<AffineDimExpr>(expr);
        if (dim && type.isDynamicDim(i)) {
          nest.batch = operand.get();
          nest.batchDim = i;
        }
      }
      access.address = simplifyAffineExpr(access.address, nest.loops.size(), 0);
    }
    findStrides(access, nest.loops.size());
    if (op.isDpsInit(&operand))
      nest.output = access;
    else
      nest.inputs.push_back(access);
  }
  int64_t dynamic = llvm::count_if(nest.loops, [](const Loop &l) { return ShapedType::isDynamic(l.extent); });
  if (dynamic > 1 || (dynamic && !nest.batch))
    return op->emitOpError("expects no dynamic extent but the batch, and that in a buffer's shape");
  return nest;
}

SmallVector<GenericNest::Access *> GenericNest::accesses() {
  SmallVector<Access *> all{&output};
  for (Access &input : inputs)
    all.push_back(&input);
  return all;
}

void GenericNest::substitute(ArrayRef<AffineExpr> replacements, int64_t count) {
  for (Access *access : accesses()) {
    if (access->address)
      access->address = simplifyAffineExpr(access->address.replaceDims(replacements), count, 0);
    findStrides(*access, count);
  }
}

void GenericNest::orderForContiguousWrites() {
  if (!output.isLinear() || loops.empty())
    return;
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, loops.size()));
  llvm::stable_sort(order, [&](int64_t a, int64_t b) {
    if (loops[a].parallel != loops[b].parallel)
      return loops[a].parallel;
    return loops[a].parallel && output.strides[a] > output.strides[b];
  });
  SmallVector<AffineExpr> replacements(loops.size());
  SmallVector<Loop> ordered;
  SmallVector<int64_t> positions(loops.size());
  for (auto [to, from] : llvm::enumerate(order)) {
    replacements[from] = getAffineDimExpr(to, output.operand.getContext());
    positions[from] = to;
    ordered.push_back(loops[from]);
  }
  loops = ordered;
  for (int64_t &loop : loopOf)
    if (loop >= 0)
      loop = positions[loop];
  substitute(replacements, loops.size());
}

void GenericNest::mergeNeighbours(int64_t enough, int64_t limit) {
  MLIRContext *context = output.operand.getContext();
  auto mergeable = [&](int64_t outer, int64_t inner) {
    return loops[outer].parallel && loops[inner].parallel && loops[outer].extent * loops[inner].extent <= limit && llvm::all_of(accesses(), [&](Access *a) {
             return !a->divided[outer] && !a->divided[inner] && a->strides[outer] == a->strides[inner] * loops[inner].extent;
           });
  };
  int64_t covered = 1;
  for (int64_t inner = static_cast<int64_t>(loops.size()) - 1; inner > 0; --inner) {
    int64_t outer = inner - 1;
    if (ShapedType::isDynamic(loops[inner].extent) || ShapedType::isDynamic(loops[outer].extent) || covered * loops[inner].extent >= enough)
      return;
    if (!mergeable(outer, inner)) {
      covered *= loops[inner].extent;
      continue;
    }
    // The address moves by the inner stride per merged iteration: the outer loop stands at 0, the inner one takes its place.
    SmallVector<AffineExpr> replacements;
    for (int64_t i = 0, e = loops.size(); i < e; ++i)
      replacements.push_back(i == outer ? getAffineConstantExpr(0, context) : getAffineDimExpr(i > outer ? i - 1 : i, context));
    loops[outer].extent *= loops[inner].extent;
    loops.erase(loops.begin() + inner);
    if (partial) { // neither of its loops was merged: no operand goes through them as through one
      partial->outer -= partial->outer > outer;
      partial->inner -= partial->inner > outer;
    }
    loopOf.clear();
    substitute(replacements, loops.size());
  }
}

int64_t GenericNest::firstInner(int64_t enough, int64_t limit, bool whole) const {
  int64_t first = llvm::count_if(loops, [](const Loop &l) { return l.parallel; }), covered = 1;
  for (; first > 0 && !ShapedType::isDynamic(loops[first - 1].extent) && (whole || first > 1); --first) {
    bool innermost = covered == 1;
    if (!innermost && (covered >= enough || covered * loops[first - 1].extent > limit))
      break;
    covered *= loops[first - 1].extent;
    if (first == 1)
      return 0;
  }
  return first;
}

void GenericNest::split(int64_t loop, int64_t piece) {
  MLIRContext *context = output.operand.getContext();
  SmallVector<AffineExpr> replacements;
  for (int64_t i = 0, e = loops.size(); i < e; ++i) {
    AffineExpr dim = getAffineDimExpr(i > loop ? i + 1 : i, context);
    replacements.push_back(i == loop ? dim * piece + getAffineDimExpr(i + 1, context) : dim);
  }
  loops[loop].extent /= piece;
  loops.insert(loops.begin() + loop + 1, {piece, loops[loop].parallel});
  loopOf.clear();
  substitute(replacements, loops.size());
}

void GenericNest::splitInnermost(int64_t limit, int64_t enough, int64_t lanes) {
  if (loops.empty() || !loops.back().parallel || loops.back().extent <= limit)
    return;
  int64_t extent = loops.back().extent;
  for (int64_t piece = llvm::alignTo(enough, lanes); piece <= extent / 2; piece += lanes)
    if (extent % piece == 0)
      return split(loops.size() - 1, piece);
}

bool GenericNest::readsInside() const {
  MLIRContext *context = output.operand.getContext();
  SmallVector<AffineExpr> last;
  for (const Loop &loop : loops)
    last.push_back(getAffineConstantExpr(ShapedType::isDynamic(loop.extent) ? 0 : loop.extent - 1, context));
  return llvm::all_of(inputs, [&](const Access &access) {
    auto type = dyn_cast<MemRefType>(access.operand.getType());
    if (!type)
      return true;
    int64_t held = 0;
    for (auto [extent, stride] : llvm::zip(type.getShape(), type.getStridesAndOffset().first))
      held += ShapedType::isDynamic(extent) ? 0 : (extent - 1) * stride;
    auto read = dyn_cast<AffineConstantExpr>(simplifyAffineExpr(access.address.replaceDims(last), 0, 0));
    return access.isLinear() && read && read.getValue() <= held && llvm::all_of(access.strides, [](int64_t stride) { return stride >= 0; });
  });
}

bool GenericNest::splitQuotients() {
  bool any = false;
  while (splitQuotient())
    any = true;
  return any && (!partial || readsInside());
}

bool GenericNest::splitQuotient() {
  // The loop and the divisor.
  int64_t loop = -1, divisor = 0;
  for (Access *access : accesses())
    if (access->address)
      access->address.walk([&](AffineExpr e) {
        auto binary = dyn_cast<AffineBinaryOpExpr>(e);
        if (!binary || (e.getKind() != AffineExprKind::FloorDiv && e.getKind() != AffineExprKind::Mod))
          return;
        auto dim = dyn_cast<AffineDimExpr>(binary.getLHS());
        if (dim && loop < 0) {
          loop = dim.getPosition();
          divisor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
        }
      });
  if (loop < 0 || !loops[loop].parallel || ShapedType::isDynamic(loops[loop].extent) || divisor < 2 || (partial && loops[loop].extent % divisor))
    return false;
  MLIRContext *context = output.operand.getContext();
  int64_t extent = loops[loop].extent, count = loops.size() + 1;
  auto dim = [&](int64_t i) { return getAffineDimExpr(i, context); };
  // In terms of the new loops: those after `loop` move up by one.
  DenseMap<AffineExpr, AffineExpr> parts{{dim(loop).floorDiv(divisor), dim(count)}, {dim(loop) % divisor, dim(count + 1)}};
  SmallVector<AffineExpr> replacements;
  for (int64_t i = 0; i + 1 < count; ++i)
    replacements.push_back(i == loop ? dim(loop) * divisor + dim(loop + 1) : dim(i > loop ? i + 1 : i));
  replacements.append({dim(0), dim(loop), dim(loop + 1)}); // the first one stands for no loop
  loops[loop].extent = llvm::divideCeil(extent, divisor);
  loops.insert(loops.begin() + loop + 1, {divisor, true});
  if (partial) { // neither of its loops is split again
    partial->outer += partial->outer > loop;
    partial->inner += partial->inner > loop;
  } else if (extent % divisor) {
    partial = {loop, loop + 1, extent % divisor};
  }
  loopOf.clear();
  for (Access *access : accesses()) {
    if (access->address)
      access->address = simplifyAffineExpr(access->address.replace(parts).replaceDims(replacements), count, 0);
    findStrides(*access, count);
  }
  return true;
}

bool GenericNest::isVectorisable(bool pick) const {
  if (loops.empty() || ShapedType::isDynamic(loops.back().extent) || !llvm::all_of(loops, [](const Loop &l) { return l.parallel; }))
    return false;
  if (partial || !output.isLinear() || output.strides.back() != 1)
    return false;
  if (!llvm::all_of(inputs, [&](const Access &a) {
        return !a.divided.back() && (pick ? std::abs(a.strides.back()) <= kShortStride : a.strides.back() == 0 || a.strides.back() == 1);
      }))
    return false;
  return hasVectorForm();
}

bool GenericNest::hasVectorForm() const {
  return llvm::all_of(body->without_terminator(), [](Operation &inner) {
    return inner.hasTrait<OpTrait::ConstantLike>() || (OpTrait::hasElementwiseMappableTraits(&inner) && inner.getNumResults() == 1);
  });
}
