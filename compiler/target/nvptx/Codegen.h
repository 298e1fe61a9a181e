// From kernels in the llvm dialect to PTX: LLVM's NVPTX back end, in process.
#ifndef COMPILER_TARGET_NVPTX_CODEGEN_H
#define COMPILER_TARGET_NVPTX_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace lathe {

/// The code of one kernel. Its entry takes (table of the arguments, iterations), pointers to global memory and 64 bits each; `lanes` threads run an iteration,
/// in blocks of kGpuBlock threads.
struct GpuKernel {
  std::string kernel; // the function's symbol
  std::string entry;  // its name in PTX
  int64_t lanes = 1;
  std::string ptx;
};

inline constexpr int64_t kGpuBlock = 128;

/// Generates PTX for every kernel that the module's nn.plan launches, in the order in which the module defines them; the result does not depend on the number
/// of threads. A failure is an internal error, told in one line.
mlir::LogicalResult generatePTX(mlir::ModuleOp module, unsigned threads, std::vector<GpuKernel> &kernels, std::string &error);

} // namespace lathe

#endif // COMPILER_TARGET_NVPTX_CODEGEN_H
