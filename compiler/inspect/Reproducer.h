// What a failing or crashing pass leaves behind.
//
// A reproducer is a module plus the textual pipeline that is still to be run on it, in upstream's format: `lathe-opt FILE --run-reproducer`
// replays it. The text is made while the compiler is healthy; when it crashes, the signal handler only writes bytes that exist already,
// because printing IR (allocation, locks) in a broken process may hang.
#ifndef COMPILER_INSPECT_REPRODUCER_H
#define COMPILER_INSPECT_REPRODUCER_H

#include "mlir/Support/LLVM.h"

#include <string>

namespace lathe {

/// Keeps the newest snapshot and writes it when asked to, or when the process crashes during the life of the object. At most one object is
/// watched at a time, the youngest. Nothing is written otherwise.
class Reproducer {
public:
  /// `path` is where the file would be written, `command` what replays it. Without a path nothing is ever written: what is being done has no state
  /// but the command line. With a `crashExitCode` other than 0 a crash ends the process with that code, otherwise with the signal.
  Reproducer(std::string path, std::string command, int crashExitCode = 0);
  ~Reproducer();
  Reproducer(const Reproducer &) = delete;
  Reproducer &operator=(const Reproducer &) = delete;

  /// What replays a file with a pipeline: `lathe-opt FILE --run-reproducer`.
  static std::string runCommand(mlir::StringRef tool, mlir::StringRef path);
  /// Quotes a word for a POSIX shell where it needs it: commands are there to be pasted.
  static std::string shellQuoted(mlir::StringRef word);

  /// `text` is a module as printed by MLIR; `pipeline` is what is left to be run on it, `builtin.module(…)`.
  void setSnapshot(mlir::StringRef text, mlir::StringRef pipeline, bool disableThreading);
  /// The same for a module whose replay is another command than a pipeline.
  void setSnapshot(std::string text) { contents = std::move(text); }

  /// Names what the calling thread is doing, for the message of a crash: "in pass" and its argument. The characters must outlive the call.
  static void setRunning(mlir::StringRef what, mlir::StringRef name);

  /// Writes the snapshot. False when the file cannot be written.
  bool write() const;
  /// The end of an error message: writes the snapshot and tells how to replay it, or that it could not be written.
  std::string writeAndTell() const;

private:
  static void onCrash(void *);
  static void onFatalError(void *, const char *reason, bool);

  std::string file, replay, contents;
  int crashExitCode;
  Reproducer *previous;
};

} // namespace lathe

#endif // COMPILER_INSPECT_REPRODUCER_H
