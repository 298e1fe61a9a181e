// What ./dev bench measures with, compiled when it starts: calls in a loop with no Python in between, and the limits of the machine.
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#if defined(__AVX512F__)
enum { kBytes = 64, kAccumulators = 24 };
#elif defined(__AVX__)
enum { kBytes = 32, kAccumulators = 12 };
#elif defined(__aarch64__)
enum { kBytes = 16, kAccumulators = 24 };
#else
enum { kBytes = 16, kAccumulators = 12 };
#endif
typedef float floats __attribute__((vector_size(kBytes)));
typedef uint64_t words __attribute__((vector_size(kBytes)));

static double now(int clock) {
  struct timespec time;
  clock_gettime((clockid_t)clock, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Seconds per call, or -1 if one does not return 0. All the functions that are called take and give pointers and integers only. */
double bench_calls(intptr_t (*call)(intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t), const intptr_t a[6], long count, int clock) {
  intptr_t failed = 0;
  double start = now(clock);
  for (long i = 0; i < count; ++i)
    failed |= call(a[0], a[1], a[2], a[3], a[4], a[5]);
  double end = now(clock);
  return (int)failed ? -1 : (end - start) / (double)count;
}

/* Floating-point operations per second, in multiplications and additions that are fused and do not wait for each other. */
double bench_fma(long count, int clock) {
  static volatile float half = 0.5f;
  floats a[kAccumulators], x = (floats){} + half;
  for (int i = 0; i < kAccumulators; ++i)
    a[i] = x * (float)i;
  double start = now(clock);
  for (long n = 0; n < count; ++n) {
#pragma clang loop unroll(full)
    for (int i = 0; i < kAccumulators; ++i)
      a[i] = a[i] * x + x;
    __asm__ volatile("" : "+r"(n)); // the loop stays a loop
  }
  double seconds = now(clock) - start;
  floats sum = x;
  for (int i = 0; i < kAccumulators; ++i)
    sum += a[i];
  half = sum[0] * 0 + 0.5f;
  return 2.0 * kBytes / 4 * kAccumulators * (double)count / seconds;
}

/* Bytes per second, reading `bytes` (a multiple of 1024) from one end to the other, `count` times. */
double bench_read(const void *memory, size_t bytes, long count, int clock) {
  static volatile uint64_t sink;
  const words *from = memory;
  words sum[8] = {};
  double start = now(clock);
  for (long n = 0; n < count; ++n) {
    for (size_t i = 0; i < bytes / kBytes; i += 8)
#pragma clang loop unroll(full)
      for (int j = 0; j < 8; ++j)
        sum[j] |= from[i + j];
    __asm__ volatile("" ::: "memory");
  }
  double seconds = now(clock) - start;
  for (int j = 0; j < 8; ++j)
    sink |= sum[j][0];
  return (double)bytes * (double)count / seconds;
}
