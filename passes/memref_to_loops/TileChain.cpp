#include "passes/memref_to_loops/TileChain.h"

#include "dialects/nn/RowChain.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

ChainTiler::ChainTiler(ArrayRef<WindowedOpInterface> chain, int64_t rows) : IndexBuilder(chain.back()), rows(rows) {
  for (WindowedOpInterface op : chain)
    members.push_back({op, op.getInput(), op.getInitOrNull()});
  int64_t offset = 0;
  for (auto [i, kept] : llvm::enumerate(rowsInMemory(chain, rows))) {
    auto map = cast<memref::AllocaOp>(members[i].output.getDefiningOp());
    maps.push_back(map);
    members[i].output = members[i + 1].input = scratch(map.getType(), kept, offset);
    members[i].outputRows = members[i + 1].inputRows = kept < rowsOf(map) ? kept : 0;
  }
}

Value ChainTiler::scratch(MemRefType map, int64_t kept, int64_t &offset) {
  int64_t blocks = map.getDimSize(1), distance = blockDistance(map, kept), step = 1;
  Value memory = ScratchOp::create(b, MemRefType::get({blocks * distance}, map.getElementType()), b.getI64IntegerAttr(offset));
  offset = llvm::alignTo(offset + bytesOfRows(map, kept), 64);
  SmallVector<int64_t> shape(map.getShape()), strides(map.getRank(), 0);
  shape[0] = 1;
  for (int64_t d = map.getRank() - 1; d >= 2; step *= shape[d--])
    strides[d] = step;
  strides[1] = distance;
  SmallVector<OpFoldResult> sizes, steps;
  for (auto [extent, stride] : llvm::zip(shape, strides)) {
    sizes.push_back(b.getIndexAttr(extent));
    steps.push_back(b.getIndexAttr(stride));
  }
  auto type = MemRefType::get(shape, map.getElementType(), StridedLayoutAttr::get(b.getContext(), 0, strides));
  return memref::ReinterpretCastOp::create(b, type, memory, b.getIndexAttr(0), sizes, steps);
}

void ChainTiler::tile(EmitRows emit) {
  ShapedType out = members.back().op.getOutputType();
  int64_t height = rowsOf(members.back().output), blocks = llvm::divideCeil(height, rows);
  OpFoldResult batch = b.getIndexAttr(out.getDimSize(0));
  if (out.isDynamicDim(0))
    batch = memref::DimOp::create(b, members.back().output, constant(0)).getResult();
  auto forall = scf::ForallOp::create(b, {batch, b.getIndexAttr(blocks)}, ValueRange{}, std::nullopt);
  b.setInsertionPointToStart(forall.getBody());
  Value image = forall.getInductionVar(0), block = forall.getInductionVar(1);
  // A block finds the rows that the one before it computed, unless that is another image's or another thread's.
  Value isFirst =
      arith::OrIOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, block, constant(0)),
                           arith::CmpIOp::create(b, arith::CmpIPredicate::eq, add(mul(image, blocks), block), RangeBeginOp::create(b, b.getIndexType())));
  auto atMost = [&](Value v, int64_t most) { return arith::MinSIOp::create(b, v, constant(most)).getResult(); };
  auto atLeast = [&](Value v, Value least) { return arith::MaxSIOp::create(b, v, least).getResult(); };
  size_t n = members.size();
  SmallVector<Value> from(n), to(n);
  from.back() = mul(block, rows);
  to.back() = height % rows ? atMost(add(from.back(), rows), height) : add(from.back(), rows);
  Value done = from.back(); // rows that the block before has computed
  for (size_t i = n - 1; i > 0; --i) {
    WindowedOpInterface op = members[i].op;
    int64_t stride = op.getWindowStrides()[0], pad = op.getPadBegin()[0], extent = rowsOf(op.getInput());
    auto endOfInput = [&](Value end) { return atLeast(atMost(add(mul(end, stride), rowsNeeded(op, 0) - pad), extent), constant(0)); };
    to[i - 1] = endOfInput(to[i]);
    done = endOfInput(done);
    Value needed = atLeast(add(mul(from[i], stride), -pad), constant(0));
    from[i - 1] = atLeast(needed, arith::SelectOp::create(b, isFirst, constant(0), done));
  }
  for (auto [member, first, end] : llvm::zip(members, from, to)) {
    OpBuilder::InsertionGuard guard(b);
    emit(member, OpBuilder::InsertPoint(forall.getBody(), forall.getBody()->getTerminator()->getIterator()), image, first, end);
  }
  for (memref::AllocaOp map : maps) {
    SmallVector<Value> sizes(map.getDynamicSizes());
    map.erase();
    for (Value size : sizes)
      if (size.use_empty())
        size.getDefiningOp()->erase();
  }
}
