#include "test/emulator/Memory.h"
#include "test/emulator/Settings.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace lathe::emulator {

static constexpr u64 alignment = 256, guard = 4096;

Memory::Memory() {
  void *region = mmap(nullptr, regionBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  void *shadow = mmap(nullptr, regionBytes >> granuleBits, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  void *owners = mmap(nullptr, (regionBytes >> granuleBits) * sizeof(u32), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region == MAP_FAILED || shadow == MAP_FAILED || owners == MAP_FAILED) {
    std::fprintf(stderr, "emulated GPU: no room for %llu GiB of addresses\n", regionBytes >> 30);
    std::abort();
  }
  start = u64(region);
  marks = static_cast<u8 *>(shadow);
  numbers = static_cast<u32 *>(owners);
  holes[start] = regionBytes;
}

u64 Memory::allocate(u64 bytes, Owner owner, int device) {
  if (owner == Owner::device && (bytes > settings().memory || used(device) > settings().memory - bytes))
    return 0;
  // Something lies between two allocations, so that who runs over the end of one does not land in the next.
  u64 room = (bytes + alignment - 1) / alignment * alignment + guard;
  auto hole = std::find_if(holes.begin(), holes.end(), [&](const auto &one) { return one.second >= room; });
  if (room < bytes || hole == holes.end())
    return 0;
  u64 address = hole->first;
  if (u64 rest = hole->second - room)
    holes[address + room] = rest;
  holes.erase(address);
  allocations[address] = {bytes, owner, device};
  if (owner != Owner::emulator) {
    std::memset(reinterpret_cast<void *>(address), 0xff, bytes);
    expose(address, bytes, bytes);
  }
  return address;
}

bool Memory::free(u64 address, Owner owner) {
  auto found = allocations.find(address);
  if (found == allocations.end() || found->second.owner != owner)
    return false;
  expose(address, 0, found->second.bytes);
  u64 room = (found->second.bytes + alignment - 1) / alignment * alignment + guard;
  madvise(reinterpret_cast<void *>((address + 4095) & ~u64(4095)), found->second.bytes & ~u64(4095), MADV_FREE);
  allocations.erase(found);
  auto hole = holes.emplace(address, room).first;
  if (auto next = std::next(hole); next != holes.end() && hole->first + hole->second == next->first) {
    hole->second += next->second;
    holes.erase(next);
  }
  if (hole != holes.begin())
    if (auto before = std::prev(hole); before->first + before->second == hole->first) {
      before->second += hole->second;
      holes.erase(hole);
    }
  return true;
}

const Allocation *Memory::find(u64 address, u64 *begin) const {
  auto found = allocations.upper_bound(address);
  if (found == allocations.begin())
    return nullptr;
  --found;
  if (address - found->first >= std::max<u64>(found->second.bytes, 1))
    return nullptr;
  if (begin)
    *begin = found->first;
  return &found->second;
}

bool Memory::holds(u64 address, u64 bytes) const {
  u64 begin;
  const Allocation *allocation = find(address, &begin);
  return allocation && allocation->owner != Owner::emulator && bytes <= allocation->bytes - (address - begin);
}

void Memory::expose(u64 address, u64 bytes, u64 capacity) {
  u64 first = (address - start) >> granuleBits, whole = bytes >> granuleBits, all = (capacity + granule - 1) >> granuleBits;
  std::fill_n(numbers + first, all, bytes ? ++latest : 0);
  std::memset(marks + first, granule, whole);
  std::memset(marks + first + whole, 0, all - whole);
  if (u64 rest = bytes & (granule - 1))
    marks[first + whole] = u8(rest);
}

u64 Memory::used(int device) const {
  u64 sum = 0;
  for (const auto &[address, allocation] : allocations)
    sum += allocation.owner == Owner::device && allocation.device == device ? allocation.bytes : 0;
  return sum;
}

u64 Memory::count(Owner owner) const {
  return u64(std::count_if(allocations.begin(), allocations.end(), [&](const auto &one) { return one.second.owner == owner; }));
}

Memory &memory() {
  static Memory *result = new Memory; // never destroyed: a runtime may still free what it has when the process ends
  return *result;
}

} // namespace lathe::emulator
