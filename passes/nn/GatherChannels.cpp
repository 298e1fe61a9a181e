// nn-gather-channels: see Passes.td.
//
// A channel shuffle, a split or a concatenation moves whole channels, and says of each channel of its result only where it was computed. A convolution that
// knows that needs no copy: it reads the channels where they are.
#include "dialects/nn/ModuleInfo.h"
#include "dialects/nn/NNDialect.h"
#include "passes/nn/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace lathe::passes {
#define GEN_PASS_DEF_GATHERCHANNELSPASS
#include "passes/nn/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;

namespace {

/// The result of a windowed operation, or the part of it that is computed of one source's channels.
using Source = std::pair<Value, int64_t>;

struct Channel {
  Source source;
  int64_t number;
};

/// Where the channels of a value are computed. `dims` are its dimensions between the batch and the image, `image` those behind.
struct Gather {
  SmallVector<Channel> channels;
  SmallVector<int64_t> dims;
  SmallVector<int64_t> image;
};

/// Channels [first, first + count) of a source, which are channels at, at + step, ... of what reads them.
struct Run {
  Source source;
  int64_t first, count, at, step;
};

RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

bool isMove(Operation *op) { return isa<ReshapeOp, ConcatOp, SliceOp, TransposeOp>(op); }

int64_t productOf(ArrayRef<int64_t> values) {
  int64_t p = 1;
  for (int64_t v : values)
    p *= v;
  return p;
}

class Gatherer {
public:
  Gatherer(func::FuncOp function, int64_t lanes) : body(function.getBody().front()), lanes(lanes) {}

  void run() {
    for (Operation &op : body)
      trace(&op);
    for (auto &[value, gather] : gathers)
      checkUsers(value);
    SmallVector<Operation *> ops;
    for (Operation &op : body)
      ops.push_back(&op);
    for (Operation *op : ops)
      if (auto windowed = dyn_cast<WindowedOpInterface>(op); windowed && isGathered(windowed.getInput()))
        isSplit(op->getResult(0)) ? split(windowed) : read(cast<ConvOp>(op));
    for (Read &r : reads)
      connectSources(r);
    for (Read &r : reads)
      finish(r);
    for (Operation *op : llvm::reverse(ops))
      if (isOpTriviallyDead(op))
        op->erase();
  }

private:
  //===- Where channels come from ------------------------------------------------------------------------------------------------------------===//

  void trace(Operation *op) {
    if (op->getNumResults() != 1 || !isa<RankedTensorType>(op->getResult(0).getType()))
      return;
    std::optional<Gather> gather = TypeSwitch<Operation *, std::optional<Gather>>(op)
                                       .Case<ReshapeOp, ConcatOp, SliceOp, TransposeOp>([&](auto o) { return of(o); })
                                       .Case<ConvOp, PoolOp>([&](auto o) { return ofParts(o); })
                                       .Default([](Operation *) { return std::nullopt; });
    if (!gather)
      return;
    Value result = op->getResult(0);
    for (Value operand : op->getOperands())
      if (gathers.contains(operand))
        together.unionSets(result.getAsOpaquePointer(), operand.getAsOpaquePointer());
    together.insert(result.getAsOpaquePointer());
    gathers.insert({result, std::move(*gather)});
  }

  /// What is known of `v`, which may be a source itself.
  std::optional<Gather> known(Value v) {
    if (auto it = gathers.find(v); it != gathers.end())
      return it->second;
    auto type = typeOf(v);
    if (!isa_and_nonnull<ConvOp, PoolOp>(v.getDefiningOp()) || type.getRank() < 3 || !type.getElementType().isF32())
      return {};
    Gather gather{{}, {type.getDimSize(1)}, SmallVector<int64_t>(type.getShape().drop_front(2))};
    for (int64_t c = 0; c < type.getDimSize(1); ++c)
      gather.channels.push_back({{v, 0}, c});
    return gather;
  }

  std::optional<Gather> of(ReshapeOp op) {
    std::optional<Gather> gather = known(op.getInput());
    ArrayRef<int64_t> shape = typeOf(op).getShape();
    if (!gather || shape.size() < gather->image.size() + 2 || shape.front() != typeOf(op.getInput()).getDimSize(0) ||
        shape.take_back(gather->image.size()) != ArrayRef(gather->image))
      return {};
    gather->dims.assign(shape.begin() + 1, shape.end() - gather->image.size());
    return gather;
  }

  std::optional<Gather> of(ConcatOp op) {
    int64_t axis = op.getAxis() - 1;
    SmallVector<Gather> parts;
    for (Value input : op.getInputs()) {
      std::optional<Gather> part = known(input);
      if (!part || axis < 0 || axis >= static_cast<int64_t>(part->dims.size()))
        return {};
      parts.push_back(*part);
    }
    Gather gather{{}, parts.front().dims, parts.front().image};
    gather.dims[axis] = typeOf(op).getDimSize(op.getAxis());
    int64_t outer = productOf(ArrayRef(gather.dims).take_front(axis));
    for (int64_t i = 0; i < outer; ++i)
      for (const Gather &part : parts) {
        int64_t inner = productOf(ArrayRef(part.dims).drop_front(axis));
        llvm::append_range(gather.channels, ArrayRef(part.channels).slice(i * inner, inner));
      }
    return gather;
  }

  /// `pick` says which index of the input an index of the result is.
  static Gather picked(const Gather &in, ArrayRef<int64_t> dims, llvm::function_ref<void(ArrayRef<int64_t>, SmallVectorImpl<int64_t> &)> pick) {
    Gather gather{{}, SmallVector<int64_t>(dims), in.image};
    SmallVector<int64_t> index(dims.size(), 0), from(in.dims.size(), 0);
    for (int64_t i = 0, n = productOf(dims); i < n; ++i) {
      for (int64_t rest = i, d = static_cast<int64_t>(dims.size()) - 1; d >= 0; rest /= dims[d--])
        index[d] = rest % dims[d];
      pick(index, from);
      int64_t at = 0;
      for (auto [d, extent] : llvm::enumerate(in.dims))
        at = at * extent + from[d];
      gather.channels.push_back(in.channels[at]);
    }
    return gather;
  }

  std::optional<Gather> of(SliceOp op) {
    std::optional<Gather> in = known(op.getInput());
    if (!in)
      return {};
    size_t n = in->dims.size();
    ArrayRef<int64_t> begins = op.getBegins(), steps = op.getSteps(), shape = typeOf(op).getShape();
    for (size_t d = 0; d < begins.size(); ++d)
      if ((d == 0 || d > n) && (begins[d] != 0 || steps[d] != 1 || shape[d] != typeOf(op.getInput()).getDimSize(d)))
        return {};
    return picked(*in, shape.slice(1, n), [&](ArrayRef<int64_t> index, SmallVectorImpl<int64_t> &from) {
      for (size_t d = 0; d < n; ++d)
        from[d] = begins[1 + d] + index[d] * steps[1 + d];
    });
  }

  std::optional<Gather> of(TransposeOp op) {
    std::optional<Gather> in = known(op.getInput());
    if (!in)
      return {};
    size_t n = in->dims.size();
    ArrayRef<int64_t> permutation = op.getPermutation();
    for (auto [d, p] : llvm::enumerate(permutation))
      if ((d == 0 || d > n) && p != static_cast<int64_t>(d))
        return {};
    return picked(*in, typeOf(op).getShape().slice(1, n), [&](ArrayRef<int64_t> index, SmallVectorImpl<int64_t> &from) {
      for (size_t d = 0; d < n; ++d)
        from[permutation[1 + d] - 1] = index[d];
    });
  }

  /// A depthwise convolution or pool of gathered channels is one for each source, if that needs not many more vectors: channels stay what they are.
  std::optional<Gather> ofParts(WindowedOpInterface op) {
    constexpr int64_t kMostBlocks = 2;
    auto in = gathers.find(op.getInput());
    if (in == gathers.end() || op.getReduction() == Reduction::dense || in->second.dims.size() != 1)
      return {};
    ArrayRef<int64_t> pixels = op.getOutputType().getShape().drop_front(2);
    if (isa<PoolOp>(op.getOperation()) && llvm::all_of(pixels, [](int64_t extent) { return extent == 1; }))
      return {}; // a reduction of the whole image, in an order that depends on its layout
    Value weights = op.getWeightsOrNull();
    bool canSlice = !weights || weights.getDefiningOp<WeightOp>();
    for (size_t i = 0; i < op.getExtras().size(); ++i)
      canSlice &= op.getExtraKind(i) == ExtraKind::scalar || (op.getExtraKind(i) == ExtraKind::channel && op.getExtras()[i].getDefiningOp<WeightOp>());
    std::optional<SmallVector<Run>> runs = runsOf(in->second);
    if (!canSlice || !runs || runs->size() < 2)
      return {};
    int64_t blocks = 0, channels = in->second.dims.front();
    Gather gather{SmallVector<Channel>(channels), {channels}, SmallVector<int64_t>(pixels)};
    for (auto [part, run] : llvm::enumerate(*runs)) {
      blocks += llvm::divideCeil(run.count, lanes);
      for (int64_t i = 0; i < run.count; ++i)
        gather.channels[run.at + i * run.step] = {{op->getResult(0), static_cast<int64_t>(part)}, i};
    }
    if (blocks > kMostBlocks * static_cast<int64_t>(llvm::divideCeil(channels, lanes)))
      return {};
    return gather;
  }

  /// The channels of each source, if they are neighbours there from a whole block on, and equally far from each other here.
  std::optional<SmallVector<Run>> runsOf(const Gather &gather) {
    llvm::MapVector<Source, Run> runs;
    for (auto [at, channel] : llvm::enumerate(gather.channels)) {
      int64_t here = at;
      auto [it, isNew] = runs.insert({channel.source, Run{channel.source, channel.number, 1, here, 1}});
      Run &run = it->second;
      if (isNew)
        continue;
      if (run.count == 1)
        run.step = here - run.at;
      if (channel.number != run.first + run.count || here != run.at + run.count * run.step)
        return {};
      ++run.count;
    }
    SmallVector<Run> result;
    for (auto &[source, run] : runs) {
      if (run.first % lanes)
        return {};
      result.push_back(run);
    }
    return result;
  }

  //===- Who reads them ----------------------------------------------------------------------------------------------------------------------===//

  bool isSplit(Value v) { return gathers.contains(v) && isa<ConvOp, PoolOp>(v.getDefiningOp()); }

  /// Whether all that moves channels together with `v` is read by operations that need no copy, and one of them would have to make one.
  bool isGathered(Value v) {
    if (!gathers.contains(v))
      return false;
    const void *leader = together.getLeaderValue(v.getAsOpaquePointer());
    return gains.contains(leader) && !refused.contains(leader);
  }

  void checkUsers(Value v) {
    for (OpOperand &use : v.getUses()) {
      Operation *user = use.getOwner();
      if (user->getNumResults() == 1 && gathers.contains(user->getResult(0)) && (isMove(user) || use.getOperandNumber() == 0))
        continue;
      const void *leader = together.getLeaderValue(v.getAsOpaquePointer());
      bool isView = inBlocks(gathers.find(v)->second);
      StringRef obstacle = whyNotRead(use);
      if (obstacle.empty()) {
        if (!isView)
          gains.insert(leader);
        continue;
      }
      if (refused.insert(leader).second && !isView)
        remark::missed(v.getLoc(), remark::RemarkOpts::name("Gather").category("nn-gather-channels"))
            << ("channels are moved, not read where they are: " + obstacle + " ('" + user->getName().getStringRef() + "')").str();
    }
  }

  /// Whether the layout of convolutions has these channels side by side as they are: a view of whole blocks.
  bool inBlocks(const Gather &gather) {
    for (auto [at, channel] : llvm::enumerate(gather.channels)) {
      const Channel &first = gather.channels[at / lanes * lanes];
      if (channel.source != first.source || first.number % lanes || channel.number != first.number + static_cast<int64_t>(at) % lanes)
        return false;
    }
    return true;
  }

  StringRef whyNotRead(OpOperand &use) {
    auto conv = dyn_cast<ConvOp>(use.getOwner());
    if (!conv || use.getOperandNumber() != 0 || conv.getReduction() != Reduction::dense)
      return "an operation needs them in their order";
    if (conv.getGroups() != 1 || conv.getPlaces())
      return "a convolution of several groups needs them in their order";
    auto ones = [](ArrayRef<int64_t> values) { return llvm::all_of(values, [](int64_t v) { return v == 1; }); };
    if (ones(conv.getStrides()) && ones(conv.getDilations()) && !ones(conv.getWindowShape()))
      return "Winograd's algorithm reads whole blocks";
    return "";
  }

  //===- Rewriting ---------------------------------------------------------------------------------------------------------------------------===//

  struct Read {
    ConvOp conv;
    SmallVector<std::pair<Value, int64_t>> channels; // a value and the number of its channel

    /// The one value that is read as it is, if there is one.
    std::optional<Value> wholeSource() {
      Value first = channels.front().first;
      for (auto [i, channel] : llvm::enumerate(channels))
        if (channel != std::pair(first, static_cast<int64_t>(i)))
          return {};
      return typeOf(first).getDimSize(1) == static_cast<int64_t>(channels.size()) ? std::optional(first) : std::nullopt;
    }
  };

  /// The value that a source has become.
  Value valueOf(Source source) {
    auto parts = splits.find(source.first);
    return parts == splits.end() ? source.first : parts->second[source.second];
  }

  void read(ConvOp conv) {
    Read r{conv, {}};
    for (const Channel &c : gathers.find(conv.getInput())->second.channels)
      r.channels.push_back({valueOf(c.source), c.number});
    reads.push_back(std::move(r));
  }

  static Value sliced(OpBuilder &b, Value weight, const Run &run) {
    auto op = weight.getDefiningOp<WeightOp>();
    SmallVector<int64_t> begins(typeOf(weight).getRank(), 0), extents(typeOf(weight).getShape()), steps(begins.size(), 1);
    begins[0] = run.at;
    extents[0] = run.count;
    steps[0] = run.step;
    begins.append(extents);
    begins.append(steps);
    return WeightOp::create(b, op.getLoc(), op.getWeight().withStep(StepAttr::get(op.getContext(), "slice", begins, FloatAttr(), WeightAttr())));
  }

  /// Of the channels of each source one operation.
  void split(WindowedOpInterface op) {
    OpBuilder b(op);
    Value result = op->getResult(0);
    SmallVector<Value> parts;
    SmallVector<Run> runs = *runsOf(gathers.find(op.getInput())->second);
    for (const Run &run : runs) {
      Value input = valueOf(run.source);
      if (typeOf(input).getDimSize(1) != run.count) {
        SmallVector<int64_t> begins(typeOf(input).getRank(), 0), steps(begins.size(), 1), shape(typeOf(input).getShape());
        begins[1] = run.first;
        shape[1] = run.count;
        input = SliceOp::create(b, op.getLoc(), RankedTensorType::get(shape, b.getF32Type()), input, begins, steps);
      }
      auto part = cast<WindowedOpInterface>(b.clone(*op));
      b.setInsertionPoint(part);
      part->setOperand(0, input);
      for (OpOperand &operand : part->getOpOperands().drop_front()) {
        auto type = typeOf(operand.get());
        if (operand.get() == op.getWeightsOrNull() || type.getRank() == 1)
          operand.set(sliced(b, operand.get(), run));
      }
      if (auto conv = dyn_cast<ConvOp>(part.getOperation())) {
        conv.setChannels({run.count, run.count});
        conv.setGroups(run.count);
      } else {
        cast<PoolOp>(part.getOperation()).setChannels(run.count);
      }
      SmallVector<int64_t> shape(typeOf(result).getShape());
      shape[1] = run.count;
      part->getResult(0).setType(RankedTensorType::get(shape, b.getF32Type()));
      b.setInsertionPointAfter(part);
      parts.push_back(part->getResult(0));
    }
    remark::passed(op->getLoc(), remark::RemarkOpts::name("Gather").category("nn-gather-channels"))
        << ("computed where its channels are, in " + Twine(runs.size()) + " parts").str();
    splits[result] = std::move(parts);
  }

  void connectSources(const Read &r) {
    for (auto [value, number] : r.channels)
      sources.unionSets(r.channels.front().first.getAsOpaquePointer(), value.getAsOpaquePointer());
  }

  /// The sources that convolutions read together, in the order in which they are computed.
  ArrayRef<Value> listOf(Value source) {
    const void *leader = sources.getLeaderValue(source.getAsOpaquePointer());
    SmallVector<Value> &list = lists[leader];
    if (list.empty()) {
      for (const void *member : sources.members(leader))
        list.push_back(Value::getFromOpaquePointer(member));
      llvm::sort(list, [](Value a, Value b) { return a.getDefiningOp()->isBeforeInBlock(b.getDefiningOp()); });
    }
    return list;
  }

  /// All of a list share one buffer, if each convolution reads it from its beginning.
  void finish(Read &r) {
    ArrayRef<Value> list = listOf(r.channels.front().first);
    DenseMap<Value, int64_t> begin;
    size_t length = 0;
    int64_t channels = 0;
    llvm::SmallDenseSet<Value> needed;
    for (auto [value, number] : r.channels)
      needed.insert(value);
    for (auto [i, value] : llvm::enumerate(list)) {
      begin[value] = channels;
      channels += typeOf(value).getDimSize(1);
      if (needed.contains(value))
        length = i + 1;
    }
    ConvOp conv = r.conv;
    if (std::optional<Value> whole = r.wholeSource())
      return conv.getInputMutable().assign(*whole);
    OpBuilder b(conv);
    conv.getInputMutable().assign(concatOf(list.take_front(length), conv.getLoc()));
    SmallVector<int32_t> places;
    for (auto [value, number] : r.channels)
      places.push_back(static_cast<int32_t>(begin[value] + number));
    auto type = RankedTensorType::get({static_cast<int64_t>(places.size())}, b.getI32Type());
    auto numbers = DenseElementsAttr::get(type, ArrayRef<int32_t>(places));
    conv.getPlacesMutable().assign(WeightOp::create(b, conv.getLoc(), WeightAttr::get(conv.getContext(), numbers, type, {})));
    remark::passed(conv.getLoc(), remark::RemarkOpts::name("Gather").category("nn-gather-channels"))
        << ("reads " + Twine(places.size()) + " channels of " + Twine(needed.size()) + " operations where they are").str();
  }

  Value concatOf(ArrayRef<Value> list, Location loc) {
    if (list.size() == 1)
      return list.front();
    Value &concat = concats[list.back()];
    if (!concat) {
      OpBuilder b(list.back().getContext());
      b.setInsertionPointAfterValue(list.back());
      SmallVector<int64_t> shape(typeOf(list.front()).getShape());
      shape[1] = 0;
      for (Value v : list)
        shape[1] += typeOf(v).getDimSize(1);
      concat = ConcatOp::create(b, loc, RankedTensorType::get(shape, b.getF32Type()), list, 1);
    }
    return concat;
  }

  Block &body;
  int64_t lanes;
  llvm::MapVector<Value, Gather> gathers; // of what moves channels, and of what is computed of each source's channels alone
  llvm::EquivalenceClasses<const void *> together, sources;
  llvm::DenseSet<const void *> refused, gains; // leaders of those that are moved together
  DenseMap<Value, SmallVector<Value>> splits;
  SmallVector<Read> reads;
  DenseMap<const void *, SmallVector<Value>> lists;
  DenseMap<Value, Value> concats; // by the last of their operands
};

struct GatherChannelsPass : lathe::passes::impl::GatherChannelsPassBase<GatherChannelsPass> {
  void runOnOperation() override {
    TargetAttr target = targetOf(getOperation());
    if (!target)
      return signalPassFailure();
    if (getOperation().getBody().hasOneBlock())
      Gatherer(getOperation(), target.getLanes(32)).run();
  }
};

} // namespace
