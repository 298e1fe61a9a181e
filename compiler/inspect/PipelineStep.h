// One entry of the flat pipeline.
//
// The compiler's pipeline is a flat std::vector<PipelineStep>. Running it (Runner.h), dumping it (IRDumper.h), timing it and writing a
// reproducer all start from that one list, so that none of them can disagree about the order.
#ifndef COMPILER_INSPECT_PIPELINESTEP_H
#define COMPILER_INSPECT_PIPELINESTEP_H

#include "mlir/Pass/Pass.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace lathe {

struct PipelineStep {
  /// The phase that the step belongs to (`nn`, `linalg`, …); a heading in the report and in the table of times.
  std::string phase;
  /// The op that the pass runs on: empty for the module, otherwise the name of an op directly inside it (`func.func`, `gpu.module`).
  std::string anchor;
  /// Makes the pass. Called once per run.
  std::function<std::unique_ptr<mlir::Pass>()> create;
  /// Why the pass stands at this place, in one line.
  std::string reason;
};

/// Number of ops by full name (`arith.addf`); ordered, so that everything printed from it is the same on every run.
using OpCounts = std::map<std::string, unsigned>;

/// What is known about a step after it ran.
struct StepRecord {
  std::string phase;
  /// The pass argument (`nn-fuse-epilogue`), or the class name of a pass that has none.
  std::string pass;
  /// The argument with its options, as a textual pipeline has them.
  std::string options = {};
  std::string description = {};
  std::string reason = {};
  /// Wall time of the pass alone, and of the verifier after it.
  double milliseconds = 0;
  double verifyMilliseconds = 0;
  OpCounts opsBefore = {}, opsAfter = {};
  bool failed = false;
};

} // namespace lathe

#endif // COMPILER_INSPECT_PIPELINESTEP_H
