#include "passes/memref_to_loops/TilePrologue.h"

#include "dialects/nn/NNDialect.h"
#include "dialects/nn/VectorEpilogue.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lathe::nn;
using namespace lathe::passes;

PrologueTiler::PrologueTiler(linalg::LinalgOp op, memref::AllocaOp line, int64_t rows) : IndexBuilder(op), op(op), whole(line) {
  MemRefType type = line.getType();
  int64_t rank = type.getRank();
  blocks = type.getDimSize(1);
  pixels = rows * type.getDimSize(rank - 2);
  lanes = type.getDimSize(rank - 1);
  // An odd number of vectors, so that a pixel's blocks do not fall into one set of the cache.
  blockStride = (pixels | 1) * lanes;
  for (OpOperand *in : op.getDpsInputOperands()) {
    auto memref = cast<MemRefType>(in->get().getType());
    Input input{flatten(in->get()), memref.getElementType(), SmallVector<int64_t>(rank, 0)};
    SmallVector<int64_t> strides = memref.getStridesAndOffset().first;
    for (auto [stride, expr] : llvm::zip(strides, op.getMatchingIndexingMap(in).getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        input.coefficients[dim.getPosition()] += stride;
    inputs.push_back(std::move(input));
  }
  scratch = ScratchOp::create(b, MemRefType::get({blocks * blockStride}, type.getElementType()), b.getI64IntegerAttr(0));
  SmallVector<int64_t> shape(type.getShape()), strides(rank, 0);
  shape[0] = 1;
  strides[1] = blockStride;
  strides[rank - 2] = lanes;
  strides[rank - 1] = 1;
  SmallVector<OpFoldResult> sizes, steps;
  for (int64_t extent : shape)
    sizes.push_back(b.getIndexAttr(extent));
  for (int64_t step : strides)
    steps.push_back(b.getIndexAttr(step));
  auto viewType = MemRefType::get(shape, type.getElementType(), StridedLayoutAttr::get(b.getContext(), 0, strides));
  view = memref::ReinterpretCastOp::create(b, viewType, scratch, b.getIndexAttr(0), sizes, steps);
}

Value PrologueTiler::load(const Input &input, Value at) {
  auto type = VectorType::get({lanes}, input.element);
  if (input.coefficients.back() == 1)
    return vector::LoadOp::create(b, type, input.flat, at);
  return vector::BroadcastOp::create(b, type, memref::LoadOp::create(b, input.flat, at));
}

void PrologueTiler::compute(OpBuilder::InsertPoint at, Value image, ArrayRef<Value> outer) {
  OpBuilder::InsertionGuard guard(b);
  b.restoreInsertionPoint(at);
  SmallVector<Value> bases;
  for (const Input &input : inputs) {
    Value base = mul(image, input.coefficients[0]);
    for (auto [d, position] : llvm::enumerate(outer))
      base = add(base, mul(position, input.coefficients[2 + d]));
    bases.push_back(base);
  }
  auto overBlocks = scf::ForOp::create(b, constant(0), constant(blocks), constant(1));
  b.setInsertionPointToStart(overBlocks.getBody());
  Value block = overBlocks.getInductionVar(), to = mul(block, blockStride);
  SmallVector<Value> values(inputs.size());
  for (auto [i, input] : llvm::enumerate(inputs)) {
    bases[i] = add(bases[i], mul(block, input.coefficients[1]));
    if (!input.changesAlongLine())
      values[i] = load(input, bases[i]);
  }
  auto pixel = [&](Value first, int64_t ahead) {
    SmallVector<Value> arguments(values);
    for (auto [i, input] : llvm::enumerate(inputs))
      if (int64_t step = input.coefficients[input.coefficients.size() - 2])
        arguments[i] = load(input, add(add(bases[i], mul(first, step)), ahead * step));
    Value result = cloneAsVectors(b, op->getRegion(0), lanes, arguments.front(), ArrayRef(arguments).drop_front());
    vector::StoreOp::create(b, result, scratch, add(add(to, mul(first, lanes)), ahead * lanes));
  };
  // Several pixels at once hide the latencies of one.
  constexpr int64_t kUnroll = 4;
  int64_t whole = pixels / kUnroll * kUnroll;
  if (whole) {
    auto overPixels = scf::ForOp::create(b, constant(0), constant(whole), constant(kUnroll));
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(overPixels.getBody());
    for (int64_t i = 0; i < kUnroll; ++i)
      pixel(overPixels.getInductionVar(), i);
  }
  for (int64_t p = whole; p < pixels; ++p)
    pixel(constant(p), 0);
}

void PrologueTiler::erase() {
  op->erase();
  SmallVector<Operation *> sizes;
  for (Value size : whole.getDynamicSizes())
    sizes.push_back(size.getDefiningOp());
  whole.erase();
  for (Operation *size : sizes)
    if (size->use_empty())
      size->erase();
}
