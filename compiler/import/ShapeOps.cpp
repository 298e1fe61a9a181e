// Operators that we have only as shape arithmetic: on small integer tensors that are known up to the batch size. They leave nothing in the module.
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

static LogicalResult defineOr(NodeContext &node, FailureOr<ShapeValue> result, const std::string &why) {
  return succeeded(result) ? node.define(std::move(*result)) : node.unsupported(why);
}

/// The dimensions of any value.
static FailureOr<SmallVector<Affine>> dimsOfInput(NodeContext &node) {
  const GraphValue *input = node.input(0, "data");
  if (!input)
    return failure();
  if (input->kind == GraphValue::Kind::data)
    return dimsOf(input->data);
  SmallVector<int64_t> shape = input->kind == GraphValue::Kind::weight ? *input->weight.getResultShape() : SmallVector<int64_t>(input->shape.dims);
  return llvm::map_to_vector(shape, [](int64_t d) { return Affine{d, 0}; });
}

LogicalResult lathe::importer::importShape(NodeContext &node) {
  int64_t start = node.integer("start", 0), end = node.integer("end", INT64_MAX);
  if (node.hasErrors())
    return failure();
  FailureOr<SmallVector<Affine>> dims = dimsOfInput(node);
  if (failed(dims))
    return failure();
  std::string why;
  ShapeValue all{kInt64, {int64_t(dims->size())}, SmallVector<Affine>(*dims)};
  return defineOr(node, slice(all, start, end, 1, why), why);
}

LogicalResult lathe::importer::importSize(NodeContext &node) {
  FailureOr<SmallVector<Affine>> dims = dimsOfInput(node);
  if (failed(dims))
    return failure();
  Affine size{1, 0};
  for (Affine d : *dims) {
    std::string why;
    FailureOr<Affine> product = multiply(size, d, why);
    if (failed(product))
      return node.unsupported(why);
    size = *product;
  }
  return node.define(ShapeValue{kInt64, {}, {size}});
}

/// Vectors have one axis.
static LogicalResult checkAxis(NodeContext &node, int64_t axis) {
  return axis == 0 || axis == -1 ? success() : node.unsupported("axis = " + Twine(axis) + " is not supported in shape arithmetic; supported: 0");
}

/// The one number that a vector of slices holds; `fallback` for an empty list.
static std::optional<int64_t> single(NodeContext &node, StringRef name, ArrayRef<int64_t> values, std::optional<int64_t> fallback) {
  if (values.size() == 1)
    return values[0];
  if (values.empty() && fallback)
    return fallback;
  (void)node.unsupported("expects one value of " + name + " for shape arithmetic on vectors (got " + Twine(values.size()) + ")");
  return std::nullopt;
}

LogicalResult lathe::importer::importSlice(NodeContext &node) {
  // Attributes until opset 9, inputs since.
  static const StringRef kNames[] = {"starts", "ends", "axes", "steps"};
  bool attributes = node.opset() < 10;
  SmallVector<int64_t> values[4];
  if (attributes) {
    for (int i = 0; i < 3; ++i)
      values[i] = node.integers(kNames[i]);
    if (node.hasErrors())
      return failure();
  }
  const ShapeValue *vector = node.shape(0, "data");
  if (!vector)
    return failure();
  for (int i = 0; i < 4 && !attributes; ++i) {
    if (i >= 2 && !node.hasInput(i + 1))
      continue;
    std::optional<SmallVector<int64_t>> constants = node.constants(i + 1, kNames[i]);
    if (!constants)
      return failure();
    values[i] = *constants;
  }
  static const std::optional<int64_t> kFallbacks[] = {std::nullopt, std::nullopt, 0, 1};
  int64_t numbers[4];
  for (int i = 0; i < 4; ++i) {
    std::optional<int64_t> number = single(node, kNames[i], values[i], kFallbacks[i]);
    if (!number)
      return failure();
    numbers[i] = *number;
  }
  if (failed(checkAxis(node, numbers[2])))
    return failure();
  std::string why;
  return defineOr(node, slice(*vector, numbers[0], numbers[1], numbers[3], why), why);
}

LogicalResult lathe::importer::importConcat(NodeContext &node) {
  int64_t axis = node.integer("axis", 0);
  if (node.hasErrors())
    return failure();
  SmallVector<ShapeValue> vectors;
  for (size_t i = 0; i < node.inputCount(); ++i) {
    const ShapeValue *vector = node.shape(i, "inputs");
    if (!vector)
      return failure();
    vectors.push_back(*vector);
  }
  if (failed(checkAxis(node, axis)))
    return failure();
  std::string why;
  return defineOr(node, concat(vectors, why), why);
}
