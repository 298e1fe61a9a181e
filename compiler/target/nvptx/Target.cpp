#include "compiler/target/nvptx/Target.h"

#include "compiler/target/cpu/Description.h"

using namespace mlir;
using namespace lathe;
using llvm::StringRef;

extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

void lathe::initializeNVPTX() {
  static const bool once = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)once;
}

ArrayRef<llvm::StringLiteral> lathe::passesWithoutGpuForm() {
  static constexpr llvm::StringLiteral kPasses[] = {"winograd", "share-lanes", "prefetch", "lathe-fuse-prologue", "lathe-group", "spill-check"};
  return kPasses;
}

FailureOr<nn::TargetAttr> lathe::resolveGpuTarget(MLIRContext &context, StringRef arch, std::string &error) {
  std::string known;
  for (const TargetDescription &d : builtinDescriptions()) {
    if (d.arch != "nvptx64")
      continue;
    StringRef name = arch.empty() ? StringRef(d.cpus.front()) : arch;
    for (const std::string &cpu : d.cpus)
      known += (known.empty() ? "" : ", ") + cpu;
    if (!llvm::is_contained(d.cpus, name))
      continue;
    std::string features;
    for (const std::string &f : d.features)
      features += (features.empty() ? "+" : ",+") + f;
    return nn::TargetAttr::get(&context, "nvptx64-nvidia-cuda", name, features, d.family, d.vectorBits, d.registers, d.fmaPerCycle, d.loadsPerCycle,
                               d.fmaLatency, d.l1Bytes, d.l2Bytes, d.l3BytesPerCycle, d.memoryBytesPerCycle, d.multiprocessors, d.tensorFmaPerCycle,
                               d.sharedBytes);
  }
  error = ("--gpu-arch is '" + arch + "', expected one of " + known).str();
  return failure();
}
