// Verifiers of nn.conv, nn.pool and nn.matmul, in all their forms. Labels like (conv_c3) name the same rule in the tests.
#include "dialects/nn/CookToom.h"
#include "dialects/nn/GroupSpan.h"
#include "dialects/nn/NNDialect.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace lathe::nn;

/// Tensors or buffers; checked first, since everything else asks for the output's type.
static LogicalResult verifyForm(WindowedOpInterface op) {
  Value init = op.getInitOrNull();
  bool buffers = isa<MemRefType>(op.getInput().getType());
  if (op->getNumResults() != (buffers ? 0 : 1))
    return op->emitOpError("expects one result on tensors and none on memrefs (got ") << op->getNumResults() << ")"; // (windowed_c1)
  if (buffers && !init)
    return op->emitOpError("expects a destination on memrefs"); // (windowed_c2)
  for (Value v : op->getOperands())
    if (isa<MemRefType>(v.getType()) != buffers)
      return op->emitOpError("expects all operands to be tensors or all to be memrefs (got ") << v.getType() << ")"; // (windowed_c3)
  return success();
}

/// Rules that all windowed operations share: destination, epilogue, extras.
static LogicalResult verifyCommon(WindowedOpInterface op) {
  Value init = op.getInitOrNull();
  bool buffers = isa<MemRefType>(op.getInput().getType());
  ShapedType out = op.getOutputType();
  if (init && !buffers && init.getType() != out)
    return op->emitOpError("expects the result's type as destination type (got ") << init.getType() << " and " << out << ")"; // (windowed_c4)

  Block &body = op.getEpilogue().front();
  if (body.getNumArguments() != op.getExtras().size() + 1)
    return op->emitOpError("expects an epilogue of ") << op.getExtras().size() + 1 << " arguments, the accumulator and one per extra operand (got "
                                                      << body.getNumArguments() << ")"; // (windowed_c5)
  if (body.getArgument(0).getType() != out.getElementType())
    return op->emitOpError("expects the accumulator to have the output's element type ")
           << out.getElementType() << " (got " << body.getArgument(0).getType() << ")"; // (windowed_c11)
  for (auto [i, extra] : llvm::enumerate(op.getExtras())) {
    auto type = cast<ShapedType>(extra.getType());
    if (op.getExtraKind(i) == ExtraKind::invalid)
      return op->emitOpError("expects extra operand ")
             << i << " to be a scalar, one value per output channel, or of the output's shape " << out << " (got " << type << ")"; // (windowed_c6)
    if (op.getExtraKind(i) == ExtraKind::channel && type.getDimSize(0) < op.getOutputChannels())
      return op->emitOpError("expects extra operand ") << i << " to hold " << op.getOutputChannels() << " channels (got " << type << ")"; // (windowed_c7)
    if (body.getArgument(i + 1).getType() != type.getElementType())
      return op->emitOpError("expects epilogue argument ") << i + 1 << " to have its extra operand's element type " << type.getElementType() << " (got "
                                                           << body.getArgument(i + 1).getType() << ")"; // (windowed_c8)
  }
  auto yield = body.empty() ? YieldOp() : dyn_cast<YieldOp>(body.back());
  if (!yield || yield.getNumOperands() != 1 || yield.getOperand(0).getType() != out.getElementType())
    return op->emitOpError("expects an epilogue that ends in nn.yield of one ") << out.getElementType(); // (windowed_c9)
  for (Operation &inner : body.without_terminator())
    if (!inner.hasTrait<OpTrait::ConstantLike>() && (!OpTrait::hasElementwiseMappableTraits(&inner) || inner.getNumResults() != 1))
      return op->emitOpError("expects elementwise operations in the epilogue (got '") << inner.getName() << "')"; // (windowed_c10)
  return success();
}

/// Window attributes: as many entries as spatial dims, in range.
static LogicalResult verifyWindow(WindowedOpInterface op, ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads,
                                  ArrayRef<int64_t> window) {
  size_t n = strides.size();
  if (n < 1 || n > 3 || dilations.size() != n || window.size() != n || pads.size() != 2 * n)
    return op->emitOpError("expects 1 to 3 strides, as many dilations and window extents, and twice as many pads (got ")
           << n << ", " << dilations.size() << ", " << window.size() << " and " << pads.size() << ")"; // (window_c1)
  for (size_t i = 0; i < n; ++i)
    if (strides[i] < 1 || dilations[i] < 1 || window[i] < 1)
      return op->emitOpError("expects strides, dilations and window extents of at least 1 (got ")
             << strides[i] << ", " << dilations[i] << " and " << window[i] << " in spatial dimension " << i << ")"; // (window_c2)
  return success();
}

/// A data operand: plain [N, C, spatial...] or blocked [N, ceil(C / V), spatial..., V].
static LogicalResult verifyData(WindowedOpInterface op, ShapedType type, int64_t channels, StringRef what) {
  int64_t spatial = op.getSpatialRank();
  if (type.getRank() == spatial + 2) {
    if (type.getDimSize(1) != channels)
      return op->emitOpError("expects ") << what << " with " << channels << " channels (got " << type << ")"; // (data_c1)
  } else if (type.getRank() == spatial + 3) {
    int64_t lanes = type.getShape().back();
    if (lanes < 1 || type.getDimSize(1) != (channels + lanes - 1) / lanes)
      return op->emitOpError("expects ") << what << " with ceil(" << channels << " / V) channel blocks (got " << type << ")"; // (data_c2)
  } else {
    return op->emitOpError("expects ") << what << " of rank " << spatial + 2 << " (plain) or " << spatial + 3 << " (blocked) (got " << type << ")"; // (data_c3)
  }
  for (int64_t i = 1; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      return op->emitOpError("expects no dynamic dimension but the batch (got ") << type << ")"; // (data_c4)
  return success();
}

static LogicalResult verifyTiling(WindowedOpInterface op) {
  TilingAttr tiling = op.getTilingOrNull();
  if (!tiling)
    return success();
  ShapedType out = op.getOutputType();
  int64_t spatial = op.getSpatialRank();
  bool matmul = isa<MatMulOp>(op.getOperation());
  int64_t width = matmul ? (out.getRank() == 3 ? out.getDimSize(1) : 1) : out.getDimSize(1 + spatial);
  int64_t rows = spatial < 2 ? 1 : out.getDimSize(spatial);
  auto all = [](ArrayRef<int64_t> values, int64_t wanted) { return llvm::all_of(values, [&](int64_t v) { return v == wanted; }); };
  if (tiling.getImages() > 0 && op.getReduction() != Reduction::dense)
    return op->emitOpError("expects images inside of channel groups only where all channels are reduced over (got images = ")
           << tiling.getImages() << ")"; // (tiling_c4)
  if (tiling.getImages() > 1) {
    bool pixel = matmul ? out.getRank() == 2 : all(out.getShape().slice(2, spatial), 1);
    if (!pixel || !all(op.getWindowShape(), 1) || !all(op.getPadBegin(), 0) || !all(op.getPadEnd(), 0))
      return op->emitOpError("expects several images by tile only where an image is one output pixel of a 1x1 window without padding (got images = ")
             << tiling.getImages() << ")"; // (tiling_c5)
  }
  auto conv = dyn_cast<ConvOp>(op.getOperation());
  if (tiling.getStreams() > 0 && (op.getReduction() != Reduction::dense || (conv && conv.getGroups() != 1)))
    return op->emitOpError("expects streams only where all channels are reduced over (got streams = ") << tiling.getStreams() << ")"; // (tiling_c6)
  if (tiling.getMerge() > 1) {
    bool pointwise = all(op.getWindowShape(), 1) && all(op.getWindowStrides(), 1) && all(op.getPadBegin(), 0) && all(op.getPadEnd(), 0);
    if (!pointwise || rows % tiling.getMerge())
      return op->emitOpError("expects merged rows only for a 1x1 window with stride 1 and no padding, and a divisor of ")
             << rows << " rows (got " << tiling.getMerge() << ")"; // (tiling_c1)
  }
  if (!tiling.getWinograd().empty()) {
    if (!isa<ConvOp>(op.getOperation()) || static_cast<int64_t>(tiling.getWinograd().size()) != spatial)
      return op->emitOpError("expects winograd on a convolution, with one tile extent per spatial dimension (got ") << tiling << ")"; // (tiling_c3)
    return success(); // its segments count tiles
  }
  int64_t sum = 0;
  for (int64_t s : tiling.getSegments())
    sum += s;
  if (sum != width * tiling.getMerge())
    return op->emitOpError("expects segments that cover a line of ") << width * tiling.getMerge() << " pixels (got " << sum << ")"; // (tiling_c2)
  return success();
}

/// Packed weights [ceil(K / (ku V)), Cb, window..., Cv, ku V]: room for all channels, and for no more output channels than the last group needs. Where they
/// are streams, [ceil(K / V), Cb, window..., Cv, V], in whole groups.
static LogicalResult verifyPacked(WindowedOpInterface op, ShapedType weights, int64_t in, int64_t out) {
  ArrayRef<int64_t> s = weights.getShape();
  int64_t row = s.back(), cv = s[s.size() - 2], streams = op.getTilingOrNull() ? std::max<int64_t>(op.getTilingOrNull().getStreams(), 1) : 1;
  if (!weights.hasStaticShape() || row < 1 || cv < 1 || s[0] != static_cast<int64_t>(llvm::alignTo(llvm::divideCeil(out, row), streams)) ||
      s[1] != (in + cv - 1) / cv)
    return op->emitOpError("expects packed weights of ceil(")
           << out << " / ku V) groups and ceil(" << in << " / Cv) channel blocks (got " << weights << ")"; // (packed_c1)
  return success();
}

/// Weights of Winograd's algorithm, and what it asks of the convolution.
static LogicalResult verifyTransformed(ConvOp op) {
  auto weights = cast<ShapedType>(op.getWeights().getType());
  int64_t row = weights.getShape().back(), out = op.getOutputChannels();
  auto allOne = [](ArrayRef<int64_t> values) { return llvm::all_of(values, [](int64_t v) { return v == 1; }); };
  if (op.getGroups() != 1 || !allOne(op.getStrides()) || !allOne(op.getDilations()) || !op.isBlocked(op.getInput()))
    return op.emitOpError("expects one group, steps of 1 and a blocked input for winograd (got ") << op.getInput().getType() << ")"; // (winograd_c1)
  if (!weights.hasStaticShape() || row < 1 || weights.getDimSize(0) != (out + row - 1) / row || weights.getShape().drop_back().back() != op.getInputChannels())
    return op.emitOpError("expects transformed weights of ceil(")
           << out << " / ku V) groups and " << op.getInputChannels() << " channels (got " << weights << ")"; // (winograd_c2)
  for (auto [m, r] : llvm::zip(op.getTilingAttr().getWinograd(), op.getWindowShape()))
    if (!CookToom::isPossible(m, r))
      return op.emitOpError("expects tiles of at most ") << CookToom::kMostPoints << " points for winograd (got F(" << m << ", " << r << "))"; // (winograd_c3)
  return success();
}

/// A channel of the input for each one that is read.
static LogicalResult verifyPlaces(ConvOp op) {
  auto type = cast<ShapedType>(op.getPlaces().getType()), input = cast<ShapedType>(op.getInput().getType());
  if (type.getRank() != 1 || !type.getElementType().isInteger(32) || type.getDimSize(0) != op.getInputChannels())
    return op.emitOpError("expects places to be ") << op.getInputChannels() << " x i32, one per input channel (got " << type << ")"; // (places_c1)
  if (op.getGroups() != 1 || op.hasTransformedWeights())
    return op.emitOpError("expects places only in a direct convolution of one group"); // (places_c2)
  // Channels or lanes; next to packed weights elements of an image.
  bool packed = cast<ShapedType>(op.getWeights().getType()).getRank() == op.getSpatialRank() + 4;
  int64_t room = input.getDimSize(1) * (op.isBlocked(op.getInput()) ? input.getShape().back() : 1);
  for (int64_t extent : input.getShape().slice(2, packed ? op.getSpatialRank() : 0))
    room *= extent;
  for (int64_t place : op.getKnownPlaces())
    if (place < 0 || place >= room)
      return op.emitOpError("expects places among the ")
             << room << (packed ? " elements of an image" : " channels of the input") << " (got " << place << ")"; // (places_c3)
  return success();
}

LogicalResult ConvOp::verify() {
  if (failed(verifyForm(*this)))
    return failure();
  if (getChannels().size() != 2 || getChannels()[0] < 1 || getChannels()[1] < 1)
    return emitOpError("expects channels to hold the input and the output channel count (got ") << getChannelsAttr() << ")"; // (conv_c1)
  int64_t spatial = getSpatialRank(), in = getInputChannels(), out = getOutputChannels(), groups = getGroups();
  auto weights = cast<ShapedType>(getWeights().getType());
  if (weights.getRank() != spatial + 2 && weights.getRank() != spatial + 4 && !hasTransformedWeights())
    return emitOpError("expects weights of rank ") << spatial + 2 << " (logical) or " << spatial + 4 << " (packed) (got " << weights << ")"; // (conv_c2)
  if (groups < 1 || in % groups || out % groups)
    return emitOpError("expects groups to divide the channel counts ") << in << " and " << out << " (got " << groups << ")"; // (conv_c3)
  if (failed(verifyWindow(*this, getStrides(), getDilations(), getPads(), getWindowShape())))
    return failure();
  if (weights.getRank() == spatial + 2 && (weights.getDimSize(0) != out || weights.getDimSize(1) != in / groups))
    return emitOpError("expects logical weights of ") << out << " x " << in / groups << " channels (got " << weights << ")"; // (conv_c4)
  int64_t reduced = in;
  if (weights.getRank() == spatial + 4 && groups > 1) {
    GroupSpan span{in, out, groups, std::max<int64_t>(weights.getShape().back(), 1)};
    // Each lane by its own group's channels, or a tile by those of all its groups.
    int64_t lanes = getOutputType().getShape().back();
    bool inLanes = (span.fitLanes(lanes) || span.meetInVectors(lanes)) && weights.getDimSize(2 + spatial) == span.inputPerGroup();
    reduced = getReduction() == Reduction::depthwise ? 1 : inLanes ? span.inputPerGroup() : span.span();
  }
  if (weights.getRank() == spatial + 4 && failed(verifyPacked(*this, weights, reduced, out)))
    return failure();
  if (hasTransformedWeights() && failed(verifyTransformed(*this)))
    return failure();
  auto input = cast<ShapedType>(getInput().getType());
  int64_t inputChannels = in; // or whatever there is, if places say which of them are read
  if (getPlaces() && input.getRank() >= spatial + 2 && !input.isDynamicDim(1) && !input.isDynamicDim(input.getRank() - 1))
    inputChannels = input.getDimSize(1) * (isBlocked(getInput()) ? input.getShape().back() : 1);
  if (failed(verifyData(*this, input, inputChannels, "an input")) || failed(verifyData(*this, getOutputType(), out, "an output")))
    return failure();
  if (getPlaces() && failed(verifyPlaces(*this)))
    return failure();
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t extent = convOutputExtent(input.getDimSize(2 + i), getWindowShape()[i], getStrides()[i], getDilations()[i], getPads()[i], getPads()[spatial + i]);
    if (extent < 1 || getOutputType().getDimSize(2 + i) != extent)
      return emitOpError("expects an output extent of ") << extent << " in spatial dimension " << i << " (got " << getOutputType() << ")"; // (conv_c5)
  }
  if (input.getDimSize(0) != getOutputType().getDimSize(0))
    return emitOpError("expects one batch size (got ") << input << " and " << getOutputType() << ")"; // (conv_c6)
  if (failed(verifyCommon(*this)))
    return failure();
  return verifyTiling(*this);
}

SmallVector<int64_t> InterleaveOp::getPhase(int64_t i) {
  auto type = cast<RankedTensorType>(getType());
  SmallVector<int64_t> phase(getStrides().size());
  for (int64_t d = static_cast<int64_t>(phase.size()) - 1; d >= 0; --d) {
    int64_t phases = std::min(getStrides()[d], type.getDimSize(2 + d));
    phase[d] = i % phases;
    i /= phases;
  }
  return phase;
}

LogicalResult InterleaveOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  int64_t spatial = getStrides().size(), phases = 1;
  if (type.getRank() != spatial + 2 && type.getRank() != spatial + 3)
    return emitOpError("expects a result of rank ") << spatial + 2 << " (plain) or " << spatial + 3 << " (blocked) (got " << type << ")"; // (interleave_c1)
  for (int64_t d = 0; d < spatial; ++d) {
    if (getStrides()[d] < 1 || type.getDimSize(2 + d) < 1)
      return emitOpError("expects strides and extents of at least 1 in spatial dimension ") << d << " (got " << type << ")"; // (interleave_c2)
    phases *= std::min(getStrides()[d], type.getDimSize(2 + d));
    if (phases > static_cast<int64_t>(getInputs().size()))
      break; // before the product can wrap
  }
  if (phases != static_cast<int64_t>(getInputs().size()))
    return emitOpError("expects one input per phase (got ") << getInputs().size() << ")"; // (interleave_c3)
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    SmallVector<int64_t> shape(type.getShape());
    for (auto [d, phase] : llvm::enumerate(getPhase(i)))
      shape[2 + d] = (shape[2 + d] - phase + getStrides()[d] - 1) / getStrides()[d];
    auto expected = RankedTensorType::get(shape, type.getElementType());
    if (input.getType() != expected)
      return emitOpError("expects input ") << i << " of type " << expected << " (got " << input.getType() << ")"; // (interleave_c4)
  }
  return success();
}

LogicalResult PoolOp::verify() {
  if (failed(verifyForm(*this)))
    return failure();
  if (failed(verifyWindow(*this, getStrides(), getDilations(), getPads(), getWindow())))
    return failure();
  for (int64_t p : getPads())
    if (p < 0)
      return emitOpError("expects pads of at least 0 (got ") << p << ")"; // (pool_c3)
  if (failed(verifyData(*this, cast<ShapedType>(getInput().getType()), getChannels(), "an input")) ||
      failed(verifyData(*this, getOutputType(), getChannels(), "an output")))
    return failure();
  auto input = cast<ShapedType>(getInput().getType());
  int64_t spatial = getSpatialRank();
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t lead = getPads()[i], extent = getOutputType().getDimSize(2 + i);
    // Only the first and the last window can miss the input: their nearest elements must be inside.
    int64_t lastStart = (extent - 1) * getStrides()[i] - lead;
    if (extent < 1 || lead >= dilatedWindow(getWindow()[i], getDilations()[i]) || lastStart >= input.getDimSize(2 + i))
      return emitOpError("expects every window to hold an element of the input in spatial dimension ")
             << i << " (got " << input << " and " << getOutputType() << ")"; // (pool_c1)
  }
  if (input.getDimSize(0) != getOutputType().getDimSize(0))
    return emitOpError("expects one batch size (got ") << input << " and " << getOutputType() << ")"; // (pool_c2)
  if (failed(verifyCommon(*this)))
    return failure();
  return verifyTiling(*this);
}

LogicalResult MatMulOp::verify() {
  if (failed(verifyForm(*this)))
    return failure();
  if (getChannels().size() != 2 || getChannels()[0] < 1 || getChannels()[1] < 1)
    return emitOpError("expects channels to hold the input and the output channel count (got ") << getChannelsAttr() << ")"; // (matmul_c1)
  auto input = cast<ShapedType>(getInput().getType()), weights = cast<ShapedType>(getWeights().getType());
  ShapedType out = getOutputType();
  if ((input.getRank() != 2 && input.getRank() != 3) || out.getRank() != input.getRank())
    return emitOpError("expects an input and an output of rank 2 or 3 (got ") << input << " and " << out << ")"; // (matmul_c2)
  if (weights.getRank() != 2 && weights.getRank() != 5)
    return emitOpError("expects weights of rank 2 (logical) or 5 (packed) (got ") << weights << ")"; // (matmul_c3)
  if (input.getShape().back() != getInputChannels() || out.getShape().back() != getOutputChannels() ||
      (weights.getRank() == 2 && weights.getShape() != getChannels()))
    return emitOpError("expects ") << getInputChannels() << " input and " << getOutputChannels() << " output channels (got " << input << ", " << weights
                                   << " and " << out << ")"; // (matmul_c4)
  if (input.getShape().drop_back() != out.getShape().drop_back())
    return emitOpError("expects equal rows (got ") << input << " and " << out << ")"; // (matmul_c5)
  if (input.getRank() == 3 && input.isDynamicDim(1))
    return emitOpError("expects no dynamic dimension but the batch (got ") << input << ")"; // (matmul_c6)
  if (weights.getRank() == 5 && failed(verifyPacked(*this, weights, getInputChannels(), getOutputChannels())))
    return failure();
  if (failed(verifyCommon(*this)))
    return failure();
  return verifyTiling(*this);
}
