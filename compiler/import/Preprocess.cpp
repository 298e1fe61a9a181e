#include "compiler/import/Preprocess.h"

#include "compiler/import/Composite.h"
#include "compiler/import/NodeContext.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

constexpr size_t kRank = 4; // [N, C, H, W]

/// "input 'x' of --input-format …" into the report.
LogicalResult refuse(ImportReport &report, int code, const OnnxValueInfo &info, const Twine &reason) {
  report.add(code, "--input-format: input '" + printable(info.name) + "' " + reason);
  return failure();
}

LogicalResult declareRaw(OnnxValueInfo &info, const InputFormat &format, ImportReport &report) {
  auto usage = [&](const Twine &reason) { return refuse(report, ImportReport::usage, info, reason); };
  if (!info.isTensor || !isIn(info.dataType, setOf({kFloat, kFloat16})))
    return usage("is " + (info.isTensor ? dataTypeName(info.dataType) : "no tensor") + " in the model; supported: float32, float16");
  if (!info.dims || info.dims->size() != kRank || !(*info.dims)[1].value)
    return usage("is no batch of images in the model; expects dimensions [N, C, H, W] with a known C");
  std::vector<OnnxDim> &dims = *info.dims;
  int64_t channels = *dims[1].value;
  for (auto [flag, values] : {std::pair("--mean", &format.mean), std::pair("--scale", &format.scale)})
    if (values->size() > 1 && static_cast<int64_t>(values->size()) != channels)
      return usage("has " + Twine(channels) + " channels; " + flag + " gives " + Twine(values->size()) + " numbers, expected 1 or " + Twine(channels));
  auto text = [](const InputFormat::Size &size) { return std::to_string(size.height) + "x" + std::to_string(size.width); };
  auto setSize = [](OnnxDim &height, OnnxDim &width, const InputFormat::Size &size) {
    height = {size.height, ""};
    width = {size.width, ""};
  };
  auto contradicts = [&](const InputFormat::Size &size) {
    return (dims[2].value && *dims[2].value != size.height) || (dims[3].value && *dims[3].value != size.width);
  };
  std::string modelSize = (dims[2].value ? std::to_string(*dims[2].value) : "?") + "x" + (dims[3].value ? std::to_string(*dims[3].value) : "?");
  if (format.resize && contradicts(*format.resize))
    return usage("is " + modelSize + " in the model; --resize=" + text(*format.resize) + " cannot be fed to it");
  if (!format.resize && format.source && contradicts(*format.source))
    return usage("is " + modelSize + " in the model and " + text(*format.source) + " in the format; hint: --resize=" + modelSize);
  OnnxDim height = dims[2], width = dims[3];
  if (format.source)
    setSize(height, width, *format.source);
  else if (format.resize)
    height = width = OnnxDim(); // --shapes may tell
  if (format.channelsLast)
    dims = {dims[0], height, width, dims[1]};
  else
    dims = {dims[0], dims[1], height, width};
  info.dataType = format.isBytes ? kUInt8 : kFloat;
  return success();
}

} // namespace

LogicalResult lathe::importer::declareRawInputs(OnnxModel &model, const ImportOptions &options, ImportReport &report) {
  for (const auto &[name, format] : options.inputFormats) {
    auto info = llvm::find_if(model.inputs, [&](const OnnxValueInfo &i) { return i.name == name; });
    if (info == model.inputs.end()) {
      report.add(ImportReport::usage, "--input-format: the model has no input '" + printable(name) + "'");
      return failure();
    }
    if (options.constants.contains(name))
      return refuse(report, ImportReport::usage, *info, "cannot have a --constant, too");
    if (llvm::any_of(model.outputs, [&](const OnnxValueInfo &output) { return output.name == name; }))
      return refuse(report, ImportReport::usage, *info, "is an output of the model, too");
    model.preprocessed[name] = *info;
    if (failed(declareRaw(*info, format, report)))
      return failure();
  }
  return success();
}

LogicalResult lathe::importer::preprocess(GraphState &state, const OnnxValueInfo &declared, const InputFormat &format, Value raw) {
  // No name of the graph: what is built never meets the model's own values.
  OnnxNode node;
  node.name = declared.name;
  node.op = "Preprocessing";
  node.inputs = {"\x01raw\x01" + declared.name};
  node.outputs = {declared.name};
  GraphValue &input = state.values[node.inputs.front()];
  input.kind = GraphValue::Kind::data;
  input.data = raw;
  input.dataType = format.isBytes ? kUInt8 : kFloat;
  state.values.try_emplace(declared.name);
  NodeContext context(state, node);
  Composite c(context);

  Composite::Name x = c.cast(c.input(0), kFloat);
  int64_t channels = *(*declared.dims)[1].value;
  if (format.resize) {
    std::vector<int64_t> axes = format.channelsLast ? std::vector<int64_t>{1, 2} : std::vector<int64_t>{2, 3};
    x = c.op(
        "Resize", {x, "", "", c.integers({format.resize->height, format.resize->width})},
        {{"axes", axes}, {"mode", "linear"}, {"antialias", int64_t(1)}, {"exclude_outside", int64_t(1)}, {"coordinate_transformation_mode", "half_pixel"}});
  }
  if (format.channelsLast)
    x = c.transpose(x, {0, 3, 1, 2});
  if (format.reversed && channels > 1) {
    SmallVector<int64_t> order;
    for (int64_t i = channels; i-- > 0;)
      order.push_back(i);
    x = c.op("Gather", {x, c.integers(order)}, {{"axis", int64_t(1)}});
  }
  auto perChannel = [&](const std::vector<double> &values) {
    SmallVector<float> numbers(values.begin(), values.end());
    auto type = RankedTensorType::get(values.size() == 1 ? ArrayRef<int64_t>{} : ArrayRef<int64_t>{channels, 1, 1}, state.builder.getF32Type());
    return c.constant(nn::WeightAttr::get(state.builder.getContext(), DenseElementsAttr::get(type, ArrayRef(numbers)), type, {}));
  };
  if (!format.mean.empty())
    x = c.op("Sub", {x, perChannel(format.mean)});
  if (!format.scale.empty())
    x = c.op("Mul", {x, perChannel(format.scale)});
  return c.define(c.cast(x, declared.dataType));
}
