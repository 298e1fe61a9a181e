// The index.html of a dump.
//
// One file without any reference to another: the page (report/), and the data of every step. Texts are deflated, each in a <script> of its
// own that the page inflates when the step is first shown; diffs are made in the browser. The page comes first and the steps are appended to it
// as they happen, so that the file is whole at any time: after a crash it shows all steps up to it.
#ifndef COMPILER_INSPECT_HTMLREPORT_H
#define COMPILER_INSPECT_HTMLREPORT_H

#include "compiler/inspect/IRText.h"
#include "compiler/inspect/PipelineStep.h"

#include <string>
#include <utility>

namespace lathe {

struct ReportStep {
  StepRecord record;
  /// The dumped file; empty for a step that changed nothing.
  std::string file = {};
  /// False for LLVM IR and assembly, which are shown but not compared, and for work that is no pass.
  bool isModule = true;
};

class HtmlReport {
public:
  /// What the file begins with. `phases` are names and what the IR is at their end.
  std::string begin(mlir::StringRef title, mlir::ArrayRef<std::pair<mlir::StringRef, mlir::StringRef>> phases);
  /// What to append before a step runs: if nothing follows, the page tells that it did not come back from there.
  std::string running(const StepRecord &record) const;
  /// What to append after it. `ir` is null for a step that changed nothing.
  std::string add(const ReportStep &step, const ReadableIR *ir);
  NodeNames &names() { return nodeNames; }

private:
  NodeNames nodeNames;
  /// How much of the file exists already: steps, and names and sets of nodes.
  size_t steps = 0, namesWritten = 0, setsWritten = 0;
};

} // namespace lathe

#endif // COMPILER_INSPECT_HTMLREPORT_H
