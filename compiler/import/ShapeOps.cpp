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
