// lathe-coalesce-copies: see Passes.td.
//
// A buffer A that is copied into a part of a buffer B can live there from the start. Bufferisation finds the case of one producer that writes into one slice;
// here lifetimes are known, so that several copies of parts, values that are read elsewhere too, and reshapes in between are seen as well.
#include "dialects/nn/NNDialect.h"
#include "passes/memref/Passes.h"
#include "passes/memref/Views.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lathe::passes {
#define GEN_PASS_DEF_COALESCECOPIESPASS
#include "passes/memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::rootOf;

namespace {

/// The part of a buffer that a view shows, per dimension of the buffer. An extent that is not known is all.
struct Part {
  SmallVector<int64_t> offsets, extents, steps;
  bool isExact = true; // else it is more than the view shows

  /// This part of a view of `outer`.
  Part of(const Part &outer) const {
    if (!outer.isExact || outer.offsets.size() != offsets.size())
      return outer;
    Part part = *this;
    for (size_t d = 0; d < offsets.size(); ++d) {
      part.offsets[d] = outer.offsets[d] + offsets[d] * outer.steps[d];
      part.steps[d] *= outer.steps[d];
    }
    return part;
  }

  bool isDisjointFrom(const Part &other) const {
    for (auto [o, e, s, oo, oe, os] : llvm::zip(offsets, extents, steps, other.offsets, other.extents, other.steps)) {
      if (ShapedType::isDynamic(e) || ShapedType::isDynamic(oe))
        continue;
      if (o + (e - 1) * s < oo || oo + (oe - 1) * os < o || (s == os && (o - oo) % s != 0))
        return true;
    }
    return false;
  }
};

std::optional<SmallVector<int64_t>> constants(ArrayRef<OpFoldResult> values, bool dynamicIsZero) {
  SmallVector<int64_t> result;
  for (OpFoldResult v : values) {
    std::optional<int64_t> c = getConstantIntValue(v);
    if (!c && !dynamicIsZero)
      return {};
    result.push_back(c ? *c : ShapedType::kDynamic);
  }
  return result;
}

/// Of the buffer that `v` views. What a reshape shows is all that its source shows.
Part partOf(Value v) {
  SmallVector<memref::SubViewOp> slices;
  bool reshaped = false;
  while (auto view = v.getDefiningOp<ViewLikeOpInterface>()) {
    if (auto slice = dyn_cast<memref::SubViewOp>(*view)) {
      slices.push_back(slice);
    } else {
      slices.clear();
      reshaped = true;
    }
    v = view.getViewSource();
  }
  auto type = cast<MemRefType>(v.getType());
  Part part{SmallVector<int64_t>(type.getRank(), 0), SmallVector<int64_t>(type.getShape()), SmallVector<int64_t>(type.getRank(), 1), !reshaped};
  for (memref::SubViewOp slice : llvm::reverse(slices)) {
    auto offsets = constants(slice.getMixedOffsets(), false), steps = constants(slice.getMixedStrides(), false);
    auto extents = constants(slice.getMixedSizes(), true);
    if (!offsets || !steps || slice.getType().getRank() != slice.getSourceType().getRank()) {
      part.isExact = false;
      break;
    }
    for (size_t d = 0; d < offsets->size(); ++d) {
      part.offsets[d] += (*offsets)[d] * part.steps[d];
      part.steps[d] *= (*steps)[d];
      part.extents[d] = (*extents)[d];
    }
  }
  return part;
}

/// Where all of a buffer would be if a copy from it were none.
struct Image {
  Value base;                            // a view of the other buffer
  SmallVector<int64_t> offsets, steps;   // of a slice of `base` that the buffer becomes; empty if it is all of it
  memref::CollapseShapeOp collapse = {}; // the buffer's own reshapes that are undone on the way: one of them, or none
  memref::ExpandShapeOp expand = {};
  bool operator==(const Image &o) const { return base == o.base && offsets == o.offsets && steps == o.steps && collapse == o.collapse && expand == o.expand; }
};

class Coalescer {
public:
  explicit Coalescer(func::FuncOp function) : function(function), entry(function.getBody().front()) {}

  void run() {
    for (bool changed = true; changed;) {
      changed = false;
      number();
      SmallVector<memref::CopyOp> copies(entry.getOps<memref::CopyOp>());
      for (memref::CopyOp copy : copies)
        if (coalesce(copy)) {
          changed = true;
          break; // copies and positions have changed
        }
    }
  }

private:
  void number() {
    position.clear();
    for (auto [i, op] : llvm::enumerate(entry))
      position[&op] = i;
  }

  /// The operations that access a buffer through any view, with the view.
  SmallVector<OpOperand *> accessesOf(Value buffer) {
    SmallVector<OpOperand *> accesses;
    SmallVector<Value> views{buffer};
    while (!views.empty())
      for (OpOperand &use : views.pop_back_val().getUses())
        if (isa<ViewLikeOpInterface>(use.getOwner()))
          views.push_back(use.getOwner()->getResult(0));
        else
          accesses.push_back(&use);
    return accesses;
  }

  int64_t positionOf(OpOperand *access) { return position.lookup(entry.findAncestorOpInBlock(*access->getOwner())); }

  static bool writes(OpOperand *access) {
    auto effects = dyn_cast<MemoryEffectOpInterface>(access->getOwner());
    if (!effects)
      return true;
    SmallVector<MemoryEffects::EffectInstance> list;
    effects.getEffectsOnValue(access->get(), list);
    return llvm::any_of(list, [](const MemoryEffects::EffectInstance &e) { return !isa<MemoryEffects::Read>(e.getEffect()); });
  }

  std::optional<Image> imageOf(memref::CopyOp copy, Value buffer) {
    Value source = copy.getSource(), target = copy.getTarget();
    if (source == buffer)
      return Image{target, {}, {}};
    Operation *def = source.getDefiningOp();
    if (def->getOperand(0) != buffer)
      return {};
    if (auto collapse = dyn_cast<memref::CollapseShapeOp>(def))
      return Image{target, {}, {}, collapse};
    if (auto expand = dyn_cast<memref::ExpandShapeOp>(def))
      return Image{target, {}, {}, {}, expand};
    auto from = dyn_cast<memref::SubViewOp>(def);
    auto to = target.getDefiningOp<memref::SubViewOp>();
    if (!from || !to || from.getType().getRank() != to.getType().getRank() || to.getSourceType().getRank() != to.getType().getRank() ||
        from.getSourceType().getRank() != from.getType().getRank())
      return {};
    auto offsets = constants(to.getMixedOffsets(), false), steps = constants(to.getMixedStrides(), false);
    auto begins = constants(from.getMixedOffsets(), false), fromSteps = constants(from.getMixedStrides(), false);
    if (!offsets || !steps || !begins || !fromSteps)
      return {};
    auto whole = cast<MemRefType>(buffer.getType());
    for (int64_t d = 0; d < whole.getRank(); ++d) {
      int64_t &offset = (*offsets)[d], &step = (*steps)[d], extent = to.getSourceType().getDimSize(d);
      if (step % (*fromSteps)[d])
        return {};
      step /= (*fromSteps)[d];
      offset -= (*begins)[d] * step;
      bool inside =
          whole.isDynamicDim(d) ? offset == 0 && step == 1 && ShapedType::isDynamic(extent) : offset >= 0 && offset + (whole.getDimSize(d) - 1) * step < extent;
      if (!inside)
        return {};
    }
    return Image{to.getSource(), *offsets, *steps};
  }

  bool coalesce(memref::CopyOp copy) {
    auto alloc = rootOf(copy.getSource()).getDefiningOp<memref::AllocOp>();
    Value other = rootOf(copy.getTarget());
    bool isPlace = other.getDefiningOp<memref::AllocOp>() || isOutput(other);
    if (!alloc || !isPlace || alloc.getResult() == other || alloc->getBlock() != &entry || !isa<MemRefType>(other.getType()))
      return false;
    std::optional<Image> image = imageOf(copy, alloc);
    if (!image)
      return false;
    SmallVector<OpOperand *> own = accessesOf(alloc);
    SmallVector<memref::CopyOp> group;
    for (OpOperand *access : own)
      if (auto candidate = dyn_cast<memref::CopyOp>(access->getOwner());
          candidate && access == &candidate.getSourceMutable() && rootOf(candidate.getTarget()) == other)
        if (std::optional<Image> its = imageOf(candidate, alloc); its && *its == *image)
          group.push_back(candidate);
    OpBuilder b(alloc);
    SmallVector<Operation *> made; // erased again if it is not to be
    Value place = build(b, *image, alloc, made);
    if (place && isPossible(alloc, other, place, own, group)) {
      remark::passed(copy.getLoc(), remark::RemarkOpts::name("Coalesced").category("lathe-coalesce-copies"))
          << "computed in the part of a larger buffer that it was copied to";
      for (memref::CopyOp copied : group)
        copied.erase();
      replace(alloc, place);
      alloc.erase();
      return true;
    }
    for (Operation *op : llvm::reverse(made))
      op->erase();
    return false;
  }

  bool isOutput(Value v) {
    auto argument = dyn_cast<BlockArgument>(v);
    return argument && argument.getOwner() == &entry && function.getArgAttr(argument.getArgNumber(), NNDialect::kOutputAttr);
  }

  //===- The place -----------------------------------------------------------------------------------------------------------------------------===//

  /// `v` and what it is a view of, before the insertion point: allocations are moved there, views made again. Null if an operand is younger.
  Value hoisted(OpBuilder &b, Value v, SmallVectorImpl<Operation *> &made) {
    Operation *def = v.getDefiningOp(), *at = &*b.getInsertionPoint();
    if (!def || def->isBeforeInBlock(at))
      return v;
    if (!isa<memref::AllocOp, ViewLikeOpInterface>(def))
      return {};
    IRMapping map;
    for (Value operand : def->getOperands()) {
      Value earlier = hoisted(b, operand, made);
      if (!earlier)
        return {};
      map.map(operand, earlier);
    }
    if (isa<memref::AllocOp>(def)) {
      def->moveBefore(at); // harmless if it is for nothing
      return v;
    }
    made.push_back(b.clone(*def, map));
    return made.back()->getResult(0);
  }

  Value build(OpBuilder &b, Image image, memref::AllocOp alloc, SmallVectorImpl<Operation *> &made) {
    Value base = hoisted(b, image.base, made);
    if (!base)
      return {};
    auto add = [&](Operation *op) {
      made.push_back(op);
      return op->getResult(0);
    };
    if (image.collapse) {
      auto type =
          memref::ExpandShapeOp::computeExpandedType(cast<MemRefType>(base.getType()), alloc.getType().getShape(), image.collapse.getReassociationIndices());
      if (failed(type))
        return {};
      return add(memref::ExpandShapeOp::create(b, alloc.getLoc(), *type, base, image.collapse.getReassociationIndices(), extentsOf(b, alloc)));
    }
    if (image.expand) {
      auto groups = image.expand.getReassociationIndices();
      if (!memref::CollapseShapeOp::isGuaranteedCollapsible(cast<MemRefType>(base.getType()), groups))
        return {};
      return add(memref::CollapseShapeOp::create(b, alloc.getLoc(), base, groups));
    }
    if (image.offsets.empty())
      return base;
    return add(memref::SubViewOp::create(b, alloc.getLoc(), base, getAsIndexOpFoldResult(b.getContext(), image.offsets), extentsOf(b, alloc),
                                         getAsIndexOpFoldResult(b.getContext(), image.steps)));
  }

  static SmallVector<OpFoldResult> extentsOf(OpBuilder &b, memref::AllocOp alloc) {
    return getMixedValues(alloc.getType().getShape(), alloc.getDynamicSizes(), b);
  }

  //===- Whether it is free, and good enough -----------------------------------------------------------------------------------------------------===//

  bool isPossible(memref::AllocOp alloc, Value other, Value place, ArrayRef<OpOperand *> own, ArrayRef<memref::CopyOp> group) {
    auto type = cast<MemRefType>(place.getType());
    if (type.getShape() != alloc.getType().getShape() || !isReadable(alloc, type, own))
      return false;
    int64_t first = std::numeric_limits<int64_t>::max(), last = 0, copied = std::numeric_limits<int64_t>::max();
    for (memref::CopyOp copy : group) {
      copied = std::min(copied, position.lookup(copy));
      last = std::max(last, position.lookup(copy));
    }
    for (OpOperand *access : own) {
      if (access->getOwner()->getBlock() != &entry)
        return false;
      first = std::min(first, positionOf(access));
      last = std::max(last, positionOf(access));
      if (writes(access) && positionOf(access) > copied)
        return false; // the copy has the content of before
    }
    // What is accessed of the buffer, as parts of the other one.
    SmallVector<Part> parts;
    for (OpOperand *access : own)
      parts.push_back(partOf(access->get()).of(partOf(place)));
    for (OpOperand *access : accessesOf(other)) {
      Part its = partOf(access->get());
      if (llvm::is_contained(group, access->getOwner()) || positionOf(access) < first ||
          llvm::all_of(parts, [&](const Part &part) { return its.isDisjointFrom(part); }))
        continue;
      // Somebody else writes there while it is in use, or reads what was there before the copy.
      if (writes(access) ? positionOf(access) <= last : positionOf(access) < copied)
        return false;
    }
    return true;
  }

  /// Whether all that access the buffer can do so in its new layout.
  static bool isReadable(memref::AllocOp alloc, MemRefType type, ArrayRef<OpOperand *> own) {
    auto [strides, offset] = type.getStridesAndOffset();
    auto [before, none] = alloc.getType().getStridesAndOffset();
    if (llvm::any_of(strides, ShapedType::isDynamic) || (!strides.empty() && strides.back() != 1))
      return false;
    // The same distances between the pixels of an image: register tiles may run over several of its rows.
    bool sameImages = true;
    for (size_t d = 2; d < strides.size(); ++d)
      sameImages &= strides[d] == before[d];
    for (OpOperand *access : own) {
      auto windowed = dyn_cast<WindowedOpInterface>(access->getOwner());
      if (windowed && windowed.getTilingOrNull() && windowed.getTilingOrNull().getMerge() > 1 && !sameImages)
        return false;
      // Places are offsets in an image.
      if (auto conv = dyn_cast<ConvOp>(access->getOwner()); conv && conv.getPlaces() && ArrayRef(strides).drop_front() != ArrayRef(before).drop_front())
        return false;
    }
    return viewsFit(alloc, type);
  }

  /// Whether the views of `v` exist where it has this type.
  static bool viewsFit(Value v, MemRefType type) {
    for (Operation *user : v.getUsers()) {
      if (!isa<ViewLikeOpInterface>(user))
        continue;
      FailureOr<MemRefType> viewType = typeOfView(user, type);
      if (failed(viewType) || !viewsFit(user->getResult(0), *viewType))
        return false;
    }
    return true;
  }

  static FailureOr<MemRefType> typeOfView(Operation *view, MemRefType source) {
    if (auto slice = dyn_cast<memref::SubViewOp>(view)) {
      if (slice.getType().getRank() == source.getRank())
        return memref::SubViewOp::inferResultType(source, slice.getMixedOffsets(), slice.getMixedSizes(), slice.getMixedStrides());
      return memref::SubViewOp::inferRankReducedResultType(slice.getType().getShape(), source, slice.getMixedOffsets(), slice.getMixedSizes(),
                                                           slice.getMixedStrides());
    }
    if (auto expand = dyn_cast<memref::ExpandShapeOp>(view))
      return memref::ExpandShapeOp::computeExpandedType(source, expand.getType().getShape(), expand.getReassociationIndices());
    if (auto collapse = dyn_cast<memref::CollapseShapeOp>(view))
      if (memref::CollapseShapeOp::isGuaranteedCollapsible(source, collapse.getReassociationIndices()))
        return memref::CollapseShapeOp::computeCollapsedType(source, collapse.getReassociationIndices());
    return failure();
  }

  static void replace(Value v, Value by) {
    for (Operation *user : llvm::make_early_inc_range(v.getUsers()))
      if (isa<ViewLikeOpInterface>(user)) {
        Value result = user->getResult(0);
        MemRefType type = *typeOfView(user, cast<MemRefType>(by.getType()));
        result.setType(type);
        replace(result, result);
      }
    if (v != by)
      v.replaceAllUsesWith(by);
  }

  func::FuncOp function;
  Block &entry;
  DenseMap<Operation *, int64_t> position;
};

struct CoalesceCopiesPass : lathe::passes::impl::CoalesceCopiesPassBase<CoalesceCopiesPass> {
  void runOnOperation() override {
    if (getOperation().isDeclaration() || !getOperation().getBody().hasOneBlock())
      return;
    Coalescer(getOperation()).run();
  }
};

} // namespace
