// Running: results for all batches and thread counts, sharing, options.
#include "test/unit/runtime/Demo.h"

#include <atomic>
#include <csignal>
#include <dlfcn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace lathe::test {
namespace {

using Context = DemoTest;

TEST_F(Context, RightForEveryBatchAndThreadCount) {
  for (int threads : {1, 2, 3, 8}) {
    lathe_context *context = makeContext(60, threads);
    EXPECT_EQ(lathe_context_threads(context), threads);
    for (int64_t batch : {60, 1, 2, 7, 59, 60, 1}) {
      Call call(batch, uint32_t(batch));
      lathe_error error{};
      ASSERT_EQ(call.run(context, &error), LATHE_OK) << error.text;
      call.expectRight();
    }
  }
}

TEST_F(Context, SameBuffersWithNewContents) {
  lathe_context *context = makeContext(3, 2);
  Call call(3);
  lathe_error error{};
  for (uint32_t round = 0; round < 5; ++round) {
    std::vector<float> fresh = someNumbers(call.x.size(), round);
    std::copy(fresh.begin(), fresh.end(), call.x.begin());
    ASSERT_EQ(call.run(context, &error), LATHE_OK) << error.text;
    call.expectRight();
  }
  std::vector<float> moved(call.sums.size());
  call.outputs[0].data = moved.data();
  ASSERT_EQ(call.run(context, &error), LATHE_OK) << error.text;
  EXPECT_EQ(moved, call.sums);
}

TEST_F(Context, SameBuffersWithAnotherBatch) {
  lathe_context *context = makeContext(5, 2);
  lathe_error error{};
  Call call(5);
  for (int64_t batch : {5, 2, 4}) {
    call.xDims[0] = call.sumsDims[0] = batch;
    call.inputs[0].byte_size = batch * 24 * 4;
    call.outputs[0].byte_size = batch * 4 * 4;
    std::vector<float> x(call.x.begin(), call.x.begin() + batch * 24), untouched(call.sums.size() - batch * 4, -1);
    std::fill(call.sums.begin(), call.sums.end(), -1.0f);
    ASSERT_EQ(call.run(context, &error), LATHE_OK) << error.text;
    std::vector<float> expected = expectedSums(x, call.bias);
    expected.insert(expected.end(), untouched.begin(), untouched.end());
    EXPECT_EQ(call.sums, expected) << "batch " << batch;
    EXPECT_EQ(call.count, batch);
  }
}

TEST_F(Context, ManyThreadsWithOneContextEach) {
  std::vector<lathe_context *> own;
  for (int i = 0; i < 6; ++i)
    own.push_back(makeContext(50, 1 + i % 3));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&, i] {
      for (uint32_t round = 0; round < 300; ++round) {
        Call call(1 + (round * 7 + uint32_t(i)) % 50, round);
        wrong += call.run(own[size_t(i)], nullptr) != LATHE_OK || call.sums != expectedSums(call.x, call.bias);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Context, Options) {
  lathe_error error{};
  lathe_context *context = nullptr;
  auto create = [&](size_t size, int64_t batch, int threads) {
    lathe_context_options options{size, batch, threads, nullptr, nullptr, nullptr};
    return lathe_context_create(model, &options, &context, &error);
  };
  EXPECT_EQ(create(1, 1, 1), LATHE_USAGE);
  EXPECT_STREQ(error.text, "lathe_context_create: struct_size of the options is 1, expected 48");
  EXPECT_EQ(create(40, -1, 1), LATHE_INVALID_INPUT);
  EXPECT_NE(std::string(error.text).find("max_batch is -1, expected 1 to 1000"), std::string::npos);
  EXPECT_EQ(create(40, 1, -1), LATHE_USAGE);
  EXPECT_STREQ(error.text, "threads is -1, expected 1 to 256, or 0 for as many as there are CPUs");
  EXPECT_EQ(create(40, 1, 257), LATHE_USAGE);
  EXPECT_EQ(lathe_context_create(nullptr, nullptr, &context, &error), LATHE_USAGE);
  EXPECT_EQ(lathe_context_create(model, nullptr, nullptr, &error), LATHE_USAGE);
  EXPECT_EQ(context, nullptr);
}

TEST_F(Context, ThreadsFromTheEnvironment) {
  setenv("LATHE_NUM_THREADS", "3", 1);
  EXPECT_EQ(lathe_context_threads(makeContext(1, 0)), 3);
  EXPECT_EQ(lathe_context_threads(makeContext(1, 2)), 2) << "what the caller asks for counts more";
  lathe_error error{};
  lathe_context *context = nullptr;
  for (const char *wrong : {"x", "0", "-2", "4 threads", "99999999999999999999"}) {
    setenv("LATHE_NUM_THREADS", wrong, 1);
    EXPECT_EQ(lathe_context_create(model, nullptr, &context, &error), LATHE_USAGE) << wrong;
    EXPECT_EQ(error.text, std::string("LATHE_NUM_THREADS is '") + wrong + "', expected a number from 1 to 256");
  }
  unsetenv("LATHE_NUM_THREADS");
}

TEST_F(Context, HugeBatchIsRefusedNotAllocated) {
  ManifestBuilder builder;
  builder.header.max_batch = INT64_MAX;
  lathe_model *unbounded = nullptr;
  lathe_error error{};
  ASSERT_EQ(lathe_model_load(writeArtifact(folder / "u.so", builder).c_str(), &unbounded, &error), LATHE_OK) << error.text;
  lathe_context *context = nullptr;
  for (int64_t batch : {INT64_MAX, INT64_MAX / 100, INT64_MAX / 1000}) {
    lathe_context_options options{sizeof options, batch, 1, nullptr, nullptr};
    EXPECT_NE(lathe_context_create(unbounded, &options, &context, &error), LATHE_OK);
    EXPECT_EQ(context, nullptr);
  }
  lathe_model_destroy(unbounded);
}

TEST_F(Context, StepCallback) {
  struct Seen {
    std::vector<std::string> nodes;
    std::vector<int64_t> flops;
    std::vector<const void *> inputs; // first arguments of the steps
    size_t next = 0;
    bool ordered = true;
  } seen;
  lathe_context *context = makeContext(5, 2);
  auto callback = [](void *user, const lathe_step *step) {
    auto *s = static_cast<Seen *>(user);
    s->ordered &= step->index == s->next++ && step->step_count == 3 && step->end_ns >= step->start_ns && step->start_ns > 0;
    for (size_t i = 0; i < step->node_count; ++i)
      s->nodes.push_back(step->nodes[i]);
    s->flops.push_back(step->flops);
    s->inputs.push_back(step->arg_count ? step->args[0] : nullptr);
  };
  lathe_context_set_step_callback(context, callback, &seen);
  Call call(5);
  lathe_error error{};
  ASSERT_EQ(call.run(context, &error), LATHE_OK) << error.text;
  call.expectRight();
  EXPECT_TRUE(seen.ordered);
  EXPECT_EQ(seen.nodes, (std::vector<std::string>{"Mul_0", "Add_1", "ReduceSum_2", "Shape_3"}));
  EXPECT_EQ(seen.flops, (std::vector<int64_t>{240, 120, 0}));
  EXPECT_EQ(seen.inputs[0], call.x.data());
  lathe_context_set_step_callback(context, nullptr, nullptr);
  ASSERT_EQ(call.run(context, &error), LATHE_OK);
  EXPECT_EQ(seen.next, 3u);
}

#if defined(__x86_64__)
TEST_F(Context, CallersFloatingPointModeDoesNotMatter) {
  lathe_context *context = makeContext(4, 2);
  Call call(4);
  call.x.assign(call.x.size(), 1e-40f); // subnormal
  lathe_error error{};
  ASSERT_EQ(call.run(context, &error), LATHE_OK);
  std::vector<float> expected = call.sums;
  unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0xe040); // round to zero, flush to zero, subnormals are zero
  ASSERT_EQ(call.run(context, &error), LATHE_OK);
  unsigned during = _mm_getcsr();
  _mm_setcsr(before);
  EXPECT_EQ(call.sums, expected);
  EXPECT_EQ(during & 0xe040, 0xe040u) << "the caller's mode must be restored";
}
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER
#endif
#endif
#ifdef THREAD_SANITIZER
#define SKIP_WITHOUT_FORK() GTEST_SKIP() << "ThreadSanitizer ends a process that starts threads after a fork"
#else
#define SKIP_WITHOUT_FORK()
#endif

// Ends the process if it hangs, so that the parent sees it.
int inChild(void (*body)(void *), void *argument) {
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    body(argument);
    std::exit(testing::Test::HasFailure() ? 1 : 0); // with destructors: leaving must not hang either
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST_F(Context, WorksAfterFork) {
  SKIP_WITHOUT_FORK();
  struct Both {
    lathe_context *context;
    lathe_model *model;
  } both{makeContext(50, 3), model};
  Call call(50);
  lathe_error error{};
  ASSERT_EQ(call.run(both.context, &error), LATHE_OK);
  EXPECT_EQ(inChild(
                [](void *argument) {
                  auto *b = static_cast<Both *>(argument);
                  for (int i = 0; i < 10; ++i) {
                    Call inner(50, uint32_t(i));
                    EXPECT_EQ(inner.run(b->context, nullptr), LATHE_OK);
                    inner.expectRight();
                  }
                  lathe_context *fresh = nullptr;
                  lathe_context_options options{sizeof options, 50, 4, nullptr, nullptr};
                  EXPECT_EQ(lathe_context_create(b->model, &options, &fresh, nullptr), LATHE_OK);
                  Call inner(50, 77);
                  EXPECT_EQ(inner.run(fresh, nullptr), LATHE_OK);
                  inner.expectRight();
                  lathe_context_destroy(fresh);
                },
                &both),
            0);
  ASSERT_EQ(call.run(both.context, &error), LATHE_OK) << "the parent goes on";
  call.expectRight();
}

TEST_F(Context, ExitWhileAnotherThreadRuns) {
  SKIP_WITHOUT_FORK();
  lathe_context *context = makeContext(1000, 3);
  EXPECT_EQ(inChild(
                [](void *argument) {
                  std::thread([argument] {
                    Call call(1000);
                    for (;;)
                      call.run(static_cast<lathe_context *>(argument), nullptr);
                  }).detach();
                  usleep(20000);
                },
                context),
            0);
}

// A host that drops the whole runtime: its workers must have left the code before it is unmapped.
TEST(Unload, StopsTheWorkers) {
  TemporaryFolder folder;
  std::string artifact = writeArtifact(folder / "m.so");
  for (int round = 0; round < 20; ++round) {
    void *library = dlopen(TEST_RUNTIME, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    auto symbol = [&]<typename F>(F *, const char *name) { return reinterpret_cast<F *>(dlsym(library, name)); };
    lathe_model *model = nullptr;
    lathe_context *context = nullptr;
    lathe_context_options options{sizeof options, 50, 3, nullptr, nullptr};
    ASSERT_EQ(symbol(&lathe_model_load, "lathe_model_load")(artifact.c_str(), &model, nullptr), LATHE_OK);
    ASSERT_EQ(symbol(&lathe_context_create, "lathe_context_create")(model, &options, &context, nullptr), LATHE_OK);
    Call call(50);
    EXPECT_EQ(symbol(&lathe_run, "lathe_run")(context, call.inputs, 2, call.outputs, 2, nullptr), LATHE_OK);
    call.expectRight();
    symbol(&lathe_context_destroy, "lathe_context_destroy")(context);
    symbol(&lathe_model_destroy, "lathe_model_destroy")(model);
    ASSERT_EQ(dlclose(library), 0);
    EXPECT_EQ(dlopen(TEST_RUNTIME, RTLD_NOW | RTLD_NOLOAD), nullptr) << "it must be gone, or this test sees nothing";
  }
}

} // namespace
} // namespace lathe::test
