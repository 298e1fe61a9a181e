// lathe run: inputs from files, one inference, outputs to files, to the terminal, or against what is expected.
#include "tools/lathe-run/Commands.h"
#include "tools/lathe-run/Compare.h"
#include "tools/lathe-run/Model.h"
#include "tools/support/Arguments.h"
#include "tools/support/Status.h"
#include "tools/tensors/File.h"
#include "tools/tensors/Npy.h"
#include "tools/tensors/OnnxTensor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <optional>

namespace lathe::tools {

namespace {

struct RunOptions {
  std::string artifact, inputFolder, outputFolder, expectFolder, top, threads, relative, absolute;
  std::vector<std::string> inputs;
};

} // namespace

static bool endsWith(const std::string &text, const char *end) {
  size_t length = std::strlen(end);
  return text.size() >= length && text.compare(text.size() - length, length, end) == 0;
}

// The name with what file systems and shells take.
static std::string fileName(const std::string &name) {
  std::string text;
  for (char c : name)
    text += std::isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' ? c : '_';
  return text.substr(0, 200) + ".npy"; // file systems take 255 bytes, and a temporary's suffix is still to come
}

// "00-NAME.npy"
static std::string outputFileName(size_t index, const std::string &name) { return (index < 10 ? "0" : "") + std::to_string(index) + "-" + fileName(name); }

// The file in --expect's folder that holds this output: of ONNX test data, of --output-dir, or saved by hand under its name.
static std::string expectedFile(const std::string &folder, size_t index, const std::string &name) {
  std::string number = "output_" + std::to_string(index), tried;
  for (const std::string &file : {number + ".pb", number + ".npy", outputFileName(index, name), fileName(name)}) {
    std::string path = folder + "/" + file;
    if (std::filesystem::exists(path))
      return path;
    tried += (tried.empty() ? "" : ", ") + file;
  }
  throw Failure(InvalidInput, "--expect: " + folder + " has nothing for output '" + name + "': none of " + tried);
}

// input_0.pb, input_1.pb … of ONNX test data. A tensor's own name says which input it is, if it is the name of one; else its number does.
static void readInputFolder(const std::string &folder, const Model &model, std::vector<std::optional<Tensor>> &tensors) {
  if (!std::filesystem::is_directory(folder))
    throw Failure(InvalidInput, "--inputs: " + folder + " is not a folder");
  for (size_t i = 0;; ++i) {
    std::string path = folder + "/input_" + std::to_string(i) + ".pb";
    if (!std::filesystem::exists(path)) {
      if (i == 0)
        throw Failure(InvalidInput, "--inputs: " + folder + " has no input_0.pb");
      return;
    }
    NamedTensor read = readOnnxTensor(path);
    size_t index = i;
    for (size_t k = 0; k < model.inputs.size(); ++k)
      if (model.inputs[k].name == read.name)
        index = k;
    if (index >= model.inputs.size())
      throw Failure(InvalidInput, path + ": is input number " + std::to_string(i) + ", but the model has " + std::to_string(model.inputs.size()));
    tensors[index] = std::move(read.tensor);
  }
}

static std::vector<Tensor> readInputs(const RunOptions &options, const Model &model) {
  std::vector<std::optional<Tensor>> tensors(model.inputs.size());
  if (!options.inputFolder.empty())
    readInputFolder(options.inputFolder, model, tensors);
  for (const std::string &text : options.inputs) {
    // Names may hold colons themselves ("input:0"), so the mark is ":@".
    size_t mark = text.rfind(":@");
    bool nameless = text.rfind('@', 0) == 0 && mark == std::string::npos;
    if (mark == std::string::npos && !nameless)
      throw Failure(Usage, "--input is '" + text + "', expected NAME:@FILE.npy");
    if (nameless && model.inputs.size() != 1)
      throw Failure(Usage, "--input is '" + text + "' without a name, but the model has " + std::to_string(model.inputs.size()) + " inputs");
    size_t index = nameless ? 0 : model.inputIndex(text.substr(0, mark));
    tensors[index] = readTensor(text.substr(nameless ? 1 : mark + 2));
  }
  std::vector<Tensor> result;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i])
      throw Failure(InvalidInput, "input '" + model.inputs[i].name + "' is missing; give --input=" + model.inputs[i].name + ":@FILE.npy (" +
                                      lathe_dtype_name(model.inputs[i].dtype) + " " + model.inputs[i].text("N") + ")");
    result.push_back(std::move(*tensors[i]));
  }
  return result;
}

// The batch that the inputs mean, kept within what the model takes: whether they fit is for lathe_run to say.
static int64_t batchOf(const Model &model, const std::vector<Tensor> &inputs) {
  int64_t batch = model.minBatch;
  for (size_t i = 0; i < inputs.size(); ++i)
    batch = std::max(batch, model.inputs[i].batchOf(inputs[i].dims));
  return std::min(batch, model.maxBatch);
}

static void printSummary(const std::string &name, const Tensor &tensor) {
  double least = INFINITY, most = -INFINITY, sum = 0;
  size_t count = tensor.count(), odd = 0;
  for (size_t i = 0; i < count; ++i) {
    double value = tensor.at(i);
    odd += !std::isfinite(value);
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
  }
  std::printf("output '%s' %s %s", name.c_str(), lathe_dtype_name(tensor.dtype), dimsText(tensor.dims).c_str());
  if (count)
    std::printf(": min %.6g, max %.6g, mean %.6g", least, most, sum / double(count));
  if (odd)
    std::printf(", %zu not finite", odd);
  std::printf("\n");
}

static void printTop(const Tensor &tensor, size_t top) {
  size_t samples = tensor.dims.size() > 1 ? size_t(tensor.dims[0]) : 1;
  size_t each = samples ? tensor.count() / samples : 0;
  for (size_t s = 0; s < samples; ++s) {
    std::vector<size_t> order(each);
    std::iota(order.begin(), order.end(), s * each);
    size_t shown = std::min(top, each);
    // Ties and NaN must not confuse the order: by value, NaN last, then by index.
    auto before = [&](size_t a, size_t b) {
      double x = tensor.at(a), y = tensor.at(b);
      if (std::isnan(x) || std::isnan(y) || x == y)
        return std::isnan(x) == std::isnan(y) ? a < b : std::isnan(y);
      return x > y;
    };
    std::partial_sort(order.begin(), order.begin() + ptrdiff_t(shown), order.end(), before);
    for (size_t i = 0; i < shown; ++i)
      std::printf("  sample %zu, top %zu: index %zu, value %.9g\n", s, i + 1, order[i] - s * each, tensor.at(order[i]));
  }
}

static bool checkExpected(const RunOptions &options, const Tolerance &tolerance, const Model &model, const std::vector<Tensor> &outputs) {
  bool all = true;
  for (size_t i = 0; i < outputs.size(); ++i) {
    Comparison comparison = compare(outputs[i], readTensor(expectedFile(options.expectFolder, i, model.outputs[i].name)), tolerance);
    std::printf("output '%s' %s: %s\n", model.outputs[i].name.c_str(), comparison.equal ? "fits" : "DIFFERS", comparison.text.c_str());
    all &= comparison.equal;
  }
  return all;
}

int runCommand(const std::vector<std::string> &arguments) {
  RunOptions options;
  Arguments parser("run", "Run an artifact once.");
  parser.positional("artifact", options.artifact, "file written by lathe compile");
  parser.option("--input", options.inputs, "NAME:@FILE: an input from an .npy file, or an ONNX tensor (.pb); once per input");
  parser.option("--inputs", options.inputFolder, "FOLDER of ONNX test data: input_0.pb, input_1.pb …");
  parser.option("--output-dir", options.outputFolder, "FOLDER for the outputs: 00-NAME.npy, 01-NAME.npy …");
  parser.option("--expect", options.expectFolder, "FOLDER to compare with: output_0.pb (or .npy), 00-NAME.npy or NAME.npy …; exit code 7 if they differ");
  parser.option("--rtol", options.relative, "relative tolerance of --expect, default 1e-3");
  parser.option("--atol", options.absolute, "absolute tolerance of --expect, default 1e-7");
  parser.option("--top", options.top, "K: print the K largest values of each output and sample");
  parser.option("--threads", options.threads, "threads to use, default: all that the process may");
  if (!parser.parse(arguments))
    return Ok;
  int threads = options.threads.empty() ? 0 : integerArgument("--threads", options.threads, 1, 256);
  int top = options.top.empty() ? 0 : integerArgument("--top", options.top, 1, 1000000);
  Tolerance tolerance;
  if (!options.relative.empty())
    tolerance.relative = realArgument("--rtol", options.relative, 0, 1e30);
  if (!options.absolute.empty())
    tolerance.absolute = realArgument("--atol", options.absolute, 0, 1e30);

  Model model(options.artifact);
  std::vector<Tensor> inputs = readInputs(options, model);
  int64_t batch = batchOf(model, inputs);
  Context context(model, batch, threads);
  std::vector<Tensor> outputs = model.makeOutputs(batch);
  context.run(views(inputs), views(outputs));
  context.takeTrueDims(outputs);

  for (size_t i = 0; i < outputs.size(); ++i) {
    printSummary(model.outputs[i].name, outputs[i]);
    if (top)
      printTop(outputs[i], size_t(top));
  }
  if (!options.outputFolder.empty()) {
    makeFolder(options.outputFolder);
    for (size_t i = 0; i < outputs.size(); ++i)
      writeNpy(options.outputFolder + "/" + outputFileName(i, model.outputs[i].name), outputs[i]);
  }
  if (!options.expectFolder.empty() && !checkExpected(options, tolerance, model, outputs))
    return ExpectationFailed;
  return Ok;
}

} // namespace lathe::tools
