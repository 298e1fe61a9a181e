// Measures a fork-join of two threads with nothing to do: the cost that every parallel step pays. Not a test, because a busy machine says nothing.
extern "C" {
#include "runtime/cpu/Pool.h"
}

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

int main() {
  if (lt_pool_grow(2) != 0 || !lt_pool_acquire(2))
    return 1;
  lt_job job{[](void *const *, void *, int64_t, int64_t) {}, nullptr, nullptr, 0, 2};
  std::vector<double> times;
  for (int round = 0; round < 201; ++round) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 1000; ++i)
      lt_pool_run(&job, 2);
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count() / 1000);
  }
  lt_pool_release();
  std::sort(times.begin(), times.end());
  std::printf("fork-join of 2 threads: median %.3f us, best %.3f us, worst %.3f us\n", times[times.size() / 2], times.front(), times.back());
}
