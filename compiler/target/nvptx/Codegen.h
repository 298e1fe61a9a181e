// From kernels in the llvm dialect to PTX: LLVM's NVPTX back end, in process.
#ifndef COMPILER_TARGET_NVPTX_CODEGEN_H
#define COMPILER_TARGET_NVPTX_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace lathe {

/// The code of one kernel. Its entry takes (table of the arguments, iterations), pointers to global memory and 64 bits each; `lanes` threads run an iteration.
/// A kernel that more than a warp runs may use scratch memory: the dynamic shared memory of a block, then of those `lanes` threads.
struct GpuKernel {
  std::string kernel; // the function's symbol
  std::string entry;  // its name in PTX
  int64_t lanes = 1;
  int64_t block = 128; // threads
  int64_t sharedBytes = 0;
  std::string ptx;
};

/// Generates PTX for every kernel that the module's nn.plan launches, in the order in which the module defines them, of architecture sm_<arch> (80); the result
/// does not depend on the number of threads. On failure `error` is one line and `exitCode` the tool's exit status.
mlir::LogicalResult generatePTX(mlir::ModuleOp module, unsigned arch, unsigned threads, std::vector<GpuKernel> &kernels, std::string &error, int &exitCode);

} // namespace lathe

#endif // COMPILER_TARGET_NVPTX_CODEGEN_H
