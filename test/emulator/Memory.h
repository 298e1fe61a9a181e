// The region of addresses that kernels may touch, and who owns what in it.
#ifndef TEST_EMULATOR_MEMORY_H
#define TEST_EMULATOR_MEMORY_H

#include "test/emulator/Abi.h"

#include <map>

namespace lathe::emulator {

enum class Owner { device, pinned, emulator };

struct Allocation {
  u64 bytes;
  Owner owner;
  int device = 0;
};

class Memory {
public:
  // Aborts with a message if the system gives no addresses.
  Memory();

  u64 base() const { return start; }
  const u8 *shadow() const { return marks; }
  const u32 *owners() const { return numbers; }

  // 0 if there is no room; device memory also if there would be more of it than a device has. Fresh memory holds 0xFF.
  u64 allocate(u64 bytes, Owner owner, int device = 0);
  bool free(u64 address, Owner owner);

  // The allocation that holds `address`, null if none does; `begin` is where it begins.
  const Allocation *find(u64 address, u64 *begin = nullptr) const;
  // All of it in one allocation that a user made.
  bool holds(u64 address, u64 bytes) const;

  // Makes the first `bytes` from an address of an allocation of the emulator's valid for kernels, and nothing else of the `capacity` bytes there.
  void expose(u64 address, u64 bytes, u64 capacity);

  u64 used(int device) const; // bytes of device memory
  u64 count(Owner owner) const;

private:
  u64 start = 0;
  u8 *marks = nullptr;
  u32 *numbers = nullptr, latest = 0;
  std::map<u64, Allocation> allocations;
  std::map<u64, u64> holes; // address, bytes
};

Memory &memory();

} // namespace lathe::emulator

#endif
