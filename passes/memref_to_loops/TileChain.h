// Operations that lathe-group has put together: blocks of rows, and of what passes between the operations the rows that are in memory.
#ifndef PASSES_MEMREF_TO_LOOPS_TILECHAIN_H
#define PASSES_MEMREF_TO_LOOPS_TILECHAIN_H

#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace lathe::passes {

/// An operation of a chain, and what it reads and writes: scratch memory has the shape of the whole map, but holds only so many rows of it at once (0: all),
/// row i at the place of i modulo that.
struct ChainMember {
  nn::WindowedOpInterface op;
  mlir::Value input, output;
  int64_t inputRows = 0, outputRows = 0;
};

class ChainTiler : nn::IndexBuilder {
public:
  /// `rows` rows of the last operation are computed together.
  ChainTiler(llvm::ArrayRef<nn::WindowedOpInterface> chain, int64_t rows);

  using EmitRows = llvm::function_ref<void(const ChainMember &, mlir::OpBuilder::InsertPoint, mlir::Value image, mlir::Value from, mlir::Value to)>;
  /// The loop over images and blocks; `emit` makes the loops over rows [from, to) of a member, and erases its operation.
  void tile(EmitRows emit);

private:
  mlir::Value scratch(mlir::MemRefType map, int64_t rows, int64_t &offset);

  llvm::SmallVector<ChainMember> members;
  llvm::SmallVector<mlir::memref::AllocaOp> maps;
  int64_t rows;
};

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_LOOPS_TILECHAIN_H
