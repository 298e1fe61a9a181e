// One LLVM module, context, target machine and object per kernel, so that kernels compile in parallel and one kernel's code never depends on another's.
// No IR passes run: the kernels come scheduled and vectorised, and passes would cost four times the code generator's own time for no speed.
#include "compiler/target/cpu/Codegen.h"

#include "compiler/target/cpu/ObjectCheck.h"
#include "compiler/target/cpu/Target.h"
#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include <atomic>
#include <thread>

using namespace mlir;
using namespace lathe;
using llvm::StringRef;

namespace {

class KernelCompiler {
public:
  KernelCompiler(ModuleOp module, const CodegenOptions &options) : module(module), options(options) {}

  LogicalResult run(std::vector<Object> &objects, std::string &error);

private:
  void compile(LLVM::LLVMFuncOp kernel, Object &object, std::string &error) const;
  OwningOpRef<ModuleOp> extract(LLVM::LLVMFuncOp kernel) const;
  std::unique_ptr<llvm::TargetMachine> createMachine() const;
  void setAttributes(llvm::Module &llvmModule, StringRef kernel) const;
  bool emit(llvm::TargetMachine &machine, llvm::Module &llvmModule, llvm::CodeGenFileType type, llvm::raw_pwrite_stream &os) const;

  ModuleOp module;
  const CodegenOptions &options;
  nn::TargetAttr targetAttr;
  llvm::Triple triple;
  const llvm::Target *target = nullptr;
};

/// Without this one setting LLVM spends 45 % of its time on addresses that the emitters have already made cheap. lld resets all command-line options
/// whenever it runs, so it has to be said again for each compilation.
void disableLoopStrengthReduction() {
  if (llvm::cl::Option *option = llvm::cl::getRegisteredOptions().lookup("disable-lsr"))
    static_cast<llvm::cl::opt<bool> *>(option)->setValue(true);
}

/// Where the hardware has no fused multiply-add, llvm.fma is a call into libm; the unfused form differs in the last bit only.
void replaceFma(llvm::Module &llvmModule) {
  for (llvm::Function &f : llvm::make_early_inc_range(llvmModule)) {
    if (f.getIntrinsicID() != llvm::Intrinsic::fma)
      continue;
    llvm::Function *unfused = llvm::Intrinsic::getOrInsertDeclaration(&llvmModule, llvm::Intrinsic::fmuladd, {f.getReturnType()});
    f.replaceAllUsesWith(unfused);
    f.eraseFromParent();
  }
}

} // namespace

/// A module with the kernel and all symbols that it uses, directly or not.
OwningOpRef<ModuleOp> KernelCompiler::extract(LLVM::LLVMFuncOp kernel) const {
  llvm::SetVector<Operation *> needed;
  needed.insert(kernel);
  for (size_t i = 0; i < needed.size(); ++i)
    if (std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(needed[i]))
      for (const SymbolTable::SymbolUse &use : *uses)
        if (Operation *symbol = SymbolTable::lookupSymbolIn(module, use.getSymbolRef()))
          needed.insert(symbol);
  OwningOpRef<ModuleOp> part = ModuleOp::create(kernel.getLoc());
  for (Operation *symbol : needed) {
    Operation *copy = symbol->clone();
    if (auto helper = dyn_cast<LLVM::LLVMFuncOp>(copy); helper && symbol != kernel)
      helper.setLinkage(helper.isExternal() ? LLVM::Linkage::External : LLVM::Linkage::Internal);
    if (auto global = dyn_cast<LLVM::GlobalOp>(copy))
      global.setLinkage(LLVM::Linkage::Internal);
    part->push_back(copy);
  }
  cast<LLVM::LLVMFuncOp>(part->getBody()->front()).setLinkage(LLVM::Linkage::External);
  return part;
}

/// Features come from the attribute alone: a CPU's name would bring all of its own and so narrow the machines on which the artifact runs.
std::unique_ptr<llvm::TargetMachine> KernelCompiler::createMachine() const {
  llvm::TargetOptions targetOptions;
  targetOptions.FunctionSections = true;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(triple, triple.isX86() ? "x86-64" : "generic", targetAttr.getFeatures(),
                                                                          targetOptions, llvm::Reloc::PIC_, std::nullopt,
                                                                          options.optimize ? llvm::CodeGenOptLevel::Default : llvm::CodeGenOptLevel::None));
}

void KernelCompiler::setAttributes(llvm::Module &llvmModule, StringRef kernel) const {
  for (llvm::Function &f : llvmModule) {
    if (f.isDeclaration())
      continue;
    f.addFnAttr("target-cpu", triple.isX86() ? "x86-64" : "generic");
    f.addFnAttr("tune-cpu", targetAttr.getCpu());
    f.addFnAttr("target-features", targetAttr.getFeatures());
    f.addFnAttr("prefer-vector-width", std::to_string(targetAttr.getVectorBits()));
    f.addFnAttr(llvm::Attribute::NoUnwind);
    if (f.getName() == kernel) {
      f.setVisibility(llvm::GlobalValue::HiddenVisibility);
      f.setDSOLocal(true);
    }
  }
}

bool KernelCompiler::emit(llvm::TargetMachine &machine, llvm::Module &llvmModule, llvm::CodeGenFileType type, llvm::raw_pwrite_stream &os) const {
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr, type))
    return false;
  passes.run(llvmModule);
  return true;
}

void KernelCompiler::compile(LLVM::LLVMFuncOp kernel, Object &object, std::string &error) const {
  object.kernel = kernel.getName().str();
  OwningOpRef<ModuleOp> part = extract(kernel);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(*part, context, object.kernel, /*disableVerification=*/true);
  if (!llvmModule) {
    error = "translation to LLVM IR failed";
    return;
  }
  std::unique_ptr<llvm::TargetMachine> machine = createMachine();
  llvmModule->setTargetTriple(triple);
  llvmModule->setDataLayout(machine->createDataLayout());
  setAttributes(*llvmModule, object.kernel);
  if (triple.isX86() && !targetAttr.getFeatures().contains("+fma"))
    replaceFma(*llvmModule);
  if (options.keepLLVMIR) {
    llvm::raw_string_ostream os(object.llvmIR);
    llvmModule->print(os, nullptr);
  }
  if (options.keepAssembly) {
    // Code generation changes the module.
    std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*llvmModule);
    llvm::SmallString<0> text;
    llvm::raw_svector_ostream os(text);
    Spills ignored; // they would count twice
    context.setDiagnosticHandler(listenToCodegen(targetAttr, ignored, error));
    emit(*machine, *copy, llvm::CodeGenFileType::AssemblyFile, os);
    object.assembly = text.str().str();
  }
  measureLoops(*llvmModule, targetAttr, object.spills);
  context.setDiagnosticHandler(listenToCodegen(targetAttr, object.spills, error));
  llvm::raw_svector_ostream os(object.bytes);
  if (!emit(*machine, *llvmModule, llvm::CodeGenFileType::ObjectFile, os))
    error = "the code generator for " + triple.str() + " cannot write objects";
}

LogicalResult KernelCompiler::run(std::vector<Object> &objects, std::string &error) {
  targetAttr = module->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr);
  auto plans = module.getOps<nn::PlanOp>();
  if (!targetAttr || plans.empty()) {
    error = std::string("internal error: code generation expects a module with ") + (targetAttr ? "nn.plan" : "nn.target");
    return failure();
  }
  initializeLLVMTargets();
  triple = llvm::Triple(targetAttr.getTriple());
  std::string lookupError;
  target = llvm::TargetRegistry::lookupTarget(triple, lookupError);
  if (!target) {
    error = "internal error: no code generator for " + triple.str() + ": " + StringRef(lookupError).split('\n').first.str();
    return failure();
  }
  llvm::SmallPtrSet<StringAttr, 32> launched;
  for (nn::LaunchOp launch : (*plans.begin()).getBody().front().getOps<nn::LaunchOp>())
    launched.insert(launch.getKernelAttr().getAttr());
  std::vector<LLVM::LLVMFuncOp> kernels;
  for (auto f : module.getOps<LLVM::LLVMFuncOp>())
    if (launched.contains(f.getSymNameAttr()))
      kernels.push_back(f);

  MLIRContext *context = module.getContext();
  registerBuiltinDialectTranslation(*context);
  registerLLVMDialectTranslation(*context);
  disableLoopStrengthReduction();
  objects.assign(kernels.size(), {});
  std::vector<std::string> errors(kernels.size()); // empty: it succeeded
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < kernels.size();) {
      if (options.onKernel)
        options.onKernel(kernels[i].getName());
      compile(kernels[i], objects[i], errors[i]);
      if (errors[i].empty())
        (void)checkUndefinedSymbols({objects[i].bytes.data(), objects[i].bytes.size()}, objects[i].kernel, errors[i]);
      else
        errors[i] = "internal error: kernel '" + objects[i].kernel + "': " + StringRef(errors[i]).split('\n').first.str();
    }
  };
  // Without threading the MLIR context's uniquer takes no locks.
  size_t threads = context->isMultithreadingEnabled() ? std::min<size_t>(options.threads, kernels.size()) : 1;
  if (threads > 1)
    context->enterMultiThreadedExecution();
  std::vector<std::thread> pool;
  for (size_t t = 1; t < threads; ++t)
    pool.emplace_back(work);
  work();
  for (std::thread &t : pool)
    t.join();
  if (threads > 1)
    context->exitMultiThreadedExecution();

  for (const std::string &kernelError : errors)
    if (!kernelError.empty()) {
      error = kernelError;
      return failure();
    }
  return success();
}

LogicalResult lathe::generateCode(ModuleOp module, const CodegenOptions &options, std::vector<Object> &objects, std::string &error) {
  return KernelCompiler(module, options).run(objects, error);
}

void lathe::reportSpills(ModuleOp module, ArrayRef<Object> objects) {
  for (const Object &object : objects) {
    const Spills &s = object.spills;
    Location loc = module.lookupSymbol(object.kernel)->getLoc();
    auto options = remark::RemarkOpts::name("spills").category("codegen").function(object.kernel);
    if (!s.loops) {
      remark::passed(loc, options) << "no spill in an innermost loop";
      continue;
    }
    std::string text =
        llvm::formatv("more values are live than registers: {0} spills and {1} reloads in {2} innermost loop(s)", s.spills, s.reloads, s.loops).str();
    if (s.multiplying > 0)
      text += llvm::formatv(", {0:f0} % of the time of those that multiply and add", 100 * s.share()).str();
    remark::missed(loc, options) << text;
  }
}
