// NVIDIA's assembler, if there is one: a process of its own, since no library of it may be linked.
#ifndef COMPILER_TARGET_NVPTX_PTXAS_H
#define COMPILER_TARGET_NVPTX_PTXAS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace lathe {

struct Ptxas {
  std::string path, version; // "13.0.88"
};

/// Looks in PATH, then in $CUDA_HOME/bin and /usr/local/cuda/bin, and asks what it finds for its version. On failure `error` is one line.
mlir::FailureOr<Ptxas> findPtxas(std::string &error);

/// What the assembler says of one kernel.
struct PtxasReport {
  std::string entry;
  unsigned registers = 0, spillBytes = 0; // stored and loaded
  std::vector<std::string> warnings;
};

/// One module of PTX, assembled for one architecture.
struct PtxasJob {
  std::string ptx;
  unsigned arch = 0; // 80
  std::string cubin, error;
  std::vector<PtxasReport> reports;
};

/// Runs all jobs, at most `threads` at a time; what they give does not depend on how many. On failure `error` is one line.
mlir::LogicalResult assemble(const Ptxas &ptxas, llvm::MutableArrayRef<PtxasJob> jobs, unsigned threads, std::string &error);

/// Reads the text of `ptxas -v`.
std::vector<PtxasReport> parsePtxasLog(llvm::StringRef log);

} // namespace lathe

#endif // COMPILER_TARGET_NVPTX_PTXAS_H
