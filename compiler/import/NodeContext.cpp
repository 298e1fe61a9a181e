#include "compiler/import/NodeContext.h"

#include "compiler/import/Program.h"
#include "compiler/import/Recipe.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

NodeContext::NodeContext(GraphState &state, const OnnxNode &node, int64_t opset)
    : state(state), node(node), version(opset ? opset : (node.opset ? node.opset : state.model.opset)),
      location(NameLoc::get(state.builder.getStringAttr(node.name))), read(node.attributes.size()) {}

//===- Reporting -----------------------------------------------------------------------------------------------------------------------------===//

/// Whether the text holds this name as a word.
static bool names(StringRef text, StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  for (size_t at = text.find(name); at != StringRef::npos; at = text.find(name, at + 1)) {
    size_t end = at + name.size();
    if ((!at || !isPart(text[at - 1])) && (end == text.size() || !isPart(text[end])))
      return true;
  }
  return false;
}

LogicalResult NodeContext::report(int code, const Twine &reason) {
  hasFailed = true;
  state.report.addNode(code, node.name, printable(node.domain.empty() ? node.op : node.domain + "." + node.op), opset(), reason);
  ImportReport::Finding &finding = state.report.findings.back();
  for (const OnnxAttribute &attribute : node.attributes)
    if (finding.attribute.empty() && names(StringRef(finding.reason).split(';').first, attribute.name))
      finding.attribute = attribute.name;
  return failure();
}

LogicalResult NodeContext::unsupported(const Twine &reason) { return report(ImportReport::unsupportedModel, reason); }
LogicalResult NodeContext::invalid(const Twine &reason) { return report(ImportReport::invalidModel, reason); }

LogicalResult NodeContext::needsStaticBatch(const Twine &reason) {
  return unsupported(reason + " while the batch size is symbolic; hint: " + state.staticShapes);
}

//===- Attributes ----------------------------------------------------------------------------------------------------------------------------===//

const OnnxAttribute *NodeContext::find(StringRef name, OnnxAttribute::Kind kind, StringRef kindName) {
  for (auto [i, attribute] : llvm::enumerate(node.attributes)) {
    if (attribute.name != name)
      continue;
    read.set(i);
    if (attribute.kind == kind)
      return &attribute;
    (void)invalid("expects attribute " + name + " to be " + kindName);
    return nullptr;
  }
  return nullptr;
}

bool NodeContext::hasAttribute(StringRef name) const {
  return llvm::any_of(node.attributes, [&](const OnnxAttribute &attribute) { return attribute.name == name; });
}

int64_t NodeContext::integer(StringRef name, int64_t fallback) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Kind::integer, "an integer");
  return attribute ? attribute->integer : fallback;
}

double NodeContext::real(StringRef name, double fallback) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Kind::real, "a float");
  return attribute ? attribute->real : fallback;
}

std::string NodeContext::text(StringRef name, StringRef fallback) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Kind::text, "a string");
  return attribute ? attribute->text : fallback.str();
}

SmallVector<int64_t> NodeContext::integers(StringRef name) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Kind::integers, "a list of integers");
  return attribute ? SmallVector<int64_t>(ArrayRef<int64_t>(attribute->integers)) : SmallVector<int64_t>();
}

std::vector<float> NodeContext::reals(StringRef name) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Kind::reals, "a list of floats");
  return attribute ? attribute->reals : std::vector<float>();
}

const OnnxTensor *NodeContext::tensor(StringRef name) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Kind::tensor, "a tensor");
  return attribute ? &attribute->tensor : nullptr;
}

const OnnxGraph *NodeContext::graph(StringRef name) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Kind::graph, "a graph");
  return attribute ? attribute->graph.get() : nullptr;
}

void NodeContext::ignore(ArrayRef<StringRef> names) {
  for (auto [i, attribute] : llvm::enumerate(node.attributes))
    if (llvm::is_contained(names, attribute.name))
      read.set(i);
}

LogicalResult NodeContext::checkAllAttributesRead() {
  for (int i = read.find_first_unset(); i >= 0; i = read.find_next_unset(i))
    (void)unsupported("attribute " + printable(node.attributes[i].name) + " is not supported");
  return success(!hasFailed);
}

//===- Inputs --------------------------------------------------------------------------------------------------------------------------------===//

std::string NodeContext::describeInput(size_t i, StringRef role) const {
  return ("input " + Twine(i) + " (" + role + ") '" + printable(node.inputs[i]) + "'").str();
}

const GraphValue *NodeContext::input(size_t i, StringRef role) {
  if (!hasInput(i)) {
    (void)invalid("expects input " + Twine(i) + " (" + role + ")");
    return nullptr;
  }
  auto found = state.values.find(node.inputs[i]);
  if (found == state.values.end()) {
    (void)invalid(describeInput(i, role) + " is neither an input of the graph, nor an initializer, nor the output of a node before");
    return nullptr;
  }
  const GraphValue &value = found->second;
  if (value.kind == GraphValue::Kind::unavailable)
    (void)unsupported(describeInput(i, role) + " is " + value.why);
  if (value.kind == GraphValue::Kind::sequence) {
    (void)unsupported(describeInput(i, role) + " is a sequence; supported: a tensor");
    return nullptr;
  }
  if (value.extents && !allowsRunTimeSize) {
    (void)unsupported(describeInput(i, role) + " has a size that only the run finds; supported: as an output of the model, and as the input of Identity");
    return nullptr;
  }
  if (value.extents)
    extents = value.extents;
  bool usable = value.kind != GraphValue::Kind::broken && value.kind != GraphValue::Kind::unavailable;
  return usable ? &value : nullptr;
}

std::string lathe::importer::namesOf(DataTypes set) {
  std::string text;
  for (int32_t type = 0; type < 32; ++type)
    if (isIn(type, set))
      text += (text.empty() ? "" : ", ") + dataTypeName(type);
  return text;
}

Type lathe::importer::elementType(MLIRContext *context, int32_t dataType) {
  switch (dataType) {
  case kFloat:
    return Float32Type::get(context);
  case kDouble:
    return Float64Type::get(context);
  case kFloat16:
    return Float16Type::get(context);
  default:
    return IntegerType::get(context, dataTypeSize(dataType) * 8);
  }
}

const std::vector<GraphValue> *NodeContext::sequence(size_t i, StringRef role) {
  const GraphValue *value = peek(i);
  if (value && value->kind == GraphValue::Kind::sequence)
    return value->elements.get();
  if (input(i, role))
    (void)invalid("expects " + describeInput(i, role) + " to be a sequence");
  return nullptr;
}

Operand NodeContext::operand(size_t i, StringRef role, DataTypes supported) {
  const GraphValue *value = input(i, role);
  if (!value)
    return {};
  if (!isIn(value->type(), supported)) {
    (void)unsupported(describeInput(i, role) + " is " + dataTypeName(value->type()) + "; supported: " + namesOf(supported));
    return {};
  }
  if (Value data = materialize(*value))
    return {data, value->type()};
  (void)needsStaticBatch(describeInput(i, role) + " is " + value->shape.str() + ", which is not supported as data");
  return {};
}

Value NodeContext::data(size_t i, StringRef role) {
  Operand x = operand(i, role, setOf({kFloat, kFloat16}));
  if (!x || x.dataType == kFloat)
    return x.value;
  isHalf = true;
  return convertFloat(*this, x.value, builder().getF32Type());
}

bool NodeContext::isBrokenData(size_t i) const {
  auto found = hasInput(i) ? state.values.find(node.inputs[i]) : state.values.end();
  return found != state.values.end() && found->second.kind == GraphValue::Kind::broken && found->second.atRunTime;
}

nn::WeightAttr NodeContext::weight(size_t i, StringRef role, int64_t rank) {
  const GraphValue *value = input(i, role);
  if (isBrokenData(i))
    (void)unsupported(describeInput(i, role) + " is computed at run time; supported: a float32 constant");
  if (!value)
    return {};
  if (value->kind != GraphValue::Kind::weight || !isIn(value->dataType, setOf({kFloat, kFloat16}))) {
    (void)unsupported(describeInput(i, role) + (value->kind == GraphValue::Kind::data ? " is computed at run time" : " is " + dataTypeName(value->type())) +
                      "; supported: a float32 constant");
    return {};
  }
  int64_t got = value->weight.getResultShape()->size();
  if (rank >= 0 && got != rank) {
    (void)invalid("expects " + describeInput(i, role) + " of rank " + Twine(rank) + " (got " + Twine(got) + ")");
    return {};
  }
  return value->dataType == kFloat ? value->weight : withStep(value->weight, "to_float", {});
}

const ShapeValue *NodeContext::shape(size_t i, StringRef role) {
  const GraphValue *value = input(i, role);
  if (isBrokenData(i))
    (void)unsupported(describeInput(i, role) + " is computed at run time; supported: an integer constant or shape arithmetic");
  if (!value)
    return nullptr;
  if (value->kind == GraphValue::Kind::shape)
    return &value->shape;
  (void)unsupported(describeInput(i, role) +
                    (value->kind == GraphValue::Kind::data ? std::string(" is computed at run time") : " is a tensor of " + dataTypeName(value->type())) +
                    "; supported: an integer constant or shape arithmetic");
  return nullptr;
}

std::optional<SmallVector<int64_t>> NodeContext::constants(size_t i, StringRef role) {
  const ShapeValue *value = shape(i, role);
  if (!value)
    return std::nullopt;
  std::optional<SmallVector<int64_t>> result = value->constants();
  if (!result)
    (void)needsStaticBatch(describeInput(i, role) + " is " + value->str() + ", which is not supported");
  return result;
}

//===- Outputs -------------------------------------------------------------------------------------------------------------------------------===//

GraphValue *NodeContext::output(size_t i) { return i < node.outputs.size() && !node.outputs[i].empty() ? &state.values[node.outputs[i]] : nullptr; }

LogicalResult NodeContext::define(const GraphValue &value, size_t i) {
  // A copy first: the map may move its values.
  GraphValue copy = value;
  if (GraphValue *slot = output(i))
    *slot = std::move(copy);
  return success();
}

LogicalResult NodeContext::define(Value data, size_t i, int32_t dataType) {
  if (isHalf && dataType == kFloat) {
    data = convertFloat(*this, data, builder().getF16Type());
    dataType = kFloat16;
  }
  // A tensor without elements is known: nothing is ever computed for it.
  auto type = cast<RankedTensorType>(data.getType());
  if (type.hasStaticShape() && type.getNumElements() == 0)
    return define(splatWeight(type, 0), i, dataType);
  return defineBounded(data, extents, i, dataType);
}

LogicalResult NodeContext::defineBounded(Value data, Value extents, size_t i, int32_t dataType) {
  GraphValue value;
  value.kind = GraphValue::Kind::data;
  value.data = data;
  value.dataType = dataType;
  value.extents = extents;
  return define(value, i);
}

LogicalResult NodeContext::define(nn::WeightAttr weight, size_t i, int32_t dataType) {
  SmallVector<int64_t> shape = *weight.getResultShape();
  if (isIn(dataType, setOf({kInt64, kInt32, kBool})) && llvm::is_contained(shape, 0))
    return define(ShapeValue{dataType, shape, {}}, i);
  if (std::string refusal = state.budget.refusal(weight); !refusal.empty())
    return unsupported(refusal);
  GraphValue value;
  value.kind = GraphValue::Kind::weight;
  value.weight = weight;
  value.dataType = dataType;
  return define(value, i);
}

LogicalResult NodeContext::define(ShapeValue shape, size_t i) {
  GraphValue value;
  value.kind = GraphValue::Kind::shape;
  value.shape = std::move(shape);
  return define(value, i);
}

LogicalResult NodeContext::inlineGraph(const OnnxGraph &graph) {
  for (const OnnxTensor &tensor : graph.initializers)
    if (!state.values.try_emplace(tensor.name, valueOf(builder().getContext(), tensor)).second)
      return invalid("the branch defines initializer '" + printable(tensor.name) + "' twice");
  for (const OnnxNode &inner : graph.nodes)
    state.importNode(inner);
  for (auto [i, name] : llvm::enumerate(graph.outputs)) {
    auto found = state.values.find(name);
    if (found == state.values.end())
      return invalid("the branch does not define its output '" + printable(name) + "'");
    (void)define(GraphValue(found->second), i);
  }
  return success();
}

void NodeContext::defineUnavailable(size_t i, StringRef role) {
  std::string why = ("output " + Twine(i) + " (" + role + ") of node '" + printable(node.name) + "' (" + node.op + "), which is not supported").str();
  GraphValue value;
  value.kind = GraphValue::Kind::unavailable;
  value.why = std::move(why);
  (void)define(value, i);
}

void NodeContext::defineBroken() {
  bool shapeOnly = node.op == "Shape" || node.op == "Size"; // the one thing that is known of data at compile time
  GraphValue value;
  for (size_t i = 0; i < node.inputs.size() && !shapeOnly; ++i) {
    auto found = state.values.find(node.inputs[i]);
    value.atRunTime |= found != state.values.end() && (found->second.kind == GraphValue::Kind::data || isBrokenData(i));
  }
  for (size_t i = 0; i < node.outputs.size(); ++i)
    (void)define(value, i);
}

Value NodeContext::materialize(nn::WeightAttr weight) { return nn::WeightOp::create(builder(), loc(), weight); }

Value NodeContext::materialize(const GraphValue &value) {
  if (value.kind == GraphValue::Kind::data)
    return value.data;
  if (value.kind == GraphValue::Kind::weight)
    return materialize(value.weight);
  std::optional<SmallVector<int64_t>> constants = value.shape.constants();
  if (!constants)
    return {};
  Type element = elementType(builder().getContext(), value.shape.dataType);
  auto type = RankedTensorType::get(value.shape.dims, element);
  if (constants->empty())
    return materialize(splatWeight(type, 0));
  SmallVector<Attribute> elements;
  for (int64_t v : *constants)
    elements.push_back(numberAttr(element, v));
  return materialize(nn::WeightAttr::get(builder().getContext(), DenseElementsAttr::get(type, elements), type, {}));
}

Value NodeContext::splat(ArrayRef<int64_t> shape, int32_t dataType, double value) {
  return materialize(splatWeight(RankedTensorType::get(shape, elementType(builder().getContext(), dataType)), value));
}

LogicalResult NodeContext::checkShape(ArrayRef<int64_t> shape) {
  // Bounds that no network comes near, so that sizes in bytes cannot wrap anywhere below.
  constexpr int64_t kMaxRank = 8, kMaxElements = int64_t(1) << 31;
  if (int64_t(shape.size()) > kMaxRank)
    return unsupported("a tensor of rank " + Twine(shape.size()) + " is not supported; supported: up to " + Twine(kMaxRank));
  int64_t count = 1;
  for (auto [i, d] : llvm::enumerate(shape)) {
    if (ShapedType::isDynamic(d)) {
      if (i)
        return needsStaticBatch("the batch becomes dimension " + Twine(i) + ", which is not supported");
      continue;
    }
    if (d < 0)
      return invalid("a dimension of " + Twine(d) + " is not possible");
    if (d == 0 && ShapedType::isDynamic(shape[0]))
      return needsStaticBatch("a tensor without elements is not supported");
    std::optional<int64_t> product = llvm::checkedMul(count, d);
    if (!product || *product > kMaxElements)
      return unsupported("a tensor of more than 2^31 elements is not supported");
    count = *product;
  }
  return success();
}

RankedTensorType NodeContext::type(ArrayRef<int64_t> shape, int32_t dataType) {
  return succeeded(checkShape(shape)) ? RankedTensorType::get(shape, elementType(builder().getContext(), dataType)) : RankedTensorType();
}

SmallVector<Affine> lathe::importer::dimsOf(Value data) {
  SmallVector<Affine> dims;
  for (int64_t d : cast<ShapedType>(data.getType()).getShape())
    dims.push_back(ShapedType::isDynamic(d) ? Affine{0, 1} : Affine{d, 0});
  return dims;
}
