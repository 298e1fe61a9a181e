#include "tools/lathe-run/Limits.h"
#include "tools/support/Status.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <thread>

namespace lathe::tools {

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// This file is compiled for any CPU of the architecture; the vectors are those of the one that it runs on. No intrinsics: the loops mean the same everywhere.
template <int bytes> struct Vector {
  typedef float Floats __attribute__((vector_size(bytes)));
  typedef uint64_t Words __attribute__((vector_size(bytes)));
};

// As many chains as hide the latency of two pipes and leave registers.
template <int bytes, int chains> [[gnu::always_inline]] static inline double fmaRate(long count) {
  using Floats = typename Vector<bytes>::Floats;
  static volatile float half = 0.5f;
  Floats a[chains], x = Floats{} + half;
  for (int i = 0; i < chains; ++i)
    a[i] = x * float(i);
  Clock::time_point start = Clock::now();
  for (long n = 0; n < count; ++n) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; ++i)
      a[i] = a[i] * x + x;
    __asm__ volatile("" : "+r"(n)); // the loop stays a loop
  }
  double seconds = secondsSince(start);
  Floats sum = x;
  for (int i = 0; i < chains; ++i)
    sum += a[i];
  half = sum[0] * 0 + 0.5f;
  return 2.0 * bytes / sizeof(float) * chains * double(count) / seconds;
}

template <int bytes> [[gnu::always_inline]] static inline double readRate(const void *memory, size_t size, long count) {
  using Words = typename Vector<bytes>::Words;
  static volatile uint64_t sink;
  const Words *from = static_cast<const Words *>(memory);
  Words sum[8] = {};
  Clock::time_point start = Clock::now();
  for (long n = 0; n < count; ++n) {
    for (size_t i = 0; i < size / bytes; i += 8)
#pragma clang loop unroll(full)
      for (int j = 0; j < 8; ++j)
        sum[j] |= from[i + size_t(j)];
    __asm__ volatile("" ::: "memory");
  }
  double seconds = secondsSince(start);
  for (int j = 0; j < 8; ++j)
    sink = sink | sum[j][0];
  return double(size) * double(count) / seconds;
}

namespace {

struct Loops {
  double (*fma)(long count);
  double (*read)(const void *memory, size_t size, long count);
};

} // namespace

#if defined(__x86_64__)
[[gnu::target("avx512f,fma")]] static double fma512(long count) { return fmaRate<64, 24>(count); }
[[gnu::target("avx512f,fma")]] static double read512(const void *memory, size_t size, long count) { return readRate<64>(memory, size, count); }
[[gnu::target("avx2,fma")]] static double fma256(long count) { return fmaRate<32, 12>(count); }
[[gnu::target("avx2,fma")]] static double read256(const void *memory, size_t size, long count) { return readRate<32>(memory, size, count); }
#endif
static double fma128(long count) { return fmaRate<16, 12>(count); }
static double read128(const void *memory, size_t size, long count) { return readRate<16>(memory, size, count); }

static Loops loopsOfThisCpu() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return {fma512, read512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {fma256, read256};
#endif
  return {fma128, read128};
}

// Sum over the threads of the best of some tries of each.
template <typename Rate> static double onThreads(int threads, Rate rate) {
  std::vector<double> best(size_t(threads), 0);
  auto work = [&](size_t thread) {
    for (int i = 0; i < 5; ++i)
      best[thread] = std::max(best[thread], rate(thread));
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < size_t(threads); ++i)
    others.emplace_back(work, i);
  work(0);
  for (std::thread &other : others)
    other.join();
  double sum = 0;
  for (double each : best)
    sum += each;
  return sum;
}

Limits Limits::measure(int threads) {
  constexpr size_t kLargest = size_t(32) << 20;
  Loops loops = loopsOfThisCpu();
  Limits limits;
  limits.measured = true;
  limits.flopsPerSecond = onThreads(threads, [&](size_t) { return loops.fma(20000); });
  size_t largest = kLargest / size_t(threads) & ~size_t(4095);
  std::vector<std::unique_ptr<char[], decltype(&std::free)>> memory;
  for (int i = 0; i < threads; ++i) {
    memory.emplace_back(static_cast<char *>(std::aligned_alloc(4096, largest)), &std::free);
    if (!memory.back())
      throw Failure(Internal, "no memory to measure the machine's bandwidth");
    std::fill_n(memory.back().get(), largest, 1); // pages of its own
  }
  for (size_t size : {size_t(32) << 10, size_t(256) << 10, size_t(1) << 20, size_t(4) << 20, kLargest}) {
    size_t each = std::max(size / size_t(threads) & ~size_t(4095), size_t(4096));
    long count = std::max(long((size_t(1) << 20) / each), 1l);
    limits.bandwidths.push_back({size, onThreads(threads, [&](size_t thread) { return loops.read(memory[thread].get(), each, count); })});
  }
  return limits;
}

Limits Limits::parse(const std::string &text) {
  double flops = 0, bytes = 0;
  const char *end = text.data() + text.size();
  auto [comma, first] = std::from_chars(text.data(), end, flops);
  if (first == std::errc() && comma != end && *comma == ',') {
    auto [rest, second] = std::from_chars(comma + 1, end, bytes);
    if (second == std::errc() && rest == end && std::isfinite(flops) && std::isfinite(bytes) && flops > 0 && bytes > 0)
      return {flops * 1e9, {{1, bytes * 1e9}}, false};
  }
  throw Failure(Usage, "--roofline is '" + text + "', expected GFLOP/s and GB/s of the machine, such as 147,11");
}

// Between the sizes that were measured: a straight line over the logarithm of the size.
double Limits::bandwidth(uint64_t bytes) const {
  auto after = std::lower_bound(bandwidths.begin(), bandwidths.end(), bytes, [](const Bandwidth &b, uint64_t size) { return b.bytes < size; });
  if (after == bandwidths.begin())
    return after->bytesPerSecond;
  auto before = std::prev(after);
  if (after == bandwidths.end())
    return before->bytesPerSecond;
  double share = std::log(double(bytes) / double(before->bytes)) / std::log(double(after->bytes) / double(before->bytes));
  return before->bytesPerSecond * (1 - share) + after->bytesPerSecond * share;
}

static double memorySeconds(const Limits &limits, int64_t bytes) { return bytes > 0 ? double(bytes) / limits.bandwidth(uint64_t(bytes)) : 0; }

double Limits::seconds(int64_t flops, int64_t bytes) const { return std::max(double(flops) / flopsPerSecond, memorySeconds(*this, bytes)); }

bool Limits::isMemory(int64_t flops, int64_t bytes) const { return memorySeconds(*this, bytes) > double(flops) / flopsPerSecond; }

std::string Limits::text() const {
  char line[160];
  if (!measured)
    std::snprintf(line, sizeof line, "%.0f GFLOP/s, %.1f GB/s, as given", flopsPerSecond * 1e-9, bandwidths[0].bytesPerSecond * 1e-9);
  else
    std::snprintf(line, sizeof line, "%.0f GFLOP/s; reading 32 KB again and again %.0f GB/s, 1 MB %.0f, 32 MB %.0f; measured just now", flopsPerSecond * 1e-9,
                  bandwidths[0].bytesPerSecond * 1e-9, bandwidth(1 << 20) * 1e-9, bandwidths.back().bytesPerSecond * 1e-9);
  return line;
}

} // namespace lathe::tools
