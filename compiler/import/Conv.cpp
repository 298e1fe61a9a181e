// Conv -> nn.conv.
#include "compiler/import/Registry.h"
#include "compiler/import/Window.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

LogicalResult lathe::importer::importConv(NodeContext &node) {
  FailureOr<Window> window = readWindow(node);
  int64_t groups = node.integer("group", 1);
  if (failed(window) || node.hasErrors())
    return failure();
  if (groups < 1)
    return node.invalid("expects attribute group of at least 1 (got " + Twine(groups) + ")");

  Value input = node.data(0, "X");
  nn::WeightAttr weight = node.weight(1, "W");
  nn::WeightAttr bias = node.hasInput(2) ? node.weight(2, "B", 1) : nn::WeightAttr();
  if (!input || !weight || (node.hasInput(2) && !bias))
    return failure();

  SmallVector<int64_t> weightShape = *weight.getResultShape();
  ArrayRef<int64_t> inputShape = cast<ShapedType>(input.getType()).getShape();
  if (inputShape.size() < 3 || weightShape.size() != inputShape.size())
    return node.invalid("expects X of rank 3 or more and W of the same rank (got " + Twine(inputShape.size()) + " and " + Twine(weightShape.size()) + ")");
  int64_t channels = inputShape[1], filters = weightShape[0];
  if (channels % groups || channels / groups != weightShape[1])
    return node.invalid("expects W for " + Twine(channels) + " / " + Twine(groups) + " input channels (got " + Twine(weightShape[1]) + ")");
  if (filters % groups)
    return node.invalid("expects group to divide the " + Twine(filters) + " output channels (got " + Twine(groups) + ")");
  if (bias && bias.getResultShape()->front() != filters)
    return node.invalid("expects B of " + Twine(filters) + " values (got " + Twine(bias.getResultShape()->front()) + ")");

  ArrayRef<int64_t> spatial = inputShape.drop_front(2), kernel = ArrayRef<int64_t>(weightShape).drop_front(2);
  if (window->shape.empty())
    window->shape.assign(kernel.begin(), kernel.end());
  if (failed(completeWindow(node, *window, spatial.size())))
    return failure();
  if (ArrayRef<int64_t>(window->shape) != kernel)
    return node.invalid("expects attribute kernel_shape to be the spatial shape of W");
  FailureOr<SmallVector<int64_t>> extents = outputExtents(node, *window, spatial);
  if (failed(extents))
    return failure();
  SmallVector<int64_t> shape{inputShape[0], filters};
  shape.append(*extents);
  if (failed(node.checkShape(shape)))
    return failure();
  Value w = node.materialize(weight), b = bias ? node.materialize(bias) : Value();
  auto conv = nn::ConvOp::create(node.builder(), node.loc(), input, w, b, window->strides, window->dilations, window->pads, groups);
  return node.define(conv.getResult(0));
}
