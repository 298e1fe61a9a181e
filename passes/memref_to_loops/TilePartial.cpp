#include "passes/memref_to_loops/TilePartial.h"

#include "dialects/nn/VectorEpilogue.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/memref_to_loops/Combine.h"

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

PartialTiler::PartialTiler(WindowedOpInterface op) {
  for (Operation *user : op.getInitOrNull().getUsers())
    if (auto partial = dyn_cast<PartialOp>(user))
      ops.push_back(partial);
  std::reverse(ops.begin(), ops.end()); // users are listed from the last
}

/// What all pixels of a part combine to: `include` of each of them.
static Value reduce(ImplicitLocOpBuilder &b, Combine kind, VectorType type, PartialTiler::Visit visit, PartialTiler::Include include) {
  Value identity = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<Attribute>(identityOf(kind, type.getElementType()))));
  PartialTiler::Values chains = visit(PartialTiler::Values(PartialTiler::kChains, identity), include);
  for (size_t left = chains.size(); left > 1; left /= 2)
    for (size_t i = 0; i < left / 2; ++i)
      chains[i] = combine(b, kind, chains[i], chains[i + left / 2]);
  return chains.front();
}

void PartialTiler::compute(IndexBuilder &index, ImplicitLocOpBuilder &b, Value image, Value block, Value part, Value count, Visit visit) {
  for (PartialOp op : ops) {
    auto parts = cast<MemRefType>(op.getInit().getType());
    auto type = VectorType::get({parts.getShape().back()}, parts.getElementType());
    auto term = [&](Value pixel) { return cloneAsVectors(b, op.getBody(), type.getDimSize(0), pixel, {}); };
    Values values;
    if (op.getMoments()) {
      Value number = arith::IndexCastOp::create(b, b.getI32Type(), count);
      number = vector::BroadcastOp::create(b, type, arith::SIToFPOp::create(b, type.getElementType(), number));
      Value sum = reduce(b, Combine::sum, type, visit, [&](Value pixel, Value chain) { return arith::AddFOp::create(b, chain, term(pixel)).getResult(); });
      Value mean = arith::DivFOp::create(b, sum, number);
      Value squares = reduce(b, Combine::sum, type, visit, [&](Value pixel, Value chain) {
        Value distance = arith::SubFOp::create(b, term(pixel), mean);
        return vector::FMAOp::create(b, distance, distance, chain).getResult();
      });
      values = {mean, squares, number};
    } else {
      values = {reduce(b, op.getKind(), type, visit, [&](Value pixel, Value chain) { return combine(b, op.getKind(), chain, term(pixel)); })};
    }
    SmallVector<int64_t> strides = parts.getStridesAndOffset().first;
    Value at = index.add(index.add(index.mul(image, strides[0]), index.mul(block, strides[1])), index.mul(part, strides[3]));
    for (auto [i, value] : llvm::enumerate(values))
      vector::StoreOp::create(b, value, index.flatten(op.getInit()), index.add(at, static_cast<int64_t>(i) * strides[2]));
  }
}

void PartialTiler::erase() {
  for (PartialOp op : ops)
    op.erase();
}
