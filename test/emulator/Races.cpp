#include "test/emulator/Races.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

namespace lathe::emulator {

Races::Races() {
  auto table = [](u64 count) {
    void *memory = mmap(nullptr, count * sizeof(Mark), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      std::fprintf(stderr, "emulated GPU: no room for the tables of LATHE_EMU_RACES\n");
      std::abort();
    }
    return static_cast<Mark *>(memory);
  };
  writes = table(capacity);
  reads = table(u64(capacity) * maxWarps);
  flights = table(capacity);
}

void Races::beginBlock(u32 count) {
  // All that earlier blocks did is over.
  for (auto &clock : clocks)
    for (u32 value : clock)
      latest = std::max(latest, value);
  warps = count;
  for (auto &clock : clocks)
    clock.fill(latest);
  for (u32 w = 0; w != maxWarps; ++w)
    ++clocks[w][w];
  ++latest;
  ++block;
}

bool Races::ordered(const Mark &mark, u32 thread) const {
  if (mark.thread == thread && mark.kind != 2)
    return true;
  u32 warp = thread / 32, other = mark.thread / 32;
  return other == warp ? mark.clock < clocks[warp][warp] : mark.clock <= clocks[warp][other];
}

static std::string message(const char *does, u32 bytes, u64 offset, const char *done, u32 thread, const Site *site) {
  return std::string("a data race: ") + does + " " + std::to_string(bytes) + " bytes of shared memory at " + std::to_string(offset) + ", which thread " +
         std::to_string(thread) + " " + done + " in '" + site->text + "' with no barrier in between";
}

std::string Races::access(u32 thread, const Site *site, u64 offset, u32 bytes, Access access) {
  u32 warp = thread / 32, now = clocks[warp][warp];
  u16 kind = access == Access::atomic ? 3 : 1;
  const char *does = access == Access::read ? "it reads" : "it writes";
  for (u64 at = offset; at != offset + bytes; ++at) {
    if (const Mark &flight = flights[at]; flight.kind && flight.clock == block)
      return std::string("a copy under way: ") + does + " " + std::to_string(bytes) + " bytes of shared memory at " + std::to_string(offset) + ", where '" +
             flight.site->text + "' of thread " + std::to_string(flight.thread) + " has not been waited for";
    if (const Mark &mark = writes[at]; mark.kind && !ordered(mark, thread) && !(mark.kind == 3 && kind == 3))
      return message(does, bytes, offset, "wrote", mark.thread, mark.site);
    if (access == Access::read) {
      Mark &mark = reads[u64(warp) * capacity + at];
      bool several = mark.kind && mark.clock == now && (mark.kind == 2 || mark.thread != thread);
      mark = {site, now, u16(thread), u16(several ? 2 : 1)};
      continue;
    }
    for (u32 w = 0; w != warps; ++w)
      if (const Mark &mark = reads[u64(w) * capacity + at]; mark.kind && !ordered(mark, thread))
        return message(does, bytes, offset, "read", mark.thread, mark.site);
    writes[at] = {site, now, u16(thread), kind};
  }
  return "";
}

std::string Races::beginCopy(u32 thread, const Site *site, u64 offset, u32 bytes) {
  std::string wrong = access(thread, site, offset, bytes, Access::write);
  if (wrong.empty())
    std::fill_n(flights + offset, bytes, Mark{site, block, u16(thread), 1});
  return wrong;
}

void Races::endCopy(u32 thread, const Site *site, u64 offset, u32 bytes) {
  u32 warp = thread / 32;
  std::fill_n(flights + offset, bytes, Mark{});
  std::fill_n(writes + offset, bytes, Mark{site, clocks[warp][warp], u16(thread), 1});
}

void Races::barrier(const std::vector<u32> &members) {
  std::array<u32, maxWarps> joined{};
  for (u32 warp : members)
    for (u32 w = 0; w != maxWarps; ++w)
      joined[w] = std::max(joined[w], clocks[warp][w]);
  for (u32 warp : members) {
    clocks[warp] = joined;
    ++clocks[warp][warp];
  }
}

void Races::warpBarrier(u32 warp) { ++clocks[warp][warp]; }

} // namespace lathe::emulator
