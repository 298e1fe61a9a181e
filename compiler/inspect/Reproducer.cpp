// What a failing or crashing pass leaves behind.

#include "compiler/inspect/Reproducer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <cstdlib>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

using namespace mlir;

namespace lathe {

/// The object whose snapshot a crash writes.
static std::atomic<Reproducer *> watched = nullptr;

/// Plain characters rather than a StringRef with a constructor: read by the signal handler of the thread that crashed.
static thread_local const char *runningWhat = nullptr, *runningName = nullptr;
static thread_local size_t runningWhatSize = 0, runningSize = 0;

/// Everything below is called from a signal handler: system calls only, no allocation.
static bool writeAll(int fd, const char *data, size_t size) {
  while (size) {
    ssize_t done = ::write(fd, data, size);
    if (done <= 0)
      return false;
    data += done;
    size -= done;
  }
  return true;
}

static bool writeFile(const std::string &path, const std::string &contents) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    return false;
  bool ok = writeAll(fd, contents.data(), contents.size());
  return ::close(fd) == 0 && ok;
}

static void say(const char *text, size_t size) { writeAll(STDERR_FILENO, text, size); }
static void say(StringRef text) { say(text.data(), text.size()); }

void Reproducer::onCrash(void *) {
  // A second thread that crashes while the first one writes must not truncate the file again.
  Reproducer *reproducer = watched.exchange(nullptr);
  if (!reproducer)
    return;
  say("error: the compiler crashed");
  if (runningName) {
    say(" ");
    say(runningWhat, runningWhatSize);
    say(" '");
    say(runningName, runningSize);
    say("'");
  }
  if (reproducer->file.empty()) {
    say("; the same command replays it\n");
  } else if (reproducer->contents.empty()) {
    say("; no reproducer: it crashed before the first snapshot\n");
  } else if (writeFile(reproducer->file, reproducer->contents)) {
    say("; replay it with: ");
    say(reproducer->replay);
    say("\n");
  } else {
    say("; the reproducer '");
    say(reproducer->file);
    say("' could not be written\n");
  }
  if (reproducer->crashExitCode)
    ::_exit(reproducer->crashExitCode);
}

/// LLVM's own last words end in exit(1), or in a request to report a bug in LLVM.
void Reproducer::onFatalError(void *, const char *reason, bool) {
  say("error: ");
  say(reason);
  say("\n");
  llvm::sys::RunInterruptHandlers(); // removes half-written files, as a signal does
  onCrash(nullptr);
  std::abort();
}

std::string Reproducer::shellQuoted(StringRef word) {
  auto plain = [](char c) { return llvm::isAlnum(c) || StringRef("_-./+,:=@").contains(c); };
  if (!word.empty() && llvm::all_of(word, plain))
    return word.str();
  std::string quoted = "'";
  for (char c : word)
    c == '\'' ? quoted += "'\\''" : quoted += c;
  return quoted + "'";
}

std::string Reproducer::runCommand(StringRef tool, StringRef path) { return tool.str() + " " + shellQuoted(path) + " --run-reproducer"; }

Reproducer::Reproducer(std::string path, std::string command, int crashExitCode)
    : file(std::move(path)), replay(std::move(command)), crashExitCode(crashExitCode) {
  // LLVM keeps a callback for the life of the process and has room for eight: ours is added once.
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::sys::AddSignalHandler(&Reproducer::onCrash, nullptr);
    llvm::install_fatal_error_handler(&Reproducer::onFatalError);
  });
  previous = watched.exchange(this);
}

Reproducer::~Reproducer() {
  watched = previous;
  runningName = nullptr;
}

void Reproducer::setRunning(StringRef what, StringRef name) {
  runningWhat = what.data();
  runningWhatSize = what.size();
  runningSize = name.size();
  runningName = name.empty() ? nullptr : name.data();
}

void Reproducer::setSnapshot(StringRef text, StringRef pipeline, bool disableThreading) {
  std::string next;
  llvm::raw_string_ostream os(next);
  // MLIR accepts several metadata blocks, so one may be added to text that has one.
  os << text << "{-#\n  external_resources: {\n    mlir_reproducer: {\n      pipeline: \"";
  llvm::printEscapedString(pipeline, os);
  os << "\",\n      disable_threading: " << (disableThreading ? "true" : "false") << ",\n      verify_each: true\n    }\n  }\n#-}\n";
  // No pass runs between two snapshots, so nothing can crash on another thread while the text changes.
  contents.swap(next);
}

bool Reproducer::write() const { return !contents.empty() && writeFile(file, contents); }

std::string Reproducer::writeAndTell() const {
  if (!write())
    return "; the reproducer '" + file + "' could not be written";
  return "; replay it with: " + replay;
}

} // namespace lathe
