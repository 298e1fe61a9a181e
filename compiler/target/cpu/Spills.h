// What register allocation has spilled in a kernel's innermost loops, and what that costs.
#ifndef COMPILER_TARGET_CPU_SPILLS_H
#define COMPILER_TARGET_CPU_SPILLS_H

#include "dialects/nn/NNDialect.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/Module.h"
#include <memory>
#include <string>

namespace lathe {

struct Spills {
  unsigned spills = 0, reloads = 0, loops = 0; // in innermost loops, and how many such loops have some
  /// Cycles of one iteration of each innermost loop that multiplies and adds vectors, summed: of its multiply-adds alone; of all its instructions, by the
  /// number of ports and by latency; and what spilled vectors add to that.
  double multiplying = 0, needed = 0, lost = 0;

  /// Time by multiply-adds alone, which a smaller tile does not change; 1 where there are none.
  double slowness() const { return multiplying > 0 ? (needed + lost) / multiplying : 1; }
  /// The part of that time that goes to spilled vectors.
  double share() const { return multiplying > 0 ? lost / (needed + lost) : 0; }
};

/// Counts what the loops of `module` need if nothing is spilled. To be called before code is generated.
void measureLoops(const llvm::Module &module, nn::TargetAttr target, Spills &spills);

/// Listens to code generation: `spills` gets what the register allocator says of innermost loops (a few spills around them cost nothing and are the price of
/// full registers inside), `error` the first error, "" if there is none.
std::unique_ptr<llvm::DiagnosticHandler> listenToCodegen(nn::TargetAttr target, Spills &spills, std::string &error);

} // namespace lathe

#endif // COMPILER_TARGET_CPU_SPILLS_H
