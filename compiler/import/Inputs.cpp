#include "compiler/import/Inputs.h"

#include "compiler/import/NodeContext.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace lathe;
using namespace lathe::importer;

namespace {

/// Larger extents are no shape of a network; products of a few of them are checked where they are made.
constexpr int64_t kMaxExtent = int64_t(1) << 31;

class Resolver {
public:
  Resolver(const OnnxModel &model, const ImportOptions &options, ImportReport &report) : model(model), options(options), report(report) {}

  FailureOr<InputShapes> resolve() {
    llvm::StringSet<> constants, names;
    for (const OnnxTensor &tensor : model.initializers)
      constants.insert(tensor.name);
    for (const auto &entry : options.constants)
      constants.insert(entry.first());
    for (const OnnxValueInfo &info : model.inputs) {
      if (constants.contains(info.name))
        continue; // files before IR version 4 list the weights as inputs, too
      if (!names.insert(info.name).second)
        add(ImportReport::invalidModel, info, "is declared twice");
      else
        resolve(info);
    }
    for (const auto &entry : options.shapes)
      if (!names.contains(entry.first()))
        report.add(ImportReport::usage, "--shapes: the model has no input '" + printable(entry.first()) + "'; inputs: " + listOf(names));
    if (report.exitCode)
      return failure();
    return std::move(result);
  }

private:
  void add(int code, const OnnxValueInfo &info, const Twine &reason) { report.add(code, "input '" + printable(info.name) + "' " + reason); }

  static std::string listOf(const llvm::StringSet<> &names) {
    SmallVector<StringRef> sorted(names.keys());
    llvm::sort(sorted);
    std::string text;
    for (StringRef name : sorted)
      text += (text.empty() ? "'" : ", '") + printable(name) + "'";
    return text.empty() ? "none" : text;
  }

  /// A --shapes that fixes everything which the model leaves open: the batch at 1, the rest at a usual image size.
  static std::string exampleFor(const OnnxValueInfo &info) {
    std::string text = "--shapes=" + printable(info.name) + ":";
    if (!info.dims)
      return text + "1x3x224x224";
    for (auto [i, dim] : llvm::enumerate(*info.dims))
      text += (i ? "x" : "") + std::to_string(dim.value ? *dim.value : i ? 224 : 1);
    return text;
  }

  void resolve(const OnnxValueInfo &info) {
    if (info.name.empty())
      return add(ImportReport::invalidModel, info, "has no name");
    if (!info.isTensor)
      return add(ImportReport::unsupportedModel, info, "is no tensor; supported: tensors");
    if (!isIn(info.dataType, kAllTypes))
      return add(ImportReport::unsupportedModel, info, "is " + dataTypeName(info.dataType) + "; supported: " + namesOf(kAllTypes));
    auto given = options.shapes.find(info.name);
    const std::vector<DimRange> *ranges = given == options.shapes.end() ? nullptr : &given->second;
    if (!info.dims && !ranges)
      return add(ImportReport::unsupportedModel, info, "has no shape; hint: give it, as in " + exampleFor(info));
    size_t rank = info.dims ? info.dims->size() : ranges->size();
    if (ranges && ranges->size() != rank)
      return add(ImportReport::usage, info, "has " + Twine(rank) + " dimensions (--shapes gives " + Twine(ranges->size()) + ")");

    InputShapes::Input input{&info, {}};
    for (size_t i = 0; i < rank; ++i) {
      std::optional<int64_t> extent = resolveDim(info, i, info.dims ? (*info.dims)[i] : OnnxDim(), ranges ? &(*ranges)[i] : nullptr);
      if (!extent)
        return;
      input.shape.push_back(*extent);
    }
    result.inputs.push_back(std::move(input));
  }

  std::optional<int64_t> resolveDim(const OnnxValueInfo &info, size_t i, const OnnxDim &dim, const DimRange *range) {
    auto refuse = [&](int code, const Twine &reason) {
      add(code, info, reason);
      return std::nullopt;
    };
    if (dim.value) {
      if (range && (range->min != *dim.value || range->max != *dim.value))
        return refuse(ImportReport::usage, "has dimension " + Twine(i) + " fixed at " + Twine(*dim.value) + " in the model; --shapes cannot change it");
      if (*dim.value > kMaxExtent)
        return refuse(ImportReport::unsupportedModel, "has dimension " + Twine(i) + " = " + Twine(*dim.value) + "; supported: up to 2^31");
      return *dim.value;
    }
    if (range && (range->min < 0 || range->max < range->min || (range->min == 0 && range->max > 0)))
      return refuse(ImportReport::usage, "has dimension " + Twine(i) + " = " + Twine(range->min) + ".." + Twine(range->max) +
                                             " in --shapes; expects a range that starts at 1 or more");
    if (range && range->min == range->max) {
      if (range->min > kMaxExtent)
        return refuse(ImportReport::unsupportedModel, "has dimension " + Twine(i) + " = " + Twine(range->min) + "; supported: up to 2^31");
      return range->min;
    }
    if (i) {
      std::string name = dim.symbol.empty() ? "" : " ('" + printable(dim.symbol) + "')";
      return refuse(ImportReport::unsupportedModel,
                    "has unknown dimension " + Twine(i) + name + "; only the batch, dimension 0, may be unknown; hint: give it, as in " + exampleFor(info));
    }
    return resolveBatch(info, dim, range);
  }

  /// All unknown leading dimensions are one batch if they have one name in the model, or one range in --shapes.
  std::optional<int64_t> resolveBatch(const OnnxValueInfo &info, const OnnxDim &dim, const DimRange *range) {
    if (!batchOwner) {
      batchOwner = &info;
      batchGiven = range;
      result.batchSymbol = dim.symbol.empty() ? "N" : dim.symbol;
      if (range)
        result.batchRange = *range;
      result.staticShapes = exampleFor(info);
      batchNamed = !dim.symbol.empty();
      return ShapedType::kDynamic;
    }
    bool sameName = batchNamed && dim.symbol == *result.batchSymbol;
    bool sameRange = range && batchGiven && range->min == batchGiven->min && range->max == batchGiven->max;
    if (sameName ? !range || sameRange : sameRange) {
      result.staticShapes += "," + StringRef(exampleFor(info)).drop_front(StringRef("--shapes=").size()).str();
      return ShapedType::kDynamic;
    }
    add(ImportReport::unsupportedModel, info,
        "has dimension 0 ('" + printable(dim.symbol) + "') unknown and not the same as that of '" + printable(batchOwner->name) + "' ('" +
            printable(*result.batchSymbol) + "'); one batch size is supported; hint: give both, as in " + exampleFor(*batchOwner) + "," +
            StringRef(exampleFor(info)).drop_front(StringRef("--shapes=").size()));
    return std::nullopt;
  }

  const OnnxModel &model;
  const ImportOptions &options;
  ImportReport &report;
  InputShapes result;
  const OnnxValueInfo *batchOwner = nullptr;
  const DimRange *batchGiven = nullptr;
  bool batchNamed = false;
};

} // namespace

FailureOr<InputShapes> lathe::importer::resolveInputs(const OnnxModel &model, const ImportOptions &options, ImportReport &report) {
  return Resolver(model, options, report).resolve();
}
