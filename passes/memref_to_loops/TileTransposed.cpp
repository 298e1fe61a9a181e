// Layout changes and transpositions by vectors. Neighbours in the output (along `across`) are far apart in an input whose own neighbours lie along another
// loop (`along`). A block of J x I of both is loaded as J vectors of I, as they lie in the input, turned into I vectors of J by log2(J) rounds of
// interleaving, and computed and stored row by row, as they lie in the output. What does not fill a block is done in blocks of halved extents.
#include "passes/memref_to_loops/GenericEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lathe::passes;

namespace {

/// `first` and `second` after each other.
Value concatenated(ImplicitLocOpBuilder &b, Value first, Value second) {
  int64_t length = cast<VectorType>(first.getType()).getDimSize(0);
  return vector::ShuffleOp::create(b, first, second, llvm::to_vector(llvm::seq<int64_t>(0, 2 * length)));
}

/// The vectors as the rows of a matrix, to its columns. Both extents are powers of two. A round sends the first of the bits of an element's number (row
/// first) to the end of it; after as many rounds as rows have bits, the elements are in the order of the columns.
SmallVector<Value> transposed(ImplicitLocOpBuilder &b, SmallVector<Value> rows) {
  int64_t count = rows.size(), length = cast<VectorType>(rows[0].getType()).getDimSize(0), half = count / 2;
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < length; ++i) {
    low.push_back(i / 2 + i % 2 * length);
    high.push_back(length / 2 + i / 2 + i % 2 * length);
  }
  for (int64_t round = 1; round < count; round *= 2) {
    SmallVector<Value> next;
    for (int64_t k = 0; k < half; ++k) {
      next.push_back(vector::ShuffleOp::create(b, rows[k], rows[k + half], low));
      next.push_back(vector::ShuffleOp::create(b, rows[k], rows[k + half], high));
    }
    rows = std::move(next);
  }
  SmallVector<Value> columns;
  if (count <= length) {
    int64_t each = length / count; // columns in a vector
    for (int64_t i = 0; i < length; ++i) {
      int64_t first = i % each * count;
      Value v = rows[i / each];
      columns.push_back(each == 1 ? v : vector::ShuffleOp::create(b, v, v, llvm::to_vector(llvm::seq<int64_t>(first, first + count))).getResult());
    }
    return columns;
  }
  for (; length < count; length *= 2) { // a column is several vectors
    SmallVector<Value> longer;
    for (size_t k = 0; k < rows.size(); k += 2)
      longer.push_back(concatenated(b, rows[k], rows[k + 1]));
    rows = std::move(longer);
  }
  return rows;
}

class TransposedTiler : GenericEmitter {
public:
  TransposedTiler(linalg::LinalgOp op, GenericNest &nest, int64_t lanes) : GenericEmitter(op, nest, lanes) {}

  /// Finds the two loops; false if the operation is of another kind.
  bool match() {
    if (nest.loops.size() < 2 || !nest.hasVectorForm() || !nest.output.isLinear() ||
        !llvm::all_of(nest.loops, [](const GenericNest::Loop &l) { return l.parallel; }))
      return false;
    nest.mergeNeighbours(kLine, kLongLine);
    across = nest.loops.size() - 1;
    if (across < 1 || nest.output.strides[across] != 1 || ShapedType::isDynamic(nest.loops[across].extent))
      return false;
    for (auto [i, input] : llvm::enumerate(nest.inputs))
      if (!isDirect(input))
        turned.push_back(i);
    for (int64_t loop = across - 1; loop >= 0 && along < 0; --loop)
      if (llvm::all_of(turned, [&](size_t i) { return nest.inputs[i].strides[loop] == 1 && !nest.inputs[i].divided[loop]; }))
        along = loop;
    if (turned.empty() || along < 0 || ShapedType::isDynamic(nest.loops[along].extent))
      return false;
    // Where an address divides, it is computed element by element: of one block.
    bool divides = llvm::any_of(turned, [&](size_t i) { return nest.inputs[i].divided[across]; });
    if (divides && (nest.loops[across].extent > lanes || !llvm::isPowerOf2_64(nest.loops[across].extent)))
      return false;
    if (nest.partial &&
        (nest.partial->inner != along || nest.partial->outer == across || nest.loops[along].extent > lanes || !llvm::isPowerOf2_64(nest.loops[along].extent)))
      return false;
    // Short lines are better picked from, where their elements are close.
    if (nest.loops[along].extent < (nest.isVectorisable(/*pick=*/true) ? lanes : 2) || nest.loops[across].extent == 1)
      return false;
    if (!nest.partial && nest.loops[along].extent * nest.loops[across].extent > kLongLine)
      shareAlong();
    return true;
  }

  void tile() {
    SmallVector<int64_t> shared;
    for (int64_t i = 0; i < across; ++i)
      if (i != along)
        shared.push_back(i);
    openForall(shared);
    forEachPiece(along, [&](Value first, int64_t rows) {
      if (rows == 1) {
        ivs[along] = first;
        OpBuilder::InsertionGuard guard(b);
        openLoop(across);
        compute(1);
        return;
      }
      forEachPiece(across, [&](Value column, int64_t width) { block(first, rows, column, width); });
    });
    op->erase();
  }

private:
  /// Much work: threads share pieces of `along`, of whole vectors if there are such.
  void shareAlong() {
    int64_t extent = nest.loops[along].extent;
    for (int64_t step : {lanes, int64_t(1)})
      for (int64_t piece = lanes; piece <= extent / 2; piece += step)
        if (extent % piece == 0) {
          nest.split(along, piece);
          ++along;
          ++across;
          return;
        }
  }

  bool isDirect(const GenericNest::Access &input) const { return !input.divided[across] && (input.strides[across] == 0 || input.strides[across] == 1); }

  void block(Value first, int64_t rows, Value column, int64_t width) {
    if (width == 1) { // elements of one column
      ivs[across] = column;
      Value end = nest.partial ? arith::SelectOp::create(b, isLast(), constant(nest.partial->rest), constant(rows)).getResult() : constant(rows);
      auto loop = scf::ForOp::create(b, constant(0), end, constant(1));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      ivs[along] = add(first, loop.getInductionVar());
      compute(1);
      return;
    }
    DenseMap<size_t, SmallVector<Value>> blocks;
    ivs[along] = first;
    for (size_t i : turned) {
      SmallVector<Value> loaded;
      auto type = VectorType::get({rows}, cast<MemRefType>(flatInput(i).getType()).getElementType());
      for (int64_t k = 0; k < width; ++k) {
        ivs[across] = add(column, k);
        loaded.push_back(vector::LoadOp::create(b, type, flatInput(i), addressOfInput(i)));
      }
      blocks[i] = transposed(b, std::move(loaded));
    }
    ivs[across] = column;
    auto store = [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        ivs[along] = add(first, row);
        compute(width, [&](size_t i) {
          auto it = blocks.find(i);
          return it == blocks.end() ? Value() : it->second[row];
        });
      }
    };
    if (!nest.partial)
      return store(0, rows);
    store(0, nest.partial->rest);
    Value isWhole = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, ivs[nest.partial->outer], constant(nest.loops[nest.partial->outer].extent - 1));
    auto rest = scf::IfOp::create(b, isWhole, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rest.thenBlock());
    store(nest.partial->rest, rows);
  }

  Value isLast() { return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, ivs[nest.partial->outer], constant(nest.loops[nest.partial->outer].extent - 1)); }

  int64_t along = -1, across = -1; // loops
  SmallVector<size_t> turned;      // inputs whose neighbours are along `along`
};

} // namespace

bool lathe::passes::tileTransposed(linalg::LinalgOp op, GenericNest &nest, int64_t lanes) {
  TransposedTiler tiler(op, nest, lanes);
  if (!tiler.match())
    return false;
  tiler.tile();
  return true;
}
