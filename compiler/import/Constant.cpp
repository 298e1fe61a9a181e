// Tensors of the file: what they stand for in the graph. Constant and ConstantOfShape.
#include "compiler/import/Program.h"
#include "compiler/import/Recipe.h"
#include "compiler/import/Registry.h"
#include "llvm/ADT/StringExtras.h"
#include <cstring>

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// Reads elements of type T and widens them.
template <typename T> static void widen(StringRef bytes, SmallVectorImpl<Affine> &elements) {
  for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
    T element;
    std::memcpy(&element, bytes.data() + i, sizeof(T));
    elements.push_back({int64_t(element), 0});
  }
}

static GraphValue unavailable(const Twine &why) {
  GraphValue value;
  value.kind = GraphValue::Kind::unavailable;
  value.why = why.str();
  return value;
}

/// A tensor as a weight. Splats and small tensors are written into the IR, all others stay in their file.
static nn::WeightAttr weightOf(MLIRContext *context, const OnnxTensor &tensor) {
  auto type = RankedTensorType::get(tensor.dims, elementType(context, tensor.dataType));
  StringRef bytes = tensor.bytes;
  if (bytes.empty())
    return splatWeight(type, 0);
  // Each element equals the one before.
  size_t size = dataTypeSize(tensor.dataType);
  bool splat = bytes.drop_front(size) == bytes.drop_back(size);
  Attribute source;
  if (splat || tensor.hash.empty())
    source = DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(bytes.data(), splat ? size : bytes.size()));
  else
    source = nn::FileAttr::get(context, tensor.file, tensor.offset, bytes.size(), tensor.hash);
  return nn::WeightAttr::get(context, source, type, {});
}

GraphValue lathe::importer::valueOf(MLIRContext *context, const OnnxTensor &tensor) {
  GraphValue value;
  if (!isIn(tensor.dataType, kAllTypes))
    return unavailable(dataTypeName(tensor.dataType) + "; supported: " + namesOf(kAllTypes));
  value.kind = GraphValue::Kind::shape;
  value.shape.dataType = tensor.dataType;
  value.shape.dims.assign(tensor.dims.begin(), tensor.dims.end());
  bool small = tensor.elementCount() <= kMaxShapeElements;
  if (small && tensor.dataType == kInt64) {
    widen<int64_t>(tensor.bytes, value.shape.elements);
  } else if (small && tensor.dataType == kInt32) {
    widen<int32_t>(tensor.bytes, value.shape.elements);
  } else if (small && tensor.dataType == kBool) {
    widen<bool>(tensor.bytes, value.shape.elements);
  } else {
    constexpr size_t kMaxWritten = 1 << 20; // what the contract of phase nn lets stand in the IR
    if (tensor.dataType != kFloat && tensor.hash.empty() && tensor.bytes.size() > kMaxWritten)
      return unavailable("a tensor of " + dataTypeName(tensor.dataType) + " of more than 1 MB that is not stored as raw data");
    value.kind = GraphValue::Kind::weight;
    value.weight = weightOf(context, tensor);
    value.dataType = tensor.dataType;
  }
  return value;
}

static GraphValue weightValue(MLIRContext *context, ArrayRef<int64_t> dims, ArrayRef<float> elements) {
  auto type = RankedTensorType::get(dims, Float32Type::get(context));
  GraphValue value;
  value.kind = GraphValue::Kind::weight;
  value.weight = elements.empty() ? splatWeight(type, 0) : nn::WeightAttr::get(context, DenseElementsAttr::get(type, elements), type, {});
  return value;
}

LogicalResult lathe::importer::importConstant(NodeContext &node) {
  MLIRContext *context = node.builder().getContext();
  const OnnxTensor *tensor = node.tensor("value");
  double real = node.real("value_float", 0);
  std::vector<float> reals = node.reals("value_floats");
  int64_t integer = node.integer("value_int", 0);
  SmallVector<int64_t> integers = node.integers("value_ints");
  if (node.hasErrors())
    return failure();
  if (tensor)
    return node.define(valueOf(context, *tensor));
  if (node.hasAttribute("value_float"))
    return node.define(weightValue(context, {}, {float(real)}));
  if (node.hasAttribute("value_floats"))
    return node.define(weightValue(context, int64_t(reals.size()), reals));
  if (node.hasAttribute("value_int"))
    return node.define(ShapeValue{kInt64, {}, {{integer, 0}}});
  if (node.hasAttribute("value_ints")) {
    if (int64_t(integers.size()) > kMaxShapeElements)
      return node.unsupported("attribute value_ints has more than " + Twine(kMaxShapeElements) + " elements");
    ShapeValue value{kInt64, {int64_t(integers.size())}, {}};
    for (int64_t v : integers)
      value.elements.push_back({v, 0});
    return node.define(std::move(value));
  }
  // sparse_value, value_string, value_strings
  return node.getNode().attributes.empty() ? node.invalid("expects an attribute that holds the value") : success();
}

LogicalResult lathe::importer::importConstantOfShape(NodeContext &node) {
  const OnnxTensor *tensor = node.tensor("value");
  if (node.hasErrors())
    return failure();
  const ShapeValue *shape = node.shape(0, "input");
  if (!shape)
    return failure();
  SmallVector<int64_t> dims;
  for (Affine d : shape->elements) {
    if (!d.isConstant() && d != Affine{0, 1})
      return node.needsStaticBatch("a dimension of " + d.str() + " is not supported");
    dims.push_back(d.isConstant() ? d.c0 : ShapedType::kDynamic);
  }
  MLIRContext *context = node.builder().getContext();
  GraphValue value = tensor ? valueOf(context, *tensor) : weightValue(context, {1}, {0.0f});
  if (tensor && tensor->elementCount() != 1)
    return node.invalid("expects attribute value of 1 element (got " + Twine(tensor->elementCount()) + ")");
  if (value.kind == GraphValue::Kind::unavailable)
    return node.unsupported("attribute value is " + value.why);
  RankedTensorType type = node.type(dims, value.type());
  if (!type)
    return failure();
  if (value.kind == GraphValue::Kind::shape && type.hasStaticShape() && type.getNumElements() <= kMaxShapeElements)
    return node.define(ShapeValue{value.shape.dataType, dims, SmallVector<Affine>(type.getNumElements(), value.shape.elements[0])});
  // Its bytes are written once, however many elements there are.
  Attribute element = value.kind == GraphValue::Kind::shape ? Attribute(numberAttr(type.getElementType(), value.shape.elements[0].c0))
                                                            : cast<DenseElementsAttr>(value.weight.getSource()).getSplatValue<Attribute>();
  if (!type.hasStaticShape()) { // one of them for each image
    auto fill = [&](ProgramBuilder &b, ValueRange) -> Value { return arith::ConstantOp::create(b, cast<TypedAttr>(element)); };
    return node.define(map(node, {}, dims, type.getElementType(), fill), 0, value.type());
  }
  return node.define(nn::WeightAttr::get(context, DenseElementsAttr::get(type, ArrayRef<Attribute>(element)), type, {}), 0, value.type());
}
