// What --dump-ir writes.
//
// A dump is a folder: `00-import.mlir`, one numbered file per pass that changed something, the LLVM IR and assembly, and `index.html`, which
// shows them. A hidden list of the files lets the next dump into the same folder remove exactly what this one wrote.
#ifndef COMPILER_INSPECT_IRDUMPER_H
#define COMPILER_INSPECT_IRDUMPER_H

#include "compiler/inspect/HtmlReport.h"
#include "compiler/inspect/IRText.h"
#include "compiler/inspect/PipelineStep.h"

#include <memory>
#include <string>

namespace lathe {

class IRDumper {
public:
  /// Makes the folder if needed and clears it of an earlier dump. `title` heads the report (the model's name).
  static mlir::FailureOr<std::unique_ptr<IRDumper>> create(mlir::StringRef directory, mlir::StringRef title, std::string &error);

  /// The IR before the first step; only the first call has an effect. `name` tells where it comes from.
  void begin(mlir::ModuleOp module, mlir::StringRef name = "import", double milliseconds = 0);

  /// The IR after a step. Writes a file if it differs from the last one in any way, locations included.
  void addStep(const StepRecord &record, mlir::ModuleOp module);

  /// Anything after the last module: `extension` is "ll", "s", "ptx", …
  void addText(mlir::StringRef name, mlir::StringRef extension, mlir::StringRef text);

  /// Work that leaves no file (code generation, linking): the report shows its time.
  void addWork(const StepRecord &record);

  /// Writes index.html; to be called whether or not the compilation succeeded. False if any file could not be written, with the first
  /// reason in `error`.
  mlir::LogicalResult finish(std::string &error);

  /// The module after the last step, with locations: it parses.
  const std::string &currentText() const { return current; }

private:
  IRDumper(mlir::StringRef directory, mlir::StringRef title) : directory(directory.str()), report(title) {}

  mlir::LogicalResult clear(std::string &error);
  void addModule(ReportStep step, mlir::StringRef name, std::string text, mlir::ModuleOp module);
  std::string nextFile(mlir::StringRef name, mlir::StringRef extension);
  void write(const std::string &file, mlir::StringRef contents);

  std::string directory, firstError, current;
  std::vector<std::string> files;
  llvm::StringMap<unsigned> symbolSets;
  HtmlReport report;
};

} // namespace lathe

#endif // COMPILER_INSPECT_IRDUMPER_H
