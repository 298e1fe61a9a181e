// The whole order of the compiler, as one flat list with a reason per line.
#ifndef COMPILER_PIPELINE_H
#define COMPILER_PIPELINE_H

#include "compiler/Phase.h"
#include "compiler/inspect/PipelineStep.h"

#include "mlir/Support/LLVM.h"

#include <optional>
#include <string>
#include <vector>

namespace lathe {

/// A pass without which the compiler still makes a right artifact, if a slower one: it may be turned off to find out whether it is at fault.
struct OptionalPass {
  const char *name;
  const char *without; // what happens then
  bool offAtO0;
};

/// In the order in which they run.
llvm::ArrayRef<OptionalPass> optionalPasses();

/// Which passes run. Written into the module's flags, from which a resumed compilation reads them.
struct PassSelection {
  int optLevel = 3;                  // 0 leaves out what OptionalPass says
  std::vector<std::string> disabled; // names of optional passes, in the order of optionalPasses()

  bool runs(llvm::StringRef pass) const;
  /// "-O3 --disable-pass=cse"
  std::string flags() const;
  static PassSelection fromFlags(llvm::StringRef flags);
};

/// The steps after phase `from` (from the start if absent) up to the end of phase `to`.
std::vector<PipelineStep> buildPipeline(std::optional<Phase> from, Phase to, const PassSelection &selection);

} // namespace lathe

#endif // COMPILER_PIPELINE_H
