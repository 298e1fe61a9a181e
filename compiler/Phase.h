// The phases of a compilation: one set of words for the enum, the folders under passes/ and test/, --compile-to and --compile-from, and dumped files.
#ifndef COMPILER_PHASE_H
#define COMPILER_PHASE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace lathe {

/// In the order in which they run. A phase's name stands for the IR at its end.
enum class Phase { nn, linalg, memref, loops, llvm };

struct PhaseInfo {
  Phase phase;
  llvm::StringRef name;
  llvm::StringRef description;
};

llvm::ArrayRef<PhaseInfo> allPhases();
llvm::StringRef phaseName(Phase phase);
std::optional<Phase> parsePhase(llvm::StringRef name);

} // namespace lathe

#endif // COMPILER_PHASE_H
