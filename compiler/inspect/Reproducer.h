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
  /// `path` is where the file would be written, `tool` what replays it. With a `crashExitCode` other than 0 a crash ends the process with
  /// that code, otherwise with the signal.
  Reproducer(std::string path, std::string tool, int crashExitCode = 0);
  ~Reproducer();
  Reproducer(const Reproducer &) = delete;
  Reproducer &operator=(const Reproducer &) = delete;

  /// `text` is a module as printed by MLIR; `pipeline` is what is left to be run on it, `builtin.module(…)`.
  void setSnapshot(mlir::StringRef text, mlir::StringRef pipeline, bool disableThreading);

  /// Names what the calling thread is doing, for the message of a crash. The characters must outlive the call (pass arguments do).
  static void setRunning(mlir::StringRef pass);

  /// Writes the snapshot. False when the file cannot be written.
  bool write() const;

  /// The one command that replays the file.
  const std::string &command() const { return replay; }
  const std::string &path() const { return file; }

private:
  static void onCrash(void *);

  std::string file, replay, contents;
  int crashExitCode;
  Reproducer *previous;
};

} // namespace lathe

#endif // COMPILER_INSPECT_REPRODUCER_H
