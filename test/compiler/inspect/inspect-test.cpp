// Drives compiler/inspect over upstream passes.
//
// A stand-in for the compiler: `inspect-test INPUT --steps='[phase/][anchor:]pass …' [--dump-ir=DIR] [--time-passes] [--reproducer=FILE]
// [--text=NAME.EXT=FILE] [--no-verify] [--crash-exit=N]` prints the final IR. With --run-reproducer it is an opt tool that knows the same
// passes. A few passes of its own misbehave on functions that carry their name as an attribute.

#include "compiler/inspect/IRDumper.h"
#include "compiler/inspect/Runner.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"

#include <csignal>
#include <cstdlib>

using namespace mlir;
using namespace lathe;

namespace {

/// Does to the function what `kind` says, if the function asks for it.
template <typename Derived> struct Misbehaving : PassWrapper<Derived, OperationPass<func::FuncOp>> {
  StringRef getArgument() const final { return Derived::name; }
  StringRef getDescription() const final { return "misbehaves on purpose"; }
  void runOnOperation() final {
    func::FuncOp function = this->getOperation();
    if (function->hasAttr(Derived::name))
      static_cast<Derived *>(this)->act(function);
  }
};
struct TestFail : Misbehaving<TestFail> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestFail)
  static constexpr StringLiteral name = "test-fail";
  void act(func::FuncOp function) {
    function.emitError("was asked to fail");
    signalPassFailure();
  }
};
struct TestSegv : Misbehaving<TestSegv> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestSegv)
  static constexpr StringLiteral name = "test-segv";
  void act(func::FuncOp) { std::raise(SIGSEGV); }
};
struct TestAbort : Misbehaving<TestAbort> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestAbort)
  static constexpr StringLiteral name = "test-abort";
  void act(func::FuncOp) { std::abort(); }
};
struct TestFatal : Misbehaving<TestFatal> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestFatal)
  static constexpr StringLiteral name = "test-fatal";
  void act(func::FuncOp) { llvm::report_fatal_error("was asked to give up"); }
};
/// Leaves a block without a terminator.
struct TestInvalid : Misbehaving<TestInvalid> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestInvalid)
  static constexpr StringLiteral name = "test-invalid";
  void act(func::FuncOp function) { function.getBody().front().getTerminator()->erase(); }
};
/// Changes nothing but locations.
struct TestRelocate : Misbehaving<TestRelocate> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestRelocate)
  static constexpr StringLiteral name = "test-relocate";
  void act(func::FuncOp function) {
    function.walk([&](Operation *op) { op->setLoc(NameLoc::get(StringAttr::get(&getContext(), "elsewhere"))); });
  }
};

std::unique_ptr<Pass> createPass(StringRef name) {
  using Factory = std::unique_ptr<Pass> (*)();
  Factory factory = llvm::StringSwitch<Factory>(name)
                        .Case("canonicalize", [] { return createCanonicalizerPass(); })
                        .Case("cse", [] { return createCSEPass(); })
                        .Case("symbol-dce", [] { return createSymbolDCEPass(); })
                        .Case("inline", [] { return createInlinerPass(); })
                        .Case("loop-invariant-code-motion", [] { return createLoopInvariantCodeMotionPass(); })
                        .Case("convert-scf-to-cf", [] { return createSCFToControlFlowPass(); })
                        .Case("test-fail", []() -> std::unique_ptr<Pass> { return std::make_unique<TestFail>(); })
                        .Case("test-segv", []() -> std::unique_ptr<Pass> { return std::make_unique<TestSegv>(); })
                        .Case("test-abort", []() -> std::unique_ptr<Pass> { return std::make_unique<TestAbort>(); })
                        .Case("test-fatal", []() -> std::unique_ptr<Pass> { return std::make_unique<TestFatal>(); })
                        .Case("test-invalid", []() -> std::unique_ptr<Pass> { return std::make_unique<TestInvalid>(); })
                        .Case("test-relocate", []() -> std::unique_ptr<Pass> { return std::make_unique<TestRelocate>(); })
                        .Default(nullptr);
  return factory ? factory() : nullptr;
}

constexpr StringLiteral passNames[] = {"canonicalize",      "cse",          "symbol-dce", "inline",     "loop-invariant-code-motion",
                                       "convert-scf-to-cf", "test-fail",    "test-segv",  "test-abort", "test-fatal",
                                       "test-invalid",      "test-relocate"};

int usage(const Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

bool parseSteps(StringRef text, std::vector<PipelineStep> &steps) {
  SmallVector<StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  for (StringRef word : words) {
    PipelineStep step;
    if (word.contains('/'))
      std::tie(step.phase, word) = std::pair(word.split('/').first.str(), word.split('/').second);
    if (word.contains(':'))
      std::tie(step.anchor, word) = std::pair(word.split(':').first.str(), word.split(':').second);
    if (!createPass(word))
      return false;
    step.create = [name = word.str()] { return createPass(name); };
    step.reason = "because the test says " + word.str();
    steps.push_back(std::move(step));
  }
  return true;
}

} // namespace

int main(int argc, char **argv) {
  DialectRegistry registry;
  registry.insert<func::FuncDialect, arith::ArithDialect, scf::SCFDialect, cf::ControlFlowDialect, memref::MemRefDialect>();
  func::registerInlinerExtension(registry);
  SmallVector<StringRef> arguments(argv + 1, argv + argc);
  if (llvm::is_contained(arguments, "--run-reproducer")) {
    for (StringLiteral name : passNames)
      registerPass([name] { return createPass(name); });
    return failed(MlirOptMain(argc, argv, "inspect-test", registry));
  }

  llvm::InitLLVM init(argc, argv);
  std::string input, dump, error;
  std::vector<StringRef> texts;
  std::vector<PipelineStep> steps;
  std::vector<StepRecord> records;
  RunOptions options;
  options.replayTool = "inspect-test";
  bool times = false, multithreaded = true;
  for (StringRef argument : arguments) {
    if (argument.consume_front("--steps=")) {
      if (!parseSteps(argument, steps))
        return usage("unknown pass in '" + argument + "'");
    } else if (argument.consume_front("--dump-ir="))
      dump = argument.str();
    else if (argument.consume_front("--reproducer="))
      options.reproducerPath = argument.str();
    else if (argument.consume_front("--text="))
      texts.push_back(argument);
    else if (argument.consume_front("--crash-exit="))
      argument.getAsInteger(10, options.crashExitCode);
    else if (argument == "--time-passes")
      times = true;
    else if (argument == "--no-verify")
      options.verify = false;
    else if (argument == "--no-threads")
      multithreaded = false;
    else if (!argument.starts_with("-") && input.empty())
      input = argument.str();
    else
      return usage("unknown argument '" + argument + "'");
  }

  MLIRContext context(registry, multithreaded ? MLIRContext::Threading::ENABLED : MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(input, &context);
  if (!module)
    return 3;
  std::unique_ptr<IRDumper> dumper;
  if (!dump.empty()) {
    FailureOr<std::unique_ptr<IRDumper>> created = IRDumper::create(dump, "inspect-test", {{"nn", "what nn is"}, {"loops", "what loops are"}}, error);
    if (failed(created)) {
      llvm::errs() << "error: " << error << "\n";
      return 6;
    }
    dumper = std::move(*created);
    options.dumper = dumper.get();
  }
  if (times)
    options.records = &records;

  int exitCode = 0;
  if (failed(runPipeline(*module, steps, options, error))) {
    llvm::errs() << "error: " << error << "\n";
    exitCode = 4;
  }
  for (StringRef text : texts) {
    auto [name, file] = text.split('=');
    auto contents = llvm::MemoryBuffer::getFile(file);
    if (contents && dumper)
      dumper->addText(name.split('.').first, name.split('.').second, (*contents)->getBuffer());
  }
  if (dumper && failed(dumper->finish(error))) {
    llvm::errs() << "error: " << error << "\n";
    return 6;
  }
  if (times)
    printTimes(records, llvm::errs());
  if (!exitCode)
    module->print(llvm::outs(), OpPrintingFlags().enableDebugInfo());
  return exitCode;
}
