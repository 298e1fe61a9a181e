// lathe-run: runs, measures and describes artifacts. Needs the runtime only, nothing of the compiler.
#include "lathe/lathe.h"
#include "tools/lathe-run/Commands.h"
#include "tools/support/Status.h"
#include "tools/support/Suggest.h"

#include <csignal>
#include <cstdio>
#include <new>

using namespace lathe::tools;

static const char help[] = "usage: lathe-run COMMAND …\n"
                           "\n"
                           "  run    run an artifact on inputs from files, and write, show or check its outputs\n"
                           "  bench  measure an artifact's latency\n"
                           "  info   show what an artifact holds and what it needs\n"
                           "\n"
                           "lathe-run COMMAND --help describes a command. `lathe COMMAND` is the same.\n"
                           "exit codes: 0 ok, 1 usage, 3 invalid input, 4 internal error, 5 artifact refused, 6 output not written, 7 --expect differs\n";

static int dispatch(const std::vector<std::string> &arguments) {
  if (arguments.empty())
    throw Failure(Usage, "lathe-run: a command is missing: run, bench or info");
  const std::string &command = arguments[0];
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (command == "run")
    return runCommand(rest);
  if (command == "bench")
    return benchCommand(rest);
  if (command == "info")
    return infoCommand(rest);
  if (command == "--help" || command == "-help" || command == "-h") {
    std::fputs(help, stdout);
    return Ok;
  }
  if (command == "--version" || command == "-version") {
    std::printf("lathe-run %s\n", lathe_version());
    return Ok;
  }
  throw Failure(Usage, "lathe-run: unknown command '" + command + "'" + didYouMean(command, {"run", "bench", "info"}));
}

int main(int count, char **values) {
  std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow further is a write that fails, and no crash
  int code;
  try {
    code = dispatch({values + 1, values + count});
  } catch (const Failure &failure) {
    std::fprintf(stderr, "error: %s\n", failure.what());
    return failure.code;
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "error: out of memory\n");
    return InvalidInput;
  } catch (const std::exception &exception) {
    std::fprintf(stderr, "error: internal error: %s\n", exception.what());
    return Internal;
  }
  // A full disk or a closed pipe behind stdout must not pass for success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
    std::fprintf(stderr, "error: standard output cannot be written\n");
    return OutputFailed;
  }
  return code;
}
