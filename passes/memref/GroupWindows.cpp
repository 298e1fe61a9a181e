// lathe-group: see Passes.td.
//
// A map that does not stay in the second level goes out to a slower one and comes back, and what reads it first is often next to it and does little with each
// element: a depthwise convolution, a pool. Together, a block of rows at a time, such a map never leaves the near caches.
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/RowChain.h"
#include "dialects/nn/Segments.h"
#include "passes/memref/Passes.h"
#include "passes/memref/Views.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/FormatVariadic.h"

namespace lathe::passes {
#define GEN_PASS_DEF_GROUPPASS
#include "passes/memref/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::rootOf;

namespace {

/// A map of less than this part of the second level is still there when it is read.
constexpr int64_t kNearShare = 2;
/// What passes between the operations of a chain fills at most this part of the second level, and their weights at most as much again.
constexpr int64_t kRowsShare = 4;
/// Threads that should find a part each. They compute the rows that their first windows overlap again.
constexpr int64_t kParts = 4;

/// Whether a chain may hold `op`: its tiles may be computed row by row, in any part of a map.
bool isMember(WindowedOpInterface op) {
  TilingAttr tiling = op.getTilingOrNull();
  if (auto conv = dyn_cast<ConvOp>(op.getOperation()); conv && conv.getPlaces())
    return false; // they count whole images
  return isa<ConvOp, PoolOp>(op.getOperation()) && op.getSpatialRank() >= 2 && isa<MemRefType>(op.getInput().getType()) && tiling &&
         tiling.getWinograd().empty() && tiling.getImages() <= 1 && !tiling.getStreams() && isa<func::FuncOp>(op->getParentOp());
}

memref::AllocOp resultOf(WindowedOpInterface op) { return op.getInitOrNull().getDefiningOp<memref::AllocOp>(); }

/// What reads the buffer that `op` fills, if it reads it as its map and nobody else does.
WindowedOpInterface onlyReader(WindowedOpInterface op) {
  memref::AllocOp alloc = resultOf(op);
  if (!alloc || !op.isBlocked(alloc) || !alloc.getType().getLayout().isIdentity())
    return {};
  WindowedOpInterface reader;
  for (OpOperand &use : alloc->getUses()) {
    Operation *user = use.getOwner();
    if (user == op || isa<memref::DeallocOp>(user))
      continue;
    auto next = dyn_cast<WindowedOpInterface>(user);
    if (!next || reader || next.getInput() != alloc || use.getOperandNumber() != 0 || next->getBlock() != op->getBlock())
      return {};
    reader = next;
  }
  return reader;
}

int64_t bytesPerImage(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  return ShapedType::getNumElements(type.getShape().drop_front()) * type.getElementTypeBitWidth() / 8;
}

class Chain {
public:
  Chain(WindowedOpInterface first, TargetAttr target) : target(target), members{first} {}

  /// Lets `next` join, or says why it does not.
  StringRef join(WindowedOpInterface next) {
    auto byHand = next->getAttrOfType<IntegerAttr>(NNDialect::kRowsAttr);
    given = byHand ? byHand.getInt() : 0;
    if (byHand && given < 1)
      return "that is written at it";
    if (!byHand && bytesPerImage(resultOf(members.back())) <= target.getL2Bytes() / kNearShare)
      return "the map stays in the near caches anyway";
    if (!isMember(next))
      return "it is not computed row by row";
    members.push_back(next);
    StringRef why = obstacle();
    if (!why.empty())
      members.pop_back();
    return why;
  }

  size_t size() const { return members.size(); }
  WindowedOpInterface last() const { return members.back(); }

  void fuse() {
    auto byHand = last()->getAttrOfType<IntegerAttr>(NNDialect::kRowsAttr);
    int64_t rows = byHand ? byHand.getInt() : rowsOfBlock();
    SmallVector<Location> locs;
    for (WindowedOpInterface op : members) {
      op->removeAttr(NNDialect::kRowsAttr);
      locs.push_back(op.getLoc());
      TilingAttr t = op.getTilingOrNull();
      // Rows of a block are lines of their own: how many there are is not known before it runs.
      int64_t width = op.getOutputType().getShape().end()[-2], widest = *llvm::max_element(t.getSegments());
      op.setTiling(TilingAttr::get(t.getContext(), t.getKu(), t.getUnroll(), 1, t.getMerge() == 1 ? t.getSegments() : balancedSegments(width, widest), {}, 0,
                                   t.getPrefetch(), t.getShare()));
    }
    OpBuilder b(last());
    Location loc = FusedLoc::get(b.getContext(), locs);
    auto scope = memref::AllocaScopeOp::create(b, loc, TypeRange());
    scope->setAttr(NNDialect::kRowsAttr, b.getI64IntegerAttr(rows));
    b.setInsertionPointToStart(&scope.getBodyRegion().emplaceBlock());
    SmallVector<Value> sizes;
    if (last().getOutputType().isDynamicDim(0))
      sizes.push_back(memref::DimOp::create(b, loc, last().getInitOrNull(), arith::ConstantIndexOp::create(b, loc, 0)));
    for (WindowedOpInterface op : ArrayRef(members).drop_back()) {
      memref::AllocOp alloc = resultOf(op);
      for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
        if (isa<memref::DeallocOp>(user))
          user->erase();
      alloc.replaceAllUsesWith(memref::AllocaOp::create(b, loc, alloc.getType(), sizes).getResult());
      alloc.erase();
    }
    auto end = memref::AllocaScopeReturnOp::create(b, loc, ValueRange());
    for (WindowedOpInterface op : members)
      op->moveBefore(end);
    if (auto remark = remark::passed(loc, remark::RemarkOpts::name("Group").category("lathe-group"))) {
      int64_t bytes = 0;
      for (WindowedOpInterface op : ArrayRef(members).drop_back())
        bytes += bytesPerImage(op.getInitOrNull());
      remark << llvm::formatv("{0} operations are one kernel, {1} row{2} of {3} at a time; {4} KiB between them stay near, in {5} KiB of scratch memory",
                              members.size(), rows, rows == 1 ? "" : "s", rowsOf(last().getInitOrNull()), llvm::divideCeil(bytes, 1024),
                              llvm::divideCeil(bytesInMemory(rows), 1024))
                    .str();
    }
  }

private:
  /// Why the members do not make a kernel; "" if they do.
  StringRef obstacle() {
    if (!canMove(members[members.size() - 2]))
      return "other operations between the two write what it reads";
    Value destination = rootOf(last().getInitOrNull());
    for (WindowedOpInterface op : ArrayRef(members).drop_back())
      for (Value operand : op->getOperands())
        if (rootOf(operand) == destination)
          return "the last operation writes into a buffer that the first one reads";
    if (given)
      return "";
    if (!rowsOfBlock())
      return "a row is more than a part of the second cache level";
    int64_t weights = 0;
    for (WindowedOpInterface op : members)
      if (Value w = op.getWeightsOrNull())
        weights += ShapedType::getNumElements(cast<MemRefType>(w.getType()).getShape()) * cast<MemRefType>(w.getType()).getElementTypeBitWidth() / 8;
    if (weights > target.getL2Bytes() / kRowsShare)
      return "every block of rows would read its weights again";
    if (recomputed() >= saved())
      return "the rows that threads compute twice would cost more";
    return "";
  }

  /// Whether nothing between `op` and the last operation writes what `op` reads.
  bool canMove(WindowedOpInterface op) {
    llvm::SmallPtrSet<Value, 8> read;
    for (Value operand : op->getOperands())
      read.insert(rootOf(operand));
    for (Operation *between = op->getNextNode(); between != last(); between = between->getNextNode()) {
      if (!between)
        return false;
      if (isPure(between) || isa<memref::AllocOp>(between))
        continue;
      auto effects = getEffectsRecursively(between);
      if (!effects)
        return false;
      for (const MemoryEffects::EffectInstance &effect : *effects)
        if (isa<MemoryEffects::Write, MemoryEffects::Free>(effect.getEffect()) && (!effect.getValue() || read.contains(rootOf(effect.getValue()))))
          return false;
    }
    return true;
  }

  MemRefType mapOf(size_t member) const {
    WindowedOpInterface op = members[member];
    return cast<MemRefType>(op.getInitOrNull().getType());
  }

  int64_t bytesInMemory(int64_t rows) const {
    int64_t bytes = 0;
    for (auto [i, kept] : llvm::enumerate(rowsInMemory(members, rows)))
      bytes += bytesOfRows(mapOf(i), kept);
    return bytes;
  }

  /// As many as fit, but that threads find enough blocks, all of about the same height. 0 if not even one fits.
  int64_t rowsOfBlock() const {
    int64_t rows = mapOf(size() - 1).getDimSize(2), most = llvm::divideCeil(rows, kParts);
    while (most > 0 && bytesInMemory(most) > target.getL2Bytes() / kRowsShare)
      --most;
    return most ? llvm::divideCeil(rows, llvm::divideCeil(rows, most)) : 0;
  }

  /// Cycles per image for rows that overlap where one thread's part ends.
  double recomputed() const {
    double cycles = 0;
    int64_t overlap = 0, peak = 2 * target.getFmaPerCycle() * target.getLanes(last().getOutputType().getElementTypeBitWidth());
    for (size_t i = members.size() - 1; i-- > 0;) {
      WindowedOpInterface reader = members[i + 1], op = members[i];
      overlap = std::max<int64_t>(rowsNeeded(reader, overlap + 1) - reader.getWindowStrides()[0], 0);
      cycles += static_cast<double>(overlap) * op.getFlopsPerImage() / rowsOf(op.getInitOrNull()) / peak;
    }
    return (kParts - 1) * cycles;
  }

  /// Cycles per image for writing and reading what passes between the operations, half of which hides behind arithmetic.
  double saved() const {
    double bytes = 0;
    for (WindowedOpInterface op : ArrayRef(members).drop_back())
      bytes += bytesPerImage(op.getInitOrNull());
    return 0.5 * 2 * bytes / target.getL3BytesPerCycle();
  }

  TargetAttr target;
  SmallVector<WindowedOpInterface> members;
  int64_t given = 0; // rows that are written at the operation that joins: whatever it costs
};

struct GroupPass : lathe::passes::impl::GroupPassBase<GroupPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isDeclaration() || function->hasAttr(NNDialect::kKernelAttr))
      return;
    SmallVector<WindowedOpInterface> ops;
    function.walk([&](WindowedOpInterface op) { ops.push_back(op); });
    TargetAttr target;
    for (WindowedOpInterface first : ops) {
      if (!isMember(first))
        continue;
      if (!target && !(target = targetOf(function)))
        return signalPassFailure();
      Chain chain(first, target);
      while (WindowedOpInterface next = onlyReader(chain.last())) {
        Location loc = chain.last().getLoc();
        StringRef obstacle = chain.join(next);
        if (obstacle.empty())
          continue;
        remark::missed(loc, remark::RemarkOpts::name("Group").category(getArgument())) << ("not computed with what reads it: " + obstacle).str();
        break;
      }
      if (chain.size() > 1)
        chain.fuse();
    }
  }
};

} // namespace
