#include "compiler/target/cpu/Target.h"

#include "compiler/target/cpu/Description.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <functional>
#include <memory>

using namespace mlir;
using namespace lathe;
using llvm::StringRef;

extern "C" {
void LLVMInitializeX86TargetInfo();
void LLVMInitializeX86Target();
void LLVMInitializeX86TargetMC();
void LLVMInitializeX86AsmPrinter();
void LLVMInitializeAArch64TargetInfo();
void LLVMInitializeAArch64Target();
void LLVMInitializeAArch64TargetMC();
void LLVMInitializeAArch64AsmPrinter();
}

void lathe::initializeLLVMTargets() {
  static const bool once = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    return true;
  }();
  (void)once;
}

/// The triple in the one spelling that artifacts carry; empty with `error` set if it is not supported.
static std::string normalizeTriple(StringRef text, std::string &error) {
  llvm::Triple triple(llvm::Triple::normalize(text.empty() ? StringRef(llvm::sys::getProcessTriple()) : text));
  bool supported = (triple.getArch() == llvm::Triple::x86_64 && !triple.isX32()) || triple.getArch() == llvm::Triple::aarch64;
  if (!supported || !triple.isOSLinux()) {
    error =
        ("unsupported triple '" + (text.empty() ? StringRef(triple.str()) : text) + "' (expects x86_64 or aarch64 on linux, such as x86_64-unknown-linux-gnu)")
            .str();
    return "";
  }
  return (llvm::Triple::getArchTypeName(triple.getArch()) + "-unknown-linux-gnu").str();
}

namespace {

/// What is known of the CPU that was asked for.
struct Cpu {
  std::string name;
  std::function<bool(StringRef feature)> has;
};

/// LLVM's name of this CPU comes from its model number, which hypervisors make up; what they pass on of its instructions is true. Tile registers came with
/// Sapphire Rapids: a CPU that has them is no older, whatever its number says, and its caches and buses are at least of that size.
std::string hostCpuName(const llvm::StringMap<bool> &features) {
  std::string name = llvm::sys::getHostCPUName().str(), error;
  const llvm::Triple triple(llvm::sys::getProcessTriple());
  const llvm::Target *target = features.lookup("amx-tile") ? llvm::TargetRegistry::lookupTarget(triple, error) : nullptr;
  std::unique_ptr<llvm::MCSubtargetInfo> named(target ? target->createMCSubtargetInfo(triple, name, "") : nullptr);
  return named && !named->checkFeatures("+amx-tile") ? "sapphirerapids" : name;
}

/// This machine. The features are asked for one by one: a hypervisor may hide some that the CPU's name promises.
Cpu nativeCpu() {
  auto features = std::make_shared<llvm::StringMap<bool>>(llvm::sys::getHostCPUFeatures());
  // Linux reports no "fp-armv8" on some kernels; Lathe's baseline on AArch64 has it.
  return {hostCpuName(*features), [features](StringRef f) { return features->lookup(f) || f == "fp-armv8" || f == "neon"; }};
}

/// A CPU by LLVM's name of it; null with `error` set if LLVM does not know it.
std::optional<Cpu> namedCpu(StringRef name, const std::string &triple, std::string &error) {
  std::string lookupError;
  const llvm::Triple parsed(triple);
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(parsed, lookupError);
  std::shared_ptr<llvm::MCSubtargetInfo> all(target ? target->createMCSubtargetInfo(parsed, "", "") : nullptr);
  if (!all) {
    error = "no code generator for " + triple + ": " + lookupError;
    return std::nullopt;
  }
  StringRef nearest;
  unsigned best = 3; // more than two typing errors are no hint
  for (const llvm::SubtargetSubTypeKV &known : all->getAllProcessorDescriptions())
    if (unsigned distance = name.edit_distance(known.Key, true, best); distance < best) {
      best = distance;
      nearest = known.Key;
    }
  if (nearest != name) {
    error = ("unknown CPU '" + name + "' for " + StringRef(triple).split('-').first + " (expects native or LLVM's name of a CPU, such as " +
             (parsed.isX86() ? "x86-64-v3 or znver5" : "generic or neoverse-n1") + ")" + (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"))
                .str();
    return std::nullopt;
  }
  std::shared_ptr<llvm::MCSubtargetInfo> info(target->createMCSubtargetInfo(parsed, name, ""));
  return Cpu{name.str(), [info](StringRef f) { return info->checkFeatures(("+" + f).str()); }};
}

bool hasAll(const Cpu &cpu, const TargetDescription &d) {
  return llvm::all_of(d.features, [&](const std::string &f) { return cpu.has(f); });
}

/// The description that names the CPU or, if there is none or the machine hides what it needs, the best one whose features the CPU has.
const TargetDescription *choose(const Cpu &cpu, StringRef arch) {
  const TargetDescription *general = nullptr;
  for (const TargetDescription &d : builtinDescriptions()) {
    if (d.arch != arch || !hasAll(cpu, d))
      continue;
    if (llvm::is_contained(d.cpus, cpu.name))
      return &d;
    if (!general && (StringRef(d.family).starts_with("x86-64-v") || d.family == "aarch64"))
      general = &d;
  }
  return general;
}

} // namespace

FailureOr<nn::TargetAttr> lathe::resolveTarget(MLIRContext &context, StringRef triple, StringRef mcpu, std::string &error, StringRef descriptionFile) {
  initializeLLVMTargets();
  std::string normal = normalizeTriple(triple, error);
  if (normal.empty())
    return failure();
  StringRef arch = StringRef(normal).split('-').first;
  StringRef host = llvm::Triple::getArchTypeName(llvm::Triple(llvm::sys::getProcessTriple()).getArch());

  std::optional<TargetDescription> fromFile;
  if (!descriptionFile.empty()) {
    fromFile = readDescription(descriptionFile, error);
    if (!fromFile)
      return failure();
    if (fromFile->arch != arch) {
      error = (descriptionFile + ": describes " + fromFile->arch + ", the target is " + arch).str();
      return failure();
    }
    if (mcpu.empty() || mcpu == "native")
      mcpu = fromFile->cpus.front();
  } else if (mcpu.empty()) {
    mcpu = arch == host ? "native" : arch == "x86_64" ? "x86-64-v3" : "generic";
  }
  if (mcpu == "native" && arch != host) {
    error = ("CPU 'native' does not fit the triple " + normal + ": this machine is " + host).str();
    return failure();
  }
  std::optional<Cpu> cpu = mcpu == "native" ? std::optional(nativeCpu()) : namedCpu(mcpu, normal, error);
  if (!cpu)
    return failure();
  const TargetDescription *d = fromFile ? &*fromFile : choose(*cpu, arch);
  if (!d) {
    error = "CPU '" + cpu->name + "' has too few features (expects at least those of " + (arch == "x86_64" ? "x86-64-v2" : "armv8-a with neon") + ")";
    return failure();
  }
  std::string features;
  for (const std::string &f : d->features)
    features += (features.empty() ? "+" : ",+") + f;
  return nn::TargetAttr::get(&context, normal, cpu->name, features, d->family, d->vectorBits, d->registers, d->fmaPerCycle, d->loadsPerCycle, d->fmaLatency,
                             d->l1Bytes, d->l2Bytes, d->l3BytesPerCycle, d->memoryBytesPerCycle);
}
