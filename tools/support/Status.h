// Exit codes and the one exception of the tool: main prints its text as one line and exits with its code.
#ifndef TOOLS_SUPPORT_STATUS_H
#define TOOLS_SUPPORT_STATUS_H

#include <stdexcept>
#include <string>

namespace lathe::tools {

enum ExitCode { Ok = 0, Usage = 1, InvalidInput = 3, Internal = 4, Refused = 5, OutputFailed = 6, ExpectationFailed = 7 };

struct Failure : std::runtime_error {
  int code;
  Failure(int code, const std::string &text) : std::runtime_error(text), code(code) {}
};

} // namespace lathe::tools

#endif
