#include "compiler/import/Composite.h"

#include "compiler/import/Program.h"
#include "compiler/import/Registry.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

/// The opset as of which composites name their parts.
static constexpr int64_t kOpset = 21;

/// A name that neither the file nor a composite before has used.
Composite::Name Composite::fresh() {
  Name name;
  for (size_t number = node.state.values.size(); name.empty() || node.state.values.contains(name); ++number)
    name = "\x01" + std::to_string(number);
  return name;
}

const GraphValue *Composite::find(const Name &name) {
  if (hasFailed)
    return nullptr;
  auto found = node.state.values.find(name);
  using Kind = GraphValue::Kind;
  if (found == node.state.values.end() || llvm::is_contained({Kind::broken, Kind::unavailable, Kind::sequence}, found->second.kind)) {
    for (size_t i = 0; i < node.inputCount(); ++i) // an input: says what is wrong with it
      if (node.getNode().inputs[i] == name)
        (void)node.input(i, "input " + std::to_string(i));
    hasFailed = true;
    return nullptr;
  }
  return &found->second;
}

SmallVector<int64_t> Composite::shapeOf(const Name &name) {
  const GraphValue *value = find(name);
  if (!value)
    return {};
  if (value->kind == GraphValue::Kind::data)
    return SmallVector<int64_t>(cast<ShapedType>(value->data.getType()).getShape());
  return value->kind == GraphValue::Kind::weight ? *value->weight.getResultShape() : SmallVector<int64_t>(value->shape.dims);
}

int32_t Composite::typeOf(const Name &name) {
  const GraphValue *value = find(name);
  return value ? value->type() : int32_t(kUndefined);
}

std::vector<Composite::Name> Composite::ops(StringRef type, ArrayRef<Name> inputs, size_t outputs, ArrayRef<Attribute> attributes) {
  std::vector<Name> names(outputs);
  for (const Name &name : inputs)
    if (!name.empty())
      (void)find(name);
  if (hasFailed)
    return names;
  OnnxNode part;
  part.name = node.getNode().name;
  part.op = type;
  part.inputs.assign(inputs.begin(), inputs.end());
  while (!part.inputs.empty() && part.inputs.back().empty())
    part.inputs.pop_back();
  for (const Attribute &attribute : attributes) {
    OnnxAttribute &to = part.attributes.emplace_back();
    to.name = attribute.name;
    if (auto *integer = std::get_if<int64_t>(&attribute.value))
      to.kind = OnnxAttribute::Kind::integer, to.integer = *integer;
    else if (auto *real = std::get_if<double>(&attribute.value))
      to.kind = OnnxAttribute::Kind::real, to.real = static_cast<float>(*real);
    else if (auto *list = std::get_if<std::vector<int64_t>>(&attribute.value))
      to.kind = OnnxAttribute::Kind::integers, to.integers = *list;
    else
      to.kind = OnnxAttribute::Kind::text, to.text = std::get<std::string>(attribute.value);
  }
  for (Name &name : names) {
    name = fresh();
    node.state.values.try_emplace(name);
  }
  part.outputs = names;
  const Operator *known = findOperator(type, kOpset);
  NodeContext context(node.state, part, kOpset);
  if (!known)
    hasFailed = true, (void)node.unsupported("its part " + type + " is not supported");
  else if (mlir::failed(known->import(context)) || mlir::failed(context.checkAllAttributesRead()))
    hasFailed = true;
  return names;
}

Composite::Name Composite::op(StringRef type, ArrayRef<Name> inputs, ArrayRef<Attribute> attributes) { return ops(type, inputs, 1, attributes).front(); }

Composite::Name Composite::value(const GraphValue &value) {
  Name name = fresh();
  node.state.values[name] = value;
  return name;
}

Composite::Name Composite::number(double value, int32_t dataType) {
  return constant(splatWeight(RankedTensorType::get({}, elementType(node.builder().getContext(), dataType)), value), dataType);
}

Composite::Name Composite::constant(nn::WeightAttr weight, int32_t dataType) {
  Name name = fresh();
  GraphValue &constant = node.state.values[name];
  constant.kind = GraphValue::Kind::weight;
  constant.dataType = dataType;
  constant.weight = weight;
  return name;
}

Composite::Name Composite::integers(ArrayRef<int64_t> values) {
  Name name = fresh();
  GraphValue &constant = node.state.values[name];
  constant.kind = GraphValue::Kind::shape;
  constant.shape = {kInt64, {static_cast<int64_t>(values.size())}, {}};
  for (int64_t value : values)
    constant.shape.elements.push_back({value, 0});
  return name;
}

LogicalResult Composite::define(const Name &value, size_t output) {
  const GraphValue *found = find(value);
  return found ? node.define(*found, output) : failure();
}
