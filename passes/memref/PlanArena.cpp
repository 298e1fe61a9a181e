// lathe-plan-arena: lifetimes and in-place reuse from the IR, offsets from ArenaPlanner.
//
// A buffer lives from the first operation that accesses it, through whatever view, to the last one. In-place reuse belongs here and not to
// bufferisation, because only here it is known that an operand is not read again: a destination takes the buffer of an operand of the same type if the
// operation reads element i of it at most before it writes element i, and nothing else of it.
#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/NNDialect.h"
#include "passes/memref/ArenaPlanner.h"
#include "passes/memref/Passes.h"
#include "passes/memref/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/FormatVariadic.h"

namespace lathe::passes {
#define GEN_PASS_DEF_PLANARENAPASS
#include "passes/memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::rootOf;
using namespace lathe::passes;

namespace {

constexpr int64_t kAlignment = 64;

struct Buffer {
  memref::AllocOp alloc;
  bool batched = false; // `bytes` are per image
  ArenaInterval life;
  size_t owner = 0;                     // index of the buffer whose memory it takes; its own if none
  SmallVector<Operation *> bookkeeping; // deallocations
};

/// The buffer that all of `v` is, in another shape at most; null if there are views of parts in between.
memref::AllocOp wholeBuffer(Value v) {
  while (isa_and_nonnull<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp, StoredAsOp>(v.getDefiningOp()))
    v = v.getDefiningOp()->getOperand(0);
  return v.getDefiningOp<memref::AllocOp>();
}

/// The destination of an operation that computes, and the operands of which it reads element i at most before it writes element i of the destination.
struct InPlaceCandidates {
  explicit InPlaceCandidates(Operation *op) {
    if (auto scope = dyn_cast<memref::AllocaScopeOp>(op)) // the last of several operations, which writes at the pixels of its operands
      for (auto windowed : scope.getBodyRegion().front().getOps<WindowedOpInterface>())
        op = windowed;
    if (auto windowed = dyn_cast<WindowedOpInterface>(op)) {
      init = windowed.getInitOrNull();
      for (auto [i, extra] : llvm::enumerate(windowed.getExtras()))
        if (windowed.getExtraKind(i) == ExtraKind::elementwise)
          operands.push_back(&op->getOpOperand(windowed.getExtras().getBeginOperandIndex() + i));
    } else if (auto generic = dyn_cast<linalg::LinalgOp>(op);
               generic && generic.getNumDpsInits() == 1 && generic.getNumParallelLoops() == generic.getNumLoops()) {
      OpOperand *out = generic.getDpsInitOperand(0);
      AffineMap map = generic.getMatchingIndexingMap(out);
      init = out->get();
      if (!map.isPermutation())
        return;
      for (OpOperand *in : generic.getDpsInputOperands())
        if (generic.getMatchingIndexingMap(in) == map)
          operands.push_back(in);
    }
  }
  Value init;
  SmallVector<OpOperand *> operands;
};

/// Replaces allocations by views of the arena at c0 + c1 * N.
class ViewBuilder : IndexBuilder {
public:
  ViewBuilder(Block &entry, Value arena) : IndexBuilder(entry.getTerminator()), arena(arena) {}
  void replace(memref::AllocOp alloc, int64_t c0, int64_t c1) {
    b.setInsertionPoint(alloc);
    b.setLoc(alloc.getLoc());
    Value at = c1 ? add(mul(alloc.getDynamicSizes().front(), c1), c0) : constant(c0);
    alloc.replaceAllUsesWith(memref::ViewOp::create(b, alloc.getType(), arena, at, alloc.getDynamicSizes()).getResult());
    alloc.erase();
  }

private:
  Value arena;
};

class Planner {
public:
  explicit Planner(func::FuncOp function) : function(function), entry(function.getBody().front()) {}

  LogicalResult run(bool reuse) {
    for (auto [i, op] : llvm::enumerate(entry))
      position[&op] = i;
    if (failed(collect()))
      return failure();
    if (reuse)
      reuseInPlace();
    else
      for (Buffer &buffer : buffers) {
        buffer.life.first = 0;
        buffer.life.last = entry.getOperations().size();
      }
    return assign();
  }

private:
  LogicalResult collect() {
    SmallVector<memref::AllocOp> allocs;
    function.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (memref::AllocOp alloc : allocs) {
      MemRefType type = alloc.getType();
      if (alloc->getBlock() != &entry)
        return alloc.emitError("expects allocations at the function's top level only");
      if (!type.getLayout().isIdentity() || type.getElementTypeBitWidth() % 8 != 0)
        return alloc.emitError("expects an identity layout and elements of whole bytes (got ") << type << ")";
      int64_t bytes = type.getElementTypeBitWidth() / 8;
      for (auto [i, extent] : llvm::enumerate(type.getShape()))
        if (ShapedType::isDynamic(extent) && i > 0)
          return alloc.emitError("expects no dynamic dimension but the leading one (got ") << type << ")";
        else if (!ShapedType::isDynamic(extent) && __builtin_mul_overflow(bytes, extent, &bytes))
          return alloc.emitError("expects a size below 2^63 bytes (got ") << type << ")";
      if (alloc.use_empty()) {
        alloc.erase();
        continue;
      }
      Buffer buffer;
      buffer.alloc = alloc;
      buffer.batched = !type.hasStaticShape();
      buffer.life = {INT64_MAX, -1, bytes};
      buffer.owner = buffers.size();
      if (failed(addUses(alloc, buffer)))
        return failure();
      if (buffer.life.last < 0) // only views and dimensions of it are used
        buffer.life.first = buffer.life.last = position[alloc];
      byAlloc[alloc] = buffers.size();
      buffers.push_back(std::move(buffer));
    }
    return success();
  }

  LogicalResult addUses(Value v, Buffer &buffer) {
    for (Operation *user : v.getUsers()) {
      if (isa<memref::DeallocOp>(user)) {
        buffer.bookkeeping.push_back(user);
      } else if (isa<ViewLikeOpInterface>(user)) {
        for (Value view : user->getResults())
          if (isa<BaseMemRefType>(view.getType()) && failed(addUses(view, buffer)))
            return failure();
      } else if (isa<func::ReturnOp>(user)) {
        return user->emitOpError("expects results to be arguments before the arena is planned");
      } else if (llvm::any_of(user->getResultTypes(), llvm::IsaPred<BaseMemRefType>)) {
        return user->emitOpError("expects no aliases of a local buffer but views");
      } else if (!isa<memref::DimOp>(user)) {
        int64_t at = position[entry.findAncestorOpInBlock(*user)];
        buffer.life.first = std::min(buffer.life.first, at);
        buffer.life.last = std::max(buffer.life.last, at);
      }
    }
    return success();
  }

  std::optional<size_t> indexOf(memref::AllocOp alloc) {
    auto it = byAlloc.find(alloc);
    return alloc && it != byAlloc.end() ? std::optional<size_t>(it->second) : std::nullopt;
  }

  //===- In-place reuse ------------------------------------------------------------------------------------------------------------------------===//

  void reuseInPlace() {
    for (Operation &op : entry) {
      InPlaceCandidates candidates(&op);
      std::optional<size_t> to = candidates.init ? indexOf(wholeBuffer(candidates.init)) : std::nullopt;
      if (!to || buffers[*to].life.first != position[&op])
        continue;
      for (OpOperand *operand : candidates.operands) {
        std::optional<size_t> from = indexOf(wholeBuffer(operand->get()));
        if (!from || from == to || !diesIn(&op, *from, candidates) || operand->get().getType() != candidates.init.getType() ||
            buffers[*from].life.bytes != buffers[*to].life.bytes || buffers[*from].batched != buffers[*to].batched)
          continue;
        size_t owner = buffers[*from].owner;
        buffers[*to].owner = owner;
        buffers[owner].life.last = std::max(buffers[owner].life.last, buffers[*to].life.last);
        ++inPlace;
        remark::passed(op.getLoc(), remark::RemarkOpts::name("InPlace").category("lathe-plan-arena"))
            << "written into the buffer of an operand that is not read again";
        break;
      }
    }
  }

  /// Whether `op` is the last to access the buffer, and does so through operands that allow in-place computation only. (An owner's life may have been
  /// extended by those that took its memory, but then it is a buffer that died earlier.)
  bool diesIn(Operation *op, size_t index, const InPlaceCandidates &candidates) {
    Value alloc = buffers[index].alloc;
    if (buffers[index].life.last != position[op])
      return false;
    auto result = op->walk([&](Operation *inner) {
      for (OpOperand &o : inner->getOpOperands())
        if (rootOf(o.get()) == alloc && !llvm::is_contained(candidates.operands, &o))
          return WalkResult::interrupt();
      return WalkResult::advance();
    });
    return !result.wasInterrupted();
  }

  //===- Offsets -------------------------------------------------------------------------------------------------------------------------------===//

  LogicalResult assign() {
    ArenaPlan plans[2]; // static, batched
    SmallVector<int64_t> offsets(buffers.size());
    for (bool batched : {false, true}) {
      std::vector<ArenaInterval> intervals;
      SmallVector<size_t> owners;
      for (auto [i, buffer] : llvm::enumerate(buffers))
        if (buffer.owner == i && buffer.batched == batched) {
          intervals.push_back(buffer.life);
          owners.push_back(i);
        }
      std::optional<ArenaPlan> plan = planArena(intervals, kAlignment);
      if (!plan)
        return function.emitError("expects intermediate buffers of less than 2^63 bytes in total");
      if (auto conflict = findArenaConflict(intervals, *plan))
        return function.emitError("internal error: the arena plan lets buffers ") << conflict->first << " and " << conflict->second << " overlap";
      for (auto [i, owner] : llvm::enumerate(owners))
        offsets[owner] = plan->offsets[i];
      plans[batched] = std::move(*plan);
    }
    emit(offsets, plans);
    report(plans);
    return success();
  }

  void emit(ArrayRef<int64_t> offsets, ArenaPlan (&plans)[2]) {
    MLIRContext *context = function.getContext();
    Builder attrs(context);
    int64_t c0 = plans[0].bytes;
    auto type = MemRefType::get({ShapedType::kDynamic}, attrs.getI8Type());
    Value arena = entry.addArgument(type, function.getLoc());
    auto functionType = function.getFunctionType();
    SmallVector<Type> inputs(functionType.getInputs());
    inputs.push_back(type);
    function.setType(attrs.getFunctionType(inputs, functionType.getResults()));
    function.setArgAttr(inputs.size() - 1, NNDialect::kArenaAttr, attrs.getUnitAttr());
    function->setAttr(NNDialect::kArenaAttr, attrs.getDenseI64ArrayAttr({c0, plans[1].bytes}));
    ViewBuilder views(entry, arena);
    for (Buffer &buffer : buffers) {
      for (Operation *op : buffer.bookkeeping)
        op->erase();
      int64_t offset = offsets[buffer.owner];
      views.replace(buffer.alloc, buffer.batched ? c0 : offset, buffer.batched ? offset : 0);
    }
  }

  void report(ArenaPlan (&plans)[2]) {
    int64_t live = plans[0].liveBytes + plans[1].liveBytes, bytes = plans[0].bytes + plans[1].bytes;
    remark::analysis(function.getLoc(), remark::RemarkOpts::name("Arena").category("lathe-plan-arena"))
        << llvm::formatv("arena of {0} + {1} * N bytes for {2} buffers, {3} in place; at most {4} + {5} * N bytes are live at once, ratio {6:F3}",
                         plans[0].bytes, plans[1].bytes, buffers.size(), inPlace, plans[0].liveBytes, plans[1].liveBytes,
                         live ? static_cast<double>(bytes) / static_cast<double>(live) : 1.0)
               .str();
  }

  func::FuncOp function;
  Block &entry;
  DenseMap<Operation *, int64_t> position;
  std::vector<Buffer> buffers;
  DenseMap<Operation *, size_t> byAlloc;
  int64_t inPlace = 0;
};

struct PlanArenaPass : lathe::passes::impl::PlanArenaPassBase<PlanArenaPass> {
  using PlanArenaPassBase::PlanArenaPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || function->hasAttr(NNDialect::kKernelAttr) || function->hasAttr(NNDialect::kArenaAttr))
      return;
    if (!function.getBody().hasOneBlock()) {
      function.emitError("expects one block");
      return signalPassFailure();
    }
    if (failed(Planner(function).run(reuse)))
      signalPassFailure();
  }
};

} // namespace
