// ConvTranspose -> one nn.conv per phase, interleaved.
//
// Output pixel o gets input pixel i through window element r where o + pad_begin = i * stride + r * dilation. So the pixels o of one phase (o mod stride)
// use the same elements r, at equal distances, and descending r goes with ascending i: a convolution of stride 1 with part of the window, reversed.
#include "compiler/import/Recipe.h"
#include "compiler/import/Registry.h"
#include "compiler/import/Window.h"

#include <numeric>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// More phases than these (of 8 x 8, 4 x 4 x 4) are too many kernels; a program takes their place.
static constexpr int64_t kMaxPhases = 64;

namespace {

/// One phase in one dimension: window elements first, first + step, … (`count` of them), as a convolution.
struct Phase {
  int64_t first = 0, step = 1, count = 1;
  int64_t dilation = 1, padBegin = 0, padEnd = 0;
  int64_t outputs = 0;
};

Phase describePhase(int64_t phase, int64_t input, int64_t output, int64_t window, int64_t stride, int64_t dilation, int64_t pad) {
  Phase p;
  p.outputs = (output - phase + stride - 1) / stride;
  int64_t common = std::gcd(stride, dilation), r = 0;
  p.step = stride / common;
  while (r < std::min(window, p.step) && (phase + pad - r * dilation) % stride != 0)
    ++r;
  if (r < std::min(window, p.step)) {
    p.first = r;
    p.count = (window - r + p.step - 1) / p.step;
    p.dilation = dilation / common;
    p.padBegin = (p.count - 1) * p.dilation - (phase + pad - r * dilation) / stride;
  } else {
    p.padBegin = -input; // no element reaches this phase: a window that lies behind the input, where nothing is multiplied
  }
  p.padEnd = p.outputs - 1 + nn::dilatedWindow(p.count, p.dilation) - input - p.padBegin;
  return p;
}

/// What the attributes say of the output: its extents, and pads in `window`. ONNX, ConvTranspose, opset 22.
FailureOr<SmallVector<int64_t>> transposedExtents(NodeContext &node, Window &window, ArrayRef<int64_t> outputPadding, SmallVector<int64_t> wanted,
                                                  ArrayRef<int64_t> input) {
  size_t spatial = input.size();
  if (wanted.size() == spatial + 2) // some writers give all dims
    wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && failed(completeValues(node, "output_shape", wanted, spatial, 1, std::nullopt)))
    return failure();
  SmallVector<int64_t> extents;
  for (size_t d = 0; d < spatial; ++d) {
    int64_t full = (input[d] - 1) * window.strides[d] + nn::dilatedWindow(window.shape[d], window.dilations[d]) + outputPadding[d];
    int64_t &begin = window.pads[d], &end = window.pads[spatial + d];
    if (!wanted.empty() || window.isSame()) {
      int64_t total = std::max<int64_t>(full - (wanted.empty() ? input[d] * window.strides[d] : wanted[d]), 0);
      extents.push_back(wanted.empty() ? full - total : wanted[d]);
      begin = window.autoPad == Window::AutoPad::sameUpper ? total / 2 : total - total / 2;
      end = total - begin;
    } else {
      extents.push_back(full - begin - end);
    }
    if (extents.back() < 1)
      return node.invalid("expects an output of at least one element in spatial dimension " + Twine(d) + " (got " + Twine(extents.back()) + ")");
  }
  return extents;
}

/// [C, K / G, window...] to [K, C / G, window...].
nn::WeightAttr swapChannels(nn::WeightAttr weights, int64_t groups) {
  SmallVector<int64_t> shape = *weights.getResultShape(), order{0, 2, 1};
  int64_t channels = shape[0] / groups, filters = shape[1];
  SmallVector<int64_t> split{groups, channels, filters}, joined{groups * filters, channels};
  for (size_t d = 2; d < shape.size(); ++d) {
    split.push_back(shape[d]);
    joined.push_back(shape[d]);
    order.push_back(static_cast<int64_t>(d) + 1);
  }
  return reshapedTo(withStep(reshapedTo(weights, split), "transpose", order), joined);
}

Value convPhases(NodeContext &node, const ConvOperands &operands, const Window &window, int64_t groups, RankedTensorType type) {
  OpBuilder &b = node.builder();
  ArrayRef<int64_t> input = cast<ShapedType>(operands.input.getType()).getShape().drop_front(2), output = type.getShape().drop_front(2);
  size_t spatial = input.size();
  nn::WeightAttr weights = swapChannels(operands.constantWeights, groups);
  SmallVector<int64_t> weightShape = *weights.getResultShape();
  Value bias = operands.constantBias ? node.materialize(operands.constantBias) : Value();
  SmallVector<int64_t> phase(spatial, 0), ones(spatial, 1);
  SmallVector<Value> results;
  for (bool more = true; more;) {
    SmallVector<int64_t> begins(2, 0), extents{weightShape[0], weightShape[1]}, steps(2, 1), dilations, pads(2 * spatial);
    for (size_t d = 0; d < spatial; ++d) {
      Phase p = describePhase(phase[d], input[d], output[d], window.shape[d], window.strides[d], window.dilations[d], window.pads[d]);
      begins.push_back(p.first + (p.count - 1) * p.step);
      extents.push_back(p.count);
      steps.push_back(-p.step);
      dilations.push_back(p.dilation);
      pads[d] = p.padBegin;
      pads[spatial + d] = p.padEnd;
    }
    SmallVector<int64_t> slice(begins);
    llvm::append_range(slice, extents);
    llvm::append_range(slice, steps);
    Value w = node.materialize(withStep(weights, "slice", slice));
    results.push_back(nn::ConvOp::create(b, node.loc(), operands.input, w, bias, ones, dilations, pads, groups).getResult(0));
    more = false;
    for (size_t d = spatial; d-- > 0 && !more;) { // row-major
      more = ++phase[d] < std::min(window.strides[d], output[d]);
      if (!more)
        phase[d] = 0;
    }
  }
  return results.size() == 1 ? results[0] : nn::InterleaveOp::create(b, node.loc(), type, results, window.strides).getResult();
}

Value transposedConvProgram(NodeContext &node, const ConvOperands &operands, const Window &window, int64_t groups, RankedTensorType type) {
  Value weights = operands.weights ? operands.weights : node.materialize(operands.constantWeights);
  SmallVector<Value> inputs{operands.input, weights};
  if (operands.hasBias())
    inputs.push_back(operands.bias ? operands.bias : node.materialize(operands.constantBias));
  ArrayRef<int64_t> spatial = cast<ShapedType>(operands.input.getType()).getShape().drop_front(2);
  int64_t perGroup = operands.weightShape[0] / groups, filtersPerGroup = operands.weightShape[1];
  return generate(node, "conv_transpose", type, inputs, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value group = b.div(at[1], b.index(filtersPerGroup)), filter = b.sub(at[1], b.mul(group, b.index(filtersPerGroup)));
    Value first = b.mul(group, b.index(perGroup)), zero = b.number(type.getElementType(), 0.0);
    Value sum = b.fold(b.index(0), b.index(perGroup), zero, [&](Value c, ValueRange outer) {
      SmallVector<Value> xAt{at[0], b.add(first, c)}, wAt{b.add(first, c), filter};
      std::function<Value(size_t, Value)> dimension = [&](size_t d, Value acc) -> Value {
        if (d == spatial.size())
          return b.add(acc, b.mul(b.load(in[0], xAt), b.load(in[1], wAt)));
        Value stride = b.index(window.strides[d]);
        return b.fold(b.index(0), b.index(window.shape[d]), acc, [&](Value r, ValueRange inner) -> SmallVector<Value> {
          // The input pixel, where it is one.
          Value scaled = b.sub(b.add(at[2 + d], b.index(window.pads[d])), b.mul(r, b.index(window.dilations[d])));
          Value pixel = b.div(scaled, stride);
          Value isOne = b.both(b.compare(arith::CmpIPredicate::sge, scaled, b.index(0)), b.compare(arith::CmpIPredicate::slt, pixel, b.index(spatial[d])));
          isOne = b.both(isOne, b.compare(arith::CmpIPredicate::eq, b.mul(pixel, stride), scaled));
          return {b.ifElse(
              isOne,
              [&] {
                xAt.push_back(pixel);
                wAt.push_back(r);
                Value result = dimension(d + 1, inner[0]);
                xAt.pop_back();
                wAt.pop_back();
                return result;
              },
              [&] { return inner[0]; })};
        })[0];
      };
      return SmallVector<Value>{dimension(0, outer[0])};
    })[0];
    return in.size() > 2 ? b.add(sum, b.load(in[2], at[1])) : sum;
  });
}

} // namespace

LogicalResult lathe::importer::importConvTranspose(NodeContext &node) {
  FailureOr<Window> window = readWindow(node);
  int64_t groups = node.integer("group", 1);
  SmallVector<int64_t> outputPadding = node.integers("output_padding"), outputShape = node.integers("output_shape");
  if (failed(window) || node.hasErrors())
    return failure();
  if (groups < 1)
    return node.invalid("expects attribute group of at least 1 (got " + Twine(groups) + ")");
  FailureOr<ConvOperands> operands = readConvOperands(node);
  if (failed(operands))
    return failure();

  ArrayRef<int64_t> inputShape = cast<ShapedType>(operands->input.getType()).getShape(), weightShape = operands->weightShape;
  int64_t channels = inputShape[1], filters = weightShape[1] * groups;
  if (channels % groups)
    return node.invalid("expects group to divide the " + Twine(channels) + " input channels (got " + Twine(groups) + ")");
  if (weightShape[0] != channels)
    return node.invalid("expects W for " + Twine(channels) + " input channels (got " + Twine(weightShape[0]) + ")");
  if (failed(checkBias(node, *operands, filters)))
    return failure();

  ArrayRef<int64_t> spatial = inputShape.drop_front(2), kernel = weightShape.drop_front(2);
  if (failed(completeConvWindow(node, *window, kernel, "W")) || failed(completeValues(node, "output_padding", outputPadding, spatial.size(), 0, 0)))
    return failure();
  FailureOr<SmallVector<int64_t>> extents = transposedExtents(node, *window, outputPadding, outputShape, spatial);
  if (failed(extents))
    return failure();
  SmallVector<int64_t> shape{inputShape[0], filters};
  shape.append(*extents);
  RankedTensorType type = node.type(shape, operands->dataType);
  if (!type)
    return failure();
  if (inputShape[0] == 0)
    return node.define(node.splat(shape, operands->dataType, 0), 0, operands->dataType);
  int64_t phases = 1;
  for (auto [stride, extent] : llvm::zip(window->strides, *extents))
    phases = std::min(phases * std::min(stride, extent), kMaxPhases + 1);
  if (!operands->constantWeights || phases > kMaxPhases)
    return node.define(transposedConvProgram(node, *operands, *window, groups, type), 0, operands->dataType);
  return node.define(addComputedBias(node, *operands, convPhases(node, *operands, *window, groups, type)));
}
