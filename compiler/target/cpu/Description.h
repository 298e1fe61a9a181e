// Target description files: one per family of CPUs or GPUs, what the cost model and the code generator know of it, each number with its source.
#ifndef COMPILER_TARGET_CPU_DESCRIPTION_H
#define COMPILER_TARGET_CPU_DESCRIPTION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace lathe {

struct TargetDescription {
  std::string family; // also the file's name
  std::string arch;   // "x86_64", "aarch64" or "nvptx64"
  /// LLVM's names of the CPUs that it describes; the first one stands for all where none is named.
  std::vector<std::string> cpus;
  /// The instruction sets that generated code may use, by LLVM's names; the architecture's baseline is not listed.
  std::vector<std::string> features;
  int64_t vectorBits = 0, registers = 0, fmaPerCycle = 0, loadsPerCycle = 0, fmaLatency = 0, l1Bytes = 0, l2Bytes = 0, l3BytesPerCycle = 0,
          memoryBytesPerCycle = 0;
  int64_t multiprocessors = 0, tensorFmaPerCycle = 0, sharedBytes = 0; // of GPUs only
};

/// The files that are compiled in, from the most specific to the most general one of each architecture.
llvm::ArrayRef<TargetDescription> builtinDescriptions();

/// Parses a description. `name` is for messages.
std::optional<TargetDescription> parseDescription(llvm::StringRef text, llvm::StringRef name, std::string &error);

/// Reads a description file.
std::optional<TargetDescription> readDescription(llvm::StringRef path, std::string &error);

} // namespace lathe

#endif // COMPILER_TARGET_CPU_DESCRIPTION_H
