// Conv -> nn.conv. Double takes a program: right, and not fast.
#include "compiler/import/Registry.h"
#include "compiler/import/Window.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// One multiply-add after another, in the order of nn.conv: channels, then the window.
static Value convProgram(NodeContext &node, const ConvOperands &operands, const Window &window, int64_t groups, RankedTensorType type) {
  SmallVector<Value> inputs{operands.input, operands.weights};
  if (operands.bias)
    inputs.push_back(operands.bias);
  ArrayRef<int64_t> spatial = cast<ShapedType>(operands.input.getType()).getShape().drop_front(2);
  int64_t perGroup = operands.weightShape[1], filtersPerGroup = type.getDimSize(1) / groups;
  return generate(node, "conv", type, inputs, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value first = b.mul(b.div(at[1], b.index(filtersPerGroup)), b.index(perGroup)); // channel of the group
    Value zero = b.number(type.getElementType(), 0.0);
    Value sum = b.fold(b.index(0), b.index(perGroup), zero, [&](Value c, ValueRange outer) {
      Value channel = b.add(first, c);
      return foldWindow(b, window, spatial, at.drop_front(2), outer, [&](ValueRange place, ValueRange element, ValueRange acc) -> SmallVector<Value> {
        SmallVector<Value> xAt{at[0], channel}, wAt{at[1], c};
        llvm::append_range(xAt, place);
        llvm::append_range(wAt, element);
        return {b.add(acc[0], b.mul(b.load(in[0], xAt), b.load(in[1], wAt)))};
      });
    })[0];
    return in.size() > 2 ? b.add(sum, b.load(in[2], at[1])) : sum;
  });
}

LogicalResult lathe::importer::importConv(NodeContext &node) {
  FailureOr<Window> window = readWindow(node);
  int64_t groups = node.integer("group", 1);
  if (failed(window) || node.hasErrors())
    return failure();
  if (groups < 1)
    return node.invalid("expects attribute group of at least 1 (got " + Twine(groups) + ")");
  FailureOr<ConvOperands> operands = readConvOperands(node);
  if (failed(operands))
    return failure();

  ArrayRef<int64_t> inputShape = cast<ShapedType>(operands->input.getType()).getShape(), weightShape = operands->weightShape;
  int64_t channels = inputShape[1], filters = weightShape[0];
  if (channels % groups || channels / groups != weightShape[1])
    return node.invalid("expects W for " + Twine(channels) + " / " + Twine(groups) + " input channels (got " + Twine(weightShape[1]) + ")");
  if (filters % groups)
    return node.invalid("expects group to divide the " + Twine(filters) + " output channels (got " + Twine(groups) + ")");
  if (failed(checkBias(node, *operands, filters)))
    return failure();

  ArrayRef<int64_t> spatial = inputShape.drop_front(2), kernel = weightShape.drop_front(2);
  if (failed(completeConvWindow(node, *window, kernel, "W")))
    return failure();
  FailureOr<SmallVector<int64_t>> extents = outputExtents(node, *window, spatial);
  if (failed(extents))
    return failure();
  SmallVector<int64_t> shape{inputShape[0], filters};
  shape.append(*extents);
  RankedTensorType type = node.type(shape, operands->dataType);
  if (!type)
    return failure();
  if (inputShape[0] == 0)
    return node.define(node.splat(shape, operands->dataType, 0), 0, operands->dataType);
  if (operands->dataType != kFloat)
    return node.define(convProgram(node, *operands, *window, groups, type), 0, operands->dataType);
  Value w = operands->constantWeights ? node.materialize(operands->constantWeights) : operands->weights;
  Value b = operands->constantBias ? node.materialize(operands->constantBias) : Value();
  auto conv = nn::ConvOp::create(node.builder(), node.loc(), operands->input, w, b, window->strides, window->dilations, window->pads, groups);
  return node.define(addComputedBias(node, *operands, conv.getResult(0)));
}
