// Finds accesses to shared memory that nothing orders: two threads, one of them writing, and no barrier in between; and what touches the target of a cp.async
// before it was waited for. Each warp has a vector clock, which barriers join; __syncwarp orders the lanes of one warp.
#ifndef TEST_EMULATOR_RACES_H
#define TEST_EMULATOR_RACES_H

#include "test/emulator/Abi.h"

#include <array>
#include <string>
#include <vector>

namespace lathe::emulator {

class Races {
public:
  Races();
  void beginBlock(u32 warps);
  // Empty if all is well, otherwise what is wrong.
  std::string access(u32 thread, const Site *site, u64 offset, u32 bytes, Access access);
  // A copy to shared memory that is under way counts as written when it is waited for, and until then nobody may look.
  std::string beginCopy(u32 thread, const Site *site, u64 offset, u32 bytes);
  void endCopy(u32 thread, const Site *site, u64 offset, u32 bytes);
  void barrier(const std::vector<u32> &warps);
  void warpBarrier(u32 warp);

private:
  struct Mark {
    const Site *site;
    u32 clock;
    u16 thread;
    u16 kind; // 0: none, 1: one thread, 2: several lanes of a warp, 3: an atomic access
  };
  static constexpr u32 capacity = 256 << 10, maxWarps = 32;
  Mark *writes = nullptr;  // by byte
  Mark *reads = nullptr;   // by warp and byte
  Mark *flights = nullptr; // by byte
  std::array<std::array<u32, maxWarps>, maxWarps> clocks{};
  u32 warps = 0, latest = 0, block = 0;

  bool ordered(const Mark &mark, u32 thread) const;
};

} // namespace lathe::emulator

#endif
