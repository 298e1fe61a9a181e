// Translated kernels as code of the host: clang runs in the background, and what it made is kept under a hash of all that it depends on.
#ifndef TEST_EMULATOR_COMPILER_H
#define TEST_EMULATOR_COMPILER_H

#include "test/emulator/Abi.h"

#include <memory>
#include <string>

namespace lathe::emulator {

using Entry = void (*)(Thread *);

class Compilation {
public:
  // Waits until it is there. Null if it could not be made, with the reason in `error`.
  Entry wait();
  std::string error;

private:
  friend std::shared_ptr<Compilation> compile(const std::string &code);
  friend struct Workers;
  std::string source, object; // files
  std::string code;
  bool done = false;
  Entry entry = nullptr;
};

std::shared_ptr<Compilation> compile(const std::string &code);

} // namespace lathe::emulator

#endif
