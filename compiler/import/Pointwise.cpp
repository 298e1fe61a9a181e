// Shrink, BitCast, and the windows of signal processing.
#include "compiler/import/Composite.h"
#include "compiler/import/Program.h"
#include "compiler/import/Registry.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

LogicalResult lathe::importer::importShrink(NodeContext &node) {
  double lambda = node.real("lambd", 0.5), bias = node.real("bias", 0);
  if (node.hasErrors())
    return failure();
  Composite c(node);
  Composite::Name x = c.input(0);
  int32_t type = c.typeOf(x);
  auto number = [&](double v) { return c.number(v, type); };
  Composite::Name high = c.op("Where", {c.op("Greater", {x, number(lambda)}), c.op("Sub", {x, number(bias)}), number(0)});
  return c.define(c.op("Where", {c.op("Less", {x, number(-lambda)}), c.op("Add", {x, number(bias)}), high}));
}

LogicalResult lathe::importer::importBitCast(NodeContext &node) {
  int64_t to = node.integer("to", kUndefined);
  if (node.hasErrors())
    return failure();
  if (to == kBool || !isIn(static_cast<int32_t>(std::clamp<int64_t>(to, -1, 31)), kNumbers))
    return node.unsupported("a cast to " + dataTypeName(static_cast<int32_t>(std::clamp<int64_t>(to, -1, INT32_MAX))) +
                            " is not supported; supported: " + namesOf(kNumbers));
  Operand x = node.operand(0, "input");
  if (!x)
    return failure();
  Type element = elementType(node.builder().getContext(), static_cast<int32_t>(to));
  if (element.getIntOrFloatBitWidth() != x.element().getIntOrFloatBitWidth())
    return node.invalid("expects types of equally many bits (got " + dataTypeName(x.dataType) + " and " + dataTypeName(static_cast<int32_t>(to)) + ")");
  if (element == x.element()) // signedness is no matter of bits
    return node.define(x.value, 0, static_cast<int32_t>(to));
  Value result = map(node, x.value, x.shape(), element, [&](ProgramBuilder &b, ValueRange v) { return arith::BitcastOp::create(b, element, v[0]); });
  return node.define(result, 0, static_cast<int32_t>(to));
}

/// sum over i of (-1)^i * coefficients[i] * cos(2 pi i n / N), evaluated here: the size is known.
static LogicalResult defineWindow(NodeContext &node, ArrayRef<double> coefficients) {
  bool periodic = node.integer("periodic", 1);
  int64_t type = node.integer("output_datatype", kFloat);
  if (node.hasErrors())
    return failure();
  if (type != kFloat && type != kDouble && type != kFloat16)
    return node.unsupported("attribute output_datatype = " + Twine(type) + " is not supported; supported: " + namesOf(kFloats));
  std::optional<SmallVector<int64_t>> size = node.constants(0, "size");
  if (!size)
    return failure();
  constexpr int64_t kMaxSize = 1 << 16;
  if (size->size() != 1 || size->front() < 0 || size->front() > kMaxSize)
    return node.unsupported("expects a size from 0 to " + Twine(kMaxSize));
  int64_t count = size->front(), period = std::max<int64_t>(periodic ? count : count - 1, 1);
  SmallVector<int64_t> shape{count};
  RankedTensorType result = node.type(shape, static_cast<int32_t>(type));
  if (!result)
    return failure();
  Value window = generate(node, "window", result, {}, [&](ProgramBuilder &b, ValueRange at, ValueRange) {
    // Single precision suffices for float32 results; for double the cosine is that of double.
    Type element = type == kDouble ? Type(b.getF64Type()) : Type(b.getF32Type());
    Value n = arith::SIToFPOp::create(b, element, arith::IndexCastOp::create(b, b.getI64Type(), at[0]));
    Value sum = b.number(element, coefficients[0]);
    for (size_t i = 1; i < coefficients.size(); ++i) {
      Value angle = b.mul(n, b.number(element, 2 * M_PI * static_cast<double>(i) / static_cast<double>(period)));
      Value term = b.mul(b.number(element, coefficients[i]), math::CosOp::create(b, angle));
      sum = i % 2 ? b.sub(sum, term) : b.add(sum, term);
    }
    return type == kFloat16 ? Value(arith::TruncFOp::create(b, b.getF16Type(), sum)) : sum;
  });
  return node.define(window, 0, static_cast<int32_t>(type));
}

LogicalResult lathe::importer::importHannWindow(NodeContext &node) { return defineWindow(node, {0.5, 0.5}); }
LogicalResult lathe::importer::importHammingWindow(NodeContext &node) { return defineWindow(node, {25.0 / 46, 1 - 25.0 / 46}); }
LogicalResult lathe::importer::importBlackmanWindow(NodeContext &node) { return defineWindow(node, {0.42, 0.5, 0.08}); }
