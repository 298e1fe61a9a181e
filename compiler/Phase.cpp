#include "compiler/Phase.h"

#include "llvm/ADT/STLExtras.h"

using namespace lathe;

static constexpr PhaseInfo kPhases[] = {
    {Phase::nn, "nn", "the network in nn operations on tensors, fused"},
    {Phase::linalg, "linalg", "layouts and tiles chosen, weights packed, the rest in linalg, destinations made"},
    {Phase::memref, "memref", "buffers in one planned arena, one kernel function per distinct operation"},
    {Phase::loops, "loops", "kernels as loops over vector code"},
    {Phase::llvm, "llvm", "kernels in the llvm dialect, the network as a plan of launches"},
};

llvm::ArrayRef<PhaseInfo> lathe::allPhases() { return kPhases; }

llvm::StringRef lathe::phaseName(Phase phase) { return kPhases[static_cast<int>(phase)].name; }

std::optional<Phase> lathe::parsePhase(llvm::StringRef name) {
  const auto *it = llvm::find_if(kPhases, [&](const PhaseInfo &info) { return info.name == name; });
  return it == std::end(kPhases) ? std::nullopt : std::optional(it->phase);
}
