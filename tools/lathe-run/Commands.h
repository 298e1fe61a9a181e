// The sub-commands. Each returns an exit code, or throws Failure.
#ifndef TOOLS_LATHE_RUN_COMMANDS_H
#define TOOLS_LATHE_RUN_COMMANDS_H

#include <string>
#include <vector>

namespace lathe::tools {

int runCommand(const std::vector<std::string> &arguments);
int benchCommand(const std::vector<std::string> &arguments);
int infoCommand(const std::vector<std::string> &arguments);

} // namespace lathe::tools

#endif
