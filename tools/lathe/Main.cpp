// lathe: finds the program that does the work and becomes it, as git does. `lathe run …` is `lathe-run run …`, `lathe compile …` is `lathe-compile …`.
#include "lathe/lathe.h"
#include "tools/support/Suggest.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

struct Command {
  const char *name, *program;
  bool keepsName; // the program has sub-commands of its own
  const char *help;
};

constexpr Command commands[] = {
    {"compile", "lathe-compile", false, "compile an ONNX model to an artifact"},
    {"check", "lathe-compile", true, "say whether a model can be compiled, and what it is made of"},
    {"run", "lathe-run", true, "run an artifact on inputs from files"},
    {"bench", "lathe-run", true, "measure an artifact's latency"},
    {"compare", "lathe-compare", false, "find the first wrong number of a compiled network, beside ONNX Runtime"},
    {"info", "lathe-run", true, "show what an artifact holds and what it needs"},
    {"opt", "lathe-opt", false, "run single passes on IR (for work on the compiler)"},
    {"reduce", "lathe-reduce", false, "shrink IR that shows a fault"},
    {"lsp-server", "lathe-lsp-server", false, "language server for .mlir files"},
};

constexpr int usageError = 1;

void printHelp() {
  std::printf("usage: lathe COMMAND …\n\n");
  for (const Command &command : commands)
    std::printf("  %-11s %s\n", command.name, command.help);
  std::printf("\nlathe COMMAND --help describes a command; lathe --version prints the version.\n"
              "exit codes: 0 ok, 1 usage, 2 unsupported model, 3 invalid input, 4 internal error, 5 device or artifact refused,\n"
              "            6 output not written, 7 numbers differ\n");
}

// The programs of one build or installation belong together, so those beside this one come before those in PATH.
int become(const Command &command, int count, char **values) {
  std::vector<char *> arguments{const_cast<char *>(command.program)};
  arguments.insert(arguments.end(), values + (command.keepsName ? 1 : 2), values + count);
  arguments.push_back(nullptr);
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self);
  if (length > 0) {
    std::string path(self, size_t(length));
    path.replace(path.rfind('/') + 1, std::string::npos, command.program);
    execv(path.c_str(), arguments.data());
    if (errno != ENOENT) {
      std::fprintf(stderr, "error: %s cannot be run: %s\n", path.c_str(), std::strerror(errno));
      return usageError;
    }
  }
  execvp(command.program, arguments.data());
  std::fprintf(stderr, "error: 'lathe %s' needs the program %s, which is neither beside lathe nor in PATH\n", command.name, command.program);
  return usageError;
}

} // namespace

int main(int count, char **values) {
  std::string word = count > 1 ? values[1] : "";
  if (word == "--version" || word == "-version") {
    std::printf("lathe %s\n", lathe_version());
    return 0;
  }
  if (word == "--help" || word == "-help" || word == "-h" || word == "help") {
    printHelp();
    return 0;
  }
  std::vector<std::string> names;
  for (const Command &command : commands) {
    if (word == command.name)
      return become(command, count, values);
    names.push_back(command.name);
  }
  if (word.empty())
    std::fprintf(stderr, "error: a command is missing; see lathe --help\n");
  else
    std::fprintf(stderr, "error: unknown command '%s'%s\n", word.c_str(), lathe::tools::didYouMean(word, names).c_str());
  return usageError;
}
