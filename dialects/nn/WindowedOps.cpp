// nn.conv, nn.pool, nn.matmul: builders and WindowedOpInterface.
#include "dialects/nn/NNDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lathe::nn;

int64_t lathe::nn::convOutputExtent(int64_t input, int64_t window, int64_t stride, int64_t dilation, int64_t padBegin, int64_t padEnd) {
  int64_t room = input + padBegin + padEnd - dilatedWindow(window, dilation);
  return room < 0 ? -1 : room / stride + 1;
}

ExtraKind lathe::nn::classifyExtra(Type extra, ShapedType output) {
  auto type = dyn_cast<ShapedType>(extra);
  if (!type || !type.hasRank())
    return ExtraKind::invalid;
  if (type.getRank() == 0)
    return ExtraKind::scalar;
  if (type.getRank() == 1)
    return ExtraKind::channel;
  return type.getShape() == output.getShape() ? ExtraKind::elementwise : ExtraKind::invalid;
}

/// Block with the accumulator, and `acc + bias` if there is a bias.
static void buildEpilogue(OpBuilder &builder, OperationState &state, Type element, bool bias) {
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(state.addRegion());
  Value acc = block->addArgument(element, state.location);
  if (bias)
    acc = arith::AddFOp::create(builder, state.location, acc, block->addArgument(element, state.location));
  YieldOp::create(builder, state.location, acc);
}

static SmallVector<int64_t> spatialOf(ShapedType type, int64_t rank) { return SmallVector<int64_t>(type.getShape().slice(2, rank)); }

static int64_t product(ArrayRef<int64_t> values) {
  int64_t p = 1;
  for (int64_t v : values)
    p *= v;
  return p;
}

/// Output pixels per image.
static int64_t pixels(WindowedOpInterface op) { return product(spatialOf(op.getOutputType(), op.getSpatialRank())); }

/// Result type or type of the destination.
template <typename Op> static ShapedType outputType(Op op) {
  return cast<ShapedType>(op.getResults().empty() ? op.getInit().getType() : op.getResult(0).getType());
}

//===- nn.conv -----------------------------------------------------------------------------------------------------------------------------===//

void ConvOp::build(OpBuilder &builder, OperationState &state, Value input, Value weights, Value bias, ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations,
                   ArrayRef<int64_t> pads, int64_t groups) {
  auto in = cast<ShapedType>(input.getType()), w = cast<ShapedType>(weights.getType());
  size_t spatial = strides.size();
  SmallVector<int64_t> shape{in.getDimSize(0), w.getDimSize(0)};
  for (size_t i = 0; i < spatial; ++i)
    shape.push_back(convOutputExtent(in.getDimSize(2 + i), w.getDimSize(2 + i), strides[i], dilations[i], pads[i], pads[spatial + i]));
  state.addOperands({input, weights});
  if (bias)
    state.addOperands(bias);
  auto &p = state.getOrAddProperties<Properties>();
  p.strides = builder.getDenseI64ArrayAttr(strides);
  p.dilations = builder.getDenseI64ArrayAttr(dilations);
  p.pads = builder.getDenseI64ArrayAttr(pads);
  p.groups = builder.getI64IntegerAttr(groups);
  p.channels = builder.getDenseI64ArrayAttr({in.getDimSize(1), w.getDimSize(0)});
  llvm::copy(ArrayRef<int32_t>({1, 1, bias ? 1 : 0, 0, 0}), p.operandSegmentSizes.begin());
  buildEpilogue(builder, state, in.getElementType(), static_cast<bool>(bias));
  state.addTypes(RankedTensorType::get(shape, in.getElementType()));
}

Reduction ConvOp::getReduction() {
  int64_t groups = getGroups();
  return groups > 1 && groups == getInputChannels() && groups == getOutputChannels() ? Reduction::depthwise : Reduction::dense;
}
Value ConvOp::getWeightsOrNull() { return getWeights(); }
void ConvOp::addExtra(Value extra) { getExtrasMutable().append(extra); }
Value ConvOp::getInitOrNull() { return getInit(); }
int64_t ConvOp::getSpatialRank() { return getStrides().size(); }
SmallVector<int64_t> ConvOp::getWindowShape() {
  auto weights = cast<ShapedType>(getWeights().getType());
  int64_t spatial = getSpatialRank();
  if (!hasTransformedWeights())
    return spatialOf(weights, spatial);
  SmallVector<int64_t> window(weights.getShape().slice(1, spatial));
  for (auto [extent, m] : llvm::zip(window, getTilingAttr().getWinograd()))
    extent -= m - 1;
  return window;
}
bool ConvOp::hasTransformedWeights() {
  return cast<ShapedType>(getWeights().getType()).getRank() == getSpatialRank() + 3 && getTilingAttr() &&
         static_cast<int64_t>(getTilingAttr().getWinograd().size()) == getSpatialRank();
}
SmallVector<int64_t> ConvOp::getKnownPlaces() {
  auto weight = getPlaces() ? getPlaces().getDefiningOp<WeightOp>() : WeightOp();
  auto elements = weight && weight.getWeight().getSteps().empty() ? dyn_cast<DenseIntElementsAttr>(weight.getWeight().getSource()) : DenseIntElementsAttr();
  if (!elements)
    return {};
  return llvm::map_to_vector(elements.getValues<APInt>(), [](const APInt &v) { return v.getSExtValue(); });
}
SmallVector<int64_t> ConvOp::getWindowStrides() { return SmallVector<int64_t>(getStrides()); }
SmallVector<int64_t> ConvOp::getWindowDilations() { return SmallVector<int64_t>(getDilations()); }
SmallVector<int64_t> ConvOp::getPadBegin() { return SmallVector<int64_t>(getPads().take_front(getSpatialRank())); }
SmallVector<int64_t> ConvOp::getPadEnd() { return SmallVector<int64_t>(getPads().drop_front(getSpatialRank())); }
int64_t ConvOp::getInputChannels() { return getChannels()[0]; }
int64_t ConvOp::getOutputChannels() { return getChannels()[1]; }
ShapedType ConvOp::getOutputType() { return outputType(*this); }
TilingAttr ConvOp::getTilingOrNull() { return getTilingAttr(); }
void ConvOp::setTiling(TilingAttr tiling) { setTilingAttr(tiling); }
int64_t ConvOp::getFlopsPerImage() { return 2 * pixels(*this) * getOutputChannels() * (getInputChannels() / getGroups()) * product(getWindowShape()); }

//===- nn.pool -----------------------------------------------------------------------------------------------------------------------------===//

void PoolOp::build(OpBuilder &builder, OperationState &state, PoolKind kind, Value input, ArrayRef<int64_t> outputSpatial, ArrayRef<int64_t> window,
                   ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations, ArrayRef<int64_t> pads, bool countIncludePad) {
  auto in = cast<ShapedType>(input.getType());
  SmallVector<int64_t> shape{in.getDimSize(0), in.getDimSize(1)};
  llvm::append_range(shape, outputSpatial);
  state.addOperands(input);
  auto &p = state.getOrAddProperties<Properties>();
  p.kind = PoolKindAttr::get(builder.getContext(), kind);
  p.window = builder.getDenseI64ArrayAttr(window);
  p.strides = builder.getDenseI64ArrayAttr(strides);
  p.dilations = builder.getDenseI64ArrayAttr(dilations);
  p.pads = builder.getDenseI64ArrayAttr(pads);
  p.channels = builder.getI64IntegerAttr(in.getDimSize(1));
  if (countIncludePad)
    p.count_include_pad = builder.getUnitAttr();
  llvm::copy(ArrayRef<int32_t>({1, 0, 0}), p.operandSegmentSizes.begin());
  buildEpilogue(builder, state, in.getElementType(), false);
  state.addTypes(RankedTensorType::get(shape, in.getElementType()));
}

Reduction PoolOp::getReduction() { return getKind() == PoolKind::max ? Reduction::max : Reduction::sum; }
Value PoolOp::getWeightsOrNull() { return {}; }
void PoolOp::addExtra(Value extra) { getExtrasMutable().append(extra); }
Value PoolOp::getInitOrNull() { return getInit(); }
int64_t PoolOp::getSpatialRank() { return getWindow().size(); }
SmallVector<int64_t> PoolOp::getWindowShape() { return SmallVector<int64_t>(getWindow()); }
SmallVector<int64_t> PoolOp::getWindowStrides() { return SmallVector<int64_t>(getStrides()); }
SmallVector<int64_t> PoolOp::getWindowDilations() { return SmallVector<int64_t>(getDilations()); }
SmallVector<int64_t> PoolOp::getPadBegin() { return SmallVector<int64_t>(getPads().take_front(getSpatialRank())); }
SmallVector<int64_t> PoolOp::getPadEnd() { return SmallVector<int64_t>(getPads().drop_front(getSpatialRank())); }
int64_t PoolOp::getInputChannels() { return getChannels(); }
int64_t PoolOp::getOutputChannels() { return getChannels(); }
ShapedType PoolOp::getOutputType() { return outputType(*this); }
TilingAttr PoolOp::getTilingOrNull() { return getTilingAttr(); }
void PoolOp::setTiling(TilingAttr tiling) { setTilingAttr(tiling); }
int64_t PoolOp::getFlopsPerImage() { return pixels(*this) * getChannels() * product(getWindowShape()); }

//===- nn.matmul ---------------------------------------------------------------------------------------------------------------------------===//

void MatMulOp::build(OpBuilder &builder, OperationState &state, Value input, Value weights, Value bias) {
  auto in = cast<ShapedType>(input.getType()), w = cast<ShapedType>(weights.getType());
  SmallVector<int64_t> shape(in.getShape());
  shape.back() = w.getDimSize(1);
  state.addOperands({input, weights});
  if (bias)
    state.addOperands(bias);
  auto &p = state.getOrAddProperties<Properties>();
  p.channels = builder.getDenseI64ArrayAttr({in.getShape().back(), w.getDimSize(1)});
  llvm::copy(ArrayRef<int32_t>({1, 1, bias ? 1 : 0, 0}), p.operandSegmentSizes.begin());
  buildEpilogue(builder, state, in.getElementType(), static_cast<bool>(bias));
  state.addTypes(RankedTensorType::get(shape, in.getElementType()));
}

Reduction MatMulOp::getReduction() { return Reduction::dense; }
Value MatMulOp::getWeightsOrNull() { return getWeights(); }
void MatMulOp::addExtra(Value extra) { getExtrasMutable().append(extra); }
Value MatMulOp::getInitOrNull() { return getInit(); }
int64_t MatMulOp::getSpatialRank() { return 1; }
SmallVector<int64_t> MatMulOp::getWindowShape() { return {1}; }
SmallVector<int64_t> MatMulOp::getWindowStrides() { return {1}; }
SmallVector<int64_t> MatMulOp::getWindowDilations() { return {1}; }
SmallVector<int64_t> MatMulOp::getPadBegin() { return {0}; }
SmallVector<int64_t> MatMulOp::getPadEnd() { return {0}; }
int64_t MatMulOp::getInputChannels() { return getChannels()[0]; }
int64_t MatMulOp::getOutputChannels() { return getChannels()[1]; }
ShapedType MatMulOp::getOutputType() { return outputType(*this); }
TilingAttr MatMulOp::getTilingOrNull() { return getTilingAttr(); }
void MatMulOp::setTiling(TilingAttr tiling) { setTilingAttr(tiling); }
int64_t MatMulOp::getFlopsPerImage() {
  ShapedType out = getOutputType();
  return 2 * (out.getRank() == 3 ? out.getDimSize(1) : 1) * getInputChannels() * getOutputChannels();
}
