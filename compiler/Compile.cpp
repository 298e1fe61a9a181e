#include "compiler/Compile.h"

#include "compiler/CheckReport.h"
#include "compiler/OptReport.h"
#include "compiler/Pipeline.h"
#include "compiler/Registration.h"
#include "compiler/SpillCheck.h"
#include "compiler/Version.h"
#include "compiler/artifact/Artifact.h"
#include "compiler/artifact/StepTable.h"
#include "compiler/import/Import.h"
#include "compiler/inspect/IRDumper.h"
#include "compiler/inspect/IRText.h"
#include "compiler/inspect/Reproducer.h"
#include "compiler/inspect/Runner.h"
#include "compiler/target/cpu/Codegen.h"
#include "compiler/target/cpu/Target.h"
#include "compiler/target/nvptx/Codegen.h"
#include "compiler/target/nvptx/Images.h"
#include "compiler/target/nvptx/Target.h"

#include "dialects/nn/NNDialect.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/verify/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"

#include <chrono>

using namespace mlir;
using namespace lathe;

namespace {

int fail(int code, const Twine &message) {
  llvm::errs() << "error: " << message << '\n';
  return code;
}

/// Writes text beside `path` and renames it; to standard output for "-".
int writeText(StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> print) {
  if (path == "-" || path.empty()) {
    print(llvm::outs());
    llvm::outs().flush();
    return llvm::outs().has_error() ? fail(kOutputFailed, "standard output cannot be written") : kOk;
  }
  // Renaming would replace a device or a pipe by an ordinary file.
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(path, status) && status.type() != llvm::sys::fs::file_type::regular_file) {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code);
    if (!code) {
      print(os);
      os.close();
      code = os.error();
      os.clear_error();
    }
    return code ? fail(kOutputFailed, "'" + path + "' cannot be written: " + code.message()) : kOk;
  }
  llvm::Expected<llvm::sys::fs::TempFile> file = llvm::sys::fs::TempFile::create(path + ".tmp-%%%%%%", llvm::sys::fs::all_read | llvm::sys::fs::owner_write);
  if (!file)
    return fail(kOutputFailed, "'" + path + "' cannot be written: " + llvm::toString(file.takeError()));
  bool bad;
  std::string reason;
  {
    llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
    print(os);
    os.flush();
    bad = os.has_error();
    if (bad)
      reason = os.error().message();
    os.clear_error();
  }
  if (bad) {
    llvm::consumeError(file->discard());
    return fail(kOutputFailed, "'" + path + "' cannot be written: " + reason);
  }
  if (llvm::Error e = file->keep(path))
    return fail(kOutputFailed, "'" + path + "' cannot be written: " + llvm::toString(std::move(e)));
  return kOk;
}

/// "x:1..32x3x224x224" into the importer's form.
bool parseShapes(ArrayRef<std::string> specs, llvm::StringMap<std::vector<DimRange>> &shapes, std::string &error) {
  for (const std::string &spec : specs) {
    // The name is before the last colon: ONNX names may hold colons, dims do not.
    auto [name, dims] = StringRef(spec).rsplit(':');
    SmallVector<StringRef> parts;
    dims.split(parts, 'x');
    std::vector<DimRange> ranges;
    for (StringRef part : parts) {
      auto [low, high] = part.split("..");
      DimRange range;
      if (low.getAsInteger(10, range.min) || (part.contains("..") ? high.getAsInteger(10, range.max) : low.getAsInteger(10, range.max)) || range.min < 0 ||
          range.max < range.min || (range.min == 0 && range.max > 0)) {
        error = "--shapes=" + spec + ": expects NAME:D1xD2x…, each a number or a range such as 1..32";
        return false;
      }
      ranges.push_back(range);
    }
    if (name.empty()) {
      error = "--shapes=" + spec + ": expects an input's name before the colon";
      return false;
    }
    shapes[name] = std::move(ranges);
  }
  return true;
}

/// "/conv1/Conv + /relu/Relu: " or "file:3:5: " for the location of a diagnostic; "" if it has none.
std::string prefixOf(Location loc) {
  std::string nodes, file;
  loc->walk([&](Location part) {
    if (auto name = dyn_cast<NameLoc>(part)) {
      nodes += (nodes.empty() ? "" : " + ") + name.getName().str();
      return WalkResult::skip();
    }
    if (auto line = dyn_cast<FileLineColLoc>(part); line && file.empty())
      file = (line.getFilename().getValue() + ":" + Twine(line.getLine()) + ":" + Twine(line.getColumn())).str();
    return WalkResult::advance();
  });
  const std::string &text = nodes.empty() ? file : nodes;
  return text.empty() ? "" : text + ": ";
}

/// False after an error on standard error.
bool importOptions(const CompileOptions &options, ImportOptions &import) {
  import.externalDataRoot = options.externalDataRoot;
  for (const auto &[name, constant] : options.constants)
    import.constants[name] = constant;
  import.inputFormats = options.inputFormats;
  std::string error;
  if (parseShapes(options.shapes, import.shapes, error))
    return true;
  fail(kUsage, error);
  return false;
}

class Compilation {
public:
  explicit Compilation(const CompileOptions &options) : options(options), context(MLIRContext::Threading::DISABLED) {
    DialectRegistry registry;
    registerPipelineDialects(registry);
    context.appendDialectRegistry(registry);
    threads = options.threads ? options.threads : llvm::hardware_concurrency().compute_thread_count();
    if (threads > 1) {
      pool = std::make_unique<llvm::DefaultThreadPool>(llvm::hardware_concurrency(threads));
      context.setThreadPool(*pool);
    }
    context.loadDialect<nn::NNDialect>();
    context.getDiagEngine().registerHandler([](Diagnostic &d) {
      if (d.getSeverity() == DiagnosticSeverity::Error)
        llvm::errs() << "error: " << prefixOf(d.getLocation()) << StringRef(d.str()).split('\n').first << '\n';
      return success();
    });
  }

  int run() {
    // Until there is IR, the model itself is what reproduces a crash.
    Reproducer beforeIR("", "", kInternalError);
    if (options.optReport && failed(report.attach(context)))
      return fail(kInternalError, "the remark engine cannot be set up");
    if (int code = work("import", options.compileFrom ? "parse" : "import", [&] { return load(); }))
      return code;
    if (options.optReport)
      report.setOrder(*module);
    if (int code = startDump())
      return code;
    int code = transform();
    if (!code)
      code = options.compileTo ? writeIR() : generate();
    // The dump is finished on failure too: that is when it is read.
    if (int dumpCode = finishDump())
      code = code ? code : dumpCode;
    if (options.timePasses)
      printTimes(records, llvm::errs());
    return code;
  }

private:
  /// Runs a part of the compilation that is no pass: a row of its own in the table of times and in the dump.
  int work(const char *phase, const char *name, llvm::function_ref<int()> part, bool changesModule = false) {
    StepRecord record{phase, name};
    if (dumper)
      dumper->beginStep(record);
    Reproducer::setRunning("in step", name);
    auto start = std::chrono::steady_clock::now();
    int code = part();
    Reproducer::setRunning({}, {});
    record.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    record.failed = code != kOk;
    if (dumper && changesModule)
      dumper->addStep(record, *module);
    else if (dumper)
      dumper->addWork(record);
    records.push_back(std::move(record));
    return code;
  }

  int load() {
    if (options.compileFrom) {
      llvm::SourceMgr sources;
      std::string error;
      auto buffer = llvm::MemoryBuffer::getFile(options.input);
      if (!buffer)
        return fail(kInvalidInput, "'" + options.input + "' cannot be read: " + buffer.getError().message());
      sources.AddNewSourceBuffer(std::move(*buffer), {});
      module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
      if (!module)
        return fail(kInvalidInput, "'" + options.input + "' is not IR of phase " + phaseName(*options.compileFrom));
      if (!(*module)->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr) || !(*module)->getAttrOfType<StringAttr>(nn::NNDialect::kFlagsAttr))
        return fail(kInvalidInput, "'" + options.input + "' lacks the module attributes " + nn::NNDialect::kTargetAttr + " and " + nn::NNDialect::kFlagsAttr);
      // What was edited by hand is checked like what a phase of ours has left.
      PassManager contract(&context);
      contract.addPass(passes::createVerifyPhasePass({phaseName(*options.compileFrom).str()}));
      if (failed(contract.run(*module)))
        return fail(kInvalidInput, "'" + options.input + "' is not IR at the end of phase " + phaseName(*options.compileFrom));
      return kOk;
    }
    ImportOptions import;
    if (!importOptions(options, import))
      return kUsage;
    std::string error;
    FailureOr<nn::TargetAttr> target = options.cuda ? gpuTarget(error) : resolveTarget(context, options.triple, options.cpu, error, options.targetDescription);
    if (failed(target))
      return fail(kUsage, error);
    ImportReport imported;
    module = importOnnx(context, options.input, import, imported);
    for (const std::string &message : imported.messages)
      llvm::errs() << "error: " << message << '\n';
    if (!module)
      return imported.exitCode ? imported.exitCode : kInternalError;
    Builder b(&context);
    (*module)->setAttr(nn::NNDialect::kTargetAttr, *target);
    (*module)->setAttr(nn::NNDialect::kFlagsAttr, b.getStringAttr(options.passes.flags()));
    if (!options.precision.empty())
      (*module)->setAttr(nn::NNDialect::kPrecisionAttr, b.getStringAttr(options.precision));
    return kOk;
  }

  int startDump() {
    if (options.dumpDirectory.empty())
      return kOk;
    std::string error;
    SmallVector<std::pair<StringRef, StringRef>> phases;
    for (const PhaseInfo &info : allPhases())
      phases.push_back({info.name, info.description});
    auto created = IRDumper::create(options.dumpDirectory, llvm::sys::path::filename(options.input), phases, error);
    if (failed(created))
      return fail(kOutputFailed, error);
    dumper = std::move(*created);
    dumper->begin(*module, options.compileFrom ? phaseName(*options.compileFrom) : "import", records.front().milliseconds);
    return kOk;
  }

  int finishDump() {
    std::string error;
    if (dumper && failed(dumper->finish(error)))
      return fail(kOutputFailed, error);
    return kOk;
  }

  int transform() {
    Phase to = options.compileTo.value_or(Phase::llvm);
    bool hasKernels = options.compileFrom && *options.compileFrom > Phase::memref;
    if (hasKernels)
      return transform(options.compileFrom, to);
    if (int code = transform(options.compileFrom, std::min(to, Phase::memref)); code || to <= Phase::memref)
      return code;
    // The last phase whose text is small: what code generation is replayed from.
    kernelsText = printWithLocations(*module);
    if (passes().runs("spill-check")) {
      // Whoever looks at the loops sees those that are compiled; else there is code anyway before it is known whether it spills.
      if (!dumper && !options.compileTo)
        untiled = cast<ModuleOp>((*module)->clone());
      else if (int code = work("memref", "spill-check", [&] { return checkSpills(*module, {}); }, /*changesModule=*/true))
        return code;
    }
    return transform(Phase::memref, to);
  }

  int transform(std::optional<Phase> from, Phase to) {
    RunOptions run;
    run.dumper = dumper.get();
    if (options.timePasses)
      run.records = &records;
    run.reproducerPath = reproducerPath();
    run.crashExitCode = kInternalError;
    run.verify = options.verifyEach || dumper; // a dump that names the guilty pass is worth the time
    run.configure = [](PassManager &pm) { return applyPassManagerCLOptions(pm); };
    std::string error;
    std::vector<PipelineStep> steps = buildPipeline(from, to, passes());
    if (failed(runPipeline(*module, steps, run, error)))
      return fail(kInternalError, error);
    return kOk;
  }

  CodegenOptions codegenOptions() {
    CodegenOptions codegen;
    codegen.threads = threads;
    codegen.optimize = passes().runs("codegen");
    codegen.keepLLVMIR = dumper != nullptr;
    codegen.keepAssembly = dumper || options.emit == Emit::assembly;
    codegen.onKernel = [](StringRef kernel) { Reproducer::setRunning("while it generated code for kernel", kernel); };
    return codegen;
  }

  /// The lowest architecture of those that are embedded.
  FailureOr<nn::TargetAttr> gpuTarget(std::string &error) {
    FailureOr<GpuArchs> archs = parseGpuArchs(options.gpuArch, options.noPtx || listsForText(), error);
    return failed(archs) ? FailureOr<nn::TargetAttr>(failure()) : resolveGpuTarget(context, "sm_" + std::to_string(archs->lowest()), error);
  }

  /// PTX as text is that of the lowest architecture that is named, and no other is added.
  bool listsForText() const { return options.emit == Emit::ptx && !options.gpuArch.empty(); }

  /// A resumed compilation goes on as it was begun.
  PassSelection passes() { return PassSelection::fromFlags((*module)->getAttrOfType<StringAttr>(nn::NNDialect::kFlagsAttr).getValue()); }

  /// Before the output, so that none is left if the report cannot be written.
  int writeReport() {
    if (!options.optReport)
      return kOk;
    report.setGroups(*module);
    return writeText(options.optReportFile, [&](llvm::raw_ostream &os) { report.print(os); });
  }

  /// With locations, without which a resumed compilation would name its kernels otherwise.
  int writeIR() {
    if (int code = writeReport())
      return code;
    return writeText(options.output, [&](llvm::raw_ostream &os) { os << printWithLocations(*module); });
  }

  /// One file per model; the reproducer of a reproducer replaces it.
  std::string reproducerPath() {
    StringRef stem = llvm::sys::path::stem(options.input);
    stem.consume_front("lathe-reproducer-");
    return "lathe-reproducer-" + stem.str() + ".mlir";
  }

  int checkSpills(ModuleOp tiled, std::vector<Object> objects);
  int checkSpillsOf(std::vector<Object> &objects);
  int generate();
  int generatePtx(unsigned arch);
  int generateForGpu();
  int writeSteps();
  int writeOutput(ArrayRef<Object> objects, const GpuCode *gpu);

  const CompileOptions &options;
  unsigned threads = 1;
  std::unique_ptr<llvm::DefaultThreadPool> pool; // outlives the context
  MLIRContext context;
  OptReport report;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<IRDumper> dumper;
  std::vector<StepRecord> records;
  std::string kernelsText;       // the module at the end of phase memref
  OwningOpRef<ModuleOp> untiled; // the same, if its tiles have not been checked
  std::vector<Object> retiled;   // code of the kernels whose tiles the check has changed
};

} // namespace

/// Tiles of the kernels in `tiled`, at the end of phase memref, of which `objects` are the code if there is any. `changed` gets the code of those that get
/// another tile.
int Compilation::checkSpills(ModuleOp tiled, std::vector<Object> objects) {
  std::string error;
  if (failed(avoidSpills(tiled, passes(), codegenOptions(), objects, error)))
    return fail(kInternalError, error);
  retiled = std::move(objects);
  return kOk;
}

/// Once there is code: kernels that spill get another tile, and are lowered and generated again. The same tiles as those of a check before.
int Compilation::checkSpillsOf(std::vector<Object> &objects) {
  if (int code = checkSpills(*untiled, objects); code || retiled.empty())
    return code;
  module = std::move(untiled);
  if (int code = transform(Phase::memref, Phase::llvm))
    return code;
  for (Object &better : retiled)
    *llvm::find_if(objects, [&](const Object &o) { return o.kernel == better.kernel; }) = std::move(better);
  return kOk;
}

/// For GPUs: the kernels' PTX as text.
int Compilation::generatePtx(unsigned arch) {
  std::vector<GpuKernel> kernels;
  std::string error;
  int failure = kOk;
  if (int code = work("code", "codegen", [&] { return failed(generatePTX(*module, arch, threads, kernels, error, failure)) ? fail(failure, error) : kOk; }))
    return code;
  if (int code = writeReport())
    return code;
  return writeText(options.output, [&](llvm::raw_ostream &os) {
    for (const GpuKernel &kernel : kernels)
      os << "// ---- " << kernel.kernel << " ----\n" << kernel.ptx;
  });
}

/// For GPUs: an artifact, or PTX.
int Compilation::generateForGpu() {
  unsigned lowest = 0;
  StringRef cpu = (*module)->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr).getCpu();
  if (!cpu.consume_front("sm_") || cpu.getAsInteger(10, lowest))
    return fail(kInvalidInput, "'" + options.input + "' is for '" + cpu + "', expected an architecture such as sm_80");
  if (options.emit == Emit::assembly)
    return fail(kUsage, "'" + options.input + "' is for NVIDIA GPUs, expected --emit=so, obj or ptx");
  if (options.emit == Emit::ptx)
    return generatePtx(lowest);
  // IR says what its tiles were chosen for, and not what else is embedded.
  std::string list = options.gpuArch.empty() && !options.cuda ? "compute_" + std::to_string(lowest) : options.gpuArch, error;
  FailureOr<GpuArchs> archs = parseGpuArchs(list, options.noPtx || (lowest > 80 && !options.cuda), error);
  if (failed(archs))
    return fail(kUsage, error);
  if (archs->lowest() < lowest)
    return fail(kUsage, "'" + options.input + "' is for sm_" + Twine(lowest) + " and later, --gpu-arch is '" + list + "'");
  GpuCode gpu;
  int failure = kOk;
  if (int code = work("code", "codegen", [&] { return failed(buildGpuCode(*module, *archs, threads, gpu, error, failure)) ? fail(failure, error) : kOk; }))
    return code;
  if (int code = writeReport())
    return code;
  if (int code = writeSteps())
    return code;
  return writeOutput({}, &gpu);
}

int Compilation::writeSteps() {
  return options.stepTableFile.empty() ? kOk : writeText(options.stepTableFile, [&](llvm::raw_ostream &os) { printStepTable(*module, os); });
}

int Compilation::writeOutput(ArrayRef<Object> objects, const GpuCode *gpu) {
  ArtifactOptions artifact;
  artifact.output = options.output;
  artifact.emit = options.emit;
  artifact.weightsInFile = options.weightsInFile;
  artifact.threads = threads;
  artifact.flags = (*module)->getAttrOfType<StringAttr>(nn::NNDialect::kFlagsAttr).getValue().str();
  if (auto precision = (*module)->getAttrOfType<StringAttr>(nn::NNDialect::kPrecisionAttr))
    artifact.flags += precision == "f16" ? " --fp16" : " --" + precision.str();
  artifact.gpu = gpu;
  return work("artifact", "write-artifact", [&] {
    int code = kInternalError;
    std::string error;
    return failed(writeArtifact(*module, objects, artifact, error, code)) ? fail(code, error) : kOk;
  });
}

int Compilation::generate() {
  if ((*module)->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr).isGpu())
    return generateForGpu();
  if (options.emit == Emit::ptx || !options.gpuArch.empty() || options.noPtx)
    return fail(kUsage, "'" + options.input + "' is for CPUs, expected --emit=so, obj or asm and no flags for GPUs");
  CodegenOptions codegen = codegenOptions();
  Phase from = kernelsText.empty() ? Phase::llvm : Phase::memref;
  std::string path = reproducerPath();
  std::string replay = "lathe compile --compile-from=" + phaseName(from).str() + " " + Reproducer::shellQuoted(path) + " -o " +
                       Reproducer::shellQuoted(llvm::sys::path::stem(path).str() + ".so");
  Reproducer reproducer(path, replay, kInternalError);
  reproducer.setSnapshot(kernelsText.empty() ? printWithLocations(*module) : std::move(kernelsText));
  std::vector<Object> objects;
  std::string error;
  auto compileKernels = [&] { return failed(generateCode(*module, codegen, objects, error)) ? fail(kInternalError, error + reproducer.writeAndTell()) : kOk; };
  if (int code = work("code", "codegen", compileKernels))
    return code;
  if (untiled && llvm::any_of(objects, isSlowedBySpills))
    if (int code = work("code", "spill-check", [&] { return checkSpillsOf(objects); }))
      return code;
  reportSpills(*module, objects);
  if (dumper) {
    // One file each, kernels in order: a file per kernel would bury the passes.
    std::string llvmIR, assembly;
    for (const Object &object : objects) {
      llvmIR += object.llvmIR;
      assembly += object.assembly;
    }
    dumper->addText("codegen", "ll", llvmIR);
    dumper->addText("codegen", "s", assembly);
  }
  if (int code = writeReport())
    return code;
  if (int code = writeSteps())
    return code;
  if (options.emit == Emit::assembly && options.output == "-")
    return writeText(options.output, [&](llvm::raw_ostream &os) {
      for (const Object &object : objects)
        os << object.assembly;
    });
  return writeOutput(objects, nullptr);
}

int lathe::compile(const CompileOptions &options) { return Compilation(options).run(); }

int lathe::check(const CompileOptions &options) {
  ImportOptions import;
  if (!importOptions(options, import))
    return kUsage;
  ImportReport report = checkOnnx(options.input, import);
  if (options.json) {
    printCheckJson(report, options.input, llvm::outs());
    return report.exitCode;
  }
  for (const std::string &message : report.messages)
    llvm::errs() << "error: " << message << '\n';
  printCheckText(report, options.input, llvm::outs());
  return report.exitCode;
}
