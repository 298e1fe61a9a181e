// What the ways to write the loops of a linalg operation on buffers share: flat views of the operands, their addresses, and the body for one vector.
#ifndef PASSES_MEMREF_TO_LOOPS_GENERICEMITTER_H
#define PASSES_MEMREF_TO_LOOPS_GENERICEMITTER_H

#include "dialects/nn/IndexBuilder.h"
#include "passes/memref_to_loops/GenericNest.h"

namespace lathe::passes {

class GenericEmitter : protected nn::IndexBuilder {
protected:
  using Value = mlir::Value;
  using AffineExpr = mlir::AffineExpr;

  GenericEmitter(mlir::linalg::LinalgOp op, GenericNest &nest, int64_t lanes) : IndexBuilder(op), op(op), nest(nest), lanes(lanes) {}

  /// The scf.forall over `shared`, in the order in which they are loops of the nest; what comes next is built in it.
  void openForall(llvm::ArrayRef<int64_t> shared);
  /// A loop of the nest, one iteration at a time; what comes next is built in it.
  void openLoop(int64_t loop);
  /// The operation's body at the current values of the loops, for `width` neighbouring iterations of the innermost one. `loadInput`, if given, may
  /// return the value of an input, or null for what is loaded as it lies.
  void compute(int64_t width, llvm::function_ref<Value(size_t)> loadInput = nullptr);
  /// The iterations of `loop` in pieces of `lanes`, and what is left in pieces of halved extents: no masks, nothing beyond the end is touched.
  void forEachPiece(int64_t loop, llvm::function_ref<void(Value, int64_t)> piece);
  /// The address of an input at the current values of the loops.
  Value addressOfInput(size_t i) { return address(bases[i]); }
  Value flatInput(size_t i) { return flat[nest.inputs[i].operand]; }
  /// An element of the vector of this number.
  struct Pick {
    int64_t vector, lane;
  };
  /// A vector of the picked elements, as many as each of `vectors` has.
  Value gathered(llvm::ArrayRef<Value> vectors, llvm::ArrayRef<Pick> picks);

  mlir::linalg::LinalgOp op;
  GenericNest &nest;
  int64_t lanes;
  llvm::SmallVector<Value> ivs; // of nest.loops
  int64_t storeOffset = 0;      // elements that are added to where the body's result goes

private:
  struct Base {
    Value outer;      // null if 0
    AffineExpr inner; // of the loops that are not shared
  };
  void flatten(GenericNest::Access &access);
  Base base(GenericNest::Access &access, llvm::ArrayRef<int64_t> shared);
  Value address(const Base &base);
  Value value(AffineExpr expr);
  Value load(GenericNest::Access &access, Value at, int64_t width);
  Value loadStrided(mlir::VectorType type, Value memory, Value at, int64_t stride);
  Value broadcast(Value v, int64_t width);
  Value splat(Value v, int64_t width);

  llvm::SmallVector<Base> bases;           // inputs, output
  llvm::DenseMap<AffineExpr, Base> baseOf; // by address
  llvm::DenseMap<Value, Value> flat;
  llvm::DenseMap<mlir::Attribute, Value> splats;
};

/// Where neighbours in the output are far apart in some input that has neighbours along another loop: blocks of both are loaded as they lie in the input,
/// turned in registers, and stored as they lie in the output. False, and nothing is built, if the operation is not of that kind; `nest` is changed.
bool tileTransposed(mlir::linalg::LinalgOp op, GenericNest &nest, int64_t lanes);

/// Where neighbours in the output come from few lines of the input by turns: the lines are loaded as they lie, and their elements interleaved in registers.
/// False, and nothing is built, if the operation is not of that kind; `nest` is changed.
bool tileInterleaved(mlir::linalg::LinalgOp op, GenericNest &nest, int64_t lanes);

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_GENERICEMITTER_H
