// lathe-compile: ONNX model -> artifact, IR of any phase, or a list of what is not supported. All flags are bound to CompileOptions here and nowhere else.
#include "compiler/Compile.h"
#include "compiler/Version.h"
#include "compiler/target/nvptx/Target.h"
#include "tools/support/Arguments.h"
#include "tools/support/Status.h"
#include "tools/tensors/OnnxTensor.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/TargetSelect.h"
#include <csignal>

using namespace lathe;
using lathe::tools::Arguments;
using lathe::tools::Failure;

/// Upstream's --mlir-* flags go to LLVM's own parser; ours do not use it, since lld resets every cl::opt of the process and aborts on equal names.
static void parseMlirFlags(const std::vector<std::string> &flags) {
  mlir::registerPassManagerCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  std::vector<const char *> argv{"lathe-compile"};
  for (const std::string &f : flags)
    argv.push_back(f.c_str());
  std::string errors;
  llvm::raw_string_ostream os(errors);
  if (!llvm::cl::ParseCommandLineOptions(argv.size(), argv.data(), "", &os))
    throw Failure(kUsage, "lathe compile: " + errors.substr(0, errors.find('\n')));
}

static std::optional<Phase> phaseArgument(const std::string &flag, const std::string &text) {
  if (text.empty())
    return std::nullopt;
  if (auto phase = parsePhase(text))
    return phase;
  throw Failure(kUsage, flag + " is '" + text + "', expected nn, linalg, memref, loops or llvm");
}

/// Flags that say nothing beside another one are mistakes, not wishes to be ignored.
static void refuse(bool present, const std::string &other, std::initializer_list<std::pair<const char *, bool>> flags) {
  for (auto [flag, given] : flags)
    if (present && given)
      throw Failure(kUsage, flag + (" has no effect with " + other));
}

/// "--opt-report" or "--opt-report=FILE": CLI11 has no flag with an optional value that does not swallow the next argument.
static void takeOptReport(std::vector<std::string> &arguments, CompileOptions &options) {
  std::erase_if(arguments, [&](const std::string &a) {
    size_t dashes = a.find_first_not_of('-');
    std::string flag = dashes == std::string::npos ? a : a.substr(dashes);
    if (dashes == 0 || dashes > 2 || (flag != "opt-report" && flag.rfind("opt-report=", 0) != 0))
      return false;
    options.optReport = true;
    if (flag.size() > 11)
      options.optReportFile = flag.substr(11);
    return true;
  });
}

/// "NAME:@FILE" of --constant, read like the inputs of `lathe run`.
static void readConstants(const std::vector<std::string> &specs, CompileOptions &options) {
  for (const std::string &spec : specs) {
    size_t colon = spec.rfind(":@");
    if (colon == std::string::npos || colon == 0 || colon + 2 == spec.size())
      throw Failure(kUsage, "--constant is '" + spec + "', expected NAME:@FILE");
    tools::Tensor tensor = tools::readTensor(spec.substr(colon + 2));
    ConstantInput constant{int32_t(tensor.dtype), tensor.dims, std::string(reinterpret_cast<const char *>(tensor.data.get()), tensor.bytes)};
    if (!options.constants.emplace(spec.substr(0, colon), std::move(constant)).second)
      throw Failure(kUsage, "--constant gives '" + spec.substr(0, colon) + "' twice");
  }
}

static void listOptionalPasses() {
  for (const OptionalPass &pass : optionalPasses())
    llvm::outs() << llvm::formatv("{0,-24} {1}\n", pass.name, pass.without);
}

/// "cse,nn-fuse-epilogue" into the order in which the passes run.
static void disablePasses(const std::string &text, PassSelection &selection) {
  llvm::SmallVector<llvm::StringRef> names;
  llvm::StringRef(text).split(names, ',', -1, /*KeepEmpty=*/false);
  for (const OptionalPass &pass : optionalPasses())
    if (llvm::is_contained(names, pass.name))
      selection.disabled.push_back(pass.name);
  for (llvm::StringRef name : names)
    if (llvm::none_of(optionalPasses(), [&](const OptionalPass &pass) { return name == pass.name; })) {
      std::string all;
      for (const OptionalPass &pass : optionalPasses())
        all += (all.empty() ? "" : ", ") + std::string(pass.name);
      throw Failure(kUsage, "--disable-pass is '" + name.str() + "', which cannot be left out; expected of: " + all);
    }
}

static int compileCommand(std::vector<std::string> arguments) {
  CompileOptions options;
  if (llvm::is_contained(arguments, "--disable-pass=help")) { // needs no model
    listOptionalPasses();
    return kOk;
  }
  takeOptReport(arguments, options);
  std::erase_if(arguments, [&](const std::string &a) {
    bool upstream = a.rfind("--mlir-", 0) == 0 || a.rfind("-mlir-", 0) == 0;
    if (upstream)
      options.mlirFlags.push_back(a);
    return upstream;
  });
  for (std::string &a : arguments) // -O0 and -O3 as every compiler has them
    if (a.size() == 3 && a.rfind("-O", 0) == 0)
      a = "--optimization=" + a.substr(2);

  // Empty unless given: what is given must have an effect.
  bool noWinograd = false, tf32 = false, fp16 = false, bf16 = false;
  std::string target, from, to, emit, weights, level, threads, disabled;
  std::vector<std::string> constants, formats, means, scales, resizes;
  options.cpu.clear();
  Arguments flags("compile", "Compiles an ONNX model ahead of time to an artifact that `lathe run` and the runtime library load.");
  flags.positional("model", options.input, "the ONNX model, or IR with --compile-from");
  flags.option("-o,--output", options.output, "the artifact to write; - for standard output, where text is written");
  flags.option("--target", target, "cpu (default), cuda");
  flags.option("--gpu-arch", options.gpuArch,
               "of --target=cuda: what is embedded, such as sm_80,sm_90,compute_80: sm_NN is machine code, made by ptxas, compute_NN PTX; "
               "default: PTX for compute_80, which is there in any case");
  flags.flag("--no-ptx", options.noPtx, "of --target=cuda: no PTX beside what --gpu-arch says");
  flags.flag("--tf32", tf32, "of --target=cuda: convolutions and products round their factors to 10 bits of fraction");
  flags.flag("--fp16", fp16, "of --target=cuda: weights and intermediate values are stored as f16, and computed with in f32");
  flags.flag("--bf16", bf16, "the same with bf16");
  flags.option("--mcpu", options.cpu, "native (default), x86-64-v3, x86-64-v4, a CPU name of LLVM");
  flags.option("--mtriple", options.triple, "the machine to compile for, such as aarch64-linux-gnu; default: this one");
  flags.option("--target-description", options.targetDescription, "a file that replaces the built-in description of the CPU family");
  flags.option("--shapes", options.shapes, "NAME:DIMS, such as x:1..32x3x224x224; once per input");
  flags.option("--constant", constants, "NAME:@FILE (.npy or .pb): an input that is known, such as a shape; once per input");
  flags.option("--input-format", formats, "NAME:u8:nhwc[:HxW][:bgr]: an input of images is fed as bytes (or f32, nchw), and converted as part of the network");
  flags.option("--mean", means, "[NAME:]V,V,V: the model gets (x - mean) * scale of such an input, per channel in the model's order");
  flags.option("--scale", scales, "[NAME:]V,V,V: see --mean");
  flags.option("--resize", resizes, "[NAME:]HxW: such an input is resized first, bilinear");
  flags.option("--optimization", level, "0: no fusion, no tiling, for debugging; 3 (default); also -O0, -O3");
  flags.option("--disable-pass", disabled, "NAME,… of optional passes that are left out, to find the one at fault; help lists them");
  flags.flag("--no-winograd", noWinograd, "convolutions by their definition: smaller rounding errors and weights; the same as --disable-pass=winograd");
  flags.option("--compile-to", to, "stop at the end of a phase and write its IR: nn, linalg, memref, loops, llvm");
  flags.option("--compile-from", from, "resume from IR at the end of a phase");
  flags.option("--emit", emit, "so (default), obj; asm for CPUs, ptx for GPUs: the kernels as text");
  flags.option("--weights", weights, "embed (default) or file: into OUTPUT.weights");
  flags.option("--external-data-root", options.externalDataRoot, "permits external weights that are links, inside this folder");
  flags.option("--threads", threads, "threads of the compiler; default: as many as this process may use");
  flags.option("--dump-ir", options.dumpDirectory, "a folder for the IR after each pass that changed it, and index.html");
  std::string optReportHelp; // taken above; listed for --help
  flags.option("--opt-report", optReportHelp, "[=FILE] per ONNX node: what was fused, laid out and tiled, and why or why not");
  flags.option("--step-table", options.stepTableFile, "a JSON file that says which buffers each step of the plan writes, for lathe compare");
  flags.flag("--time-passes", options.timePasses, "a table of passes with their times, on standard error");
  flags.flag("--verify-each", options.verifyEach, "verify the IR after each pass, not only after each phase");
  if (!flags.parse(arguments))
    return kOk;

  readConstants(constants, options);
  std::string formatError;
  auto inputFormats = parseInputFormats(formats, means, scales, resizes, formatError);
  if (!inputFormats)
    throw Failure(kUsage, formatError);
  options.inputFormats = std::move(*inputFormats);
  if (!target.empty() && target != "cpu" && target != "cuda")
    throw Failure(kUsage, "--target is '" + target + "', expected cpu or cuda");
  options.cuda = target == "cuda";
  if (!options.cuda && from.empty() && (!options.gpuArch.empty() || options.noPtx))
    throw Failure(kUsage, (options.noPtx ? "--no-ptx is given" : "--gpu-arch is '" + options.gpuArch + "'") + ", expected with --target=cuda only");
  options.precision = tf32 ? "tf32" : fp16 ? "f16" : bf16 ? "bf16" : "";
  if (tf32 + fp16 + bf16 > 1)
    throw Failure(kUsage, "expected one of --tf32, --fp16 and --bf16");
  if (!options.cuda && !options.precision.empty())
    throw Failure(kUsage, std::string(tf32 ? "--tf32" : fp16 ? "--fp16" : "--bf16") + " is expected with --target=cuda only");
  if (options.cuda)
    refuse(true, "--target=cuda, which has --gpu-arch",
           {{"--mcpu", !options.cpu.empty()}, {"--mtriple", !options.triple.empty()}, {"--target-description", !options.targetDescription.empty()}});
  options.compileFrom = phaseArgument("--compile-from", from);
  options.compileTo = phaseArgument("--compile-to", to);
  if (options.compileFrom && options.compileTo && *options.compileTo <= *options.compileFrom)
    throw Failure(kUsage, "--compile-to is '" + to + "', expected a phase after --compile-from=" + from);
  refuse(options.compileFrom.has_value(), "--compile-from, whose IR holds this choice",
         {{"--target", !target.empty()},
          {"--tf32", tf32},
          {"--fp16", fp16},
          {"--bf16", bf16},
          {"--mcpu", !options.cpu.empty()},
          {"--mtriple", !options.triple.empty()},
          {"--target-description", !options.targetDescription.empty()},
          {"--shapes", !options.shapes.empty()},
          {"--constant", !constants.empty()},
          {"--input-format", !formats.empty()},
          {"--optimization", !level.empty()},
          {"--disable-pass", !disabled.empty()},
          {"--no-winograd", noWinograd},
          {"--external-data-root", !options.externalDataRoot.empty()}});
  refuse(options.compileTo.has_value(), "--compile-to, which writes IR",
         {{"--emit", !emit.empty()}, {"--weights", !weights.empty()}, {"--step-table", !options.stepTableFile.empty()}});
  auto defaultTo = [](std::string &value, const char *standard) { value = value.empty() ? standard : value; };
  defaultTo(options.cpu, "native");
  defaultTo(emit, "so");
  defaultTo(weights, "embed");
  defaultTo(level, "3");
  bool known = emit == "so" || emit == "obj" || (emit == "asm" && !options.cuda) || (emit == "ptx" && (options.cuda || options.compileFrom));
  if (!known)
    throw Failure(kUsage, "--emit is '" + emit + "', expected " + (options.cuda ? "so, obj or ptx for --target=cuda" : "so, obj or asm"));
  options.emit = emit == "so" ? Emit::so : emit == "obj" ? Emit::obj : emit == "ptx" ? Emit::ptx : Emit::assembly;
  if (options.cuda)
    for (llvm::StringRef pass : passesWithoutGpuForm())
      disabled += "," + pass.str();
  if (weights != "embed" && weights != "file")
    throw Failure(kUsage, "--weights is '" + weights + "', expected embed or file");
  options.weightsInFile = weights == "file";
  if (level != "0" && level != "3")
    throw Failure(kUsage, "--optimization is '" + level + "', expected 0 or 3");
  options.passes.optLevel = level == "0" ? 0 : 3;
  if (noWinograd)
    disabled += ",winograd";
  disablePasses(disabled, options.passes);
  if (!threads.empty())
    options.threads = tools::integerArgument("--threads", threads, 1, 1024);
  bool text = options.compileTo || options.emit == Emit::assembly || options.emit == Emit::ptx;
  if (options.output.empty()) {
    if (!text)
      throw Failure(kUsage, "-o is missing: the artifact to write");
    options.output = "-";
  }
  if (options.output == "-" && !text)
    throw Failure(kUsage, "-o is '-', expected a file for " + emit);
  parseMlirFlags(options.mlirFlags);
  return compile(options);
}

static int checkCommand(const std::vector<std::string> &arguments) {
  CompileOptions options;
  std::vector<std::string> constants;
  Arguments flags("check", "Lists every node of an ONNX model that cannot be compiled, without compiling.");
  flags.positional("model", options.input, "the ONNX model");
  flags.option("--shapes", options.shapes, "NAME:DIMS, such as x:1..32x3x224x224; once per input");
  flags.option("--constant", constants, "NAME:@FILE (.npy or .pb): an input that is known, such as a shape; once per input");
  flags.option("--external-data-root", options.externalDataRoot, "permits external weights that are links, inside this folder");
  flags.flag("--json", options.json, "the findings as JSON on standard output (docs/Diagnostics.md)");
  if (!flags.parse(arguments))
    return kOk;
  readConstants(constants, options);
  return check(options);
}

int main(int argc, char **argv) {
  // A file that may not grow further is a write that fails, and no crash. Blocked in all threads, since LLVM sets a handler of its own later.
  sigset_t tooLarge;
  sigemptyset(&tooLarge);
  sigaddset(&tooLarge, SIGXFSZ);
  sigprocmask(SIG_BLOCK, &tooLarge, nullptr);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (!arguments.empty() && (arguments[0] == "--version" || arguments[0] == "-version")) {
      llvm::outs() << compilerVersion() << '\n';
      return kOk;
    }
    if (!arguments.empty() && arguments[0] == "check")
      return checkCommand({arguments.begin() + 1, arguments.end()});
    return compileCommand(std::move(arguments));
  } catch (const Failure &failure) {
    llvm::errs() << "error: " << failure.what() << '\n';
    return failure.code;
  }
}
