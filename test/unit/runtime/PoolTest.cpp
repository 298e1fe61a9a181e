// The pool: every iteration once, on the right scratch, whoever asks.
extern "C" {
#include "runtime/cpu/Pool.h"
}

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace {

// args[0]: counters, one per iteration.
void countKernel(void *const *args, void *scratch, int64_t begin, int64_t end) {
  auto *counters = static_cast<std::atomic<int> *>(args[0]);
  for (int64_t i = begin; i < end; ++i)
    counters[i].fetch_add(1, std::memory_order_relaxed);
  if (scratch)
    static_cast<int64_t *>(scratch)[0] += end - begin; // a race if two threads share a scratch
}

TEST(Pool, EveryIterationOnce) {
  ASSERT_EQ(lt_pool_grow(5), 0);
  ASSERT_TRUE(lt_pool_acquire(5));
  ASSERT_GE(lt_pool_threads(), 5);
  for (int threads = 1; threads <= 5; ++threads)
    for (int64_t space : {0, 1, 2, 3, 5, 7, 64, 1001}) {
      std::vector<std::atomic<int>> counters(size_t(space) + 1);
      std::vector<int64_t> scratch(5 * 16);
      void *args[] = {counters.data()};
      lt_job job{countKernel, args, reinterpret_cast<unsigned char *>(scratch.data()), 128, space};
      lt_pool_run(&job, threads);
      int64_t total = 0, largest = 0, smallest = space;
      for (int t = 0; t < threads; ++t) {
        total += scratch[size_t(t) * 16];
        largest = std::max(largest, scratch[size_t(t) * 16]);
        smallest = std::min(smallest, scratch[size_t(t) * 16]);
      }
      EXPECT_EQ(total, space);
      EXPECT_LE(largest - smallest, 1) << "parts must be equal";
      for (int64_t i = 0; i < space; ++i)
        EXPECT_EQ(counters[size_t(i)], 1);
      EXPECT_EQ(counters[size_t(space)], 0);
    }
  lt_pool_release();
}

TEST(Pool, ManyJobsInARow) {
  ASSERT_EQ(lt_pool_grow(3), 0);
  ASSERT_TRUE(lt_pool_acquire(3));
  std::vector<std::atomic<int>> counters(3);
  void *args[] = {counters.data()};
  lt_job job{countKernel, args, nullptr, 0, 3};
  const int rounds = 20000;
  for (int i = 0; i < rounds; ++i) {
    lt_pool_run(&job, 3);
    ASSERT_EQ(counters[2].load(std::memory_order_relaxed), i + 1) << "a job must have ended when lt_pool_run returns";
  }
  lt_pool_release();
}

// Workers sleep in between: a lost wake-up shows as a hang.
TEST(Pool, WakesSleepingWorkers) {
  ASSERT_EQ(lt_pool_grow(3), 0);
  ASSERT_TRUE(lt_pool_acquire(3));
  std::vector<std::atomic<int>> counters(3);
  void *args[] = {counters.data()};
  lt_job job{countKernel, args, nullptr, 0, 3};
  for (int i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(i * 10));
    lt_pool_run(&job, 3);
  }
  EXPECT_EQ(counters[0] + counters[1] + counters[2], 300);
  lt_pool_release();
}

TEST(Pool, OneHolderAtATime) {
  ASSERT_EQ(lt_pool_grow(2), 0);
  ASSERT_TRUE(lt_pool_acquire(2));
  std::thread([] { EXPECT_FALSE(lt_pool_acquire(2)); }).join();
  lt_pool_release();
  std::thread([] {
    EXPECT_TRUE(lt_pool_acquire(2));
    lt_pool_release();
  }).join();
}

// Growing (a context is made) while another thread runs jobs.
TEST(Pool, GrowsWhileBusy) {
  ASSERT_EQ(lt_pool_grow(2), 0);
  std::atomic<bool> stop = false;
  std::thread runner([&] {
    std::vector<std::atomic<int>> counters(20);
    void *args[] = {counters.data()};
    lt_job job{countKernel, args, nullptr, 0, 20};
    int rounds = 0;
    while (!stop && lt_pool_acquire(2)) {
      lt_pool_run(&job, lt_pool_threads());
      ++rounds;
      lt_pool_release();
    }
    for (auto &counter : counters)
      EXPECT_EQ(counter, rounds);
  });
  for (int threads = 3; threads <= 12; ++threads)
    EXPECT_EQ(lt_pool_grow(threads), 0);
  stop = true;
  runner.join();
}

} // namespace
