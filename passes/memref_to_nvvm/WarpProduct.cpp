// Fragment layouts: PTX ISA, "Matrix fragments for mma.m16n8k16 / m16n8k8" and "ldmatrix". In short: of a tile of 16 rows and 8 columns of sums, lane l holds
// rows l / 4 and l / 4 + 8, columns 2 (l % 4) and the next one. ldmatrix gives lane l the four bytes at row l / 4, place l % 4 of each matrix of 8 rows of 16
// bytes; with .trans, the elements of rows 2 (l % 4) and the next one, at column l / 4.
#include "passes/memref_to_nvvm/WarpProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lathe::passes;

//===- Int32Builder ----------------------------------------------------------------------------------------------------------------------------===//

Value Int32Builder::constant(int64_t v) const { return arith::ConstantIntOp::create(b, v, 32); }

Value Int32Builder::add(Value x, Value y) const {
  if (auto c = getConstantIntValue(y))
    return add(x, *c);
  if (auto c = getConstantIntValue(x))
    return add(y, *c);
  return arith::AddIOp::create(b, x, y);
}

Value Int32Builder::add(Value x, int64_t y) const {
  if (y == 0)
    return x;
  auto c = getConstantIntValue(x);
  return c ? constant(*c + y) : arith::AddIOp::create(b, x, constant(y)).getResult();
}

Value Int32Builder::mul(Value x, int64_t y) const {
  if (y == 1)
    return x;
  auto c = getConstantIntValue(x);
  if (y == 0 || c)
    return constant(c.value_or(0) * y);
  return arith::MulIOp::create(b, x, constant(y));
}

Value Int32Builder::div(Value x, int64_t y) const {
  if (y == 1)
    return x;
  auto c = getConstantIntValue(x);
  return c ? constant(*c / y) : arith::DivUIOp::create(b, x, constant(y)).getResult();
}

Value Int32Builder::rem(Value x, int64_t y) const {
  auto c = getConstantIntValue(x);
  if (y == 1 || c)
    return constant(y == 1 ? 0 : *c % y);
  return arith::RemUIOp::create(b, x, constant(y));
}

//===- WarpProduct -----------------------------------------------------------------------------------------------------------------------------===//

WarpProduct::WarpProduct(ImplicitLocOpBuilder &b, Product product, StepLayout layout, int64_t rows, int64_t columns)
    : Int32Builder(b), product(product), layout(layout), rows(rows), columns(columns) {}

SmallVector<HeldRun> WarpProduct::runs() const {
  SmallVector<HeldRun> result;
  int64_t step = 4 * width();
  for (int64_t row = 0; row < rows; row += 8)
    for (int64_t column = 0; column < columns; column += step) {
      HeldRun run{row, column, {}};
      for (int64_t e = 0; e < width(); ++e) {
        if (product == Product::f32)
          run.sums.push_back((row / 8 * (columns / step) + column / step) * width() + e);
        else // tiles of 16 rows: two runs each
          run.sums.push_back((row / 16 * (columns / 8) + column / 8) * 4 + row % 16 / 8 * 2 + e);
      }
      result.push_back(run);
    }
  return result;
}

void WarpProduct::place(Value lane, Value firstRow, Value firstColumn) {
  int64_t size = layout.elementBytes;
  if (product == Product::f32) {
    leftLane = mul(add(firstRow, div(lane, 4)), layout.leftPitch());
    rightLane = mul(add(firstColumn, mul(rem(lane, 4), 4)), size);
  } else {
    // Matrices 0 and 1 are rows 0 to 7 and 8 to 15 of the tile, 2 and 3 the next 16 bytes of them.
    leftLane = add(mul(add(firstRow, rem(lane, 16)), layout.leftPitch()), mul(div(lane, 16), 16));
    rightLane = product == Product::tf32 ? add(mul(rem(lane, 4), layout.rightPitch()), mul(add(firstColumn, div(lane, 4)), size))
                                         : add(mul(rem(lane, 16), layout.rightPitch()), mul(add(firstColumn, mul(div(lane, 16), 8)), size));
  }
  rightLane = add(rightLane, layout.rightStart());
}

SmallVector<Value> WarpProduct::multiply(Value step, SmallVector<Value> sums) {
  switch (product) {
  case Product::f16:
  case Product::bf16:
    return multiplyHalves(step, std::move(sums));
  case Product::tf32:
    return multiplySingles(step, std::move(sums));
  case Product::f32:
    return multiplyExactly(step, std::move(sums));
  }
  llvm_unreachable("all products are listed");
}

/// `step` + `offset` + `bytes`.
Value WarpProduct::at(Value step, Value offset, int64_t bytes) {
  Value lane = LLVM::GEPOp::create(b, step.getType(), b.getI8Type(), step, ArrayRef<LLVM::GEPArg>{offset});
  return LLVM::GEPOp::create(b, step.getType(), b.getI8Type(), lane, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

/// Four matrices of 8 rows of 16 bytes; lane l says where row l % 8 of matrix l / 8 is.
SmallVector<Value> WarpProduct::matrices(Value from, NVVM::MMALayout layout) {
  Type i32 = b.getI32Type();
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), {i32, i32, i32, i32});
  auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
  Value all = NVVM::LdMatrixOp::create(b, type, from, 4, layout, shape, NVVM::LdStMatrixEltType::B16);
  Values parts;
  for (int64_t i = 0; i < 4; ++i)
    parts.push_back(LLVM::ExtractValueOp::create(b, all, i));
  return parts;
}

Value WarpProduct::load(Value from, Type type, unsigned alignment) { return LLVM::LoadOp::create(b, type, from, alignment); }

void WarpProduct::multiplyTile(Values &sums, int64_t i, int64_t j, ValueRange left, ValueRange right) {
  int64_t first = (i * (columns / 8) + j) * 4;
  Type f32 = b.getF32Type();
  Values factors[2] = {Values(left), Values(right)};
  if (product == Product::f16)
    for (Values &list : factors)
      for (Value &v : list)
        v = LLVM::BitcastOp::create(b, VectorType::get({2}, b.getF16Type()), v);
  auto type = product == Product::f16 ? NVVM::MMATypes::f16 : product == Product::bf16 ? NVVM::MMATypes::bf16 : NVVM::MMATypes::tf32;
  int64_t depth = product == Product::tf32 ? 8 : 16;
  auto all = NVVM::MmaOp::create(b, LLVM::LLVMStructType::getLiteral(b.getContext(), {f32, f32, f32, f32}), factors[0], factors[1],
                                 ArrayRef(sums).slice(first, 4), ArrayRef<int64_t>{16, 8, depth}, std::nullopt, std::nullopt,
                                 std::array<NVVM::MMATypes, 2>{type, type}, std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  for (int64_t e = 0; e < 4; ++e)
    sums[first + e] = LLVM::ExtractValueOp::create(b, all.getRes(), e);
}

SmallVector<Value> WarpProduct::multiplyHalves(Value step, Values sums) {
  for (int64_t depth = 0; depth < StepLayout::kDepth; depth += 16) {
    SmallVector<Values> left, right;
    for (int64_t row = 0; row < rows; row += 16)
      left.push_back(matrices(at(step, leftLane, row * layout.leftPitch() + depth * 2), NVVM::MMALayout::row));
    for (int64_t column = 0; column < columns; column += 16)
      right.push_back(matrices(at(step, rightLane, depth * layout.rightPitch() + column * 2), NVVM::MMALayout::col));
    for (size_t i = 0; i < left.size(); ++i)
      for (size_t j = 0; j < right.size() * 2; ++j)
        multiplyTile(sums, i, j, left[i], ValueRange(right[j / 2]).slice(j % 2 * 2, 2));
  }
  return sums;
}

/// A loop over the step's depth, `at` a time: without one, all loads come first and registers spill. `body` gets where the two factors are.
SmallVector<Value> WarpProduct::overDepth(int64_t at, Values sums, llvm::function_ref<void(Value, Value, Values &)> body) {
  auto loop = scf::ForOp::create(b, constant(0), constant(StepLayout::kDepth), constant(at), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values next(loop.getRegionIterArgs());
  Value depth = loop.getInductionVar();
  body(add(leftLane, mul(depth, layout.elementBytes)), add(rightLane, mul(depth, layout.rightPitch())), next);
  scf::YieldOp::create(b, next);
  return Values(loop.getResults());
}

SmallVector<Value> WarpProduct::multiplySingles(Value step, Values sums) {
  Type i32 = b.getI32Type();
  auto rounded = [&](Value bits) -> Value {
    Value x = bits.getType().isF32() ? bits : LLVM::BitcastOp::create(b, b.getF32Type(), bits).getResult();
    return NVVM::ConvertFloatToTF32Op::create(b, i32, x, NVVM::FPRoundingMode::RNA);
  };
  return overDepth(8, std::move(sums), [&](Value leftAt, Value rightAt, Values &next) {
    SmallVector<Values> left, right;
    for (int64_t row = 0; row < rows; row += 16)
      left.push_back(llvm::map_to_vector(matrices(at(step, leftAt, row * layout.leftPitch()), NVVM::MMALayout::row), rounded));
    for (int64_t column = 0; column < columns; column += 8) {
      Values pair;
      for (int64_t k : {0, 4})
        pair.push_back(rounded(load(at(step, rightAt, k * layout.rightPitch() + column * 4), b.getF32Type(), 4)));
      right.push_back(pair);
    }
    for (size_t i = 0; i < left.size(); ++i)
      for (size_t j = 0; j < right.size(); ++j)
        multiplyTile(next, i, j, left[i], right[j]);
  });
}

/// A thread holds rows lane / 4 + 8 i and columns 4 (lane % 4) + 16 j on: what it reads is 16 bytes at a time, and no bank is read twice.
SmallVector<Value> WarpProduct::multiplyExactly(Value step, Values sums) {
  auto four = VectorType::get({4}, b.getF32Type());
  auto element = [&](Value vector, int64_t i) { return vector::ExtractOp::create(b, vector, i).getResult(); };
  int64_t runsOfRow = columns / 16;
  return overDepth(4, std::move(sums), [&](Value leftAt, Value rightAt, Values &next) {
    Values left;
    for (int64_t row = 0; row < rows; row += 8)
      left.push_back(load(at(step, leftAt, row * layout.leftPitch()), four, 16));
    for (int64_t k = 0; k < 4; ++k) {
      Values right;
      for (int64_t column = 0; column < columns; column += 16)
        right.push_back(load(at(step, rightAt, k * layout.rightPitch() + column * 4), four, 16));
      for (auto [i, factor] : llvm::enumerate(left)) {
        Value x = element(factor, k);
        for (int64_t j = 0; j < runsOfRow; ++j)
          for (int64_t e = 0; e < 4; ++e) {
            Value &sum = next[(i * runsOfRow + j) * 4 + e];
            sum = math::FmaOp::create(b, x, element(right[j], e), sum);
          }
      }
    }
  });
}
