// The command line: CLI11 plus our conventions (one line per error, -flag as --flag, the nearest flag for an unknown one).
#ifndef TOOLS_SUPPORT_ARGUMENTS_H
#define TOOLS_SUPPORT_ARGUMENTS_H

#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace lathe::tools {

class Arguments {
public:
  Arguments(const std::string &command, const std::string &description);
  ~Arguments();

  // `names` as CLI11 takes them ("--warm-up,--warmUp"). All must outlive parse().
  void positional(const std::string &name, std::string &value, const std::string &help);
  void option(const std::string &names, std::string &value, const std::string &help);
  void option(const std::string &names, std::vector<std::string> &values, const std::string &help);
  void flag(const std::string &names, bool &value, const std::string &help);

  // False if help was asked for and printed. Throws Failure (exit 1).
  bool parse(const std::vector<std::string> &arguments);

private:
  std::string command, firstPositional;
  std::unique_ptr<CLI::App> app;
};

// A number within [min, max], or Failure (exit 1) that names the flag.
int integerArgument(const std::string &flag, const std::string &text, int min, int max);
double realArgument(const std::string &flag, const std::string &text, double min, double max);

} // namespace lathe::tools

#endif
