// Runs the flat pipeline.
//
// Reproducers. The IR before the failing pass is wanted, but printing the module before each pass would cost several percent of a
// compilation. So a snapshot (module text and the steps that are left) is refreshed between passes only as far as a small budget of time
// reaches; between refreshes the older one, which has more steps left, stays valid. When a pass *fails*, the steps from the snapshot on are
// repeated one by one on a copy, so that the file still starts right before the pass. When a pass *crashes*, the snapshot is what there is.

#include "compiler/inspect/Runner.h"

#include "compiler/inspect/IRDumper.h"
#include "compiler/inspect/IRText.h"
#include "compiler/inspect/Reproducer.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassInstrumentation.h"

#include <chrono>
#include <mutex>

using namespace mlir;

namespace lathe {

namespace {

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

/// A step whose pass exists, and what it is called.
struct Prepared {
  const PipelineStep *step;
  std::unique_ptr<Pass> pass;
  std::string name, options, description, pipeline;
};

std::vector<Prepared> prepare(ArrayRef<PipelineStep> steps) {
  std::vector<Prepared> prepared;
  for (const PipelineStep &step : steps) {
    Prepared entry;
    entry.step = &step;
    entry.pass = step.create();
    entry.name = (entry.pass->getArgument().empty() ? entry.pass->getName() : entry.pass->getArgument()).str();
    entry.description = entry.pass->getDescription().str();
    llvm::raw_string_ostream os(entry.options);
    entry.pass->printAsTextualPipeline(os);
    entry.pipeline = step.anchor.empty() ? entry.options : step.anchor + "(" + entry.options + ")";
    prepared.push_back(std::move(entry));
  }
  return prepared;
}

std::string joinPipeline(ArrayRef<Prepared> steps) {
  std::string text = "builtin.module(";
  for (const Prepared &step : steps)
    text += (&step == steps.begin() ? "" : ",") + step.pipeline;
  return text + ")";
}

void add(PassManager &manager, const std::string &anchor, std::unique_ptr<Pass> pass) {
  if (anchor.empty())
    manager.addPass(std::move(pass));
  else
    manager.nest(anchor).addPass(std::move(pass));
}

/// Decides when a new snapshot is taken, and takes it.
class Snapshots {
public:
  Snapshots(const RunOptions &options, ModuleOp module, ArrayRef<Prepared> steps) : module(module), steps(steps) {
    if (!options.reproducerPath.empty())
      reproducer.emplace(options.reproducerPath, Reproducer::runCommand(options.replayTool, options.reproducerPath), options.crashExitCode);
  }

  /// Step `next` is about to run.
  void offer(size_t next) {
    if (!reproducer)
      return;
    constexpr double freeMilliseconds = 40, share = 0.02;
    if (taken && spent + last > freeMilliseconds + share * millisecondsSince(started))
      return;
    auto start = Clock::now();
    take(next, printWithLocations(module));
    last = millisecondsSince(start);
    spent += last;
  }

  /// The same where the text is at hand.
  void take(size_t next, std::string newText) {
    if (!reproducer)
      return;
    text = std::move(newText);
    reproducer->setSnapshot(text, joinPipeline(steps.drop_front(next)), !module->getContext()->isMultithreadingEnabled());
    first = next;
    taken = true;
  }

  bool active() const { return reproducer.has_value(); }
  size_t firstStep() const { return first; }
  const std::string &moduleText() const { return text; }

  /// The end of the error message: what became of the reproducer.
  std::string write() const { return reproducer ? reproducer->writeAndTell() : ""; }

private:
  ModuleOp module;
  ArrayRef<Prepared> steps;
  std::optional<Reproducer> reproducer;
  std::string text;
  size_t first = 0;
  bool taken = false;
  Clock::time_point started = Clock::now();
  double spent = 0, last = 0;
};

/// Tells the reproducer what each thread is doing.
struct NameRunning : PassInstrumentation {
  void runBeforePass(Pass *pass, Operation *) override { Reproducer::setRunning("in pass", pass->getArgument()); }
  void runAfterPass(Pass *, Operation *) override { Reproducer::setRunning({}, {}); }
  void runAfterPassFailed(Pass *, Operation *) override { Reproducer::setRunning({}, {}); }
};

/// Watches one pass manager that runs all steps: offers a snapshot whenever the whole module is between two passes, and keeps the name of
/// the pass that failed. Callbacks come from several threads at once.
class Watch : public NameRunning {
public:
  struct State {
    std::mutex mutex;
    std::string failedPass;
  };

  /// `groups[i]` is the first step of the i-th thing that runs on the module: a module pass, or neighbouring steps on one anchor, which
  /// MLIR merges.
  Watch(Operation *module, std::vector<size_t> groups, Snapshots &snapshots, State &state)
      : module(module), groups(std::move(groups)), snapshots(snapshots), state(state) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    // The depth keeps passes apart that a module pass runs on the module from inside.
    if (op == module && depth++ == 0 && group < groups.size()) {
      snapshots.offer(groups[group++]);
    }
    NameRunning::runBeforePass(pass, op);
  }
  void runAfterPass(Pass *pass, Operation *op) override {
    NameRunning::runAfterPass(pass, op);
    if (op != module || --depth != 0)
      return;
    // A pass may run others, see them fail, and recover.
    std::lock_guard<std::mutex> lock(state.mutex);
    state.failedPass.clear();
  }
  void runAfterPassFailed(Pass *pass, Operation *op) override {
    NameRunning::runAfterPassFailed(pass, op);
    if (op == module)
      --depth;
    std::lock_guard<std::mutex> lock(state.mutex);
    if (state.failedPass.empty())
      state.failedPass = pass->getArgument().str();
  }

private:
  Operation *module;
  std::vector<size_t> groups;
  Snapshots &snapshots;
  State &state;
  size_t group = 0;
  int depth = 0;
};

/// Runs one step in a pass manager of its own. The verifier runs outside, so that its time is its own and its failure names the pass.
LogicalResult runStep(ModuleOp module, Prepared &step, const RunOptions &options, StepRecord &record) {
  PassManager manager(module->getName());
  manager.enableVerifier(false);
  if (options.configure && failed(options.configure(manager)))
    return failure();
  manager.addInstrumentation(std::make_unique<NameRunning>());
  add(manager, step.step->anchor, std::move(step.pass));

  auto start = Clock::now();
  LogicalResult result = manager.run(module);
  record.milliseconds = millisecondsSince(start);
  if (succeeded(result) && options.verify) {
    start = Clock::now();
    result = verify(module);
    record.verifyMilliseconds = millisecondsSince(start);
  }
  record.failed = failed(result);
  return result;
}

/// Repeats the steps from the snapshot on, one by one on a copy, to find the IR before the failing one. Leaves the snapshot alone if the
/// failure does not come back.
void narrow(ModuleOp module, ArrayRef<PipelineStep> steps, const RunOptions &options, Snapshots &snapshots) {
  MLIRContext *context = module->getContext();
  // What the passes have to say was said the first time.
  ScopedDiagnosticHandler quiet(context, [](Diagnostic &) { return success(); });
  OwningOpRef<ModuleOp> copy = parseSourceString<ModuleOp>(snapshots.moduleText(), context);
  if (!copy)
    return;
  RunOptions quietly;
  quietly.verify = options.verify;
  std::vector<Prepared> again = prepare(steps);
  for (size_t i = snapshots.firstStep(); i < again.size(); ++i) {
    std::string before = printWithLocations(*copy);
    StepRecord record;
    if (failed(runStep(*copy, again[i], quietly, record)))
      return snapshots.take(i, std::move(before));
  }
}

LogicalResult runTogether(ModuleOp module, ArrayRef<PipelineStep> steps, std::vector<Prepared> &prepared, const RunOptions &options, Snapshots &snapshots,
                          std::string &error) {
  PassManager manager(module->getName());
  manager.enableVerifier(options.verify);
  if (options.configure && failed(options.configure(manager))) {
    error = "invalid pass manager options";
    return failure();
  }
  std::vector<size_t> groups;
  for (size_t i = 0; i < prepared.size(); ++i) {
    const std::string &anchor = steps[i].anchor;
    if (i == 0 || anchor.empty() || anchor != steps[i - 1].anchor)
      groups.push_back(i);
    add(manager, anchor, std::move(prepared[i].pass));
  }
  Watch::State state;
  if (snapshots.active())
    manager.addInstrumentation(std::make_unique<Watch>(module, std::move(groups), snapshots, state));
  if (succeeded(manager.run(module)))
    return success();
  if (!snapshots.active()) {
    error = "the pass pipeline failed";
    return failure();
  }
  narrow(module, steps, options, snapshots);
  error = (state.failedPass.empty() ? "the pass pipeline failed" : "pass '" + state.failedPass + "' failed") + snapshots.write();
  return failure();
}

LogicalResult runStepwise(ModuleOp module, ArrayRef<PipelineStep> steps, std::vector<Prepared> &prepared, const RunOptions &options, Snapshots &snapshots,
                          std::string &error) {
  if (options.dumper)
    options.dumper->begin(module);
  OpCounts counts = countOps(module);
  for (size_t i = 0; i < prepared.size(); ++i) {
    if (options.dumper)
      snapshots.take(i, options.dumper->currentText());
    else
      snapshots.offer(i);
    Prepared &step = prepared[i];
    StepRecord record{step.step->phase, step.name, step.options, step.description, step.step->reason};
    if (options.dumper)
      options.dumper->beginStep(record);
    LogicalResult result = runStep(module, step, options, record);
    record.opsBefore = std::move(counts);
    // IR that a failed pass left half-way is not looked at: it need not be valid.
    record.opsAfter = counts = record.failed ? record.opsBefore : countOps(module);
    if (options.dumper)
      options.dumper->addStep(record, module);
    if (options.records)
      options.records->push_back(record);
    if (failed(result)) {
      error = "pass '" + step.name + "' failed" + snapshots.write();
      return failure();
    }
  }
  return success();
}

} // namespace

std::string textualPipeline(ArrayRef<PipelineStep> steps) { return joinPipeline(prepare(steps)); }

LogicalResult runPipeline(ModuleOp module, ArrayRef<PipelineStep> steps, const RunOptions &options, std::string &error) {
  std::vector<Prepared> prepared = prepare(steps);
  Snapshots snapshots(options, module, prepared);
  if (options.dumper || options.records)
    return runStepwise(module, steps, prepared, options, snapshots, error);
  return runTogether(module, steps, prepared, options, snapshots, error);
}

} // namespace lathe
