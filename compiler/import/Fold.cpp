// Col2Im and MaxUnpool: windows back into images.
#include "compiler/import/Indexing.h"
#include "compiler/import/Registry.h"
#include "compiler/import/Window.h"

#include <numeric>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

using Is = arith::CmpIPredicate;

static int64_t product(ArrayRef<int64_t> values) { return std::accumulate(values.begin(), values.end(), int64_t(1), std::multiplies<>()); }

/// Positive numbers whose product does not wrap, or nothing after an error.
static std::optional<SmallVector<int64_t>> readExtents(NodeContext &node, size_t input, StringRef role) {
  auto extents = node.constants(input, role);
  if (!extents)
    return std::nullopt;
  for (int64_t d : *extents)
    if (d < 1) {
      (void)node.invalid("expects positive numbers in " + node.describeInput(input, role) + " (got " + Twine(d) + ")");
      return std::nullopt;
    }
  if (failed(node.checkShape(*extents)))
    return std::nullopt;
  return extents;
}

LogicalResult lathe::importer::importCol2Im(NodeContext &node) {
  Window window;
  window.strides = node.integers("strides");
  window.dilations = node.integers("dilations");
  window.pads = node.integers("pads");
  if (node.hasErrors())
    return failure();
  Operand x = node.operand(0, "input", kFloats);
  auto image = readExtents(node, 1, "image_shape"), block = readExtents(node, 2, "block_shape");
  if (!x || !image || !block)
    return failure();
  size_t rank = image->size();
  if (rank == 0 || block->size() != rank)
    return node.invalid("expects image_shape and block_shape of one length (got " + Twine(rank) + " and " + Twine(block->size()) + ")");
  window.shape = *block;
  if (failed(completeWindow(node, window, rank)))
    return failure();
  // How many blocks there are along each dimension.
  SmallVector<int64_t> blocks;
  for (size_t d = 0; d < rank; ++d) {
    int64_t room = (*image)[d] + window.pads[d] + window.pads[rank + d] - window.dilations[d] * ((*block)[d] - 1) - 1;
    if (room < 0)
      return node.invalid("expects blocks that fit into the padded image (dimension " + Twine(d) + " does not)");
    blocks.push_back(room / window.strides[d] + 1);
  }
  if (failed(node.checkShape(blocks)) || failed(node.checkShape(*block)))
    return failure();
  int64_t perChannel = product(*block);
  if (x.rank() != 3 || x.shape()[1] % perChannel || x.shape()[2] != product(blocks))
    return node.invalid("expects an input of shape [N, C * " + Twine(perChannel) + ", " + Twine(product(blocks)) + "] (got " + shapeText(x.shape()) + ")");
  SmallVector<int64_t> shape{x.shape()[0], x.shape()[1] / perChannel};
  llvm::append_range(shape, *image);
  RankedTensorType type = node.type(shape, x.dataType);
  if (!type)
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, x.dataType);
  Type real = realFor(x.element());
  // Each pixel gathers the elements of the blocks that it lies in.
  Value result = generate(node, "col2im", type, x.value, [&](ProgramBuilder &b, ValueRange at, ValueRange in) {
    Value zero = b.number(real, 0.0), none = b.index(0);
    Value sum = foldIn(b, *block, zero, [&](ValueRange inBlock, ValueRange total) -> SmallVector<Value> {
      Value row = at[1], column = none, inside;
      for (size_t d = 0; d < rank; ++d) {
        Value begin = b.sub(b.add(at[d + 2], b.index(window.pads[d])), b.mul(inBlock[d], b.index(window.dilations[d])));
        Value stride = b.index(window.strides[d]), number = arith::DivSIOp::create(b, begin, stride);
        Value fits =
            b.both(b.compare(Is::sge, begin, none), b.both(b.compare(Is::eq, b.mul(number, stride), begin), b.compare(Is::slt, number, b.index(blocks[d]))));
        inside = inside ? b.both(inside, fits) : fits;
        row = b.add(b.mul(row, b.index((*block)[d])), inBlock[d]);
        column = b.add(b.mul(column, b.index(blocks[d])), number);
      }
      return {b.ifElse(inside, [&] { return b.add(total[0], widened(b, b.load(in[0], {at[0], row, column}), real)); }, [&] { return total[0]; })};
    })[0];
    return narrowed(b, sum, x.element());
  });
  return node.define(result, 0, x.dataType);
}

LogicalResult lathe::importer::importMaxUnpool(NodeContext &node) {
  FailureOr<Window> window = readWindow(node);
  if (failed(window) || node.hasErrors())
    return failure();
  if (window->shape.empty())
    return node.invalid("expects attribute kernel_shape");
  Operand x = node.operand(0, "X", kFloats), indices = node.operand(1, "I", setOf({kInt64}));
  if (!x || !indices)
    return failure();
  if (x.rank() < 3 || x.shape() != indices.shape())
    return node.invalid("expects X of rank 3 or more and I of the same shape (got " + shapeText(x.shape()) + " and " + shapeText(indices.shape()) + ")");
  size_t rank = x.rank() - 2;
  if (failed(completeWindow(node, *window, rank)))
    return failure();
  // The image that the indices count in.
  SmallVector<int64_t> image;
  constexpr int64_t kMaxExtent = int64_t(1) << 31; // so that products do not wrap
  if (llvm::any_of(x.shape(), [](int64_t d) { return d > kMaxExtent; }))
    return node.unsupported("X of shape " + shapeText(x.shape()) + " is not supported; supported: dimensions up to 2^31");
  for (size_t d = 0; d < rank; ++d)
    image.push_back((x.shape()[d + 2] - 1) * window->strides[d] - window->pads[d] - window->pads[rank + d] + window->shape[d]);
  SmallVector<int64_t> shape(x.shape());
  llvm::copy(image, shape.begin() + 2);
  if (node.hasInput(2)) {
    const ShapeValue *given = node.shape(2, "output_shape");
    if (!given)
      return failure();
    bool fits = given->elements.size() == shape.size();
    for (size_t d = 0; fits && d < shape.size(); ++d) {
      Affine asked = given->elements[d];
      bool isBatch = ShapedType::isDynamic(shape[d]);
      fits = isBatch ? asked == Affine{0, 1} : asked.isConstant() && (d < 2 ? asked.c0 == shape[d] : asked.c0 >= shape[d]);
    }
    if (!fits)
      return node.invalid("expects output_shape to be at least " + shapeText(shape) + ", with N and C the same (got " + given->str() + ")");
    for (size_t d = 0; d < rank; ++d)
      shape[d + 2] = given->elements[d + 2].c0;
  }
  RankedTensorType type = node.type(shape, x.dataType);
  if (!type || failed(node.checkShape(image)))
    return failure();
  if (isEmpty(type))
    return defineEmpty(node, type, 0, x.dataType);
  if (isEmpty(x.type()))
    return node.define(node.splat(shape, x.dataType, 0), 0, x.dataType);
  int64_t channels = shape[1], plane = product(image);
  // One iteration per image and channel: MaxPool's indices, which count from the first image, stay within their own. What does not is left out.
  auto results = foreach (node, "max_unpool", {shape[0], channels, 1}, {x.value, indices.value}, TypeRange(type),
                          [&](ProgramBuilder &b, ValueRange at, ValueRange in, ValueRange out) {
                            ValueRange own = at.take_front(2);
                            forEachIn(b, ArrayRef(shape).drop_front(2), [&](ValueRange to) { b.store(b.number(x.element(), 0.0), out[0], joined(own, to)); });
                            Value begin = b.mul(b.add(b.mul(at[0], b.index(channels)), at[1]), b.index(plane));
                            forEachIn(b, x.shape().drop_front(2), [&](ValueRange from) {
                              Value offset = b.sub(b.toIndex(b.load(in[1], joined(own, from))), begin);
                              b.ifThen(b.both(b.compare(Is::sge, offset, b.index(0)), b.compare(Is::slt, offset, b.index(plane))), [&] {
                                SmallVector<Value> to(rank);
                                Value rest = offset;
                                for (size_t d = rank; d-- > 0;) {
                                  Value extent = b.index(image[d]), quotient = b.div(rest, extent);
                                  to[d] = b.sub(rest, b.mul(quotient, extent));
                                  rest = quotient;
                                }
                                b.store(b.load(in[0], joined(own, from)), out[0], joined(own, to));
                              });
                            });
                          });
  return node.define(results[0], 0, x.dataType);
}
