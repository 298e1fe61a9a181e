#include "compiler/import/GraphImporter.h"

#include "compiler/import/Inputs.h"
#include "compiler/import/Preprocess.h"
#include "compiler/import/Program.h"
#include "compiler/import/Registry.h"
#include "compiler/import/ShapeFold.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

/// Of operators that take any number: more than a network joins, and few enough for what looks at them in pairs.
constexpr size_t kMaxInputs = 1024;

/// Of --constant: such values are written into the IR.
constexpr size_t kMaxConstantBytes = 1024;

class GraphImporter {
public:
  GraphImporter(MLIRContext &context, const OnnxModel &model, const ImportOptions &options, ImportReport &report)
      : context(context), model(model), options(options), report(report), state{model, report, OpBuilder(&context), {}, {}, {}, ConstantBudget(model)} {
    state.importNode = [this](const OnnxNode &node) { importNode(node); };
  }

  OwningOpRef<ModuleOp> import() {
    // A model whose inputs are not known still has its nodes checked: one run names all that is unsupported.
    FailureOr<InputShapes> inputs = resolveInputs(model, options, report);
    OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
    state.builder.setInsertionPointToEnd(module->getBody());
    auto main = func::FuncOp::create(state.builder, state.builder.getUnknownLoc(), "main", state.builder.getFunctionType({}, {}));
    Block *body = main.addEntryBlock();
    state.builder.setInsertionPointToEnd(body);
    defineInitializers();
    if (succeeded(inputs)) {
      setAttributes(*module, *inputs);
      state.staticShapes = inputs->staticShapes;
      addArguments(main, *inputs);
    } else {
      for (const OnnxValueInfo &info : model.inputs)
        state.values[info.name].atRunTime = true; // and broken
    }
    for (const OnnxNode &node : model.nodes)
      importNode(node);
    addResults(main, body);
    if (!report.exitCode)
      state.budget.check(*module, report);
    if (report.exitCode)
      return {};
    return verified(std::move(module));
  }

private:
  void setAttributes(ModuleOp module, const InputShapes &inputs) {
    Builder &b = state.builder;
    module->setAttr(nn::NNDialect::kModelDirAttr, b.getStringAttr(model.directory));
    module->setAttr(nn::NNDialect::kModelNameAttr, b.getStringAttr(model.fileName));
    module->setAttr(nn::NNDialect::kModelHashAttr, b.getStringAttr(model.hash));
    if (!inputs.batchSymbol)
      return;
    module->setAttr(nn::NNDialect::kBatchSymbolAttr, b.getStringAttr(*inputs.batchSymbol));
    module->setAttr(nn::NNDialect::kBatchRangeAttr, b.getDenseI64ArrayAttr({inputs.batchRange.min, inputs.batchRange.max}));
  }

  void defineInitializers() {
    for (const OnnxTensor &tensor : model.initializers)
      if (!state.values.try_emplace(tensor.name, valueOf(&context, tensor)).second)
        report.add(ImportReport::invalidModel, "initializer '" + printable(tensor.name) + "' is defined twice");
    for (const OnnxValueInfo &info : model.inputs)
      if (auto given = options.constants.find(info.name); given != options.constants.end())
        defineConstant(info, given->second);
    for (const auto &entry : options.constants)
      if (llvm::none_of(model.inputs, [&](const OnnxValueInfo &info) { return info.name == entry.first(); }))
        report.add(ImportReport::usage, "--constant: the model has no input '" + printable(entry.first()) + "'");
  }

  /// An input of the graph whose value --constant gives.
  void defineConstant(const OnnxValueInfo &info, const ConstantInput &constant) {
    auto refuse = [&](const Twine &reason) { report.add(ImportReport::invalidModel, "--constant: input '" + printable(info.name) + "' " + reason); };
    if (constant.bytes.size() > kMaxConstantBytes)
      return refuse("has " + Twine(constant.bytes.size()) + " bytes; supported: up to " + Twine(kMaxConstantBytes) +
                    "; hint: make it an initializer of the model");
    if (info.isTensor && info.dataType != kUndefined && info.dataType != constant.dataType)
      return refuse("is " + dataTypeName(info.dataType) + " in the model (the file holds " + dataTypeName(constant.dataType) + ")");
    if (info.dims) {
      bool fits = info.dims->size() == constant.dims.size();
      for (size_t i = 0; fits && i < constant.dims.size(); ++i)
        fits = !(*info.dims)[i].value || *(*info.dims)[i].value == constant.dims[i];
      if (!fits)
        return refuse("has another shape in the model than in the file");
    }
    OnnxTensor tensor;
    tensor.name = info.name;
    tensor.dataType = constant.dataType;
    tensor.dims.assign(constant.dims.begin(), constant.dims.end());
    tensor.bytes = constant.bytes;
    if (!state.values.try_emplace(info.name, valueOf(&context, tensor)).second)
      refuse("has a value in the model already");
  }

  void addArguments(func::FuncOp main, const InputShapes &inputs) {
    for (const InputShapes::Input &input : inputs.inputs) {
      auto name = state.builder.getStringAttr(input.info->name);
      int32_t dataType = input.info->dataType;
      auto type = RankedTensorType::get(input.shape, elementType(&context, dataType));
      unsigned i = main.getNumArguments();
      if (failed(main.insertArgument(i, type, borderAttributes(name, dataType), NameLoc::get(name))))
        continue; // only of functions without a body
      if (auto own = model.preprocessed.find(input.info->name); own != model.preprocessed.end()) {
        (void)preprocess(state, own->second, options.inputFormats.at(input.info->name), main.getArgument(i));
        continue;
      }
      GraphValue &value = state.values[input.info->name];
      value.dataType = dataType;
      value.kind = GraphValue::Kind::data;
      value.data = main.getArgument(i);
      if (type.hasStaticShape() && type.getNumElements() == 0) { // nothing is computed from it
        OnnxNode empty;
        empty.outputs = {input.info->name};
        (void)NodeContext(state, empty).define(splatWeight(type, 0), 0, dataType);
      }
      // The size is checked as that of any other tensor.
      OnnxNode pseudo;
      pseudo.name = input.info->name;
      pseudo.op = "input";
      if (failed(NodeContext(state, pseudo).checkShape(input.shape))) {
        state.values[input.info->name] = GraphValue();
        state.values[input.info->name].atRunTime = true;
      }
    }
  }

  /// Name and, where the signless element type does not tell it, data type of an input or output.
  DictionaryAttr borderAttributes(StringAttr name, int32_t dataType) {
    NamedAttrList attributes;
    attributes.set(nn::NNDialect::kNameAttr, name);
    if (isIn(dataType, kUnsignedIntegers | kBools))
      attributes.set(nn::NNDialect::kDataTypeAttr, state.builder.getStringAttr(dataTypeName(dataType)));
    return attributes.getDictionary(&context);
  }

  void importNode(const OnnxNode &node) {
    NodeContext context(state, node);
    // Outputs are broken until they are defined, so that nodes which use them stay silent.
    bool fresh = true;
    for (const std::string &name : node.outputs) {
      if (name.empty())
        continue;
      if (llvm::is_contained(node.inputs, name) && !state.values.contains(name)) {
        (void)context.invalid("takes its own output '" + printable(name) + "' as input");
        fresh = false;
      }
      if (!state.values.try_emplace(name).second) {
        (void)context.invalid("defines '" + printable(name) + "', which is defined before");
        fresh = false;
      }
    }
    if (fresh && failed(importChecked(node, context)))
      context.defineBroken();
  }

  LogicalResult importChecked(const OnnxNode &node, NodeContext &context) {
    if (!node.domain.empty())
      return context.unsupported("operators of domain '" + printable(node.domain) + "' are not supported");
    const Operator *op = findOperator(node.op, context.opset());
    if (!op)
      return context.unsupported("the operator is not supported" + supportedOpsets(node.op));
    if (node.inputs.size() < op->minInputs || node.inputs.size() > op->maxInputs)
      return context.invalid("expects " + countOf(op->minInputs, op->maxInputs, "input") + " (got " + Twine(node.inputs.size()) + ")");
    if (node.inputs.size() > kMaxInputs)
      return context.unsupported("has " + Twine(node.inputs.size()) + " inputs; supported: up to " + Twine(kMaxInputs));
    if (node.outputs.empty() || node.outputs.size() > op->maxOutputs)
      return context.invalid("expects " + countOf(1, op->maxOutputs, "output") + " (got " + Twine(node.outputs.size()) + ")");
    if (!foldOnShapes(context) && failed(op->import(context)))
      return failure();
    return context.checkAllAttributesRead();
  }

  static std::string supportedOpsets(StringRef name) {
    std::string opsets = opsetsOf(name);
    return opsets.empty() ? "" : "; supported: opset " + opsets;
  }

  static std::string countOf(size_t min, size_t max, const char *noun) {
    std::string text = std::to_string(min);
    if (min != max)
      text += max == ~size_t(0) ? " or more" : " to " + std::to_string(max);
    return text + " " + noun + (max == 1 ? "" : "s");
  }

  void addResults(func::FuncOp main, Block *body) {
    SmallVector<Value> results, extents;
    SmallVector<DictionaryAttr> attributes, extentsAttributes;
    if (model.outputs.empty())
      report.add(ImportReport::invalidModel, "the model has no outputs");
    for (const OnnxValueInfo &info : model.outputs)
      if (Value result = resultFor(info)) {
        if (Value found = state.values[info.name].extents) {
          NamedAttribute ofResult(nn::NNDialect::kExtentsOfAttr, state.builder.getI64IntegerAttr(results.size()));
          extents.push_back(found);
          extentsAttributes.push_back(state.builder.getDictionaryAttr(ofResult));
        }
        results.push_back(result);
        attributes.push_back(borderAttributes(state.builder.getStringAttr(info.name), state.values[info.name].type()));
      }
    if (report.exitCode)
      return;
    // Behind all that the caller sees: what sizes the run finds.
    llvm::append_range(results, extents);
    llvm::append_range(attributes, extentsAttributes);
    func::ReturnOp::create(state.builder, state.builder.getUnknownLoc(), results);
    main.setType(state.builder.getFunctionType(body->getArgumentTypes(), ValueRange(results).getTypes()));
    for (auto [i, dictionary] : llvm::enumerate(attributes))
      main.setResultAttrs(i, dictionary);
  }

  Value resultFor(const OnnxValueInfo &info) {
    auto refuse = [&](int code, const Twine &reason) {
      report.add(code, "output '" + printable(info.name) + "' " + reason);
      return Value();
    };
    auto found = state.values.find(info.name);
    if (info.name.empty() || found == state.values.end())
      return refuse(ImportReport::invalidModel, "is not defined by any node");
    const GraphValue &value = found->second;
    if (value.kind == GraphValue::Kind::broken) {
      if (!report.exitCode) // whoever broke it should have said so
        report.add(ImportReport::internalError, "internal error: output '" + printable(info.name) + "' is not defined, and no message says why");
      return {};
    }
    if (value.kind == GraphValue::Kind::sequence)
      return refuse(ImportReport::unsupportedModel, "is a sequence; supported: tensors");
    if (value.kind == GraphValue::Kind::unavailable)
      return refuse(ImportReport::unsupportedModel, "is " + value.why);
    OnnxNode pseudo;
    pseudo.name = info.name;
    Value result = NodeContext(state, pseudo).materialize(value);
    if (!result)
      return refuse(ImportReport::unsupportedModel,
                    "depends on the batch size as " + value.shape.str() + ", which is not supported; hint: " + state.staticShapes);
    if (info.isTensor && info.dataType != kUndefined && info.dataType != value.type())
      return refuse(ImportReport::invalidModel, "is declared as " + dataTypeName(info.dataType) + ", but is " + dataTypeName(value.type()));
    ArrayRef<int64_t> shape = cast<ShapedType>(result.getType()).getShape();
    if (!info.dims)
      return result;
    if (info.dims->size() != shape.size())
      return refuse(ImportReport::invalidModel, "is declared with " + Twine(info.dims->size()) + " dimensions, but has " + Twine(shape.size()));
    for (auto [i, dim] : llvm::enumerate(*info.dims)) {
      // Exporters often declare the batch of their example input: a fixed declaration of a symbolic batch is no contradiction worth refusing.
      // Of a size that the run finds only the bound is known.
      bool fits = !dim.value || ShapedType::isDynamic(shape[i]) || (value.extents ? *dim.value <= shape[i] : *dim.value == shape[i]);
      if (!fits)
        return refuse(ImportReport::invalidModel, "is declared with dimension " + Twine(i) + " = " + Twine(*dim.value) + ", but has " + Twine(shape[i]));
    }
    return result;
  }

  /// What fails here is a bug of the importer, and must not go on.
  OwningOpRef<ModuleOp> verified(OwningOpRef<ModuleOp> module) {
    std::string message;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (message.empty())
        message = diagnostic.str();
      return success();
    });
    if (succeeded(verify(*module)))
      return module;
    report.add(ImportReport::internalError, "internal error: the imported module is not valid: " + message);
    return {};
  }

  MLIRContext &context;
  const OnnxModel &model;
  const ImportOptions &options;
  ImportReport &report;
  GraphState state;
};

} // namespace

OwningOpRef<ModuleOp> lathe::importer::importGraph(MLIRContext &context, const OnnxModel &model, const ImportOptions &options, ImportReport &report) {
  return GraphImporter(context, model, options, report).import();
}
