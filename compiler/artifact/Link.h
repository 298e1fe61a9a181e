// Links objects in process.
#ifndef COMPILER_ARTIFACT_LINK_H
#define COMPILER_ARTIFACT_LINK_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace lathe {

enum class LinkKind { sharedObject, relocatable };

/// Runs lld on open files. May be called from any thread, one at a time takes place. Afterwards every llvm::cl option of the process has its default
/// value: lld resets them. On failure `error` is lld's first complaint.
mlir::LogicalResult linkObjects(llvm::ArrayRef<int> files, LinkKind kind, llvm::StringRef output, std::string &error);

} // namespace lathe

#endif // COMPILER_ARTIFACT_LINK_H
