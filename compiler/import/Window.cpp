#include "compiler/import/Window.h"

#include "compiler/import/Indexing.h"

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

LogicalResult lathe::importer::completeValues(NodeContext &node, StringRef name, SmallVector<int64_t> &values, size_t count, int64_t low,
                                              std::optional<int64_t> fallback) {
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
  return success(succeeded(completeValues(node, "kernel_shape", window.shape, spatial, 1, std::nullopt)) &&
                 succeeded(completeValues(node, "strides", window.strides, spatial, 1, 1)) &&
                 succeeded(completeValues(node, "dilations", window.dilations, spatial, 1, 1)) &&
                 succeeded(completeValues(node, "pads", window.pads, 2 * spatial, 0, 0)));
}

LogicalResult lathe::importer::completeConvWindow(NodeContext &node, Window &window, ArrayRef<int64_t> kernel, StringRef role) {
  if (window.shape.empty())
    window.shape.assign(kernel.begin(), kernel.end());
  if (failed(completeWindow(node, window, kernel.size())))
    return failure();
  if (ArrayRef<int64_t>(window.shape) != kernel)
    return node.invalid("expects attribute kernel_shape to be the spatial shape of " + role + ", " + shapeText(kernel) + " (got " + shapeText(window.shape) +
                        ")");
  return success();
}

FailureOr<SmallVector<int64_t>> lathe::importer::outputExtents(NodeContext &node, Window &window, ArrayRef<int64_t> input) {
  SmallVector<int64_t> extents;
  size_t spatial = input.size();
  for (size_t i = 0; i < spatial; ++i) {
    int64_t size = input[i], stride = window.strides[i], extent = nn::dilatedWindow(window.shape[i], window.dilations[i]);
    int64_t &begin = window.pads[i], &end = window.pads[spatial + i];
    bool upper = window.autoPad == Window::AutoPad::sameUpper;
    if (window.isSame()) {
      // As many outputs as strides fit into the input; the padding that this needs is split, its odd part at the end or at the begin.
      int64_t count = (size + stride - 1) / stride, total = std::max<int64_t>((count - 1) * stride + extent - size, 0);
      begin = upper ? total / 2 : total - total / 2;
      end = total - begin;
      extents.push_back(count);
      continue;
    }
    // With ceil_mode a window may reach beyond the padding, a first one too, by less than a stride.
    int64_t room = size + begin + end - extent;
    if (room + (window.ceil ? stride - 1 : 0) < 0)
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

SmallVector<Value> lathe::importer::foldWindow(ProgramBuilder &b, const Window &window, ArrayRef<int64_t> input, ValueRange at, ValueRange init,
                                               function_ref<SmallVector<Value>(ValueRange, ValueRange, ValueRange)> body) {
  size_t spatial = input.size();
  SmallVector<Value> place, element;
  std::function<SmallVector<Value>(size_t, ValueRange)> dimension = [&](size_t d, ValueRange carried) -> SmallVector<Value> {
    if (d == spatial)
      return body(place, element, carried);
    int64_t dilation = window.dilations[d];
    Value start = b.sub(b.mul(at[d], b.index(window.strides[d])), b.index(window.pads[d]));
    // Elements r with 0 <= start + r * dilation < extent. Quotients are rounded up; of what is negative only the sign counts.
    auto firstAtOrAbove = [&](int64_t bound) {
      Value distance = b.add(b.sub(b.index(bound), start), b.index(dilation - 1));
      return dilation == 1 ? distance : b.div(distance, b.index(dilation));
    };
    Value begin = b.create<arith::MaxSIOp>(firstAtOrAbove(0), b.index(0)), end = b.create<arith::MinSIOp>(firstAtOrAbove(input[d]), b.index(window.shape[d]));
    return b.fold(begin, end, carried, [&](Value r, ValueRange inner) {
      place.push_back(b.add(start, b.mul(r, b.index(dilation))));
      element.push_back(r);
      SmallVector<Value> result = dimension(d + 1, inner);
      place.pop_back();
      element.pop_back();
      return result;
    });
  };
  return dimension(0, init);
}

//===- Operands of convolutions --------------------------------------------------------------------------------------------------------------===//

FailureOr<ConvOperands> lathe::importer::readConvOperands(NodeContext &node) {
  ConvOperands operands;
  const GraphValue *x = node.input(0, "X"), *w = node.input(1, "W"), *b = node.hasInput(2) ? node.input(2, "B") : nullptr;
  if (!x || !w || (node.hasInput(2) && !b))
    return failure();
  if (x->type() == kDouble) {
    Operand input = node.operand(0, "X"), weights = node.operand(1, "W", setOf({kDouble}));
    Operand bias = b ? node.operand(2, "B", setOf({kDouble})) : Operand();
    if (!input || !weights || (b && !bias))
      return failure();
    operands.input = input.value;
    operands.weights = weights.value;
    operands.bias = bias.value;
    operands.dataType = kDouble;
  } else {
    auto isConstant = [](const GraphValue *value) { return value->kind == GraphValue::Kind::weight; };
    operands.input = node.data(0, "X");
    if (isConstant(w))
      operands.constantWeights = node.weight(1, "W");
    else
      operands.weights = node.data(1, "W");
    // Constant weights take a constant bias along; a program reads both as data.
    if (b && isConstant(b) && isConstant(w))
      operands.constantBias = node.weight(2, "B", 1);
    else if (b)
      operands.bias = node.data(2, "B");
    if (!operands.input || !(operands.constantWeights || operands.weights) || (b && !operands.hasBias()))
      return failure();
  }
  operands.weightShape =
      operands.constantWeights ? *operands.constantWeights.getResultShape() : SmallVector<int64_t>(cast<ShapedType>(operands.weights.getType()).getShape());
  auto inputType = cast<ShapedType>(operands.input.getType());
  size_t rank = inputType.getRank();
  if (rank < 3 || operands.weightShape.size() != rank)
    return node.invalid("expects X of rank 3 or more and W of the same rank (got " + Twine(rank) + " and " + Twine(operands.weightShape.size()) + ")");
  if (llvm::any_of(operands.weightShape, ShapedType::isDynamic))
    return node.needsStaticBatch("W whose extents depend on the batch is not supported");
  if (llvm::is_contained(inputType.getShape().drop_front(), 0) || llvm::is_contained(operands.weightShape, 0))
    return node.unsupported("X or W without elements is not supported");
  return operands;
}

LogicalResult lathe::importer::checkBias(NodeContext &node, const ConvOperands &operands, int64_t filters) {
  if (!operands.hasBias())
    return success();
  SmallVector<int64_t> shape =
      operands.constantBias ? *operands.constantBias.getResultShape() : SmallVector<int64_t>(cast<ShapedType>(operands.bias.getType()).getShape());
  if (shape.size() != 1)
    return node.invalid("expects B of rank 1 (got " + Twine(shape.size()) + ")");
  if (shape[0] != filters)
    return ShapedType::isDynamic(shape[0]) ? node.needsStaticBatch("B whose extent is the batch is not supported")
                                           : node.invalid("expects B of " + Twine(filters) + " values (got " + Twine(shape[0]) + ")");
  return success();
}

Value lathe::importer::addComputedBias(NodeContext &node, const ConvOperands &operands, Value result) {
  if (!operands.bias)
    return result;
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<int64_t> column(type.getRank() - 1, 1);
  column[0] = type.getDimSize(1);
  Value bias = nn::ReshapeOp::create(node.builder(), node.loc(), RankedTensorType::get(column, type.getElementType()), operands.bias);
  return nn::AddOp::create(node.builder(), node.loc(), type, result, bias);
}
