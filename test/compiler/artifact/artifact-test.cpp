// artifact-test: what the lit tests of the code generator and the artifact writer drive. Takes a module in phase llvm.
//   artifact-test in.mlir -o out.so [--mcpu=…] [--mtriple=…] [--target-description=FILE] [--emit=so|obj|asm] [--weights-in-file] [--threads=N] [--O0]
//                                   [--print-ll] [--spills] [--model-dir=DIR]
//   artifact-test --print-target [--mcpu=…] [--mtriple=…] [--target-description=FILE]
#include "compiler/artifact/Artifact.h"
#include "compiler/target/cpu/Codegen.h"
#include "compiler/target/cpu/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace lathe;

namespace {

struct Arguments {
  std::string input, output, cpu, triple, description, modelDir;
  Emit emit = Emit::so;
  unsigned threads = 1;
  bool weightsInFile = false, optimize = true, printLL = false, spills = false, printTarget = false;
};

bool parse(int argc, char **argv, Arguments &a) {
  for (int i = 1; i < argc; ++i) {
    StringRef word = argv[i], value = word;
    if (word == "-o" && i + 1 < argc)
      a.output = argv[++i];
    else if (value.consume_front("--mcpu="))
      a.cpu = value.str();
    else if (value.consume_front("--mtriple="))
      a.triple = value.str();
    else if (value.consume_front("--target-description="))
      a.description = value.str();
    else if (value.consume_front("--model-dir="))
      a.modelDir = value.str();
    else if (value.consume_front("--threads="))
      a.threads = std::atoi(value.data());
    else if (value.consume_front("--emit="))
      a.emit = value == "obj" ? Emit::obj : value == "asm" ? Emit::assembly : Emit::so;
    else if (word == "--weights-in-file")
      a.weightsInFile = true;
    else if (word == "--O0")
      a.optimize = false;
    else if (word == "--print-ll")
      a.printLL = true;
    else if (word == "--spills")
      a.spills = true;
    else if (word == "--print-target")
      a.printTarget = true;
    else if (word.starts_with("-"))
      return false;
    else
      a.input = word.str();
  }
  return a.printTarget || (!a.input.empty() && !a.output.empty());
}

/// Prints remarks as `category function: text`.
class Printer : public remark::detail::MLIRRemarkStreamerBase {
public:
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    llvm::outs() << remark.getCategoryName() << ' ' << remark.getFunction() << ": ";
    for (const remark::detail::Remark::Arg &arg : remark.getArgs())
      llvm::outs() << arg.val;
    llvm::outs() << '\n';
  }
};

int fail(int code, const Twine &message) {
  llvm::errs() << "error: " << message << '\n';
  return code;
}

} // namespace

int main(int argc, char **argv) {
  Arguments a;
  if (!parse(argc, argv, a))
    return fail(kUsage, "usage: see the top of artifact-test.cpp");
  MLIRContext context;
  context.loadDialect<nn::NNDialect, LLVM::LLVMDialect, func::FuncDialect>();
  std::string error;
  FailureOr<nn::TargetAttr> target = resolveTarget(context, a.triple, a.cpu, error, a.description);
  if (failed(target))
    return fail(kUsage, error);
  if (a.printTarget) {
    llvm::outs() << *target << '\n';
    return kOk;
  }
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(a.input, ParserConfig(&context));
  if (!module)
    return kInvalidInput;
  (*module)->setAttr(nn::NNDialect::kTargetAttr, *target);
  if (!a.modelDir.empty())
    (*module)->setAttr(nn::NNDialect::kModelDirAttr, StringAttr::get(&context, a.modelDir));
  remark::RemarkCategories all{std::nullopt, ".*", ".*", ".*", ".*"};
  if (a.spills && failed(remark::enableOptimizationRemarks(context, std::make_unique<Printer>(), std::make_unique<remark::RemarkEmittingPolicyAll>(), all)))
    return fail(kInternalError, "the remark engine cannot be set up");
  CodegenOptions codegen;
  codegen.threads = a.threads;
  codegen.optimize = a.optimize;
  codegen.keepLLVMIR = a.printLL;
  codegen.keepAssembly = a.emit == Emit::assembly;
  std::vector<Object> objects;
  if (failed(generateCode(*module, codegen, objects, error)))
    return fail(kInternalError, error);
  reportSpills(*module, objects);
  for (const Object &object : objects)
    llvm::outs() << object.llvmIR;
  ArtifactOptions options;
  options.output = a.output;
  options.emit = a.emit;
  options.weightsInFile = a.weightsInFile;
  options.threads = a.threads;
  options.flags = "-O3";
  int exitCode = kOk;
  if (failed(writeArtifact(*module, objects, options, error, exitCode)))
    return fail(exitCode, error);
  return kOk;
}
