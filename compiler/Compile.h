// A whole compilation: import or parse, run the pipeline, generate code, write the artifact.
#ifndef COMPILER_COMPILE_H
#define COMPILER_COMPILE_H

#include "compiler/Options.h"

namespace lathe {

/// Compiles as asked and returns an exit code. Errors are written to standard error, one line per cause; on failure no output file is left.
int compile(const CompileOptions &options);

/// Imports only. Lists every unsupported node: errors on standard error and a summary on standard output, or all of it as JSON there. Returns an exit code.
int check(const CompileOptions &options);

} // namespace lathe

#endif // COMPILER_COMPILE_H
