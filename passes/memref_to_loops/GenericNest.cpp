#include "passes/memref_to_loops/GenericNest.h"

#include "mlir/Analysis/FlatLinearValueConstraints.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using lathe::passes::GenericNest;

/// Strides of the loops in `access.address`; not linear if it divides.
static void findStrides(GenericNest::Access &access, int64_t loops) {
  access.strides.clear();
  access.linear = false;
  if (!access.address) { // a scalar
    access.strides.assign(loops, 0);
    access.linear = true;
    return;
  }
  SmallVector<int64_t, 8> flat; // one coefficient per loop, one per division, the constant
  if (failed(getFlattenedAffineExpr(access.address, loops, 0, &flat)) || static_cast<int64_t>(flat.size()) != loops + 1)
    return;
  access.strides.assign(flat.begin(), flat.end() - 1);
  access.linear = true;
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
  if (!output.linear || loops.empty())
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
    return loops[outer].parallel && loops[inner].parallel && loops[outer].extent * loops[inner].extent <= limit &&
           llvm::all_of(accesses(), [&](Access *a) { return a->linear && a->strides[outer] == a->strides[inner] * loops[inner].extent; });
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

void GenericNest::splitInnermost(int64_t limit, int64_t enough, int64_t lanes) {
  if (loops.empty() || !loops.back().parallel || loops.back().extent <= limit)
    return;
  int64_t extent = loops.back().extent, inner = loops.size() - 1;
  for (int64_t piece = llvm::alignTo(enough, lanes); piece <= extent / 2; piece += lanes) {
    if (extent % piece)
      continue;
    MLIRContext *context = output.operand.getContext();
    SmallVector<AffineExpr> replacements;
    for (int64_t i = 0; i < inner; ++i)
      replacements.push_back(getAffineDimExpr(i, context));
    replacements.push_back(getAffineDimExpr(inner, context) * piece + getAffineDimExpr(inner + 1, context));
    loops.back().extent = extent / piece;
    loops.push_back({piece, true});
    loopOf.clear();
    substitute(replacements, loops.size());
    return;
  }
}

bool GenericNest::isVectorisable() const {
  if (loops.empty() || ShapedType::isDynamic(loops.back().extent) || !llvm::all_of(loops, [](const Loop &l) { return l.parallel; }))
    return false;
  if (!output.linear || output.strides.back() != 1)
    return false;
  if (!llvm::all_of(inputs, [](const Access &a) { return a.linear && (a.strides.back() == 0 || a.strides.back() == 1); }))
    return false;
  return llvm::all_of(body->without_terminator(), [](Operation &inner) {
    return inner.hasTrait<OpTrait::ConstantLike>() || (OpTrait::hasElementwiseMappableTraits(&inner) && inner.getNumResults() == 1);
  });
}
