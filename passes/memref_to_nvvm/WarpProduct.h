// What the warps of a block do with one step of the reduction in shared memory: each multiplies its part of the rows with its part of the columns.
#ifndef PASSES_MEMREF_TO_NVVM_WARPPRODUCT_H
#define PASSES_MEMREF_TO_NVVM_WARPPRODUCT_H

#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lathe::passes {

/// 32-bit index arithmetic of a thread; constants fold.
class Int32Builder {
public:
  explicit Int32Builder(mlir::ImplicitLocOpBuilder &b) : b(b) {}
  mlir::Value constant(int64_t v) const;
  mlir::Value add(mlir::Value x, mlir::Value y) const;
  mlir::Value add(mlir::Value x, int64_t y) const;
  mlir::Value mul(mlir::Value x, int64_t y) const;
  /// Of a number that is not negative.
  mlir::Value div(mlir::Value x, int64_t y) const;
  mlir::Value rem(mlir::Value x, int64_t y) const;

protected:
  mlir::ImplicitLocOpBuilder &b;
};

/// How factors are multiplied. Sums are f32.
enum class Product {
  f16,  // tensor cores, m16n8k16
  bf16, // the same
  tf32, // tensor cores, m16n8k8; factors are f32 in memory, rounded to 10 bits of fraction
  f32,  // multiply-adds of f32, exact
};

/// Shared memory of one step: [rows][kDepth] of the left factor, then [kDepth][columns] of the right one. Each line is followed by a gap that lets the
/// threads of a warp read different banks.
struct StepLayout {
  static constexpr int64_t kDepth = 32; // of the reduction; a block of channels
  int64_t elementBytes, rows, columns;
  int64_t leftPitch() const { return kDepth * elementBytes + 16; }
  int64_t rightPitch() const { return columns * elementBytes + (elementBytes == 4 ? 32 : 16); }
  int64_t rightStart() const { return rows * leftPitch(); }
  int64_t bytes() const { return rightStart() + kDepth * rightPitch(); }
};

/// Sums that a thread holds of neighbouring columns: of row `row + lane / 4` and columns `column + lane % 4 * width` on, in the warp's part.
struct HeldRun {
  int64_t row, column;
  llvm::SmallVector<int64_t> sums; // their numbers, `width` of them
};

class WarpProduct : Int32Builder {
public:
  /// `rows` and `columns` of a warp's part, multiples of 16.
  WarpProduct(mlir::ImplicitLocOpBuilder &b, Product product, StepLayout layout, int64_t rows, int64_t columns);

  int64_t sumCount() const { return rows * columns / 32; }
  /// Neighbouring columns of a run.
  int64_t width() const { return product == Product::f32 ? 4 : 2; }
  /// Runs in the order of rows.
  llvm::SmallVector<HeldRun> runs() const;

  /// Where this thread reads, in bytes from the start of a step; `firstRow` and `firstColumn` are those of its warp.
  void place(mlir::Value lane, mlir::Value firstRow, mlir::Value firstColumn);

  /// Adds the products of the step at `step` (a pointer to shared memory) to the sums.
  llvm::SmallVector<mlir::Value> multiply(mlir::Value step, llvm::SmallVector<mlir::Value> sums);

private:
  using Values = llvm::SmallVector<mlir::Value>;
  mlir::Value at(mlir::Value step, mlir::Value offset, int64_t bytes);
  Values matrices(mlir::Value from, mlir::NVVM::MMALayout layout);
  mlir::Value load(mlir::Value from, mlir::Type type, unsigned alignment);
  Values overDepth(int64_t at, Values sums, llvm::function_ref<void(mlir::Value, mlir::Value, Values &)> body);
  Values multiplyHalves(mlir::Value step, Values sums);
  Values multiplySingles(mlir::Value step, Values sums);
  Values multiplyExactly(mlir::Value step, Values sums);
  /// The four sums of tile (i, j), of 16 rows and 8 columns.
  void multiplyTile(Values &sums, int64_t i, int64_t j, mlir::ValueRange left, mlir::ValueRange right);

  Product product;
  StepLayout layout;
  int64_t rows, columns;
  mlir::Value leftLane, rightLane; // offsets
};

} // namespace lathe::passes

#endif // PASSES_MEMREF_TO_NVVM_WARPPRODUCT_H
