// Neighbours in the output that come from few lines of the input by turns (depth to space, channels behind pixels, pixels that are repeated): `turn`, the
// innermost loop, is short, and with the loop `along` it goes through a line of the output. The lines of the input are loaded as they lie, and as many vectors
// of the output interleaved from them in registers.
#include "passes/memref_to_loops/GenericEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lathe::passes;

namespace {

class InterleavedTiler : GenericEmitter {
public:
  InterleavedTiler(linalg::LinalgOp op, GenericNest &nest, int64_t lanes) : GenericEmitter(op, nest, lanes) {}

  bool match() {
    nest.mergeNeighbours(kLine, kLongLine);
    turn = nest.loops.size() - 1;
    if (turn < 1 || nest.partial || !nest.hasVectorForm() || !nest.output.isLinear() || nest.output.strides[turn] != 1 ||
        !llvm::all_of(nest.loops, [](const GenericNest::Loop &l) { return l.parallel; }) || !op.getBlock()->getArguments().back().use_empty())
      return false;
    int64_t turns = nest.loops[turn].extent;
    if (ShapedType::isDynamic(turns) || turns > kMostLines || turns >= lanes)
      return false;
    for (int64_t loop = 0; loop < turn && along < 0; ++loop)
      if (nest.output.strides[loop] == turns && !ShapedType::isDynamic(nest.loops[loop].extent))
        along = loop;
    return along >= 0 && llvm::all_of(nest.inputs, [&](const GenericNest::Access &a) {
             return !a.divided[along] && !a.divided[turn] && (a.strides[along] == 1 || isScalar(a));
           });
  }

  void tile() {
    SmallVector<int64_t> shared;
    for (int64_t i = 0; i < turn; ++i)
      if (i != along)
        shared.push_back(i);
    openForall(shared);
    forEachPiece(along, [&](Value first, int64_t width) {
      ivs[along] = first;
      if (width == 1) {
        OpBuilder::InsertionGuard guard(b);
        openLoop(turn);
        compute(1);
      } else {
        interleave(width);
      }
    });
    op->erase();
  }

private:
  /// Lines that take turns: each output vector is put together from all of them.
  static constexpr int64_t kMostLines = 8;

  bool isScalar(const GenericNest::Access &a) const { return a.strides[along] == 0 && a.strides[turn] == 0; }

  void interleave(int64_t width) {
    int64_t turns = nest.loops[turn].extent;
    SmallVector<SmallVector<Value>> lines(nest.inputs.size());
    for (auto [i, input] : llvm::enumerate(nest.inputs)) {
      if (isScalar(input))
        continue;
      auto type = VectorType::get({width}, cast<MemRefType>(flatInput(i).getType()).getElementType());
      for (int64_t k = 0; k < (input.strides[turn] ? turns : 1); ++k) {
        ivs[turn] = constant(k);
        lines[i].push_back(vector::LoadOp::create(b, type, flatInput(i), addressOfInput(i)));
      }
    }
    ivs[turn] = constant(0);
    for (int64_t part = 0; part < turns; ++part) {
      storeOffset = part * width;
      compute(width, [&](size_t i) -> Value {
        if (lines[i].empty())
          return {};
        SmallVector<Pick> picks;
        for (int64_t at = part * width; at < (part + 1) * width; ++at)
          picks.push_back({lines[i].size() == 1 ? 0 : at % turns, at / turns});
        return gathered(lines[i], picks);
      });
    }
    storeOffset = 0;
  }

  int64_t along = -1, turn = -1; // loops
};

} // namespace

bool lathe::passes::tileInterleaved(linalg::LinalgOp op, GenericNest &nest, int64_t lanes) {
  InterleavedTiler tiler(op, nest, lanes);
  if (!tiler.match())
    return false;
  tiler.tile();
  return true;
}
