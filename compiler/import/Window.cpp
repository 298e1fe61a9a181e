#include "compiler/import/Window.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace lathe::importer;

/// Far beyond every real window, and small enough that products of two of these values cannot wrap.
static constexpr int64_t kMaxValue = int64_t(1) << 24;

FailureOr<Window> lathe::importer::readWindow(NodeContext &node) {
  Window window;
  window.shape = node.integers("kernel_shape");
  window.strides = node.integers("strides");
  window.dilations = node.integers("dilations");
  window.pads = node.integers("pads");
  std::string autoPad = node.text("auto_pad", "NOTSET");
  auto known = llvm::StringSwitch<std::optional<Window::AutoPad>>(autoPad)
                   .Cases({"NOTSET", ""}, Window::AutoPad::notSet)
                   .Case("VALID", Window::AutoPad::valid)
                   .Case("SAME_UPPER", Window::AutoPad::sameUpper)
                   .Case("SAME_LOWER", Window::AutoPad::sameLower)
                   .Default(std::nullopt);
  if (!known)
    return node.invalid("expects auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER (got '" + printable(autoPad) + "')");
  window.autoPad = *known;
  if (node.hasErrors())
    return failure();
  return window;
}

/// `values` has `count` entries (or none: then all are `fallback`), each between `low` and kMaxValue.
static LogicalResult complete(NodeContext &node, StringRef name, SmallVector<int64_t> &values, size_t count, int64_t low, std::optional<int64_t> fallback) {
  if (values.empty() && fallback)
    values.assign(count, *fallback);
  if (values.size() != count)
    return node.invalid("expects " + Twine(count) + " values of attribute " + name + " (got " + Twine(values.size()) + ")");
  for (int64_t v : values) {
    if (v < 0 && name == "pads")
      return node.unsupported("attribute pads = " + Twine(v) + " is not supported; supported: values of at least 0");
    if (v < low)
      return node.invalid("expects values of at least " + Twine(low) + " of attribute " + name + " (got " + Twine(v) + ")");
    if (v > kMaxValue)
      return node.unsupported("attribute " + name + " = " + Twine(v) + " is not supported; supported: values up to " + Twine(kMaxValue));
  }
  return success();
}

LogicalResult lathe::importer::completeWindow(NodeContext &node, Window &window, size_t spatial) {
  if (spatial < 1 || spatial > 3)
    return node.unsupported(Twine(spatial) + " spatial dimensions are not supported; supported: 1 to 3");
  if (window.autoPad != Window::AutoPad::notSet)
    window.pads.clear(); // ONNX: pads count only without auto_pad
  return success(succeeded(complete(node, "kernel_shape", window.shape, spatial, 1, std::nullopt)) &&
                 succeeded(complete(node, "strides", window.strides, spatial, 1, 1)) &&
                 succeeded(complete(node, "dilations", window.dilations, spatial, 1, 1)) && succeeded(complete(node, "pads", window.pads, 2 * spatial, 0, 0)));
}

FailureOr<SmallVector<int64_t>> lathe::importer::outputExtents(NodeContext &node, Window &window, ArrayRef<int64_t> input) {
  SmallVector<int64_t> extents;
  size_t spatial = input.size();
  for (size_t i = 0; i < spatial; ++i) {
    int64_t size = input[i], stride = window.strides[i], extent = nn::dilatedWindow(window.shape[i], window.dilations[i]);
    int64_t &begin = window.pads[i], &end = window.pads[spatial + i];
    bool upper = window.autoPad == Window::AutoPad::sameUpper;
    if (upper || window.autoPad == Window::AutoPad::sameLower) {
      // As many outputs as strides fit into the input; the padding that this needs is split, its odd part at the end or at the begin.
      int64_t count = (size + stride - 1) / stride, total = std::max<int64_t>((count - 1) * stride + extent - size, 0);
      begin = upper ? total / 2 : total - total / 2;
      end = total - begin;
      extents.push_back(count);
      continue;
    }
    int64_t room = size + begin + end - extent;
    if (room < 0)
      return node.invalid("a window of " + Twine(extent) + " does not fit into the padded input of " + Twine(size + begin + end) + " in spatial dimension " +
                          Twine(i));
    int64_t count = (window.ceil ? room + stride - 1 : room) / stride + 1;
    // A last window that would start beyond the input and its begin padding does not exist.
    if (window.ceil && (count - 1) * stride >= size + begin)
      --count;
    extents.push_back(count);
  }
  return extents;
}
