// What the machine can do at most, as measured: the two roofs under which a kernel works.
#ifndef TOOLS_LATHE_RUN_LIMITS_H
#define TOOLS_LATHE_RUN_LIMITS_H

#include <cstdint>
#include <string>
#include <vector>

namespace lathe::tools {

// What a default-constructed one says of a machine that was not measured is nothing.
struct Limits {
  struct Bandwidth {
    uint64_t bytes; // read again and again, all threads together
    double bytesPerSecond;
  };

  double flopsPerSecond = 0;         // f32 multiplications and additions, fused, of all threads
  std::vector<Bandwidth> bandwidths; // by rising bytes
  bool measured = false;

  // In some 30 ms, on `threads` threads at once, with the widest vectors of this CPU.
  static Limits measure(int threads);
  // "147,11": GFLOP/s, and GB/s for whatever size. Throws Failure.
  static Limits parse(const std::string &text);

  bool known() const { return flopsPerSecond > 0; }
  // Of something that touches so many bytes again and again.
  double bandwidth(uint64_t bytes) const;
  // The least seconds for that much work.
  double seconds(int64_t flops, int64_t bytes) const;
  bool isMemory(int64_t flops, int64_t bytes) const;
  std::string text() const;
};

} // namespace lathe::tools

#endif
