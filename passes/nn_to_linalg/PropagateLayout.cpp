// nn-propagate-layout: decides for every value whether it is plain, [N, C, spatial...], or blocked, [N, ceil(C / V), spatial..., V].
//
// One walk in program order. Each original value gets up to two forms; the second one is made by nn.pack or nn.unpack before the first operation that
// asks for it, and shared by the later ones. So a chain of windowed and elementwise operations stays blocked without a copy, and no pair of pack and
// unpack can arise. Weights are never packed at run time: their recipes get the steps.
#include "dialects/nn/GroupSpan.h"
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/nn_to_linalg/ChannelLanes.h"
#include "passes/nn_to_linalg/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

namespace lathe::passes {
#define GEN_PASS_DEF_PROPAGATELAYOUTPASS
#include "passes/nn_to_linalg/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

constexpr llvm::StringLiteral kName = "nn-propagate-layout";

remark::RemarkOpts opts(StringRef what) { return remark::RemarkOpts::name(what).category(kName); }

class LayoutPropagator {
public:
  LayoutPropagator(func::FuncOp function, int64_t lanes, bool propagate) : function(function), lanes(lanes), propagate(propagate) {}

  void run() {
    for (Operation &op : llvm::make_early_inc_range(function.getBody().front()))
      TypeSwitch<Operation *>(&op)
          .Case<ConvOp, PoolOp>([&](auto o) { windowed(o); })
          .Case<ElementwiseOpInterface>([&](auto o) { elementwise(o); })
          .Case<InterleaveOp>([&](auto o) { interleave(o); })
          .Case<ConcatOp>([&](auto o) { mayHaveGaps(o) ? concatWithGaps(o) : moving(o); })
          .Case<SliceOp, TransposeOp, PadOp>([&](auto o) { moving(o); })
          .Case<ReduceOp>([&](auto o) { reduction(o); })
          .Case<ForeachOp>([&](auto o) { program(o); })
          .Case<PackOp, UnpackOp>([](auto) {}) // already decided
          .Default([&](Operation *o) { plainOperands(o); });
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
      if (isOpTriviallyDead(&op)) // weights that are now read in another form
        op.erase();
  }

private:
  struct Forms {
    RankedTensorType type; // in plain layout
    Value plain, blocked;
    bool nativelyBlocked = false;
  };

  Forms &formsOf(Value v) {
    Forms &f = forms[v];
    if (!f.type) {
      f.type = cast<RankedTensorType>(v.getType());
      f.plain = v;
    }
    return f;
  }

  RankedTensorType blockedType(RankedTensorType plain) {
    SmallVector<int64_t> shape(plain.getShape());
    shape[1] = llvm::divideCeil(shape[1], lanes);
    shape.push_back(lanes);
    return RankedTensorType::get(shape, plain.getElementType());
  }

  Value plain(Value v, Operation *user) {
    Forms &f = formsOf(v);
    if (!f.plain) {
      OpBuilder b(user);
      // It belongs to the node whose result it unpacks: not every user, such as the function's return, is a node.
      f.plain = UnpackOp::create(b, f.blocked.getLoc(), f.type, f.blocked);
      remark::passed(f.blocked.getLoc(), opts("Unpacked")) << ("unpacked: '" + user->getName().getStringRef() + "' reads the plain layout").str();
    }
    return f.plain;
  }

  Value blocked(Value v, Operation *user) {
    Forms &f = formsOf(v);
    if (!f.blocked) {
      if (auto weight = v.getDefiningOp<WeightOp>()) {
        f.blocked = blockedWeight(weight, f.type.getRank(), f.type.getDimSize(1));
      } else {
        OpBuilder b(user);
        f.blocked = PackOp::create(b, user->getLoc(), blockedType(f.type), f.plain);
        remark::passed(user->getLoc(), opts("Packed")) << ("packed: '" + user->getName().getStringRef() + "' reads the blocked layout").str();
      }
    }
    return f.blocked;
  }

  /// A weight that broadcasts to [N, C, spatial...] of rank `rank`, re-shaped by its recipe so that it broadcasts to the blocked form.
  Value blockedWeight(WeightOp op, int64_t rank, int64_t channels) {
    OpBuilder b(op);
    MLIRContext *context = op.getContext();
    WeightAttr weight = op.getWeight();
    auto step = [&](StringRef kind, ArrayRef<int64_t> args) { weight = weight.withStep(StepAttr::get(context, kind, args, FloatAttr(), WeightAttr())); };
    SmallVector<int64_t> shape(cast<RankedTensorType>(op.getType()).getShape());
    if (TypedAttr splat = weight.getSplatElement()) { // a scalar broadcasts to any layout
      auto scalar = RankedTensorType::get({}, weight.getType().getElementType());
      auto value = DenseElementsAttr::get(scalar, ArrayRef<Attribute>(splat));
      return WeightOp::create(b, op.getLoc(), WeightAttr::get(context, value, scalar, {}));
    }
    int64_t at = static_cast<int64_t>(shape.size()) - (rank - 1); // of the channel dim
    if (at >= 0 && shape[at] == channels) {
      int64_t padded = llvm::alignTo(channels, lanes);
      if (padded != channels) {
        shape[at] = padded;
        step("pad", shape);
      }
      shape[at] = lanes;
      shape.insert(shape.begin() + at, padded / lanes);
      step("reshape", shape);
      SmallVector<int64_t> permutation;
      for (int64_t i = 0, e = shape.size(); i < e; ++i)
        if (i != at + 1)
          permutation.push_back(i);
      permutation.push_back(at + 1);
      if (!llvm::is_sorted(permutation))
        step("transpose", permutation);
    } else { // the same for all channels
      shape.push_back(1);
      step("reshape", shape);
    }
    return WeightOp::create(b, op.getLoc(), weight);
  }

  /// After its operands have been set: the result is blocked from now on.
  void setBlockedResult(Operation *op) {
    Value result = op->getResult(0);
    auto type = cast<RankedTensorType>(result.getType());
    forms[result] = {type, Value(), result, true};
    result.setType(blockedType(type));
  }

  /// Where each operand may begin at a whole block: all that reads the concatenation knows its channels by their places.
  bool mayHaveGaps(ConcatOp op) {
    return propagate && op.getAxis() == 1 && llvm::all_of(op->getUses(), [](OpOperand &use) {
             auto conv = dyn_cast<ConvOp>(use.getOwner());
             return conv && use.getOperandNumber() == 0 && !conv.getKnownPlaces().empty();
           });
  }

  void concatWithGaps(ConcatOp op) {
    auto plainType = cast<RankedTensorType>(op.getType());
    SmallVector<int64_t> shape(blockedType(plainType).getShape()), lane;
    shape[1] = 0;
    for (OpOperand &o : op->getOpOperands()) {
      for (int64_t c = 0, channels = formsOf(o.get()).type.getDimSize(1); c < channels; ++c)
        lane.push_back(shape[1] * lanes + c);
      o.set(blocked(o.get(), op));
      shape[1] += cast<RankedTensorType>(o.get().getType()).getDimSize(1);
    }
    Value result = op.getResult();
    laneOf[result] = std::move(lane);
    forms[result] = {plainType, Value(), result, true};
    result.setType(RankedTensorType::get(shape, plainType.getElementType()));
    remark::passed(op->getLoc(), opts("Places")) << "each operand at a whole block of channels, read by their places";
  }

  void plainOperands(Operation *op) {
    for (OpOperand &o : op->getOpOperands())
      if (isa<RankedTensorType>(o.get().getType()))
        o.set(plain(o.get(), op));
  }

  //===- Convolution and pooling ---------------------------------------------------------------------------------------------------------------===//

  void windowed(WindowedOpInterface op) {
    if (!isa<RankedTensorType>(op.getOutputType()) || op.getOutputType().getRank() == op.getSpatialRank() + 3)
      return; // already buffers, or laid out before
    if (auto pool = dyn_cast<PoolOp>(op.getOperation()); pool && isWholePlainImage(pool))
      return reduceImage(pool);
    int64_t extrasBegin = op.getWeightsOrNull() ? 2 : 1;
    for (int64_t i = 0, e = op.getExtras().size(); i < e; ++i)
      if (op.getExtraKind(i) == ExtraKind::elementwise)
        op->setOperand(extrasBegin + i, blocked(op.getExtras()[i], op));
    if (Value weights = op.getWeightsOrNull())
      op->setOperand(1, plain(weights, op)); // a weight is; what is computed may be blocked
    Value input = op.getInput();
    op->setOperand(0, readsBlocked(op) ? blocked(input, op) : plain(input, op));
    if (auto conv = dyn_cast<ConvOp>(op.getOperation()); conv && conv.getPlaces() && conv.isBlocked(conv.getInput()))
      countLanes(conv, input);
    setBlockedResult(op);
    remark::analysis(op->getLoc(), opts("Result")) << ("result in blocks of " + Twine(lanes) + " channels").str();
  }

  /// The places of channels in a concatenation whose operands begin at whole blocks.
  void countLanes(ConvOp op, Value input) {
    auto lane = laneOf.find(input);
    if (lane == laneOf.end())
      return;
    SmallVector<int32_t> places;
    for (int64_t place : op.getKnownPlaces())
      places.push_back(lane->second[place]);
    OpBuilder b(op);
    auto type = cast<RankedTensorType>(op.getPlaces().getType());
    auto numbers = DenseElementsAttr::get(type, ArrayRef<int32_t>(places));
    op.getPlacesMutable().assign(WeightOp::create(b, op.getLoc(), WeightAttr::get(op.getContext(), numbers, type, {})));
  }

  /// Whether the one window of a pool is its whole input, which is not blocked: packing it would cost more than reading it.
  bool isWholePlainImage(PoolOp op) {
    Forms &f = formsOf(op.getInput());
    auto isZero = [](int64_t v) { return v == 0; };
    return propagate && !f.nativelyBlocked && !f.blocked && op.getExtras().empty() && f.type.getElementType().isF32() &&
           op.getWindow() == f.type.getShape().drop_front(2) && llvm::all_of(op.getPads(), isZero) &&
           llvm::all_of(op.getOutputType().getShape().drop_front(2), [](int64_t d) { return d == 1; });
  }

  /// The same as nn.reduce, whose result is plain. The epilogue comes after the division.
  void reduceImage(PoolOp op) {
    MLIRContext *context = op.getContext();
    OpBuilder b(op);
    int64_t rank = op.getOutputType().getRank(), count = 1;
    SmallVector<AffineExpr> kept{getAffineDimExpr(0, context), getAffineDimExpr(1, context)};
    for (int64_t extent : op.getWindow()) {
      kept.push_back(getAffineConstantExpr(0, context));
      count *= extent;
    }
    auto maps = b.getAffineMapArrayAttr({b.getMultiDimIdentityMap(rank), AffineMap::get(rank, 0, kept, context)});
    bool max = op.getReduction() == Reduction::max;
    auto reduce = ReduceOp::create(b, op.getLoc(), op.getResultTypes()[0], max ? Combine::max : Combine::sum, maps, plain(op.getInput(), op), Value());
    Type element = op.getOutputType().getElementType();
    Block &body = reduce.getBody().emplaceBlock();
    b.setInsertionPointToEnd(&body);
    YieldOp::create(b, op.getLoc(), body.addArgument(element, op.getLoc()));
    reduce.getFinish().takeBody(op.getEpilogue());
    Block &finish = reduce.getFinish().front();
    if (!max) {
      b.setInsertionPointToStart(&finish);
      Value number = arith::ConstantOp::create(b, op.getLoc(), b.getFloatAttr(element, static_cast<double>(count)));
      auto mean = arith::DivFOp::create(b, op.getLoc(), finish.getArgument(0), number);
      finish.getArgument(0).replaceAllUsesExcept(mean, mean);
    }
    remark::passed(op->getLoc(), opts("ReadsPlain")) << "the input's producer is plain: the whole image is reduced in place, not packed";
    op->getResult(0).replaceAllUsesWith(reduce.getResult());
    op.erase();
  }

  /// Direct convolutions read a plain input as fast as a blocked one, but two faster ways to compute need channels side by side: Winograd's algorithm, and
  /// input channels that share registers where output channels are few. Measured (docs/rationale/DataMovement.md): above so many multiply-adds per input
  /// element, of all convolutions that read it, the copy is repaid.
  static constexpr double kRepaysTransform = 256, kRepaysSharing = 20;

  bool paysToPack(ConvOp op, const Forms &f) {
    auto ones = [](ArrayRef<int64_t> values) { return llvm::all_of(values, [](int64_t v) { return v == 1; }); };
    int64_t in = op.getInputChannels(), out = op.getOutputChannels();
    if (op.getGroups() != 1 || op.getPlaces() || !f.type.getElementType().isF32() || !op.getWeights().getDefiningOp<WeightOp>())
      return false;
    bool transforms = ones(op.getStrides()) && ones(op.getDilations()) && !ones(op.getWindowShape()) && 2 * in >= lanes && 2 * out > lanes;
    bool shares = in >= lanes && in % 2 == 0 && 2 * out <= lanes;
    if (!transforms && !shares)
      return false;
    double work = 0;
    for (Operation *user : f.plain.getUsers())
      if (auto conv = dyn_cast<ConvOp>(user); conv && conv.getInput() == f.plain)
        work += static_cast<double>(conv.getFlopsPerImage()) / 2;
    for (int64_t extent : f.type.getShape().drop_front())
      work /= static_cast<double>(extent);
    return work >= (transforms ? kRepaysTransform : kRepaysSharing);
  }

  /// Pools and depthwise convolutions compute channels in lanes. Dense convolutions broadcast input elements, and read any layout without loss; packing
  /// for them alone would be a copy for nothing, unless it lets them be computed in another way.
  bool readsBlocked(WindowedOpInterface op) {
    if (op.getReduction() != Reduction::dense)
      return true;
    if (!propagate)
      return false;
    auto conv = dyn_cast<ConvOp>(op.getOperation());
    if (conv && GroupSpan{conv.getInputChannels(), conv.getOutputChannels(), static_cast<int64_t>(conv.getGroups()), lanes}.fitLanes(lanes))
      return true; // channels of a group are brought to its lanes
    Forms &f = formsOf(op.getInput());
    if (f.nativelyBlocked)
      return true;
    bool full = op.getInputChannels() >= lanes;
    if (f.blocked && full)
      return true;
    bool poolReads = llvm::any_of(f.plain.getUsers(), llvm::IsaPred<PoolOp>);
    if (poolReads && full)
      return true;
    if (conv && paysToPack(conv, f))
      return true;
    remark::passed(op->getLoc(), opts("ReadsPlain")) << (f.blocked || poolReads ? "the input has fewer channels than lanes and is read in plain layout"
                                                                                : "the input's producer is plain: read in place, not packed");
    return false;
  }

  /// Pixels move, channels do not.
  void interleave(InterleaveOp op) {
    if (!propagate || !llvm::any_of(op.getInputs(), [&](Value v) { return formsOf(v).nativelyBlocked; }))
      return plainOperands(op);
    for (OpOperand &o : op->getOpOperands())
      o.set(blocked(o.get(), op));
    setBlockedResult(op);
  }

  //===- Data movement -------------------------------------------------------------------------------------------------------------------------===//

  /// Whether blocks of channels may be moved as they are: the pixels of a block may go anywhere, and whole blocks too, but no channel leaves its lane.
  bool keepsLanes(ConcatOp op) {
    // What begins at a whole block is in its place; only the last operand may end within one.
    ValueRange aligned = op.getAxis() == 1 ? ValueRange(op.getInputs()).drop_back() : ValueRange();
    return llvm::all_of(aligned, [&](Value v) { return formsOf(v).type.getDimSize(1) % lanes == 0; });
  }
  bool keepsLanes(SliceOp op) { return op.getSteps()[1] == 1 && op.getBegins()[1] % lanes == 0; }
  bool keepsLanes(TransposeOp op) { return op.getPermutation()[0] == 0 && op.getPermutation()[1] == 1; }
  bool keepsLanes(PadOp op) { return op.getBegins()[1] == 0 && op.getEnds()[1] == 0; }

  /// The same in terms of the blocked type.
  void moveBlocks(ConcatOp) {}
  void moveBlocks(SliceOp op) {
    SmallVector<int64_t> begins(op.getBegins()), steps(op.getSteps());
    begins[1] /= lanes;
    begins.push_back(0);
    steps.push_back(1);
    op.setBegins(begins);
    op.setSteps(steps);
  }
  void moveBlocks(TransposeOp op) {
    SmallVector<int64_t> permutation(op.getPermutation());
    permutation.push_back(permutation.size());
    op.setPermutation(permutation);
  }
  void moveBlocks(PadOp op) {
    SmallVector<int64_t> begins(op.getBegins()), ends(op.getEnds());
    begins.push_back(0);
    ends.push_back(0);
    op.setBegins(begins);
    op.setEnds(ends);
  }

  static ValueRange movedBy(ConcatOp op) { return op.getInputs(); }
  template <typename Op> static ValueRange movedBy(Op op) { return op->getOperands().take_front(1); }

  template <typename Op> void moving(Op op) {
    int64_t native = 0, other = 0; // elements per image
    for (Value v : movedBy(op)) {
      Forms &f = formsOf(v);
      int64_t count = 1;
      for (int64_t d : f.type.getShape())
        count *= ShapedType::isDynamic(d) ? 1 : d;
      (f.nativelyBlocked ? native : other) += count;
    }
    bool isImage = cast<RankedTensorType>(op.getType()).getRank() >= 3;
    bool hasWeight = llvm::any_of(movedBy(op), [](Value v) { return v.getDefiningOp<WeightOp>() != nullptr; });
    if (!propagate || !isImage || hasWeight || native <= other || !keepsLanes(op)) {
      if (propagate && native)
        remark::missed(op->getLoc(), opts("MovedPlain")) << "blocks of channels do not stay whole, or most of the operands are plain";
      return plainOperands(op);
    }
    for (int64_t i = 0, e = movedBy(op).size(); i < e; ++i)
      op->setOperand(i, blocked(op->getOperand(i), op));
    moveBlocks(op);
    setBlockedResult(op);
  }

  //===- Reductions ----------------------------------------------------------------------------------------------------------------------------===//

  /// A reduction that keeps the channels apart stays blocked: the lanes become one more dimension of its space.
  void reduction(ReduceOp op) {
    unsigned channel = 0;
    if (!propagate || !findBlockedChannel(op, channel))
      return plainOperands(op);
    MLIRContext *context = op.getContext();
    unsigned dims = op.getResultMap().getNumDims();
    auto withLanes = [&](AffineMap map) { return AffineMap::get(dims + 1, 0, llvm::to_vector(map.getResults()), context); };
    SmallVector<AffineMap> maps;
    for (auto [i, operand] : llvm::enumerate(op->getOpOperands())) {
      AffineMap map = op.getMap(i);
      bool hasChannel = map.isFunctionOfDim(channel);
      operand.set(hasChannel ? blocked(operand.get(), op) : plain(operand.get(), op));
      map = withLanes(map);
      maps.push_back(hasChannel ? map.insertResult(getAffineDimExpr(dims, context), map.getNumResults()) : map);
    }
    AffineMap result = withLanes(op.getResultMap());
    maps.push_back(result.insertResult(getAffineDimExpr(dims, context), result.getNumResults()));
    op.setMapsAttr(Builder(context).getAffineMapArrayAttr(maps));
    setBlockedResult(op);
  }

  /// Whether some input is blocked, and whether all inputs that go through its channels, and the result, can be: with the channels as dimension 1.
  bool findBlockedChannel(ReduceOp op, unsigned &channel) {
    auto channelOf = [](AffineMap map) { return map.getNumResults() >= 3 && isa<AffineDimExpr>(map.getResult(1)) ? map.getResult(1) : AffineExpr(); };
    AffineExpr found;
    for (auto [i, input] : llvm::enumerate(op.getInputs()))
      if (formsOf(input).nativelyBlocked && !found)
        found = channelOf(op.getMap(i));
    if (!found || channelOf(op.getResultMap()) != found)
      return false;
    channel = cast<AffineDimExpr>(found).getPosition();
    for (auto [i, input] : llvm::enumerate(op.getInputs())) {
      AffineMap map = op.getMap(i);
      int64_t uses = llvm::count_if(map.getResults(), [&](AffineExpr e) { return e.isFunctionOfDim(channel); });
      if (uses && (uses > 1 || channelOf(map) != found || input.getDefiningOp<WeightOp>()))
        return false;
    }
    return true;
  }

  //===- Programs ------------------------------------------------------------------------------------------------------------------------------===//

  /// A program that treats all channels alike computes a block of them at once. That pays for packing what is plain if it computes, not only copies, and
  /// most lanes are not empty.
  void program(ForeachOp op) {
    std::optional<SmallVector<bool>> byChannel = propagate ? lathe::passes::findChannelOperands(op) : std::nullopt;
    if (!byChannel)
      return plainOperands(op);
    bool repays = op.getSpace()[1] * kLeastShare >= lanes &&
                  op.getBody()
                      .walk([](Operation *inner) { return isa<arith::AddFOp, arith::MulFOp>(inner) ? WalkResult::interrupt() : WalkResult::advance(); })
                      .wasInterrupted();
    for (auto [operand, wide] : llvm::zip(op.getOperands(), *byChannel))
      repays |= wide && formsOf(operand).nativelyBlocked;
    if (!repays)
      return plainOperands(op);
    for (auto [operand, wide] : llvm::zip(op->getOpOperands(), *byChannel))
      operand.set(wide ? blocked(operand.get(), op) : plain(operand.get(), op));
    setBlockedResult(op);
    lathe::passes::computeByLanes(op, *byChannel, lanes);
    remark::passed(op->getLoc(), opts("ByLanes")) << "each channel is computed alike: a block of them at once";
  }
  static constexpr int64_t kLeastShare = 4; // of the lanes

  //===- Elementwise operations ----------------------------------------------------------------------------------------------------------------===//

  enum class Reading { asIs, block, appendOne, impossible };

  /// How an operand takes part in a blocked computation of `result` (a plain type).
  Reading readingOf(Value v, RankedTensorType result) {
    RankedTensorType type = formsOf(v).type;
    int64_t rank = result.getRank(), channels = result.getDimSize(1);
    if (type.hasStaticShape() && type.getNumElements() == 1 && type.getRank() <= rank && formsOf(v).plain)
      return Reading::asIs;
    if (v.getDefiningOp<WeightOp>() && type.getRank() <= rank)
      return Reading::block;
    if (type.getRank() != rank)
      return Reading::impossible;
    if (type.getDimSize(1) == channels)
      return Reading::block;
    return Reading::appendOne; // one channel for all: broadcast along blocks and lanes
  }

  void elementwise(Operation *op) {
    auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    auto staysBlocked = [&](Value v) {
      Forms &f = formsOf(v);
      return f.blocked && !v.getDefiningOp<WeightOp>() && f.type.getRank() == result.getRank() && f.type.getDimSize(1) == result.getDimSize(1);
    };
    if (!propagate || !result || result.getRank() < 3 || !llvm::any_of(op->getOperands(), staysBlocked))
      return plainOperands(op);
    for (Value v : op->getOperands())
      if (readingOf(v, result) == Reading::impossible) {
        remark::missed(op->getLoc(), opts("ComputedPlain")) << "an operand of lower rank that is no weight has no blocked form";
        return plainOperands(op);
      }
    for (OpOperand &o : op->getOpOperands())
      o.set(operandFor(o.get(), op, result));
    setBlockedResult(op);
  }

  Value operandFor(Value v, Operation *op, RankedTensorType result) {
    switch (readingOf(v, result)) {
    case Reading::block:
      // A weight of lower rank is aligned to the result, not to its own shape: its form depends on both and is not kept.
      if (auto weight = v.getDefiningOp<WeightOp>())
        return blockedWeight(weight, result.getRank(), result.getDimSize(1));
      return blocked(v, op);
    case Reading::appendOne: {
      RankedTensorType type = formsOf(v).type;
      SmallVector<int64_t> shape(type.getShape());
      shape.push_back(1);
      OpBuilder b(op);
      return ReshapeOp::create(b, op->getLoc(), RankedTensorType::get(shape, type.getElementType()), plain(v, op));
    }
    default:
      return formsOf(v).plain;
    }
  }

  func::FuncOp function;
  int64_t lanes;
  bool propagate;
  DenseMap<Value, Forms> forms;                 // by original value
  DenseMap<Value, SmallVector<int64_t>> laneOf; // where the channels of a concatenation with gaps are
};

struct PropagateLayoutPass : lathe::passes::impl::PropagateLayoutPassBase<PropagateLayoutPass> {
  using PropagateLayoutPassBase::PropagateLayoutPassBase;

  void runOnOperation() override {
    TargetAttr target = targetOf(getOperation());
    if (!target)
      return signalPassFailure();
    if (!getOperation().getBody().hasOneBlock())
      return;
    LayoutPropagator(getOperation(), target.getLanes(32), propagate).run();
  }
};

} // namespace
