#include "compiler/import/GraphReader.h"

#include "compiler/import/onnx-ml.pb.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace llvm;
using namespace lathe;
using namespace lathe::importer;

/// Names are written into artifacts, messages and profiles; longer ones are no names.
static constexpr size_t kMaxName = 4096;

static std::string keyOf(StringRef domain, StringRef name, StringRef overload) { return (domain + Twine('\0') + name + Twine('\0') + overload).str(); }

static std::string qualified(const onnx::FunctionProto &function) { return printable(function.domain() + "." + function.name()); }

static std::string standardDomain(const std::string &domain) { return domain == "ai.onnx" ? "" : domain; }

void GraphReader::refuse(int code, const OnnxNode &node, const Twine &reason) {
  report.addNode(code, node.name, printable(node.domain.empty() ? node.op : node.domain + "." + node.op), node.opset ? node.opset : model.opset, reason);
}

bool GraphReader::checkName(StringRef name, const char *what) {
  const auto *begin = reinterpret_cast<const UTF8 *>(name.data());
  std::string fault;
  if (name.size() > kMaxName)
    fault = ("is " + Twine(name.size()) + " bytes long; supported: up to " + Twine(kMaxName)).str();
  else if (!isLegalUTF8String(&begin, begin + name.size()))
    fault = "is not UTF-8";
  if (fault.empty())
    return true;
  if (!badName) // one is enough: such a file is damaged or hostile
    report.add(name.size() > kMaxName ? ImportReport::unsupportedModel : ImportReport::invalidModel,
               "the name of " + std::string(what) + " '" + printable(name.take_front(40)) + "' " + fault);
  badName = true;
  return false;
}

//===- Names ---------------------------------------------------------------------------------------------------------------------------------===//

std::string GraphReader::resolve(const Scope &scope, const std::string &name) const {
  if (name.empty())
    return name;
  auto found = scope.names.find(name);
  if (found != scope.names.end())
    return found->second;
  if (!scope.caller)
    return name;
  // A branch sees what is around it, a function does not; its wrong names must not meet a name outside.
  return scope.function ? scope.prefix + "/" + name : resolve(*scope.caller, name);
}

std::string GraphReader::define(Scope &scope, const std::string &name) {
  if (name.empty() || !scope.caller)
    return name;
  auto [entry, isNew] = scope.names.try_emplace(name);
  if (isNew)
    entry->second = unique(scope.prefix + "/" + name);
  return entry->second;
}

std::string GraphReader::unique(const std::string &wish) {
  std::string name = wish;
  for (size_t i = 2; !taken.insert(name).second; ++i)
    name = wish + "_" + std::to_string(i);
  return name;
}

bool GraphReader::afford(const onnx::NodeProto &proto, const Scope &scope) {
  if (scope.depth == 0 || overBudget)
    return !overBudget;
  // A function that holds a large constant may be called a few times.
  size_t maxBytes = (size_t(64) << 20) + 2 * file.size();
  inlinedBytes += proto.ByteSizeLong() + scope.prefix.size() * (1 + proto.output_size());
  overBudget = ++inlinedNodes > kMaxInlinedNodes || inlinedBytes > maxBytes;
  if (overBudget)
    report.add(ImportReport::unsupportedModel, "the functions of the model stand for more than " + Twine(kMaxInlinedNodes) + " nodes or " +
                                                   Twine(maxBytes >> 20) + " MB where they are called; supported: up to that");
  return !overBudget;
}

//===- Tensors and attributes ----------------------------------------------------------------------------------------------------------------===//

std::optional<OnnxTensor> GraphReader::readOne(const onnx::TensorProto &proto, const WireTensor *location, StringRef nameless) {
  TensorSource source{file, model.fileName, *model.files, nameless};
  std::string error;
  mlir::FailureOr<OnnxTensor> tensor = readTensor(proto, location, source, error);
  if (mlir::succeeded(tensor))
    return std::move(*tensor);
  if (!error.empty())
    report.add(ImportReport::invalidModel, error);
  return std::nullopt;
}

const WireTensor *GraphReader::locationOf(size_t list, size_t node, size_t attribute) const {
  auto found = where.attributes.find({uint32_t(list), uint32_t(node), uint32_t(attribute)});
  return located && found != where.attributes.end() ? &found->second : nullptr;
}

/// Files of the first ONNX versions leave the type out.
static onnx::AttributeProto::AttributeType kindOf(const onnx::AttributeProto &proto) {
  if (proto.type() != onnx::AttributeProto::UNDEFINED)
    return proto.type();
  if (proto.has_i())
    return onnx::AttributeProto::INT;
  if (proto.has_f())
    return onnx::AttributeProto::FLOAT;
  if (proto.has_s())
    return onnx::AttributeProto::STRING;
  if (proto.has_t())
    return onnx::AttributeProto::TENSOR;
  if (proto.ints_size())
    return onnx::AttributeProto::INTS;
  if (proto.floats_size())
    return onnx::AttributeProto::FLOATS;
  return onnx::AttributeProto::UNDEFINED;
}

void GraphReader::readAttributes(const onnx::NodeProto &proto, Scope &scope, size_t index, size_t list, OnnxNode &node) {
  StringSet<> names;
  for (auto [i, written] : enumerate(proto.attribute())) {
    if (written.name().empty() || !names.insert(written.name()).second) {
      refuse(ImportReport::invalidModel, node,
             written.name().empty() ? Twine("has an attribute without a name") : Twine("has attribute ") + printable(written.name()) + " twice");
      continue;
    }
    if (!checkName(written.name(), "an attribute"))
      continue;
    const onnx::AttributeProto *meant = &written;
    const WireTensor *location = locationOf(list, index, i);
    if (!written.ref_attr_name().empty()) {
      auto bound = scope.attributes.find(written.ref_attr_name());
      bool declared = scope.function && (is_contained(scope.function->attribute(), written.ref_attr_name()) || bound != scope.attributes.end());
      if (!declared)
        refuse(ImportReport::invalidModel, node,
               "attribute " + printable(written.name()) + " refers to attribute '" + printable(written.ref_attr_name()) + "', which " +
                   (scope.function ? "the function does not have" : "only a function could have"));
      if (bound == scope.attributes.end())
        continue; // neither given nor with a default: as if it were not written
      meant = bound->second.proto;
      location = bound->second.where;
    }
    OnnxAttribute &attribute = node.attributes.emplace_back();
    attribute.name = written.name();
    readAttribute(*meant, location, scope, node, attribute);
  }
}

void GraphReader::readAttribute(const onnx::AttributeProto &proto, const WireTensor *location, Scope &scope, OnnxNode &node, OnnxAttribute &attribute) {
  using Kind = OnnxAttribute::Kind;
  switch (kindOf(proto)) {
  case onnx::AttributeProto::INT:
    attribute.kind = Kind::integer;
    attribute.integer = proto.i();
    break;
  case onnx::AttributeProto::FLOAT:
    attribute.kind = Kind::real;
    attribute.real = proto.f();
    break;
  case onnx::AttributeProto::STRING:
    attribute.kind = Kind::text;
    attribute.text = proto.s();
    break;
  case onnx::AttributeProto::INTS:
    attribute.kind = Kind::integers;
    attribute.integers.assign(proto.ints().begin(), proto.ints().end());
    break;
  case onnx::AttributeProto::FLOATS:
    attribute.kind = Kind::reals;
    attribute.reals.assign(proto.floats().begin(), proto.floats().end());
    break;
  case onnx::AttributeProto::TENSOR:
    if (std::optional<OnnxTensor> tensor = readOne(proto.t(), location, node.name)) {
      attribute.kind = Kind::tensor;
      attribute.tensor = std::move(*tensor);
    }
    break;
  case onnx::AttributeProto::GRAPH:
    attribute.kind = Kind::graph;
    attribute.graph = readBranch(proto.g(), scope, node);
    break;
  default: // whoever reads the attribute says that its type is wrong
    break;
  }
}

std::shared_ptr<OnnxGraph> GraphReader::readBranch(const onnx::GraphProto &proto, Scope &scope, const OnnxNode &node) {
  auto graph = std::make_shared<OnnxGraph>();
  if (scope.depth >= kMaxDepth) {
    refuse(ImportReport::unsupportedModel, node, "functions and branches are nested more than " + Twine(kMaxDepth) + " deep; supported: up to that");
    return graph;
  }
  Scope inner;
  inner.caller = &scope;
  inner.prefix = unique(node.name);
  inner.opset = scope.opset;
  inner.depth = scope.depth + 1;
  for (const auto &entry : scope.attributes) // a function's branches refer to the function's attributes
    inner.attributes.insert({entry.first(), entry.second});
  graph->inputs = proto.input_size();
  for (const onnx::TensorProto &initializer : proto.initializer())
    if (std::optional<OnnxTensor> tensor = readOne(initializer, nullptr)) {
      tensor->name = define(inner, tensor->name);
      graph->initializers.push_back(std::move(*tensor));
    }
  for (const onnx::ValueInfoProto &input : proto.input())
    define(inner, input.name());
  for (auto [i, one] : enumerate(proto.node()))
    readNode(one, inner, i, ~size_t(0), graph->nodes);
  for (const onnx::ValueInfoProto &output : proto.output())
    graph->outputs.push_back(resolve(inner, output.name()));
  return graph;
}

//===- Nodes ---------------------------------------------------------------------------------------------------------------------------------===//

void GraphReader::readNode(const onnx::NodeProto &proto, Scope &scope, size_t index, size_t list, std::vector<OnnxNode> &nodes) {
  if (!afford(proto, scope) || badName)
    return;
  OnnxNode node;
  bool goodNames = checkName(proto.name(), "node") && checkName(proto.op_type(), "operator") && checkName(proto.domain(), "domain");
  for (const std::string &name : proto.input())
    goodNames = goodNames && checkName(name, "value");
  for (const std::string &name : proto.output())
    goodNames = goodNames && checkName(name, "value");
  if (!goodNames)
    return;
  node.op = proto.op_type();
  node.name = proto.name().empty() ? node.op + "_" + std::to_string(index) : proto.name();
  if (scope.caller)
    node.name = scope.prefix + "/" + node.name;
  node.domain = standardDomain(proto.domain());
  node.opset = scope.opset;
  for (const std::string &name : proto.input())
    node.inputs.push_back(resolve(scope, name));
  for (const std::string &name : proto.output())
    node.outputs.push_back(define(scope, name));
  if (auto found = functions.find(keyOf(node.domain, proto.op_type(), proto.overload())); found != functions.end())
    return inlineCall(proto, node, *found->second, scope, index, list, nodes);
  readAttributes(proto, scope, index, list, node);
  ++report.operators[node.op];
  nodes.push_back(std::move(node));
}

void GraphReader::bindAttributes(const onnx::NodeProto &proto, const OnnxNode &call, const onnx::FunctionProto &function, const Scope &scope, size_t index,
                                 size_t list, Scope &inner) {
  for (const onnx::AttributeProto &standard : function.attribute_proto())
    inner.attributes[standard.name()] = {&standard, nullptr};
  for (auto [i, given] : enumerate(proto.attribute())) {
    if (!is_contained(function.attribute(), given.name()) && !inner.attributes.contains(given.name())) {
      refuse(ImportReport::invalidModel, call, "has attribute " + printable(given.name()) + ", which the function does not have");
    } else if (given.ref_attr_name().empty()) {
      inner.attributes[given.name()] = {&given, locationOf(list, index, i)};
    } else if (auto outer = scope.attributes.find(given.ref_attr_name()); outer != scope.attributes.end()) {
      inner.attributes[given.name()] = outer->second;
    }
  }
}

void GraphReader::inlineCall(const onnx::NodeProto &proto, const OnnxNode &call, const onnx::FunctionProto &function, Scope &scope, size_t index, size_t list,
                             std::vector<OnnxNode> &nodes) {
  std::string name = "function '" + qualified(function) + "' ";
  for (const Scope *outer = &scope; outer; outer = outer->caller)
    if (outer->function == &function)
      return refuse(ImportReport::invalidModel, call, name + "calls itself, which ONNX does not allow");
  if (scope.depth >= kMaxDepth)
    return refuse(ImportReport::unsupportedModel, call, "functions and branches are nested more than " + Twine(kMaxDepth) + " deep; supported: up to that");
  if (call.inputs.size() > size_t(function.input_size()))
    return refuse(ImportReport::invalidModel, call, name + "takes " + Twine(function.input_size()) + " inputs (got " + Twine(call.inputs.size()) + ")");
  if (call.outputs.size() > size_t(function.output_size()))
    return refuse(ImportReport::invalidModel, call, name + "has " + Twine(function.output_size()) + " outputs (got " + Twine(call.outputs.size()) + ")");

  Scope inner;
  inner.caller = &scope;
  inner.function = &function;
  inner.depth = scope.depth + 1;
  inner.opset = scope.opset;
  for (const onnx::OperatorSetIdProto &set : function.opset_import())
    if (standardDomain(set.domain()).empty())
      inner.opset = set.version();
  // Names of nested calls would grow with the depth.
  inner.prefix = unique(call.name.size() <= 200 ? call.name : printable(function.name()).substr(0, 100));
  bindAttributes(proto, call, function, scope, index, list, inner);
  for (auto [i, formal] : enumerate(function.input()))
    if (!inner.names.try_emplace(formal, size_t(i) < call.inputs.size() ? call.inputs[i] : std::string()).second)
      return refuse(ImportReport::invalidModel, call, name + "has input '" + printable(formal) + "' twice");
  std::vector<std::pair<std::string, std::string>> passedThrough; // input, output of the call
  for (auto [i, formal] : enumerate(function.output())) {
    std::string actual = size_t(i) < call.outputs.size() ? call.outputs[i] : std::string();
    if (is_contained(function.input(), formal)) {
      if (!actual.empty())
        passedThrough.push_back({inner.names[formal], actual});
    } else if (!inner.names.try_emplace(formal, actual.empty() ? unique(inner.prefix + "/" + formal) : actual).second) {
      return refuse(ImportReport::invalidModel, call, name + "has output '" + printable(formal) + "' twice");
    }
  }
  StringSet<> defined;
  for (const onnx::NodeProto &one : function.node())
    defined.insert_range(one.output());
  for (const std::string &formal : function.output())
    if (!defined.contains(formal) && !is_contained(function.input(), formal))
      return refuse(ImportReport::invalidModel, call, name + "does not define its output '" + printable(formal) + "'");
  for (auto [i, one] : enumerate(function.node()))
    readNode(one, inner, i, functionLists.lookup(&function), nodes);
  for (auto &[input, output] : passedThrough) {
    OnnxNode &copy = nodes.emplace_back();
    copy.name = call.name;
    copy.op = "Identity";
    copy.inputs = {input};
    copy.outputs = {output};
  }
}

//===- The whole -----------------------------------------------------------------------------------------------------------------------------===//

template <typename Protos> static void readValues(const Protos &protos, std::vector<OnnxValueInfo> &values) {
  for (const onnx::ValueInfoProto &proto : protos) {
    OnnxValueInfo &value = values.emplace_back();
    value.name = proto.name();
    value.isTensor = proto.type().has_tensor_type();
    const onnx::TypeProto::Tensor &type = proto.type().tensor_type();
    value.dataType = type.elem_type();
    if (!type.has_shape())
      continue;
    value.dims.emplace();
    for (const onnx::TensorShapeProto::Dimension &proto : type.shape().dim()) {
      OnnxDim &dim = value.dims->emplace_back();
      // Some exporters write an unknown dimension as -1.
      if (proto.has_dim_value() && proto.dim_value() >= 0)
        dim.value = proto.dim_value();
      else if (proto.has_dim_param())
        dim.symbol = proto.dim_param();
    }
  }
}

void GraphReader::collectFunctions(const onnx::ModelProto &proto) {
  for (auto [i, function] : enumerate(proto.functions())) {
    functionLists[&function] = i + 1;
    if (function.name().empty())
      report.add(ImportReport::invalidModel, "function " + Twine(i) + " of the model has no name");
    else if (!functions.try_emplace(keyOf(standardDomain(function.domain()), function.name(), function.overload()), &function).second)
      report.add(ImportReport::invalidModel, "function '" + qualified(function) + "' is defined twice");
  }
}

void GraphReader::read(const onnx::ModelProto &proto) {
  const onnx::GraphProto &graph = proto.graph();
  // A file that protobuf can parse and the scanner cannot is legal; its tensors are then copied.
  located = scanTensors(file, where) && int(where.initializers.size()) == graph.initializer_size();
  for (const onnx::TensorProto &tensor : graph.initializer())
    taken.insert(tensor.name());
  for (const onnx::ValueInfoProto &input : graph.input())
    taken.insert(input.name());
  for (const onnx::NodeProto &node : graph.node())
    taken.insert_range(node.output());
  collectFunctions(proto);

  for (auto [i, initializer] : enumerate(graph.initializer())) {
    if (!checkName(initializer.name(), "initializer"))
      break;
    if (initializer.name().empty())
      report.add(ImportReport::invalidModel, "initializer " + Twine(i) + " of the graph has no name");
    else if (std::optional<OnnxTensor> tensor = readOne(initializer, located ? &where.initializers[i] : nullptr))
      model.initializers.push_back(std::move(*tensor));
  }
  Scope scope;
  for (auto [i, node] : enumerate(graph.node()))
    readNode(node, scope, i, 0, model.nodes);
  readValues(graph.input(), model.inputs);
  readValues(graph.output(), model.outputs);
  StringSet<> outputs;
  for (const OnnxValueInfo &info : model.inputs)
    checkName(info.name, "input");
  for (const OnnxValueInfo &info : model.outputs)
    if (checkName(info.name, "output") && !outputs.insert(info.name).second)
      report.add(ImportReport::invalidModel, "output '" + printable(info.name) + "' is declared twice");
}
