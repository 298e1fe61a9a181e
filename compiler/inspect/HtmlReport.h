// The index.html of a dump.
//
// One file without any reference to another: the page (report/), and the data of every step. Texts are deflated, each in a <script> of its
// own that the page inflates when the step is first shown; diffs are made in the browser.
#ifndef COMPILER_INSPECT_HTMLREPORT_H
#define COMPILER_INSPECT_HTMLREPORT_H

#include "compiler/inspect/IRText.h"
#include "compiler/inspect/PipelineStep.h"

#include <string>
#include <vector>

namespace lathe {

struct ReportStep {
  StepRecord record;
  /// The dumped file; empty for a step that changed nothing.
  std::string file;
  /// False for LLVM IR and assembly, which are shown but not compared.
  bool isModule = true;
};

class HtmlReport {
public:
  explicit HtmlReport(mlir::StringRef title) : title(title.str()) {}

  /// `ir` is null for a step that changed nothing.
  void add(ReportStep step, const ReadableIR *ir);
  std::string render() const;
  NodeNames &names() { return nodeNames; }

private:
  std::string title;
  std::vector<ReportStep> steps;
  /// Encoded text and line count by step; empty where there is none.
  std::vector<std::string> payloads;
  std::vector<size_t> lineCounts;
  NodeNames nodeNames;
};

} // namespace lathe

#endif // COMPILER_INSPECT_HTMLREPORT_H
