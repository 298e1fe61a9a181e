#include "passes/nn_to_linalg/ChannelLanes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lathe::nn;

namespace {

constexpr unsigned kChannel = 1; // of a space and of a tensor: [N, C, ...]

/// The buffer of a load or store, and its indices; null for other operations.
std::pair<Value, ValueRange> accessOf(Operation *op) {
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return {load.getMemRef(), load.getIndices()};
  if (auto store = dyn_cast<memref::StoreOp>(op))
    return {store.getMemRef(), store.getIndices()};
  return {};
}

/// Whether each use of `buffer` is a load or store at `channel`, which is none of its other indices.
bool isAccessedAt(Value buffer, Value channel, int64_t channels) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getRank() < 3 || type.getDimSize(kChannel) != channels || !type.getElementType().isF32())
    return false;
  return llvm::all_of(buffer.getUsers(), [&](Operation *user) {
    auto [memory, indices] = accessOf(user);
    return memory == buffer && indices[kChannel] == channel && llvm::count(indices, channel) == 1;
  });
}

/// The values of a program that differ from channel to channel.
class WideValues {
public:
  explicit WideValues(const llvm::SmallDenseSet<Value> &buffers) : buffers(buffers) {}

  /// Fails where such a value would be an index, a bound or a condition of control flow, or meets an operation that has no vector form.
  LogicalResult find(Block &body) {
    size_t before;
    do { // what a loop hands to its next iteration may have become wide
      before = wide.size();
      if (body.walk([&](Operation *op) { return visit(op); }).wasInterrupted())
        return failure();
    } while (wide.size() != before);
    return success();
  }

  bool contains(Value v) const { return wide.contains(v); }

private:
  WalkResult visit(Operation *op) {
    auto [memory, indices] = accessOf(op);
    if (memory && buffers.contains(memory)) {
      if (isa<memref::LoadOp>(op))
        wide.insert(op->getResult(0));
      return llvm::any_of(indices, [&](Value v) { return contains(v); }) ? WalkResult::interrupt() : WalkResult::advance();
    }
    SmallVector<unsigned> which;
    for (OpOperand &o : op->getOpOperands())
      if (contains(o.get()))
        which.push_back(o.getOperandNumber());
    if (which.empty())
      return WalkResult::advance();
    if (OpTrait::hasElementwiseMappableTraits(op)) {
      auto fits = [](Type type) { return type.isF32() || type.isInteger(1); };
      if (!llvm::all_of(op->getOperandTypes(), fits) || !llvm::all_of(op->getResultTypes(), fits))
        return WalkResult::interrupt();
      wide.insert_range(op->getResults());
      return WalkResult::advance();
    }
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      for (unsigned i : which)
        if (i < loop.getNumControlOperands() || failed(carry(loop, i - loop.getNumControlOperands())))
          return WalkResult::interrupt();
      return WalkResult::advance();
    }
    if (isa<scf::YieldOp>(op)) {
      for (unsigned i : which) {
        if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp())) {
          if (failed(carry(loop, i)))
            return WalkResult::interrupt();
        } else if (isa<scf::IfOp>(op->getParentOp()) && op->getOperand(i).getType().isF32()) {
          wide.insert(op->getParentOp()->getResult(i));
        } else {
          return WalkResult::interrupt();
        }
      }
      return WalkResult::advance();
    }
    return WalkResult::interrupt();
  }

  LogicalResult carry(scf::ForOp loop, unsigned i) {
    if (!loop.getResult(i).getType().isF32())
      return failure();
    wide.insert(loop.getResult(i));
    wide.insert(loop.getRegionIterArg(i));
    return success();
  }

  const llvm::SmallDenseSet<Value> &buffers;
  llvm::DenseSet<Value> wide;
};

llvm::SmallDenseSet<Value> channelBuffers(ForeachOp op, ArrayRef<bool> byChannel) {
  llvm::SmallDenseSet<Value> buffers;
  auto arguments = op.getBody().getArguments().drop_front(op.getSpace().size());
  for (auto [i, argument] : llvm::enumerate(arguments))
    if (i == byChannel.size() || byChannel[i]) // the result
      buffers.insert(argument);
  return buffers;
}

} // namespace

std::optional<SmallVector<bool>> lathe::passes::findChannelOperands(ForeachOp op) {
  ArrayRef<int64_t> space = op.getSpace();
  if (space.size() < 3 || op->getNumResults() != 1 || !op.getInits().empty())
    return {};
  Block &body = op.getBody().front();
  Value channel = body.getArgument(kChannel);
  SmallVector<bool> byChannel;
  for (Value argument : body.getArguments().drop_front(space.size()))
    byChannel.push_back(isAccessedAt(argument, channel, space[kChannel]));
  if (!byChannel.pop_back_val() || !llvm::is_contained(byChannel, true))
    return {};
  llvm::SmallDenseSet<Value> buffers = channelBuffers(op, byChannel);
  bool isIndexOnly = llvm::all_of(channel.getUsers(), [&](Operation *user) { return buffers.contains(accessOf(user).first); });
  bool isStored = llvm::any_of(channel.getUsers(), [&](Operation *user) {
    auto store = dyn_cast<memref::StoreOp>(user);
    return store && store.getValueToStore() == channel;
  });
  if (!isIndexOnly || isStored || failed(WideValues(buffers).find(body)))
    return {};
  return byChannel;
}

void lathe::passes::computeByLanes(ForeachOp op, ArrayRef<bool> byChannel, int64_t lanes) {
  Block &body = op.getBody().front();
  llvm::SmallDenseSet<Value> buffers = channelBuffers(op, byChannel);
  WideValues wide(buffers);
  (void)wide.find(body); // as before
  SmallVector<int64_t> space(op.getSpace());
  space[kChannel] = llvm::divideCeil(space[kChannel], lanes);
  op.setSpace(space);
  for (Value buffer : buffers) {
    auto type = cast<MemRefType>(buffer.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[kChannel] = llvm::divideCeil(shape[kChannel], lanes);
    shape.push_back(lanes);
    buffer.setType(MemRefType::get(shape, type.getElementType()));
  }
  auto widened = [&](Type type) { return VectorType::get({lanes}, type); };
  auto spread = [&](OpOperand &operand) { // one value for all channels
    if (isa<VectorType>(operand.get().getType()) || wide.contains(operand.get()))
      return;
    OpBuilder b(operand.getOwner());
    operand.set(vector::BroadcastOp::create(b, operand.getOwner()->getLoc(), widened(operand.get().getType()), operand.get()));
  };
  SmallVector<Operation *> accesses;
  body.walk([&](Operation *inner) {
    if (auto [memory, indices] = accessOf(inner); memory && buffers.contains(memory)) {
      accesses.push_back(inner);
    } else if (OpTrait::hasElementwiseMappableTraits(inner) && wide.contains(inner->getResult(0))) {
      for (OpOperand &operand : inner->getOpOperands())
        if (!(isa<arith::SelectOp>(inner) && operand.getOperandNumber() == 0)) // one condition may select vectors
          spread(operand);
    } else if (auto loop = dyn_cast<scf::ForOp>(inner)) {
      for (auto [i, result] : llvm::enumerate(loop.getResults()))
        if (wide.contains(result))
          spread(loop.getInitArgsMutable()[i]);
    } else if (isa<scf::YieldOp>(inner)) {
      for (auto [i, result] : llvm::enumerate(inner->getParentOp()->getResults()))
        if (wide.contains(result))
          spread(inner->getOpOperand(i));
    }
  });
  // Types last: until then they tell what is to be spread.
  body.walk([&](Operation *inner) {
    auto widen = [&](Value v) {
      if (wide.contains(v) && !isa<VectorType>(v.getType()))
        v.setType(widened(v.getType()));
    };
    llvm::for_each(inner->getResults(), widen);
    for (Region &region : inner->getRegions())
      for (Value argument : region.getArguments())
        widen(argument);
  });
  for (Operation *access : accesses) {
    OpBuilder b(access);
    auto [memory, indices] = accessOf(access);
    SmallVector<Value> at(indices);
    at.push_back(arith::ConstantIndexOp::create(b, access->getLoc(), 0));
    if (auto load = dyn_cast<memref::LoadOp>(access)) {
      load.replaceAllUsesWith(vector::LoadOp::create(b, access->getLoc(), widened(b.getF32Type()), memory, at).getResult());
    } else {
      Value value = cast<memref::StoreOp>(access).getValueToStore();
      if (!isa<VectorType>(value.getType()))
        value = vector::BroadcastOp::create(b, access->getLoc(), widened(value.getType()), value);
      vector::StoreOp::create(b, access->getLoc(), value, memory, at);
    }
    access->erase();
  }
}
