// From kernels in the llvm dialect to relocatable objects: LLVM's code generator, without its IR passes.
#ifndef COMPILER_TARGET_CPU_CODEGEN_H
#define COMPILER_TARGET_CPU_CODEGEN_H

#include "compiler/target/cpu/Spills.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include <functional>
#include <string>
#include <vector>

namespace lathe {

/// The code of one kernel.
struct Object {
  std::string kernel; // the function's symbol; hidden in the object
  llvm::SmallVector<char, 0> bytes;
  std::string llvmIR, assembly; // empty unless asked for
  Spills spills;
};

struct CodegenOptions {
  unsigned threads = 1;
  bool optimize = true; // false: the fast, naive code generator (-O0)
  bool keepLLVMIR = false, keepAssembly = false;
  /// Called, on the thread that does the work, with the kernel that is about to be compiled.
  std::function<void(llvm::StringRef kernel)> onKernel = {};
};

/// Generates code for every kernel that the module's nn.plan launches, in the order in which the module defines them; the result does not depend on the
/// number of threads. The module is in phase `llvm` and has an `nn.target`. A failure is an internal error, told in one line.
mlir::LogicalResult generateCode(mlir::ModuleOp module, const CodegenOptions &options, std::vector<Object> &objects, std::string &error);

/// A remark of category "codegen" for each kernel: what register allocation had to spill in its innermost loops.
void reportSpills(mlir::ModuleOp module, llvm::ArrayRef<Object> objects);

} // namespace lathe

#endif // COMPILER_TARGET_CPU_CODEGEN_H
