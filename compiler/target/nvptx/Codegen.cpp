// One LLVM module, context and target machine per kernel, as for CPUs. A kernel function runs a range of iterations; its entry gives each warp (or thread, for
// a kernel without vectors) one of them.
#include "compiler/target/nvptx/Codegen.h"

#include "compiler/Options.h"
#include "compiler/target/nvptx/Target.h"
#include "dialects/nn/NNDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicsNVPTX.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include <atomic>
#include <thread>

using namespace mlir;
using namespace lathe;
using llvm::StringRef;

namespace {

constexpr int64_t kWarp = 32;

class KernelCompiler {
public:
  KernelCompiler(nn::TargetAttr attr, unsigned arch, const llvm::Target *target) : attr(attr), chip("sm_" + std::to_string(arch)), target(target) {}

  /// `missing` is a function that the kernel would have to call.
  void compile(LLVM::LLVMFuncOp kernel, GpuKernel &result, std::string &error, std::string &missing) const {
    OwningOpRef<ModuleOp> part = ModuleOp::create(kernel.getLoc());
    part->push_back(kernel->clone());
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(*part, context, result.kernel, /*disableVerification=*/true);
    if (!llvmModule) {
      error = "translation to LLVM IR failed";
      return;
    }
    llvm::Triple triple(attr.getTriple());
    llvm::TargetOptions options;
    options.AllowFPOpFusion = llvm::FPOpFusion::Standard; // what is fused is written as such
    std::unique_ptr<llvm::TargetMachine> machine(
        target->createTargetMachine(triple, chip, attr.getFeatures(), options, std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
    llvmModule->setTargetTriple(triple);
    llvmModule->setDataLayout(machine->createDataLayout());
    addEntry(*llvmModule, *llvmModule->getFunction(result.kernel), result);
    optimize(*llvmModule, *machine);
    for (llvm::Function &f : *llvmModule)
      if (f.isDeclaration() && (!f.isIntrinsic() || isLibraryFunction(f.getIntrinsicID())) && !f.use_empty()) {
        missing = f.isIntrinsic() ? llvm::Intrinsic::getBaseName(f.getIntrinsicID()).rsplit('.').second.str() : f.getName().str();
        return;
      }
    // Kernels are put into one module of PTX.
    for (llvm::GlobalVariable &global : llvmModule->globals())
      if (!global.getName().starts_with("llvm."))
        global.setName(result.entry + "_" + global.getName());
    llvm::SmallString<0> text;
    llvm::raw_svector_ostream os(text);
    llvm::legacy::PassManager passes;
    if (machine->addPassesToEmitFile(passes, os, nullptr, llvm::CodeGenFileType::AssemblyFile)) {
      error = "the code generator cannot write PTX";
      return;
    }
    passes.run(*llvmModule);
    result.ptx = text.str().str();
  }

private:
  /// Those that the code generator could only call, and would end the process for want of: lathe-expand-math leaves none of them.
  static bool isLibraryFunction(llvm::Intrinsic::ID id) {
    using namespace llvm;
    static constexpr Intrinsic::ID kFunctions[] = {Intrinsic::acos, Intrinsic::asin,  Intrinsic::atan,  Intrinsic::atan2, Intrinsic::cos,
                                                   Intrinsic::cosh, Intrinsic::exp,   Intrinsic::exp10, Intrinsic::exp2,  Intrinsic::ldexp,
                                                   Intrinsic::log,  Intrinsic::log10, Intrinsic::log2,  Intrinsic::pow,   Intrinsic::powi,
                                                   Intrinsic::sin,  Intrinsic::sinh,  Intrinsic::tan,   Intrinsic::tanh};
    return is_contained(kFunctions, id);
  }

  /// entry(args, space): iteration = thread / lanes; if (iteration < space) kernel(args, no scratch, iteration, iteration + 1).
  void addEntry(llvm::Module &llvmModule, llvm::Function &body, const GpuKernel &result) const {
    llvm::LLVMContext &context = llvmModule.getContext();
    body.setName("iteration"); // kernels are named after nodes, with signs that no PTX name may have
    body.setLinkage(llvm::GlobalValue::InternalLinkage);
    body.addFnAttr(llvm::Attribute::AlwaysInline);
    llvm::IRBuilder<> b(context);
    auto *i64 = b.getInt64Ty();
    auto *type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), i64}, false);
    auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, result.entry, llvmModule);
    entry->setCallingConv(llvm::CallingConv::PTX_Kernel);
    entry->addFnAttr("nvvm.maxntid", std::to_string(result.block));
    // How many registers a thread may have: ptxas's own guess of a good number lets some of them spill.
    constexpr int kBlocksOfWarps = 3, kBlocksOfTiles = 2;
    entry->addFnAttr("nvvm.minctasm", std::to_string(result.sharedBytes ? kBlocksOfTiles : kBlocksOfWarps));
    b.SetInsertPoint(llvm::BasicBlock::Create(context, "", entry));
    // In 32 bits, which the runtime has checked to be enough: LLVM then divides such numbers in 32 bits too. 64 are a subroutine.
    auto special = [&](llvm::Intrinsic::ID id) { return b.CreateIntrinsic(id, {}); };
    llvm::Value *thread = b.CreateNUWAdd(b.CreateNUWMul(special(llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_x), b.getInt32(result.block)),
                                         special(llvm::Intrinsic::nvvm_read_ptx_sreg_tid_x));
    llvm::Value *iteration = b.CreateZExt(b.CreateUDiv(thread, b.getInt32(result.lanes)), i64);
    auto *run = llvm::BasicBlock::Create(context, "run", entry), *done = llvm::BasicBlock::Create(context, "done", entry);
    b.CreateCondBr(b.CreateICmpULT(iteration, entry->getArg(1)), run, done);
    b.SetInsertPoint(run);
    b.CreateCall(&body, {entry->getArg(0), scratchOf(llvmModule, b, result), iteration, b.CreateAdd(iteration, b.getInt64(1))});
    b.CreateBr(done);
    b.SetInsertPoint(done);
    b.CreateRetVoid();
  }

  /// The block's dynamic shared memory, as a generic pointer; null if there is none.
  static llvm::Value *scratchOf(llvm::Module &llvmModule, llvm::IRBuilder<> &b, const GpuKernel &result) {
    if (!result.sharedBytes)
      return llvm::ConstantPointerNull::get(b.getPtrTy());
    constexpr unsigned kShared = 3, kAlignment = 128;
    auto *memory = new llvm::GlobalVariable(llvmModule, llvm::ArrayType::get(b.getInt8Ty(), 0), /*isConstant=*/false, llvm::GlobalValue::ExternalLinkage,
                                            /*Initializer=*/nullptr, "shared", /*InsertBefore=*/nullptr, llvm::GlobalValue::NotThreadLocal, kShared);
    memory->setAlignment(llvm::Align(kAlignment));
    return b.CreateAddrSpaceCast(memory, b.getPtrTy());
  }

  static void optimize(llvm::Module &llvmModule, llvm::TargetMachine &machine) {
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager cgscc;
    llvm::ModuleAnalysisManager modules;
    llvm::PipelineTuningOptions tuning;
    tuning.LoopUnrolling = false; // tiles are unrolled as far as they should be
    llvm::PassBuilder builder(&machine, tuning);
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(cgscc);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, cgscc, modules);
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(llvmModule, modules);
    keepLoops(llvmModule);
  }

  /// ptxas unrolls loops of known length until registers spill.
  static void keepLoops(llvm::Module &llvmModule) {
    for (llvm::Function &f : llvmModule) {
      if (f.isDeclaration())
        continue;
      llvm::DominatorTree dominators(f);
      llvm::LoopInfo loops(dominators);
      llvm::LLVMContext &context = f.getContext();
      auto *disable = llvm::MDNode::get(context, llvm::MDString::get(context, "llvm.loop.unroll.disable"));
      for (llvm::Loop *loop : loops.getLoopsInPreorder()) {
        llvm::MDNode *id = llvm::MDNode::getDistinct(context, {nullptr, disable});
        id->replaceOperandWith(0, id);
        loop->setLoopID(id);
      }
    }
  }

  nn::TargetAttr attr;
  std::string chip;
  const llvm::Target *target;
};

/// "conv1 + relu1": the ONNX nodes that a kernel computes, or its own name.
std::string nodesOf(LLVM::LLVMFuncOp kernel) {
  std::string nodes;
  kernel.getLoc()->walk([&](Location part) {
    auto name = dyn_cast<NameLoc>(part);
    if (!name)
      return WalkResult::advance();
    nodes += (nodes.empty() ? "" : " + ") + name.getName().str();
    return WalkResult::skip();
  });
  return nodes.empty() ? kernel.getName().str() : nodes;
}

} // namespace

LogicalResult lathe::generatePTX(ModuleOp module, unsigned arch, unsigned threads, std::vector<GpuKernel> &results, std::string &error, int &exitCode) {
  exitCode = kInternalError;
  auto attr = module->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr);
  auto plans = module.getOps<nn::PlanOp>();
  if (!attr || plans.empty()) {
    error = std::string("internal error: code generation expects a module with ") + (attr ? "nn.plan" : "nn.target");
    return failure();
  }
  initializeNVPTX();
  std::string lookupError;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(llvm::Triple(attr.getTriple()), lookupError);
  if (!target) {
    error = "internal error: no code generator for " + attr.getTriple().str() + ": " + lookupError;
    return failure();
  }
  MLIRContext *context = module.getContext();
  registerBuiltinDialectTranslation(*context);
  registerLLVMDialectTranslation(*context);
  registerNVVMDialectTranslation(*context);
  std::vector<LLVM::LLVMFuncOp> kernels;
  for (auto f : module.getOps<LLVM::LLVMFuncOp>())
    if (f->hasAttr(nn::NNDialect::kKernelAttr))
      kernels.push_back(f);
  results.assign(kernels.size(), {});
  std::vector<std::string> errors(kernels.size()), missing(kernels.size());
  std::atomic<size_t> next = 0;
  KernelCompiler compiler(attr, arch, target);
  auto work = [&] {
    for (size_t i; (i = next++) < kernels.size();) {
      GpuKernel &result = results[i];
      result.kernel = kernels[i].getName().str();
      result.entry = "lathe_k" + std::to_string(i);
      for (auto [name, value] : {std::pair(StringRef("nn.lanes"), &result.lanes), std::pair(StringRef(nn::NNDialect::kScratchAttr), &result.sharedBytes)})
        if (auto given = kernels[i]->getAttrOfType<IntegerAttr>(name))
          *value = given.getInt();
      if (result.lanes > kWarp)
        result.block = std::max(result.block, result.lanes);
      if (result.sharedBytes && result.lanes < result.block)
        errors[i] = "several iterations in a block cannot share its " + std::to_string(result.sharedBytes) + " bytes of scratch memory";
      else
        compiler.compile(kernels[i], result, errors[i], missing[i]);
      if (!errors[i].empty())
        errors[i] = "internal error: kernel '" + result.kernel + "': " + StringRef(errors[i]).split('\n').first.str();
    }
  };
  size_t count = context->isMultithreadingEnabled() ? std::min<size_t>(threads, kernels.size()) : 1;
  if (count > 1)
    context->enterMultiThreadedExecution();
  std::vector<std::thread> pool;
  for (size_t t = 1; t < count; ++t)
    pool.emplace_back(work);
  work();
  for (std::thread &t : pool)
    t.join();
  if (count > 1)
    context->exitMultiThreadedExecution();
  for (size_t i = 0; i < kernels.size(); ++i)
    if (!missing[i].empty()) {
      error = nodesOf(kernels[i]) + ": needs the function '" + missing[i] + "', which no GPU has";
      exitCode = kUnsupportedModel;
      return failure();
    }
  for (const std::string &kernelError : errors)
    if (!kernelError.empty()) {
      error = kernelError;
      return failure();
    }
  return success();
}
