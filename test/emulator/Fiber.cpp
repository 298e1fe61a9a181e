#include "test/emulator/Fiber.h"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

#if defined(__x86_64__)
// What a call preserves goes to the stack that is left, and comes from the other.
extern "C" void lathe_emulator_switch(void **from, void *to);
asm(R"(
  .text
  .hidden lathe_emulator_switch
  .globl lathe_emulator_switch
  .type lathe_emulator_switch, @function
lathe_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size lathe_emulator_switch, . - lathe_emulator_switch
)");
#endif

namespace lathe::emulator {

#if defined(__x86_64__)
void Fiber::prepare(char *stack, size_t bytes, void (*entry)()) {
  // Six registers, where to go, and a return address that nobody uses; a function begins 8 bytes off a multiple of 16.
  void **top = reinterpret_cast<void **>(stack + bytes) - 1;
  *top = nullptr;
  *--top = reinterpret_cast<void *>(entry);
  for (int i = 0; i != 6; ++i)
    *--top = nullptr;
  pointer = top;
}
void Fiber::switchTo(Fiber &to) { lathe_emulator_switch(&pointer, to.pointer); }
#else
void Fiber::prepare(char *stack, size_t bytes, void (*entry)()) {
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = bytes;
  context.uc_link = nullptr;
  makecontext(&context, entry, 0);
}
void Fiber::switchTo(Fiber &to) { swapcontext(&context, &to.context); }
#endif

char *Stacks::get(size_t index) {
  constexpr size_t most = 1024, page = 4096;
  if (!first) {
    void *memory = mmap(nullptr, most * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      std::fprintf(stderr, "emulated GPU: no room for the stacks of its threads\n");
      std::abort();
    }
    first = static_cast<char *>(memory);
  }
  for (; ready <= index; ++ready)
    mprotect(first + ready * bytes, page, PROT_NONE);
  return first + index * bytes;
}

} // namespace lathe::emulator
