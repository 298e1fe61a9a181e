#include "passes/nn_to_linalg/RunTimePacking.h"

#include "dialects/nn/GroupSpan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace lathe::nn;

namespace {

/// The body of the program: element [group, block, window..., v, lane] of the packed weights.
class Body : ImplicitLocOpBuilder {
public:
  Body(WindowedOpInterface op, Block &block, ArrayRef<int64_t> packed)
      : ImplicitLocOpBuilder(op.getLoc(), OpBuilder::atBlockEnd(&block)), op(op), packed(packed), arguments(block.getArguments()) {}

  void build() {
    Value group = arguments.front(), lane = arguments[packed.size() - 1];
    Value k = add(mul(group, packed.back()), lane), c = add(mul(arguments[1], packed[packed.size() - 2]), arguments[packed.size() - 2]);
    Value inside = below(k, op.getOutputChannels());
    SmallVector<Value> at;
    if (isa<MatMulOp>(op.getOperation())) {
      inside = arith::AndIOp::create(*this, inside, below(c, op.getInputChannels()));
      at = {c, k};
    } else {
      at = {k, channelOfFilter(group, k, c, inside)};
      llvm::append_range(at, arguments.slice(2, op.getSpatialRank()));
    }
    Value source = arguments[packed.size()], target = arguments[packed.size() + 1];
    auto choice = scf::IfOp::create(*this, TypeRange{elementType()}, inside, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(*this);
      setInsertionPointToStart(choice.thenBlock());
      scf::YieldOp::create(*this, memref::LoadOp::create(*this, source, at).getResult());
      setInsertionPointToStart(choice.elseBlock());
      scf::YieldOp::create(*this, arith::ConstantOp::create(*this, getFloatAttr(elementType(), 0.0)).getResult());
    }
    memref::StoreOp::create(*this, choice.getResult(0), target, arguments.take_front(packed.size()));
    YieldOp::create(*this, ValueRange());
  }

private:
  /// Which of filter k's channels is channel c of the tile; narrows `inside` to where there is one.
  Value channelOfFilter(Value group, Value k, Value c, Value &inside) {
    auto conv = cast<ConvOp>(op.getOperation());
    int64_t groups = conv.getGroups(), channels = op.getInputChannels();
    if (op.getReduction() == Reduction::depthwise)
      return c;
    if (groups == 1) {
      inside = arith::AndIOp::create(*this, inside, below(c, channels));
      return c;
    }
    // A tile reduces over the channels of all its groups (GroupSpan.h).
    GroupSpan span{channels, op.getOutputChannels(), groups, packed.back()};
    Value firstGroup = arith::DivUIOp::create(*this, mul(group, span.tile), index(span.outputPerGroup()));
    Value start = arith::MinUIOp::create(*this, mul(firstGroup, span.inputPerGroup()), index(span.inputChannels - span.span()));
    Value own = mul(arith::DivUIOp::create(*this, k, index(span.outputPerGroup())), span.inputPerGroup());
    Value channel = arith::SubIOp::create(*this, add(start, c), own);
    inside = arith::AndIOp::create(*this, inside, below(c, span.span()));
    // Unsigned: what is below the group's first channel is beyond all.
    inside = arith::AndIOp::create(*this, inside, arith::CmpIOp::create(*this, arith::CmpIPredicate::ult, channel, index(span.inputPerGroup())));
    return channel;
  }

  Type elementType() { return cast<ShapedType>(op.getWeightsOrNull().getType()).getElementType(); }
  Value index(int64_t v) { return arith::ConstantIndexOp::create(*this, v); }
  Value add(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
  Value mul(Value a, int64_t v) { return arith::MulIOp::create(*this, a, index(v)); }
  Value below(Value v, int64_t bound) { return arith::CmpIOp::create(*this, arith::CmpIPredicate::ult, v, index(bound)); }

  WindowedOpInterface op;
  ArrayRef<int64_t> packed;
  ValueRange arguments;
};

} // namespace

Value lathe::passes::packAtRunTime(WindowedOpInterface op, ArrayRef<int64_t> packed) {
  OpBuilder b(op);
  Value weights = op.getWeightsOrNull();
  auto from = cast<RankedTensorType>(weights.getType());
  auto to = RankedTensorType::get(packed, from.getElementType());
  auto program = ForeachOp::create(b, op.getLoc(), TypeRange{to}, "pack_weights", packed, ValueRange{weights}, ValueRange());
  Block &block = program.getBody().emplaceBlock();
  for (size_t i = 0; i < packed.size(); ++i)
    block.addArgument(b.getIndexType(), op.getLoc());
  for (RankedTensorType type : {from, to})
    block.addArgument(MemRefType::get(type.getShape(), type.getElementType()), op.getLoc());
  Body(op, block, packed).build();
  return program.getResult(0);
}
