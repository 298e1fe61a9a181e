// The compiler's name and version, as artifacts and --version state it.
#ifndef COMPILER_VERSION_H
#define COMPILER_VERSION_H

#include <string>

namespace lathe {

/// "lathe 0.1.0 (LLVM 22.1.8)"
std::string compilerVersion();

} // namespace lathe

#endif // COMPILER_VERSION_H
