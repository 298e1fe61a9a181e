// Steps divided among the caller's own threads.
#include "test/unit/runtime/Demo.h"

#include <filesystem>
#include <thread>

namespace lathe::test {
namespace {

size_t threadsOfProcess() {
  auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return size_t(std::distance(begin(tasks), end(tasks)));
}

// How a test's parallel_for behaves, and what it saw.
struct Hook {
  std::function<void(size_t count, const std::function<void(size_t)> &task)> body;
  std::vector<size_t> counts;

  static void run(void *user, size_t count, lathe_task_fn task, void *argument) {
    auto *self = static_cast<Hook *>(user);
    self->counts.push_back(count);
    self->body(count, [&](size_t index) { task(argument, index); });
  }
};

class ParallelFor : public DemoTest {
protected:
  lathe_context *makeHooked(Hook &hook, int threads) {
    lathe_context_options options{.struct_size = sizeof options, .max_batch = 60, .threads = threads, .parallel_for = Hook::run, .parallel_user = &hook};
    lathe_error error{};
    lathe_context *context = nullptr;
    EXPECT_EQ(lathe_context_create(model, &options, &context, &error), LATHE_OK) << error.text;
    contexts.push_back(context);
    return context;
  }
};

TEST_F(ParallelFor, TasksInAnyOrderAndOnAnyThread) {
  Hook backwards{[](size_t count, auto &task) {
                   while (count)
                     task(--count);
                 },
                 {}};
  Hook threaded{[](size_t count, auto &task) {
                  std::vector<std::thread> threads;
                  for (size_t i = 0; i < count; ++i)
                    threads.emplace_back([&, i] { task(i); });
                  for (std::thread &thread : threads)
                    thread.join();
                },
                {}};
  for (Hook *hook : {&backwards, &threaded}) {
    lathe_context *context = makeHooked(*hook, 4);
    EXPECT_EQ(lathe_context_threads(context), 4);
    for (int64_t batch : {60, 1, 7}) {
      Call call(batch);
      lathe_error error{};
      ASSERT_EQ(call.run(context, &error), LATHE_OK) << error.text;
      call.expectRight();
    }
    // Batch 60: two steps worth dividing. Batch 1: one of 24 iterations with a grain of 8, one of 4 with 2. Batch 7: as 60. No step has more tasks than that.
    EXPECT_EQ(hook->counts, (std::vector<size_t>{4, 4, 3, 2, 4, 4}));
  }
}

TEST_F(ParallelFor, StartsNoThreads) {
  size_t before = threadsOfProcess();
  Hook hook{[](size_t count, auto &task) {
              for (size_t i = 0; i < count; ++i)
                task(i);
            },
            {}};
  lathe_context *context = makeHooked(hook, 200);
  Call call(60);
  ASSERT_EQ(call.run(context, nullptr), LATHE_OK);
  call.expectRight();
  EXPECT_EQ(threadsOfProcess(), before);
  EXPECT_EQ(hook.counts[0], 180u) << "1440 iterations with a grain of 8";
}

TEST_F(ParallelFor, TasksThatAreDroppedOrRepeatedAreNoResult) {
  lathe_error error{};
  Hook drops{[](size_t count, auto &task) {
               for (size_t i = 1; i < count; ++i)
                 task(i);
             },
             {}};
  lathe_context *context = makeHooked(drops, 4);
  Call call(60);
  EXPECT_EQ(call.run(context, &error), LATHE_INTERNAL);
  EXPECT_STREQ(error.text, "the caller's parallel_for ran 3 of the 4 tasks of step 0, expected each of them once");
  int64_t dims[2];
  EXPECT_EQ(lathe_context_output_dims(context, 0, dims, 2, nullptr), LATHE_USAGE) << "a run that failed leaves nothing";
  Hook repeats{[](size_t count, auto &task) {
                 for (size_t i = 0; i < count; ++i)
                   task(i);
                 task(2);
               },
               {}};
  EXPECT_EQ(call.run(makeHooked(repeats, 4), &error), LATHE_INTERNAL);
  EXPECT_STREQ(error.text, "the caller's parallel_for ran 4 of the 4 tasks of step 0 and others again, expected each of them once");
  Hook strays{[](size_t count, auto &task) {
                for (size_t i = 0; i <= count; ++i)
                  task(i);
              },
              {}};
  EXPECT_EQ(call.run(makeHooked(strays, 4), &error), LATHE_INTERNAL);
}

// A caller that was compiled before the field existed.
TEST_F(ParallelFor, OlderOptions) {
  lathe_context_options options{.struct_size = offsetof(lathe_context_options, parallel_for),
                                .max_batch = 60,
                                .threads = 2,
                                .parallel_for = [](void *, size_t, lathe_task_fn, void *) { FAIL() << "not part of the caller's struct"; },
                                .parallel_user = nullptr};
  lathe_context *context = nullptr;
  lathe_error error{};
  ASSERT_EQ(lathe_context_create(model, &options, &context, &error), LATHE_OK) << error.text;
  contexts.push_back(context);
  Call call(60);
  ASSERT_EQ(call.run(context, &error), LATHE_OK) << error.text;
  call.expectRight();
}

} // namespace
} // namespace lathe::test
