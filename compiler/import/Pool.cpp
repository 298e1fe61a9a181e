// MaxPool, AveragePool and their global forms -> nn.pool.
#include "compiler/import/Registry.h"
#include "compiler/import/Window.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// Whether each of `count` windows holds an element of an input of this size.
static bool everyWindowHoldsAnElement(int64_t count, int64_t size, int64_t window, int64_t stride, int64_t dilation, int64_t begin) {
  if ((count - 1) * stride - begin >= size)
    return false;
  // Windows that start inside hold their first element. The others must reach the input; the first has the longest way.
  if ((begin + dilation - 1) / dilation >= window)
    return false;
  if (dilation <= size)
    return true;
  // Their steps may pass over a small input.
  for (int64_t start = -begin; start < 0; start += stride) {
    if (count-- == 0)
      break;
    int64_t steps = (-start + dilation - 1) / dilation;
    if (start + steps * dilation >= size)
      return false;
  }
  return true;
}

static LogicalResult buildPool(NodeContext &node, nn::PoolKind kind, Value input, Window &window, bool countIncludePad) {
  ArrayRef<int64_t> inputShape = cast<ShapedType>(input.getType()).getShape();
  if (inputShape.size() < 3)
    return node.invalid("expects X of rank 3 or more (got " + Twine(inputShape.size()) + ")");
  ArrayRef<int64_t> spatial = inputShape.drop_front(2);
  if (failed(completeWindow(node, window, spatial.size())))
    return failure();
  FailureOr<SmallVector<int64_t>> extents = outputExtents(node, window, spatial);
  if (failed(extents))
    return failure();
  // Bounds the time that the check takes: see everyWindowHoldsAnElement.
  constexpr int64_t kMaxPadsOfSmallInput = 4096;
  for (size_t i = 0; i < spatial.size(); ++i) {
    if (window.dilations[i] > spatial[i] && window.pads[i] > kMaxPadsOfSmallInput)
      return node.unsupported("attribute pads = " + Twine(window.pads[i]) + " with a dilation beyond the input is not supported; supported: up to " +
                              Twine(kMaxPadsOfSmallInput));
    if (!everyWindowHoldsAnElement((*extents)[i], spatial[i], window.shape[i], window.strides[i], window.dilations[i], window.pads[i]))
      return node.unsupported("a window that lies wholly in the padding of spatial dimension " + Twine(i) + " is not supported");
  }
  SmallVector<int64_t> shape(inputShape.take_front(2));
  shape.append(*extents);
  if (failed(node.checkShape(shape)))
    return failure();
  auto pool =
      nn::PoolOp::create(node.builder(), node.loc(), kind, input, *extents, window.shape, window.strides, window.dilations, window.pads, countIncludePad);
  return node.define(pool.getResult(0));
}

static LogicalResult importPool(NodeContext &node, nn::PoolKind kind) {
  FailureOr<Window> window = readWindow(node);
  bool ceil = node.integer("ceil_mode", 0), countIncludePad = kind == nn::PoolKind::avg && node.integer("count_include_pad", 0);
  if (kind == nn::PoolKind::max)
    node.ignore({"storage_order"}); // of the indices
  if (failed(window) || node.hasErrors())
    return failure();
  if (window->shape.empty())
    return node.invalid("expects attribute kernel_shape");
  window->ceil = ceil;
  node.defineUnavailable(1, "Indices");
  Value input = node.data(0, "X");
  return input ? buildPool(node, kind, input, *window, countIncludePad) : failure();
}

LogicalResult lathe::importer::importMaxPool(NodeContext &node) { return importPool(node, nn::PoolKind::max); }
LogicalResult lathe::importer::importAveragePool(NodeContext &node) { return importPool(node, nn::PoolKind::avg); }

/// One window that is the whole image.
static LogicalResult importGlobalPool(NodeContext &node, nn::PoolKind kind) {
  Value input = node.data(0, "X");
  if (!input)
    return failure();
  ArrayRef<int64_t> shape = cast<ShapedType>(input.getType()).getShape();
  Window window;
  if (shape.size() > 2)
    window.shape.assign(shape.begin() + 2, shape.end());
  return buildPool(node, kind, input, window, /*countIncludePad=*/false);
}

LogicalResult lathe::importer::importGlobalAveragePool(NodeContext &node) { return importGlobalPool(node, nn::PoolKind::avg); }
LogicalResult lathe::importer::importGlobalMaxPool(NodeContext &node) { return importGlobalPool(node, nn::PoolKind::max); }
