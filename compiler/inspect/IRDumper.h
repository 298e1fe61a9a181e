// What --dump-ir writes.
//
// A dump is a folder: `00-import.mlir`, one numbered file per pass that changed something, the LLVM IR and assembly, and `index.html`, which
// shows them. A hidden list of the files lets the next dump into the same folder remove exactly what this one wrote.
#ifndef COMPILER_INSPECT_IRDUMPER_H
#define COMPILER_INSPECT_IRDUMPER_H

#include "compiler/inspect/HtmlReport.h"
#include "compiler/inspect/IRText.h"
#include "compiler/inspect/PipelineStep.h"

#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <optional>
#include <string>

namespace lathe {

class IRDumper {
public:
  /// Makes the folder if needed, clears it of an earlier dump and begins the report: `title` heads it (the model's name), `phases` are names and
  /// what the IR is at their end.
  static mlir::FailureOr<std::unique_ptr<IRDumper>> create(mlir::StringRef directory, mlir::StringRef title,
                                                           mlir::ArrayRef<std::pair<mlir::StringRef, mlir::StringRef>> phases, std::string &error);

  ~IRDumper();

  /// The IR before the first step; only the first call has an effect. `name` tells where it comes from.
  void begin(mlir::ModuleOp module, mlir::StringRef name = "import", double milliseconds = 0);

  /// A step is about to run. If nothing more is heard of it, the report tells that the compiler did not come back from it.
  void beginStep(const StepRecord &record);

  /// The IR after a step. Writes a file if it differs from the last one in any way, locations included.
  void addStep(const StepRecord &record, mlir::ModuleOp module);

  /// Anything after the last module: `extension` is "ll", "s", "ptx", …
  void addText(mlir::StringRef name, mlir::StringRef extension, mlir::StringRef text);

  /// Work that leaves no file (code generation, linking): the report shows its time.
  void addWork(const StepRecord &record);

  /// False if any file could not be written, with the first reason in `error`.
  mlir::LogicalResult finish(std::string &error);

  /// The module after the last step, with locations: it parses.
  const std::string &currentText() const { return current; }

private:
  explicit IRDumper(mlir::StringRef directory) : directory(directory.str()) {}

  mlir::LogicalResult clear(std::string &error);
  void addModule(ReportStep step, mlir::StringRef name, std::string text, mlir::ModuleOp module);
  std::string nextFile(mlir::StringRef name, mlir::StringRef extension);
  void write(const std::string &file, mlir::StringRef contents);
  void append(mlir::StringRef html);

  std::string directory, firstError, current;
  std::vector<std::string> files;
  llvm::StringMap<unsigned> symbolSets;
  HtmlReport report;
  std::optional<llvm::raw_fd_ostream> page;
};

} // namespace lathe

#endif // COMPILER_INSPECT_IRDUMPER_H
