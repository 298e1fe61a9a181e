// Stacks that take turns on one thread of the host.
#ifndef TEST_EMULATOR_FIBER_H
#define TEST_EMULATOR_FIBER_H

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace lathe::emulator {

class Fiber {
public:
  // For the stack that is running already.
  Fiber() = default;
  // Begins in `entry`, which never returns, when somebody switches to it for the first time.
  void prepare(char *stack, size_t bytes, void (*entry)());
  // Goes on where `to` stopped, until somebody switches back.
  void switchTo(Fiber &to);

private:
#if defined(__x86_64__)
  void *pointer = nullptr;
#else
  ucontext_t context;
#endif
};

// Stacks of `bytes` with a page below each that nobody may touch; they stay for the next launch.
class Stacks {
public:
  static constexpr size_t bytes = 256 << 10;
  char *get(size_t index);

private:
  char *first = nullptr;
  size_t ready = 0;
};

} // namespace lathe::emulator

#endif
