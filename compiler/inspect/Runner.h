// Runs the flat pipeline.
//
// Two ways that give the same IR. The plain way puts all steps into one pass manager: per-function passes that follow each other run
// function by function, in parallel. The step-wise way (for dumps and times) runs one pass manager per step: every step then has a
// well-defined "before" and "after" of the whole module, at the price of a barrier after each.
#ifndef COMPILER_INSPECT_RUNNER_H
#define COMPILER_INSPECT_RUNNER_H

#include "compiler/inspect/PipelineStep.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/raw_ostream.h"

#include <vector>

namespace lathe {

class IRDumper;

struct RunOptions {
  /// Gets the IR after every step. Implies the step-wise way.
  IRDumper *dumper = nullptr;
  /// Gets what each step did and how long it took. Implies the step-wise way.
  std::vector<StepRecord> *records = nullptr;
  /// Where a failing or crashing pass leaves its reproducer; empty: nowhere.
  std::string reproducerPath;
  /// The tool named in the command that replays it.
  std::string replayTool = "lathe-opt";
  /// The exit code of a process that crashes in a pass; 0: it dies by the signal.
  int crashExitCode = 0;
  /// Verify the IR after each pass.
  bool verify = true;
  /// Called for each pass manager before it runs; the place for applyPassManagerCLOptions.
  std::function<mlir::LogicalResult(mlir::PassManager &)> configure;
};

/// Runs the steps on the module. On failure `error` is one line that names the pass and the command that replays it.
mlir::LogicalResult runPipeline(mlir::ModuleOp module, llvm::ArrayRef<PipelineStep> steps, const RunOptions &options, std::string &error);

/// `builtin.module(…)` as lathe-opt's --pass-pipeline accepts it.
std::string textualPipeline(llvm::ArrayRef<PipelineStep> steps);

/// The table of --time-passes: pass, milliseconds, share, ops before and after; a total per phase.
void printTimes(llvm::ArrayRef<StepRecord> records, llvm::raw_ostream &os);

} // namespace lathe

#endif // COMPILER_INSPECT_RUNNER_H
