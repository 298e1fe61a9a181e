// The promise of an artifact: it needs nothing but memcpy, memset and memmove.
#ifndef COMPILER_TARGET_CPU_OBJECTCHECK_H
#define COMPILER_TARGET_CPU_OBJECTCHECK_H

#include "mlir/Support/LLVM.h"
#include <string>

namespace lathe {

/// Checks the undefined symbols of a relocatable object. The linker cannot: told to refuse undefined symbols it also refuses the three that are allowed.
mlir::LogicalResult checkUndefinedSymbols(llvm::StringRef object, llvm::StringRef kernel, std::string &error);

} // namespace lathe

#endif // COMPILER_TARGET_CPU_OBJECTCHECK_H
