// lathe-expand-microkernel: a register tile becomes vector code. The order of operations is what makes it fast (cost model: docs/rationale): weights of a
// step first, then one broadcast per pixel that feeds ku multiply-adds at once, so that LLVM's scheduler keeps every accumulator in a register. Loops
// over channels and window stay loops: two window elements in one block would let CSE keep their common broadcasts alive, and spill.
#include "dialects/nn/GroupSpan.h"
#include "dialects/nn/IndexBuilder.h"
#include "dialects/nn/NNDialect.h"
#include "dialects/nn/VectorEpilogue.h"
#include "passes/loops/Passes.h"
#include "passes/loops/WeightFetcher.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <map>
#include <numeric>

namespace lathe::passes {
#define GEN_PASS_DEF_EXPANDMICROKERNELPASS
#include "passes/loops/Passes.h.inc"
} // namespace lathe::passes

using namespace mlir;
using namespace lathe::nn;
using lathe::passes::WeightFetcher;

namespace {

/// Neighbouring window elements [begin, end) of the last dimension that see the same pixels of the tile.
struct Tap {
  int64_t begin, end;
  SmallVector<int64_t> pixels;
};

/// An operand as one flat vector of elements, with the stride of each logical index.
struct FlatView {
  Value flat;
  int64_t image, block, lane; // batch; channel block of V (or Cv) channels; channel within the block
  SmallVector<int64_t> spatial;
};

class Expander : WeightFetcher {
public:
  explicit Expander(MicroKernelOp op) : WeightFetcher(op), width(op.getWidth()), ku(op.getTiling().getKu()) {
    auto init = cast<MemRefType>(op.getInit().getType());
    if (blockedOutput)
      lanes = init.getShape().back();
    else
      lanes = cast<MemRefType>(op.getWeights().getType()).getShape().back() / op.getTiling().getRowVectors();
    blockChannels = op.getReduction() == Reduction::dense ? cast<MemRefType>(op.getWeights().getType()).getDimSize(2 + spatial) : lanes;
    GroupSpan span{op.getChannels()[0], op.getChannels()[1], static_cast<int64_t>(op.getGroups()), ku * lanes};
    groupsMeet = op.getReduction() == Reduction::dense && span.meetInVectors(lanes) && blockChannels == span.inputPerGroup();
    vector = VectorType::get({lanes}, init.getElementType());
  }

  void expand() {
    input = view(op.getInput());
    output = view(op.getInit());
    if (op.getWeights())
      weights = flatten(op.getWeights());
    if (op.getWeights())
      vectorStride = op.getTiling().getStreams() ? cast<MemRefType>(op.getWeights().getType()).getStridesAndOffset().first.front() : lanes;
    Value firstBlock = mul(op.getGroup(), op.getTiling().getRowVectors());
    for (int64_t u = 0; u < ku; ++u)
      blocks.push_back(add(firstBlock, u));
    findTaps();
    SmallVector<Value> acc(ku * width, splat(op.getReduction() == Reduction::max ? -std::numeric_limits<double>::infinity() : 0.0));
    switch (op.getReduction()) {
    case Reduction::dense:
      acc = dense(acc);
      break;
    case Reduction::depthwise:
      acc = depthwise(acc);
      break;
    case Reduction::max:
    case Reduction::sum:
      acc = pool(acc);
      break;
    }
    store(acc);
    op.erase();
  }

private:
  using Accumulators = SmallVector<Value>;

  //===- Operands ------------------------------------------------------------------------------------------------------------------------===//

  Value flatten(Value memref) {
    auto view = memref.getDefiningOp<memref::ReinterpretCastOp>(); // of the same elements, from the same start
    Value elements = view ? view.getSource() : memref;
    return elements.getDefiningOp<ScratchOp>() ? elements : IndexBuilder::flatten(elements); // scratch memory is flat already
  }

  FlatView view(Value memref) {
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<int64_t> s = type.getStridesAndOffset().first;
    FlatView v{flatten(memref), s[0], 0, 1, {}};
    if (type.getRank() == spatial + 3) { // [N, C / V, spatial..., V]
      v.block = s[1];
      v.spatial.assign(s.begin() + 2, s.end() - 1);
      v.lane = s.back();
    } else if (!blockedOutput) { // matrix multiplication, the only operation with a plain output: [N, C] or [N, M, C]
      v.spatial.push_back(type.getRank() == 3 ? s[1] : 0);
      v.lane = s.back();
      v.block = (memref == op.getInput() ? blockChannels : lanes) * v.lane;
    } else { // [N, C, spatial...]
      v.lane = s[1];
      v.block = blockChannels * v.lane;
      v.spatial.assign(s.begin() + 2, s.end());
    }
    return v;
  }

  Value splat(double value) { return arith::ConstantOp::create(b, DenseElementsAttr::get(vector, b.getFloatAttr(vector.getElementType(), value).getValue())); }

  //===- Loops ---------------------------------------------------------------------------------------------------------------------------===//

  Accumulators loop(Value from, Value to, int64_t step, Accumulators acc, llvm::function_ref<Accumulators(Value, Accumulators)> body) {
    auto lower = getConstantIntValue(from), upper = getConstantIntValue(to);
    if (lower && upper && *upper - *lower <= step)
      return *lower < *upper ? body(from, acc) : acc;
    auto op = scf::ForOp::create(b, from, to, constant(step), acc);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    scf::YieldOp::create(b, body(op.getInductionVar(), Accumulators(op.getRegionIterArgs())));
    return Accumulators(op.getResults());
  }

  void findTaps() {
    int64_t stride = op.getStrides()[last], dilation = op.getDilations()[last], pad = op.getPads()[last], w0 = op.getFirstColumn();
    int64_t extent = inputExtent(last);
    for (int64_t s = 0; s < op.getWindow()[last]; ++s) {
      SmallVector<int64_t> pixels;
      for (int64_t p = 0; p < width; ++p) {
        int64_t at = (w0 + p) * stride - pad + s * dilation;
        if (!op.getEdge() || (at >= 0 && at < extent))
          pixels.push_back(p);
      }
      if (!taps.empty() && taps.back().pixels == pixels)
        taps.back().end = s + 1;
      else
        taps.push_back({s, s + 1, pixels});
    }
  }

  int64_t inputExtent(int64_t d) {
    auto type = cast<MemRefType>(op.getInput().getType());
    return blockedOutput ? type.getDimSize(2 + d) : type.getRank() == 3 ? type.getDimSize(1) : 1;
  }

  /// Runs `body` for every row of the window inside the input: outer dimensions as loops over their clipped ranges. `x` is the input's address at the tile's
  /// image, channel block and row, relative to pixel column 0; `rowIndex` is the row's linear index in the window.
  Accumulators rows(int64_t d, Value x, Value rowIndex, Accumulators acc, llvm::function_ref<Accumulators(Value, Value, Accumulators)> body) {
    if (d == last)
      return body(x, rowIndex, acc);
    return loop(op.getBegin()[d], op.getEnd()[d], 1, acc, [&](Value r, Accumulators a) {
      Value at = inRing(d, add(op.getFirst()[d], mul(r, op.getDilations()[d])), 0);
      return rows(d + 1, add(x, mul(at, input.spatial[d])), add(mul(rowIndex, op.getWindow()[d]), r), a, body);
    });
  }

  /// Where row `row` of dimension `d` of the input (0) or output (1) lies.
  Value inRing(int64_t d, Value row, size_t operand) {
    int64_t rows = d == 0 && op.getRing() ? (*op.getRing())[operand] : 0;
    return rows ? arith::RemUIOp::create(b, row, constant(rows)).getResult() : row;
  }

  /// The same for every window element; `tapIndex` is its linear index in the window.
  Accumulators window(int64_t d, Value x, Value tapIndex, Accumulators acc, llvm::function_ref<Accumulators(const Tap &, Value, Value, Accumulators)> body) {
    return rows(d, x, tapIndex, acc, [&](Value xRow, Value rowIndex, Accumulators a) { return columns(xRow, rowIndex, a, body); });
  }

  /// The same for the last dimension alone.
  Accumulators columns(Value x, Value tapIndex, Accumulators acc, llvm::function_ref<Accumulators(const Tap &, Value, Value, Accumulators)> body) {
    for (const Tap &tap : taps) {
      if (tap.pixels.empty())
        continue;
      acc = loop(constant(tap.begin), constant(tap.end), 1, acc, [&](Value s, Accumulators a) {
        Value column = add(mul(op.getColumn(), op.getStrides()[last]), mul(s, op.getDilations()[last]));
        return body(tap, add(x, mul(column, input.spatial[last])), add(mul(tapIndex, op.getWindow()[last]), s), a);
      });
    }
    return acc;
  }

  /// Offset of pixel `p` from pixel column 0 of the tile, in input elements.
  int64_t pixelOffset(int64_t p) { return (p * op.getStrides()[last] - op.getPads()[last]) * input.spatial[last]; }

  //===- Multiply-add over channels and window -------------------------------------------------------------------------------------------===//

  Accumulators dense(Accumulators acc) {
    auto type = cast<MemRefType>(op.getWeights().getType()); // [groups, channel blocks, window..., Cv, ku V]
    SmallVector<int64_t> s = type.getStridesAndOffset().first;
    int64_t tapStride = s[1 + spatial]; // window elements are contiguous, row-major
    Value base = mul(op.getGroup(), s[0]), image = mul(op.getImage(), input.image);
    // Of the innermost loop over channels; where a block has no more than one iteration holds, of that over the window.
    int64_t inIteration = std::min(op.getTiling().getUnroll(), blockChannels);
    int64_t innermost = s[0] / s[2 + spatial] / inIteration;
    SmallVector<Prefetch> ahead = prefetches(innermost, false, innermost), around = prefetches(s[0] / tapStride, true, innermost);
    if (blockChannels == inIteration) {
      around.append(ahead);
      ahead.clear();
    }
    // `x` is the input's address at the block, `cb` the block's index in the weights.
    auto channelBlock = [&](Value x, Value cb, int64_t channels, Accumulators a) {
      Value w = add(base, mul(cb, s[1]));
      return window(0, x, constant(0), a, [&](const Tap &tap, Value xTap, Value index, Accumulators a) {
        Value wTap = add(w, mul(index, tapStride));
        int64_t unroll = op.getTiling().getUnroll(), whole = channels <= unroll ? 0 : channels / unroll * unroll;
        a = loop(constant(0), constant(whole), unroll, a, [&](Value c, Accumulators a) {
          Value wc = add(wTap, mul(c, s[2 + spatial])), xc = add(xTap, mul(c, input.lane));
          SmallVector<Value> addresses;
          if (!ahead.empty())
            addresses = fetchAddresses(ahead, add(mul(add(mul(cb, s[1] / tapStride), index), blockChannels), c), unroll);
          for (int64_t j = 0; j < unroll; ++j) {
            a = step(tap, a, inputChannel(xTap, xc, cb, c, j), wc, j, s[2 + spatial]);
            fetch(ahead, addresses, j, unroll);
          }
          return a;
        });
        if (!around.empty())
          fetch(around, fetchAddresses(around, add(mul(cb, s[1] / tapStride), index), 1), 0, 1);
        for (int64_t j = whole; j < channels; ++j)
          a = step(tap, a, inputChannel(xTap, xTap, cb, constant(0), j), wTap, j, s[2 + spatial]);
        return a;
      });
    };
    if (op.getGroups() > 1)
      return grouped(acc, channelBlock);
    int64_t channels = op.getChannels()[0], whole = channels / blockChannels, rest = channels % blockChannels;
    auto blockAt = [&](Value cb) { return op.getPlaces() ? image : add(image, mul(cb, input.block)); };
    acc = loop(constant(0), constant(whole), 1, acc, [&](Value cb, Accumulators a) { return channelBlock(blockAt(cb), cb, blockChannels, a); });
    return rest ? channelBlock(blockAt(constant(whole)), constant(whole), rest, acc) : acc;
  }

  /// What lies so many elements behind an address.
  using Address = std::pair<Value, int64_t>;

  /// Input channel `c + j` of block `cb`: behind channel `c`, which is at `xc`, or at its place, counted from `xTap`.
  Address inputChannel(Value xTap, Value xc, Value cb, Value c, int64_t j) {
    if (!op.getPlaces())
      return {xc, j * input.lane};
    Value number = add(add(mul(cb, blockChannels), c), j);
    Value place = memref::LoadOp::create(b, op.getPlaces(), ValueRange{number});
    return {add(xTap, arith::IndexCastUIOp::create(b, b.getIndexType(), place)), 0};
  }

  /// Groups that lie within a vector, as many channels in as out: the lanes of a group see its channels one after the other, by shuffles. A line of the
  /// window at once: an input pixel is shuffled once for all pixels of the tile that see it.
  Accumulators groupsInLanes(Accumulators acc, int64_t perGroup) {
    SmallVector<int64_t> s = cast<MemRefType>(op.getWeights().getType()).getStridesAndOffset().first;
    Value x = add(mul(op.getImage(), input.image), mul(blocks.front(), input.block)), base = mul(op.getGroup(), s[0]);
    // By column of the input, relative to the tile's: the pixels that see it, and through which element of the window's row.
    std::map<int64_t, SmallVector<std::pair<int64_t, int64_t>>> seen;
    for (const Tap &tap : taps)
      for (int64_t e = tap.begin; e < tap.end; ++e)
        for (int64_t p : tap.pixels)
          seen[pixelOffset(p) + e * op.getDilations()[last] * input.spatial[last]].push_back({p, e});
    return rows(0, x, constant(0), acc, [&](Value xRow, Value rowIndex, Accumulators a) {
      Value column = add(xRow, mul(op.getColumn(), op.getStrides()[last] * input.spatial[last]));
      Value w = add(base, mul(rowIndex, op.getWindow()[last] * s[1 + spatial]));
      for (const auto &[offset, uses] : seen)
        for (int64_t u = 0; u < ku; ++u) {
          Value v = vector::LoadOp::create(b, vector, input.flat, add(column, offset + u * input.block));
          for (int64_t c = 0; c < perGroup; ++c) {
            SmallVector<int64_t> lane;
            for (int64_t i = 0; i < lanes; ++i)
              lane.push_back(i / perGroup * perGroup + c);
            Value channel = vector::ShuffleOp::create(b, v, v, lane);
            for (auto [p, e] : uses) {
              Value weight = vector::LoadOp::create(b, vector, weights, add(w, e * s[1 + spatial] + c * s[2 + spatial] + u * lanes));
              a[u * width + p] = vector::FMAOp::create(b, channel, weight, a[u * width + p]);
            }
          }
        }
      return a;
    });
  }

  /// A tile of a grouped convolution reduces over the channels of its groups only (GroupSpan.h).
  Accumulators grouped(Accumulators acc, llvm::function_ref<Accumulators(Value, Value, int64_t, Accumulators)> channelBlock) {
    GroupSpan span{op.getChannels()[0], op.getChannels()[1], static_cast<int64_t>(op.getGroups()), ku * lanes};
    if (span.fitLanes(lanes) && blockChannels == span.inputPerGroup())
      return groupsInLanes(acc, blockChannels);
    if (groupsMeet) { // the last tile may have fewer groups
      int64_t perGroup = span.inputPerGroup(), count = span.tile / span.outputPerGroup();
      SmallVector<Value> starts;
      for (int64_t i = 0; i < count; ++i)
        starts.push_back(arith::MinUIOp::create(b, mul(add(mul(op.getGroup(), count), i), perGroup), constant(span.inputChannels - perGroup)));
      return ofGroups(acc, starts, perGroup, span.outputPerGroup(), span);
    }
    Value group = arith::DivUIOp::create(b, mul(op.getGroup(), span.tile), constant(span.outputPerGroup()));
    Value start = arith::MinUIOp::create(b, mul(group, span.inputPerGroup()), constant(span.inputChannels - span.span()));
    Value image = mul(op.getImage(), input.image);
    if (span.isOfWholeBlocks(lanes)) {
      Value firstBlock = arith::DivUIOp::create(b, start, constant(lanes));
      return loop(constant(0), constant(span.span() / lanes), 1, acc,
                  [&](Value cb, Accumulators a) { return channelBlock(add(image, mul(add(firstBlock, cb), input.block)), cb, lanes, a); });
    }
    if (!blockedInput() || span.isInOneBlock(lanes))
      return channelBlock(add(image, offsetOf(start)), constant(0), span.span(), acc);
    return ofGroups(acc, {start}, span.span(), span.tile, span);
  }

  bool blockedInput() { return cast<MemRefType>(op.getInput().getType()).getRank() == spatial + 3; }

  /// How far channel `channel` of the input lies from its first one.
  Value offsetOf(Value channel) {
    if (!blockedInput())
      return mul(channel, input.lane);
    return add(mul(arith::DivUIOp::create(b, channel, constant(lanes)), input.block), arith::RemUIOp::create(b, channel, constant(lanes)));
  }

  /// `number` channels from each of `starts`, for `outputs` lanes each: they may begin anywhere in a block, so that each few channels have an address. With
  /// several starts every lane multiplies the channels of its own group, none by zero.
  Accumulators ofGroups(Accumulators acc, ArrayRef<Value> starts, int64_t number, int64_t outputs, const GroupSpan &span) {
    int64_t together = std::gcd(std::gcd(span.inputPerGroup(), lanes), 4); // they lie in one block wherever a group begins
    SmallVector<int64_t> s = cast<MemRefType>(op.getWeights().getType()).getStridesAndOffset().first;
    auto channels = [&](Value from, int64_t count, Accumulators a) {
      return window(0, mul(op.getImage(), input.image), constant(0), a, [&](const Tap &tap, Value xTap, Value index, Accumulators a) {
        Value w = add(mul(op.getGroup(), s[0]), mul(index, s[1 + spatial]));
        return loop(constant(0), constant(count), together, a, [&](Value c, Accumulators a) {
          Value channel = add(from, c), wc = add(w, mul(channel, s[2 + spatial]));
          SmallVector<Value> x = llvm::map_to_vector(starts, [&](Value start) { return add(xTap, offsetOf(add(start, channel))); });
          for (int64_t j = 0; j < together; ++j)
            a = stepOfGroups(tap, a, x, add(wc, j * s[2 + spatial]), j * input.lane, outputs);
          return a;
        });
      });
    };
    if (span.inputPerGroup() % lanes)
      return channels(constant(0), number, acc);
    // The order of sums is that of whole blocks in any tile.
    return loop(constant(0), constant(number), lanes, acc, [&](Value c, Accumulators a) { return channels(c, lanes, a); });
  }

  /// One channel of each group, from addresses `x`.
  Accumulators stepOfGroups(const Tap &tap, Accumulators acc, ArrayRef<Value> x, Value w, int64_t channel, int64_t outputs) {
    SmallVector<Value> row;
    for (int64_t u = 0; u < ku; ++u)
      row.push_back(vector::LoadOp::create(b, vector, weights, add(w, u * lanes)));
    for (int64_t p : tap.pixels) {
      SmallVector<Value> wide = llvm::map_to_vector(x, [&](Value at) -> Value {
        return vector::BroadcastOp::create(b, vector, memref::LoadOp::create(b, input.flat, add(at, pixelOffset(p) + channel)));
      });
      for (int64_t u = 0; u < ku; ++u) {
        int64_t first = u * lanes / outputs;
        Value own = wide[first];
        for (int64_t i = first + 1; i * outputs < (u + 1) * lanes; ++i) {
          auto lane = llvm::map_to_vector(llvm::seq<int64_t>(0, lanes), [&](int64_t k) { return u * lanes + k < i * outputs ? k : lanes + k; });
          own = vector::ShuffleOp::create(b, own, wide[i], lane);
        }
        acc[u * width + p] = vector::FMAOp::create(b, own, row[u], acc[u * width + p]);
      }
    }
    return acc;
  }

  /// Channel by channel: the weights of one window element are ku vectors, and so is each pixel's input.
  Accumulators depthwise(Accumulators acc) {
    SmallVector<int64_t> s = cast<MemRefType>(op.getWeights().getType()).getStridesAndOffset().first;
    Value x = add(mul(op.getImage(), input.image), mul(blocks.front(), input.block)), base = mul(op.getGroup(), s[0]);
    SmallVector<Prefetch> ahead = prefetches(s[0] / s[1 + spatial]);
    return window(0, x, constant(0), acc, [&](const Tap &tap, Value xTap, Value index, Accumulators a) {
      Value w = add(base, mul(index, s[1 + spatial]));
      fetch(ahead, fetchAddresses(ahead, index, 1), 0, 1);
      SmallVector<Value> row;
      for (int64_t u = 0; u < ku; ++u)
        row.push_back(vector::LoadOp::create(b, vector, weights, add(w, u * lanes)));
      for (int64_t p : tap.pixels)
        for (int64_t u = 0; u < ku; ++u) {
          Value v = vector::LoadOp::create(b, vector, input.flat, add(xTap, pixelOffset(p) + u * input.block));
          a[u * width + p] = vector::FMAOp::create(b, v, row[u], a[u * width + p]);
        }
      return a;
    });
  }

  /// Input channel `channel` of an iteration, whose address is `x`: ku weight vectors, then per pixel one broadcast and ku multiply-adds. A last vector that
  /// several channels share takes part at the first of them, with all of them side by side.
  Accumulators step(const Tap &tap, Accumulators acc, Address x, Value w, int64_t channel, int64_t rowStride) {
    int64_t share = op.getTiling().getShare(), whole = share > 1 ? ku - 1 : ku;
    SmallVector<Value> row;
    for (int64_t u = 0; u < whole; ++u)
      row.push_back(vector::LoadOp::create(b, vector, weights, add(w, channel * rowStride + u * vectorStride)));
    for (int64_t p : whole ? ArrayRef(tap.pixels) : ArrayRef<int64_t>()) {
      Value scalar = memref::LoadOp::create(b, input.flat, add(x.first, pixelOffset(p) + x.second));
      Value wide = vector::BroadcastOp::create(b, vector, scalar);
      for (int64_t u = 0; u < whole; ++u)
        acc[u * width + p] = vector::FMAOp::create(b, wide, row[u], acc[u * width + p]);
    }
    if (share == 1 || channel % share)
      return acc;
    Value shared = vector::LoadOp::create(b, vector, weights, add(w, channel * rowStride + whole * lanes));
    for (int64_t p : tap.pixels) {
      Value few = vector::LoadOp::create(b, VectorType::get({share}, vector.getElementType()), input.flat, add(x.first, pixelOffset(p) + x.second));
      Value &slot = acc[whole * width + p];
      slot = vector::FMAOp::create(b, repeated(few, share), shared, slot);
    }
    return acc;
  }

  /// `few` again and again, to a whole vector; two as one number, which has a load of its own.
  Value repeated(Value few, int64_t share) {
    if (share == 2) {
      Value one = vector::ExtractOp::create(b, vector::BitCastOp::create(b, VectorType::get({1}, b.getI64Type()), few), ArrayRef<int64_t>{0});
      return vector::BitCastOp::create(b, vector, vector::BroadcastOp::create(b, VectorType::get({lanes / 2}, b.getI64Type()), one));
    }
    SmallVector<int64_t> lane;
    for (int64_t i = 0; i < lanes; ++i)
      lane.push_back(i % share);
    return vector::ShuffleOp::create(b, few, few, lane);
  }

  /// The parts that channels sharing a register have summed, added up: a fixed tree. Lanes beyond the channels of the vector hold anything.
  Value sumShared(Value v) {
    for (int64_t share = op.getTiling().getShare(); share > 1; share /= 2) {
      SmallVector<int64_t> even, odd;
      for (int64_t i = 0; i < lanes; ++i) {
        even.push_back(2 * i % lanes);
        odd.push_back(2 * i % lanes + 1);
      }
      v = arith::AddFOp::create(b, vector::ShuffleOp::create(b, v, v, even), vector::ShuffleOp::create(b, v, v, odd));
    }
    return v;
  }

  //===- Pools ---------------------------------------------------------------------------------------------------------------------------===//

  /// Rows this long are summed apart from each other: the error of one sum over a whole image would grow with its size.
  static constexpr int64_t kLongRow = 32;

  Accumulators pool(Accumulators acc) {
    Value image = mul(op.getImage(), input.image), x = add(image, mul(blocks.front(), input.block));
    bool max = op.getReduction() == Reduction::max;
    auto element = [&](const Tap &tap, Value xTap, Value, Accumulators a) {
      for (int64_t p : tap.pixels)
        for (int64_t u = 0; u < ku; ++u) {
          Value v = vector::LoadOp::create(b, vector, input.flat, add(xTap, pixelOffset(p) + u * input.block));
          Value &slot = a[u * width + p];
          slot = max ? arith::MaximumFOp::create(b, slot, v).getResult() : arith::AddFOp::create(b, slot, v).getResult();
        }
      return a;
    };
    if (!max && spatial > 1 && op.getWindow()[last] >= kLongRow)
      acc = rows(0, x, constant(0), acc, [&](Value xRow, Value, Accumulators total) {
        Accumulators row = columns(xRow, constant(0), Accumulators(acc.size(), splat(0.0)), element);
        for (auto [sum, part] : llvm::zip(total, row))
          sum = arith::AddFOp::create(b, sum, part);
        return total;
      });
    else
      acc = window(0, x, constant(0), acc, element);
    if (max)
      return acc;
    Value outer = constant(1); // elements of the window in the outer dimensions that count
    for (int64_t d = 0; d < last; ++d) {
      Value n = op.getCountIncludePad() ? countPadded(d) : difference(op.getEnd()[d], op.getBegin()[d]);
      outer = multiply(outer, n);
    }
    for (int64_t p = 0; p < width; ++p) {
      Value divisor = toVector(mul(outer, columnCount(p)));
      for (int64_t u = 0; u < ku; ++u)
        acc[u * width + p] = arith::DivFOp::create(b, acc[u * width + p], divisor);
    }
    return acc;
  }

  Value difference(Value a, Value s) {
    auto x = getConstantIntValue(a), y = getConstantIntValue(s);
    return x && y ? constant(*x - *y) : arith::SubIOp::create(b, a, s).getResult();
  }
  Value multiply(Value a, Value c) {
    if (auto k = getConstantIntValue(c))
      return mul(a, *k);
    if (auto k = getConstantIntValue(a))
      return mul(c, *k);
    return arith::MulIOp::create(b, a, c);
  }

  /// Window elements of dimension `d` inside the padded input, for the tile's row: first >= -pad_begin always holds.
  Value countPadded(int64_t d) {
    int64_t end = inputExtent(d) + op.getPads()[spatial + d], dilation = op.getDilations()[d];
    Value room = arith::SubIOp::create(b, constant(end), op.getFirst()[d]);
    if (dilation != 1)
      room = arith::CeilDivSIOp::create(b, room, constant(dilation));
    return arith::MinSIOp::create(b, room, constant(op.getWindow()[d]));
  }

  int64_t columnCount(int64_t p) {
    int64_t count = 0;
    int64_t extent = inputExtent(last), first = (op.getFirstColumn() + p) * op.getStrides()[last] - op.getPads()[last];
    for (int64_t s = 0; s < op.getWindow()[last]; ++s) {
      int64_t at = first + s * op.getDilations()[last];
      bool counted = op.getCountIncludePad() ? at < extent + op.getPads()[spatial + last] : at >= 0 && at < extent;
      count += !op.getEdge() || counted;
    }
    return count;
  }

  Value toVector(Value count) {
    if (auto k = getConstantIntValue(count))
      return splat(*k);
    Value i = arith::IndexCastOp::create(b, b.getI32Type(), count);
    return vector::BroadcastOp::create(b, vector, arith::SIToFPOp::create(b, vector.getElementType(), i));
  }

  //===- Epilogue and store --------------------------------------------------------------------------------------------------------------===//

  /// Address of pixel column 0 of the tile in a tensor with the output's indices.
  Value pixelBase(const FlatView &v, Value block) {
    Value at = add(mul(op.getImage(), v.image), mul(block, v.block));
    for (int64_t d = 0; d < last; ++d)
      at = add(at, mul(&v == &output ? inRing(d, op.getRows()[d], 1) : op.getRows()[d], v.spatial[d]));
    return add(at, mul(op.getColumn(), v.spatial[last]));
  }

  void store(Accumulators acc) {
    SmallVector<std::optional<FlatView>> extraViews;
    for (auto [i, extra] : llvm::enumerate(op.getExtras())) {
      bool elementwise = classifyExtra(extra.getType(), cast<ShapedType>(op.getInit().getType())) == ExtraKind::elementwise;
      extraViews.push_back(elementwise ? std::optional(view(extra)) : std::nullopt);
    }
    for (int64_t p = 0; p < width && op.getTiling().getShare() > 1; ++p)
      acc[(ku - 1) * width + p] = sumShared(acc[(ku - 1) * width + p]);
    int64_t vectors = cast<MemRefType>(op.getInit().getType()).getShape()[1];
    for (int64_t u = 0; u < ku; ++u) {
      OpBuilder::InsertionGuard guard(b);
      if (groupsMeet && vectors % ku && u >= vectors % ku) { // the last tile has fewer vectors
        Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, blocks[u], constant(vectors));
        b.setInsertionPointToStart(scf::IfOp::create(b, exists, /*withElseRegion=*/false).thenBlock());
      }
      Value mask = tailMask(u);
      Value base = pixelBase(output, blocks[u]);
      SmallVector<Value> uniform(op.getExtras().size()), bases(op.getExtras().size());
      for (auto [i, extra] : llvm::enumerate(op.getExtras())) {
        if (extraViews[i])
          bases[i] = pixelBase(*extraViews[i], blocks[u]);
        else if (cast<ShapedType>(extra.getType()).getRank() == 0)
          uniform[i] = vector::BroadcastOp::create(b, vector, memref::LoadOp::create(b, extra, ValueRange{}));
        else
          uniform[i] = vector::LoadOp::create(b, vector, extra, ValueRange{mul(blocks[u], lanes)});
      }
      for (int64_t p = 0; p < width; ++p) {
        SmallVector<Value> extras(uniform);
        for (size_t i = 0; i < extras.size(); ++i)
          if (extraViews[i])
            extras[i] = load(extraViews[i]->flat, add(bases[i], p * extraViews[i]->spatial[last]), mask);
        Value result = cloneAsVectors(b, op.getEpilogue(), lanes, acc[u * width + p], extras);
        Value at = add(base, p * output.spatial[last]);
        if (mask)
          vector::MaskedStoreOp::create(b, output.flat, at, mask, result);
        else
          vector::StoreOp::create(b, result, output.flat, at);
      }
    }
  }

  /// A plain output has no room beyond its last channel; a blocked one has.
  Value tailMask(int64_t u) {
    int64_t channels = op.getChannels()[1];
    if (blockedOutput || channels % (op.getTiling().getGroupVectors() * lanes) == 0)
      return {};
    // lane < channels left (vector.create_mask is not among what convert-to-llvm converts)
    Value left = arith::SubIOp::create(b, constant(channels), mul(blocks[u], lanes));
    auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
    auto type = VectorType::get({lanes}, b.getI32Type());
    Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef(numbers)));
    Value limit = vector::BroadcastOp::create(b, type, arith::IndexCastOp::create(b, b.getI32Type(), left));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lane, limit);
  }

  Value load(Value flat, Value at, Value mask) {
    return mask ? vector::MaskedLoadOp::create(b, vector, flat, at, mask, splat(0.0)).getResult() : vector::LoadOp::create(b, vector, flat, at).getResult();
  }

  int64_t width, ku, lanes, blockChannels;
  int64_t vectorStride = 0; // in the weights, between the vectors of a tile
  bool groupsMeet;          // each lane has the weights of its own group
  VectorType vector;
  FlatView input, output;
  SmallVector<Value> blocks;
  SmallVector<Tap> taps;
};

struct ExpandMicroKernelPass : lathe::passes::impl::ExpandMicroKernelPassBase<ExpandMicroKernelPass> {
  void runOnOperation() override {
    SmallVector<MicroKernelOp> ops;
    getOperation().walk([&](MicroKernelOp op) { ops.push_back(op); });
    for (MicroKernelOp op : ops)
      Expander(op).expand();
  }
};

} // namespace
