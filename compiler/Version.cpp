#include "compiler/Version.h"

#include "llvm/Config/llvm-config.h"

std::string lathe::compilerVersion() { return "lathe " LATHE_VERSION " (LLVM " LLVM_VERSION_STRING ")"; }
