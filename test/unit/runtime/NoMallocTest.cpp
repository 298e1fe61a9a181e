// After a context is made, nothing is allocated: every allocation of this process is counted.
#include "test/unit/runtime/Demo.h"

#include <atomic>

static std::atomic<long> allocations = 0;

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
  ++allocations;
  return __libc_realloc(block, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}

namespace lathe::test {
namespace {

using NoMalloc = DemoTest;

TEST_F(NoMalloc, CounterCounts) {
  long before = allocations;
  ::operator delete(::operator new(64)); // a new expression could be optimised away
  long after = allocations;
  EXPECT_GT(after, before) << "without this the test below proves nothing";
}

TEST_F(NoMalloc, BetweenInferences) {
  lathe_context *context = makeContext(50, 2);
  Call first(50), second(7, 5);
  lathe_error error{};
  long before = allocations;
  for (int i = 0; i < 100; ++i)
    if (first.run(context, &error) != LATHE_OK || second.run(context, &error) != LATHE_OK)
      break;
  second.inputs[0].rank = 9;
  lathe_status refused = second.run(context, &error);
  long after = allocations;
  EXPECT_EQ(after, before);
  EXPECT_EQ(refused, LATHE_INVALID_INPUT);
  first.expectRight();
  second.expectRight();
}

} // namespace
} // namespace lathe::test
