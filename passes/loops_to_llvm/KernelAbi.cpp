// lathe-kernel-abi: see Passes.td. The bare-pointer convention of upstream's func-to-llvm leaves functions with dynamic memrefs unconverted without a
// word; hence an ABI of our own, which the runtime's artifact.h describes as lathe_kernel_fn.
#include "dialects/nn/NNDialect.h"
#include "passes/loops_to_llvm/Passes.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lathe::passes {
#define GEN_PASS_DEF_KERNELABIPASS
#include "passes/loops_to_llvm/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

constexpr unsigned kGlobalMemory = 1; // of the address spaces of NVPTX

struct KernelAbiPass : lathe::passes::impl::KernelAbiPassBase<KernelAbiPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr(NNDialect::kKernelAttr))
      return;
    if (failed(convert(kernel)))
      signalPassFailure();
  }

  static Value i64(ImplicitLocOpBuilder &b, int64_t v) { return LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(v)); }

  /// The buffer of type `type` at pointer `p`. A leading dynamic size is never read from it: 1 stands for it.
  static Value bufferAt(ImplicitLocOpBuilder &b, LLVMTypeConverter &converter, MemRefType type, Value p) {
    auto [strides, offset] = type.getStridesAndOffset();
    SmallVector<Value> fields{p, p, i64(b, offset)};
    for (int64_t d : type.getShape())
      fields.push_back(i64(b, ShapedType::isDynamic(d) ? 1 : d));
    for (int64_t s : strides)
      fields.push_back(i64(b, s));
    Value descriptor = MemRefDescriptor::pack(b, b.getLoc(), converter, type, fields);
    return UnrealizedConversionCastOp::create(b, type, descriptor).getResult(0);
  }

  /// Buffers in the scratch argument; the kernel's attribute says how much of it is used.
  static void lowerScratch(func::FuncOp kernel, Value scratch, LLVMTypeConverter &converter) {
    int64_t bytes = 0;
    kernel.walk([&](ScratchOp op) {
      auto type = cast<MemRefType>(op.getType());
      int64_t offset = op.getOffset();
      bytes = std::max<int64_t>(bytes, offset + type.getNumElements() * (type.getElementTypeBitWidth() / 8));
      ImplicitLocOpBuilder b(op.getLoc(), op);
      Value p = LLVM::GEPOp::create(b, scratch.getType(), b.getI8Type(), scratch, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
      op.replaceAllUsesWith(bufferAt(b, converter, type, p));
      op.erase();
    });
    if (bytes)
      kernel->setAttr(NNDialect::kScratchAttr, OpBuilder(kernel).getI64IntegerAttr(bytes));
  }

  /// The batch as an index, for kernels that need it: those that do anything else with it than to count images outside of all other loops, which the
  /// range of iterations does for them. Null for others. It is the first entry of the argument table, before the buffers.
  static FailureOr<Value> lowerBatch(func::FuncOp kernel, scf::ForallOp forall, Value args) {
    SmallVector<OpFoldResult> bounds = forall.getMixedUpperBound();
    SmallVector<Value> dynamic;
    for (OpFoldResult bound : bounds)
      if (!getConstantIntValue(bound))
        dynamic.push_back(cast<Value>(bound));
    if (dynamic.size() > 1 || (!dynamic.empty() && !dynamic.front().getDefiningOp<memref::DimOp>()))
      return forall.emitOpError("expects static upper bounds but for one, which may be the batch");
    SmallVector<memref::DimOp> dims;
    kernel.walk([&](memref::DimOp dim) { dims.push_back(dim); });
    bool needed = !dynamic.empty() && getConstantIntValue(bounds.front());
    for (memref::DimOp dim : dims)
      needed |= llvm::any_of(dim->getUsers(), [&](Operation *user) { return user != forall; });
    if (!needed)
      return Value();
    ImplicitLocOpBuilder b(kernel.getLoc(), &kernel.getBody().front(), kernel.getBody().front().begin());
    Value entry = LLVM::LoadOp::create(b, b.getI64Type(), args);
    Value batch = arith::IndexCastOp::create(b, b.getIndexType(), entry);
    for (memref::DimOp dim : dims) {
      dim.replaceAllUsesWith(batch);
      dim.erase();
    }
    return batch;
  }

  static Value index(ImplicitLocOpBuilder &b, int64_t v) { return arith::ConstantIndexOp::create(b, v); }

  static Value enterLoop(ImplicitLocOpBuilder &b, Value from, Value to) {
    auto loop = scf::ForOp::create(b, from, to, index(b, 1));
    b.setInsertionPointToStart(loop.getBody());
    return loop.getInductionVar();
  }

  /// The indices of dimensions [first, ...) at position `rest` of their linearised space; a dynamic extent is the batch.
  static SmallVector<Value> delinearize(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> bounds, Value rest, Value batch) {
    SmallVector<Value> indices(bounds.size());
    for (size_t d = bounds.size(); d-- > 1;) {
      auto extent = getConstantIntValue(bounds[d]);
      Value divisor = extent ? index(b, *extent) : batch;
      indices[d] = arith::RemUIOp::create(b, rest, divisor);
      rest = arith::DivUIOp::create(b, rest, divisor);
    }
    indices.front() = rest;
    return indices;
  }

  /// One loop over [lower, upper); leaves `b` in it. Returns the index of every dimension.
  static SmallVector<Value> loopOverRange(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> bounds, Value lower, Value upper, Value batch) {
    return delinearize(b, bounds, enterLoop(b, lower, upper), batch);
  }

  /// The same positions, with the last dimension, of extent G, outside of all others but the first: of an image's positions [from, to), those at `last` are
  /// i * G + last for i in [ceil((from - last) / G), ceil((to - last) / G)).
  static SmallVector<Value> loopsWithLastOutside(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> bounds, Value lower, Value upper) {
    int64_t extent = *getConstantIntValue(bounds.back()), perImage = 1;
    for (OpFoldResult bound : bounds.drop_front())
      perImage *= *getConstantIntValue(bound);
    Value positions = index(b, perImage);
    Value image = enterLoop(b, arith::DivUIOp::create(b, lower, positions), arith::CeilDivUIOp::create(b, upper, positions));
    Value start = arith::MulIOp::create(b, image, positions);
    Value from = arith::MaxSIOp::create(b, arith::SubIOp::create(b, lower, start), index(b, 0));
    Value to = arith::MinSIOp::create(b, arith::SubIOp::create(b, upper, start), positions);
    Value last = enterLoop(b, index(b, 0), index(b, extent));
    Value round = arith::SubIOp::create(b, index(b, extent - 1), last); // of a division that rounds up; never negative
    auto first = [&](Value position) { return arith::DivUIOp::create(b, arith::AddIOp::create(b, position, round), index(b, extent)).getResult(); };
    Value begin = first(from), end = first(to);
    SmallVector<Value> indices{image};
    llvm::append_range(indices, delinearize(b, bounds.drop_front().drop_back(), enterLoop(b, begin, end), Value()));
    indices.push_back(last);
    return indices;
  }

  LogicalResult convert(func::FuncOp kernel) {
    if (!llvm::hasSingleElement(kernel.getBody()))
      return kernel.emitOpError("expects a body of one block (got ") << kernel.getBody().getBlocks().size() << ")";
    Block &body = kernel.getBody().front();
    auto foralls = llvm::to_vector(body.getOps<scf::ForallOp>());
    if (foralls.size() != 1)
      return kernel.emitOpError("expects one top-level scf.forall (got ") << foralls.size() << ")";
    scf::ForallOp forall = foralls.front();
    if (!forall.isNormalized() || forall.getRank() == 0 || forall.getNumResults() != 0)
      return forall.emitOpError("expects lower bounds of 0, steps of 1, at least one dimension and no results");
    for (Type t : kernel.getArgumentTypes()) {
      auto memref = dyn_cast<MemRefType>(t);
      if (!memref || memref.getStridesAndOffset().second != 0 || llvm::any_of(memref.getShape().drop_front(memref.getRank() ? 1 : 0), ShapedType::isDynamic))
        return kernel.emitOpError("expects buffers with offset 0 and no dynamic dimension but the leading one (got ") << t << ")";
    }
    LLVMTypeConverter converter(&getContext());
    auto ptr = LLVM::LLVMPointerType::get(&getContext());
    auto target = kernel->getParentOfType<ModuleOp>()->getAttrOfType<TargetAttr>(NNDialect::kTargetAttr);
    bool isGpu = target && target.isGpu();
    unsigned buffers = body.getNumArguments();
    ImplicitLocOpBuilder b(kernel.getLoc(), &body, body.begin());
    Type i64Type = b.getI64Type();
    Value args = body.addArgument(ptr, kernel.getLoc());
    Value scratch = body.addArgument(ptr, kernel.getLoc());
    Value begin = body.addArgument(i64Type, kernel.getLoc()), end = body.addArgument(i64Type, kernel.getLoc());
    FailureOr<Value> batch = lowerBatch(kernel, forall, args);
    if (failed(batch))
      return failure();
    int32_t firstBuffer = *batch != Value();
    for (unsigned i = 0; i < buffers; ++i) {
      Value slot = LLVM::GEPOp::create(b, ptr, ptr, args, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i) + firstBuffer});
      Value p = LLVM::LoadOp::create(b, isGpu ? LLVM::LLVMPointerType::get(&getContext(), kGlobalMemory) : ptr, slot);
      if (isGpu) // so that accesses are known to be of global memory, which has instructions of its own
        p = LLVM::AddrSpaceCastOp::create(b, ptr, p);
      body.getArgument(i).replaceAllUsesWith(bufferAt(b, converter, cast<MemRefType>(body.getArgument(i).getType()), p));
    }
    body.eraseArguments(0, buffers);
    kernel.setType(b.getFunctionType({ptr, ptr, i64Type, i64Type}, {}));
    kernel.removeArgAttrsAttr();

    lowerScratch(kernel, scratch, converter);
    b.setInsertionPoint(forall);
    Value lower = arith::IndexCastOp::create(b, b.getIndexType(), begin), upper = arith::IndexCastOp::create(b, b.getIndexType(), end);
    SmallVector<OpFoldResult> bounds = forall.getMixedUpperBound();
    bool batched = llvm::any_of(bounds, [](OpFoldResult bound) { return !getConstantIntValue(bound); });
    int64_t known = 1; // product of the static extents
    for (OpFoldResult bound : bounds)
      known *= getConstantIntValue(bound).value_or(1);
    bool lastOutside = forall->hasAttr(NNDialect::kLastOutsideAttr);
    if (lastOutside && llvm::any_of(ArrayRef(bounds).drop_front(), [](OpFoldResult bound) { return !getConstantIntValue(bound); }))
      return forall.emitOpError("expects static upper bounds but for the first where the last dimension is outside");
    SmallVector<Value> indices = lastOutside ? loopsWithLastOutside(b, bounds, lower, upper) : loopOverRange(b, bounds, lower, upper, *batch);
    kernel.walk([&](RangeBeginOp op) {
      op.replaceAllUsesWith(lower);
      op.erase();
    });
    forall.getTerminator().erase();
    IRRewriter(b).inlineBlockBefore(forall.getBody(), b.getInsertionBlock(), b.getInsertionPoint(), indices);
    forall.erase();
    for (auto dim : llvm::make_early_inc_range(body.getOps<memref::DimOp>()))
      dim.erase(); // was the bound
    kernel->setAttr("nn.space", b.getDenseI64ArrayAttr({batched ? 0 : known, batched ? known : 0}));
    if (*batch)
      kernel->setAttr(NNDialect::kBatchArgumentAttr, b.getUnitAttr());
    return success();
  }
};

} // namespace
