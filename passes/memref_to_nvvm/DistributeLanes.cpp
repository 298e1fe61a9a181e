// lathe-distribute-lanes: see Passes.td.
//
// The emitters of the CPU's register tiles write what a warp should do, if a vector has as many elements as a warp has threads: neighbouring weights in
// neighbouring threads, inputs that are the same for all of them. So their loops serve both targets, and what was tested on one holds on the other.
#include "dialects/nn/NNDialect.h"
#include "passes/memref_to_nvvm/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace lathe::passes {
#define GEN_PASS_DEF_DISTRIBUTELANESPASS
#include "passes/memref_to_nvvm/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

constexpr int64_t kWarp = 32;

/// Index arithmetic of one kernel.
class Lanes {
public:
  explicit Lanes(func::FuncOp kernel) {
    OpBuilder b = OpBuilder::atBlockBegin(&kernel.getBody().front());
    Value id = NVVM::LaneIdOp::create(b, kernel.getLoc(), b.getI32Type());
    lane = arith::IndexCastOp::create(b, kernel.getLoc(), b.getIndexType(), id);
  }

  /// values[lane], as one value and a choice for each lane from which on it is another: of the forms s * lane + v and lane / s + v that with the fewest.
  Value table(OpBuilder &b, Location loc, ArrayRef<int64_t> values) const {
    auto changesOf = [&](auto form) {
      int64_t changes = 0;
      for (int64_t i = 1, n = values.size(); i < n; ++i)
        changes += values[i] - form(i) != values[i - 1] - form(i - 1);
      return changes;
    };
    int64_t best = kWarp + 1, factor = 0, divisor = 1;
    for (int64_t s : {0, 1, 2, 4, 8, 16})
      for (int64_t d : {1, 2, 4, 8, 16})
        if (int64_t changes = changesOf([&](int64_t i) { return i / d * s; }); changes < best) {
          best = changes;
          factor = s;
          divisor = d;
        }
    auto constant = [&](int64_t v) { return arith::ConstantIndexOp::create(b, loc, v).getResult(); };
    Value part = lane;
    if (divisor > 1)
      part = arith::DivUIOp::create(b, loc, part, constant(divisor));
    if (factor != 1)
      part = arith::MulIOp::create(b, loc, part, constant(factor));
    Value rest = constant(values.front());
    for (int64_t i = 1, n = values.size(); i < n; ++i) {
      int64_t now = values[i] - i / divisor * factor;
      if (now == values[i - 1] - (i - 1) / divisor * factor)
        continue;
      Value from = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, lane, constant(i));
      rest = arith::SelectOp::create(b, loc, from, constant(now), rest);
    }
    return arith::AddIOp::create(b, loc, part, rest);
  }

  /// The place of this thread's element of a vector of `size`; of the last one for threads that have none.
  Value place(OpBuilder &b, Location loc, int64_t size) const {
    if (size == kWarp)
      return lane;
    return arith::MinSIOp::create(b, loc, lane, arith::ConstantIndexOp::create(b, loc, size - 1));
  }

  /// Whether this thread has an element; null if all have.
  Value has(OpBuilder &b, Location loc, int64_t size) const {
    if (size == kWarp)
      return {};
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, lane, arith::ConstantIndexOp::create(b, loc, size));
  }

  /// `value` of thread `from` (an index), in every thread.
  Value read(OpBuilder &b, Location loc, Value value, Value from) const {
    Type type = value.getType(), i32 = b.getI32Type();
    int64_t bits = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    Value source = arith::IndexCastOp::create(b, loc, i32, from);
    auto shuffle = [&](Value v) {
      auto constant = [&](int64_t c) { return arith::ConstantIntOp::create(b, loc, c, 32).getResult(); };
      return NVVM::ShflOp::create(b, loc, v.getType(), constant(-1), v, source, constant(kWarp - 1), NVVM::ShflKind::idx, UnitAttr()).getResult();
    };
    if (type.isF32() || type.isInteger(32))
      return shuffle(value);
    Type integer = b.getIntegerType(bits);
    Value v = type.isIndex()         ? arith::IndexCastOp::create(b, loc, integer, value).getResult()
              : isa<FloatType>(type) ? arith::BitcastOp::create(b, loc, integer, value).getResult()
                                     : value;
    if (bits < 32) {
      v = arith::TruncIOp::create(b, loc, integer, shuffle(arith::ExtUIOp::create(b, loc, i32, v)));
    } else {
      Value half = arith::ConstantIntOp::create(b, loc, 32, 64);
      Value low = shuffle(arith::TruncIOp::create(b, loc, i32, v)),
            high = shuffle(arith::TruncIOp::create(b, loc, i32, arith::ShRUIOp::create(b, loc, v, half)));
      v = arith::OrIOp::create(b, loc, arith::ExtUIOp::create(b, loc, integer, low),
                               arith::ShLIOp::create(b, loc, arith::ExtUIOp::create(b, loc, integer, high), half));
    }
    return type.isIndex()         ? arith::IndexCastOp::create(b, loc, type, v).getResult()
           : isa<FloatType>(type) ? arith::BitcastOp::create(b, loc, type, v).getResult()
                                  : v;
  }

  Value lane;
};

int64_t sizeOf(Type type) { return cast<VectorType>(type).getNumElements(); }

template <typename Op> struct LanePattern : OpConversionPattern<Op> {
  LanePattern(const TypeConverter &converter, MLIRContext *context, const Lanes &lanes) : OpConversionPattern<Op>(converter, context), lanes(lanes) {}
  const Lanes &lanes;
};

/// Element by element: the same operation on this thread's elements.
struct ElementwisePattern : ConversionPattern {
  ElementwisePattern(const TypeConverter &converter, MLIRContext *context) : ConversionPattern(converter, MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands, ConversionPatternRewriter &b) const override {
    if (!OpTrait::hasElementwiseMappableTraits(op))
      return failure();
    SmallVector<Type> types;
    if (failed(typeConverter->convertTypes(op->getResultTypes(), types)))
      return failure();
    OperationState state(op->getLoc(), op->getName(), operands, types, op->getDiscardableAttrDictionary().getValue());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    b.replaceOp(op, b.create(state));
    return success();
  }
};

struct ConstantPattern : LanePattern<arith::ConstantOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, OpAdaptor, ConversionPatternRewriter &b) const override {
    auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!elements)
      return failure();
    Location loc = op.getLoc();
    if (elements.isSplat()) {
      b.replaceOpWithNewOp<arith::ConstantOp>(op, elements.getSplatValue<TypedAttr>());
      return success();
    }
    Type element = elements.getElementType();
    if (element.isIntOrIndex()) {
      SmallVector<int64_t> values;
      for (const APInt &v : elements.getValues<APInt>())
        values.push_back(v.getSExtValue());
      Value v = lanes.table(b, loc, values);
      b.replaceOp(op, element.isIndex() ? v : arith::IndexCastOp::create(b, loc, element, v).getResult());
      return success();
    }
    Value v;
    for (auto [i, attribute] : llvm::enumerate(elements.getValues<TypedAttr>())) {
      Value own = arith::ConstantOp::create(b, loc, attribute);
      if (!v) {
        v = own;
        continue;
      }
      Value from = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, lanes.lane, arith::ConstantIndexOp::create(b, loc, i));
      v = arith::SelectOp::create(b, loc, from, own, v);
    }
    b.replaceOp(op, v);
    return success();
  }
};

/// The address of this thread's element.
SmallVector<Value> addressOf(OpBuilder &b, Location loc, ValueRange indices, Value lane) {
  SmallVector<Value> at(indices);
  at.back() = arith::AddIOp::create(b, loc, at.back(), lane);
  return at;
}

struct LoadPattern : LanePattern<vector::LoadOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(vector::LoadOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Value lane = lanes.place(b, op.getLoc(), sizeOf(op.getType()));
    b.replaceOpWithNewOp<memref::LoadOp>(op, adaptor.getBase(), addressOf(b, op.getLoc(), adaptor.getIndices(), lane));
    return success();
  }
};

/// Stores under a condition that threads differ in.
void storeIf(OpBuilder &b, Location loc, Value condition, Value value, Value memref, ArrayRef<Value> at) {
  OpBuilder::InsertionGuard guard(b);
  if (condition)
    b.setInsertionPointToStart(scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false).thenBlock());
  memref::StoreOp::create(b, loc, value, memref, at);
}

struct StorePattern : LanePattern<vector::StoreOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(vector::StoreOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Value condition = lanes.has(b, op.getLoc(), sizeOf(op.getValueToStore().getType()));
    storeIf(b, op.getLoc(), condition, adaptor.getValueToStore(), adaptor.getBase(), addressOf(b, op.getLoc(), adaptor.getIndices(), lanes.lane));
    b.eraseOp(op);
    return success();
  }
};

struct MaskedStorePattern : LanePattern<vector::MaskedStoreOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(vector::MaskedStoreOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Value condition = adaptor.getMask();
    if (Value has = lanes.has(b, op.getLoc(), sizeOf(op.getValueToStore().getType())))
      condition = arith::AndIOp::create(b, op.getLoc(), condition, has);
    storeIf(b, op.getLoc(), condition, adaptor.getValueToStore(), adaptor.getBase(), addressOf(b, op.getLoc(), adaptor.getIndices(), lanes.lane));
    b.eraseOp(op);
    return success();
  }
};

struct MaskedLoadPattern : LanePattern<vector::MaskedLoadOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(vector::MaskedLoadOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value condition = adaptor.getMask();
    if (Value has = lanes.has(b, loc, sizeOf(op.getType())))
      condition = arith::AndIOp::create(b, loc, condition, has);
    SmallVector<Value> at = addressOf(b, loc, adaptor.getIndices(), lanes.lane);
    auto choice = scf::IfOp::create(b, loc, adaptor.getPassThru().getType(), condition, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      scf::YieldOp::create(b, loc, memref::LoadOp::create(b, loc, adaptor.getBase(), at).getResult());
      b.setInsertionPointToStart(choice.elseBlock());
      scf::YieldOp::create(b, loc, adaptor.getPassThru());
    }
    b.replaceOp(op, choice.getResults());
    return success();
  }
};

struct BroadcastPattern : LanePattern<vector::BroadcastOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(vector::BroadcastOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    auto source = dyn_cast<VectorType>(op.getSourceType());
    if (!source || source == op.getType()) {
      b.replaceOp(op, adaptor.getSource());
      return success();
    }
    if (source.getNumElements() != 1)
      return failure();
    b.replaceOp(op, lanes.read(b, op.getLoc(), adaptor.getSource(), arith::ConstantIndexOp::create(b, op.getLoc(), 0)));
    return success();
  }
};

struct FmaPattern : LanePattern<vector::FMAOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(vector::FMAOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<math::FmaOp>(op, adaptor.getLhs(), adaptor.getRhs(), adaptor.getAcc());
    return success();
  }
};

struct ShufflePattern : LanePattern<vector::ShuffleOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(vector::ShuffleOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    int64_t first = sizeOf(op.getV1VectorType());
    SmallVector<int64_t> mask(op.getMask()), own;
    for (int64_t &m : mask)
      m = std::max<int64_t>(m, 0); // poison may be anything
    bool ofFirst = llvm::all_of(mask, [&](int64_t m) { return m < first; }), ofSecond = llvm::all_of(mask, [&](int64_t m) { return m >= first; });
    for (int64_t m : mask)
      own.push_back(m < first ? m : m - first);
    Value from = lanes.table(b, loc, own), result;
    // All threads take part in a shuffle: those behind the vector's end read what is not used.
    from = arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, from, arith::ConstantIndexOp::create(b, loc, 0)),
                                  arith::ConstantIndexOp::create(b, loc, kWarp - 1));
    if (!ofSecond)
      result = lanes.read(b, loc, adaptor.getV1(), from);
    if (!ofFirst) {
      Value second = lanes.read(b, loc, adaptor.getV2(), from);
      if (result) {
        SmallVector<int64_t> which;
        for (int64_t m : mask)
          which.push_back(m >= first);
        Value isSecond = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, lanes.table(b, loc, which), arith::ConstantIndexOp::create(b, loc, 0));
        second = arith::SelectOp::create(b, loc, isSecond, second, result);
      }
      result = second;
    }
    b.replaceOp(op, result);
    return success();
  }
};

struct ExtractPattern : LanePattern<vector::ExtractOp> {
  using LanePattern::LanePattern;
  LogicalResult matchAndRewrite(vector::ExtractOp op, OpAdaptor adaptor, ConversionPatternRewriter &b) const override {
    if (op.getStaticPosition().size() != 1 || isa<VectorType>(op.getType()))
      return failure();
    int64_t at = op.getStaticPosition().front();
    Value from = ShapedType::isDynamic(at) ? adaptor.getDynamicPosition().front() : arith::ConstantIndexOp::create(b, op.getLoc(), at).getResult();
    b.replaceOp(op, lanes.read(b, op.getLoc(), adaptor.getSource(), from));
    return success();
  }
};

struct DistributeLanesPass : lathe::passes::impl::DistributeLanesPassBase<DistributeLanesPass> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    auto target = kernel->getParentOfType<ModuleOp>()->getAttrOfType<TargetAttr>(NNDialect::kTargetAttr);
    if (!kernel->hasAttr(NNDialect::kKernelAttr) || !target || !target.isGpu() || kernel->hasAttr(NNDialect::kLanesAttr))
      return;
    bool vectors = false;
    bool fits = !kernel
                     .walk([&](Operation *op) {
                       for (Type type : llvm::concat<const Type>(llvm::to_vector(op->getResultTypes()), llvm::to_vector(op->getOperandTypes()))) {
                         auto v = dyn_cast<VectorType>(type);
                         vectors |= v != VectorType();
                         if (v && (v.getRank() != 1 || v.isScalable() || v.getNumElements() > kWarp)) {
                           op->emitOpError("expects vectors of at most ") << kWarp << " elements (got " << v << ")";
                           return WalkResult::interrupt();
                         }
                       }
                       return WalkResult::advance();
                     })
                     .wasInterrupted();
    if (!fits)
      return signalPassFailure();
    kernel->setAttr(NNDialect::kLanesAttr, OpBuilder(kernel).getI64IntegerAttr(vectors ? kWarp : 1));
    if (!vectors)
      return;
    if (kernel
            .walk([&](ScratchOp op) {
              op.emitOpError("expects no scratch memory in a kernel that a warp runs");
              return WalkResult::interrupt();
            })
            .wasInterrupted())
      return signalPassFailure();
    Lanes lanes(kernel);
    SmallVector<memref::StoreOp> stores;
    kernel.walk([&](memref::StoreOp op) { stores.push_back(op); });
    for (memref::StoreOp store : stores) {
      OpBuilder b(store);
      Value first = arith::CmpIOp::create(b, store.getLoc(), arith::CmpIPredicate::eq, lanes.lane, arith::ConstantIndexOp::create(b, store.getLoc(), 0));
      auto guard = scf::IfOp::create(b, store.getLoc(), first, /*withElseRegion=*/false);
      store->moveBefore(guard.thenBlock()->getTerminator());
    }
    convert(kernel, lanes);
  }

  void convert(func::FuncOp kernel, const Lanes &lanes) {
    MLIRContext *context = &getContext();
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion([](VectorType type) { return type.getElementType(); });
    RewritePatternSet patterns(context);
    patterns
        .add<ConstantPattern, LoadPattern, StorePattern, MaskedStorePattern, MaskedLoadPattern, BroadcastPattern, FmaPattern, ShufflePattern, ExtractPattern>(
            converter, context, lanes);
    patterns.add<ElementwisePattern>(converter, context);
    ConversionTarget target(*context);
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op) && llvm::all_of(op->getRegions(), [&](Region &region) { return converter.isLegal(&region); }); });
    target.addIllegalDialect<vector::VectorDialect>();
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
    if (failed(applyFullConversion(kernel, target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
