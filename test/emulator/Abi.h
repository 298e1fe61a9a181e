// What a translated kernel and the emulator share. Both compile this file: the emulator as one of its headers, a kernel as the beginning of its text. So it
// includes nothing.
#ifndef TEST_EMULATOR_ABI_H
#define TEST_EMULATOR_ABI_H

namespace lathe::emulator {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using u128 = unsigned __int128;
using s8 = signed char;
using s16 = short;
using s32 = int;
using s64 = long long;

// All memory that a kernel may touch lies in one region of addresses: allocations, shared and local memory. A byte of the shadow says for each granule how many
// of its first bytes are somebody's.
constexpr u64 regionBytes = u64(1) << 36;
constexpr u32 granuleBits = 7;
constexpr u32 granule = 1u << granuleBits;

// Addresses of the shared state space begin here and not at 0, as on a GPU that keeps the first bytes for itself.
constexpr u64 sharedStart = 1024;

// An instruction that may go wrong or that threads meet at, as it is written.
struct Site {
  const char *text;
  u32 line; // in the kernel
};

// Accesses relative to one address that are checked together: from `low` on, `bytes` in all; `low + alignedAt` must be a multiple of `alignMask + 1`.
struct Place {
  u64 offset;
  u32 bytes;
  u32 site;
};
struct Range {
  u64 bytes, alignedAt, alignMask;
  u32 first, count; // of its places
};

enum class Fault : u32 { outside, misaligned, sharedOutside, localOutside, trap };
enum class Shuffle : u32 { up, down, bfly, idx };
enum class Vote : u32 { all, any, uni, ballot };
enum class Reduction : u32 { add, min, max, minSigned, maxSigned, bitAnd, bitOr, bitXor };
enum class Space : u32 { generic, shared, local };
enum class Access : u32 { read, write, atomic };
enum class Element : u32 { f16, bf16, tf32, s8, u8 };
enum class Rounding : u32 { nearest, zero, down, up };
enum class Binary : u32 { add, mul, div, fma, sqrt };

struct Mma {
  u32 k; // of m16n8k
  Element a, b;
  bool f16Accumulator;
  bool saturate;
};

struct Thread;

// What keeps the registers of who calls it: kernels check addresses so, because a branch for each access makes functions that take clang minutes.
#if defined(__x86_64__) || defined(__aarch64__)
#define KEEPS_REGISTERS __attribute__((preserve_all))
#else
#define KEEPS_REGISTERS
#endif

// What a kernel calls.
struct Services {
  void (*fault)(Thread *, const Site *, Fault, u64 address, u32 size) __attribute__((noreturn));
  // A range is not all in one allocation, or not aligned: is one of its places wrong?
  void (*checkPlaces)(Thread *, u64 low, const Range *, const Place *, const Site *, Space) KEEPS_REGISTERS;
  u32 (*shfl)(Thread *, const Site *, Shuffle, u32 value, u32 lane, u32 clamp, u32 mask, bool *inRange);
  u32 (*vote)(Thread *, const Site *, Vote, bool value, u32 mask);
  u32 (*redux)(Thread *, const Site *, Reduction, u32 value, u32 mask);
  u32 (*activeMask)(Thread *);
  void (*warpBarrier)(Thread *, const Site *, u32 mask);
  void (*barrier)(Thread *, const Site *, u32 id, u32 threads, bool wait, bool aligned);
  void (*ldmatrix)(Thread *, const Site *, u64 address, u32 count, bool transposed, u32 *result);
  void (*mma)(Thread *, const Site *, const Mma *, const u32 *a, const u32 *b, const u32 *c, u32 *d);
  void (*cpAsync)(Thread *, const Site *, u64 target, u64 source, u32 bytes, u32 sourceBytes);
  void (*cpCommit)(Thread *);
  void (*cpWait)(Thread *, const Site *, u32 groups);
  void (*access)(Thread *, const Site *, u64 address, u32 size, Access); // only in kernels that are compiled for finding races
  double (*rounded)(Binary, bool single, Rounding, double a, double b, double c);
  float (*exp2)(float);
  float (*log2)(float);
  float (*sin)(float);
  float (*cos)(float);
  float (*tanh)(float);
};

struct Thread {
  u32 tid[3], ntid[3], ctaid[3], nctaid[3];
  u32 laneid, warpid;
  u64 base;          // of the region
  const u8 *shadow;  // of the region
  const u32 *owners; // of the region: which allocation a granule belongs to, 0 for none
  const u8 *params;  // of the entry
  u64 shared;        // generic address of shared memory
  u32 sharedBytes;   // static and dynamic
  u64 local;         // generic address of this thread's local memory
  u32 localBytes;
  const u64 *symbols; // addresses of the module's variables in global and constant memory
  const Services *services;
};

} // namespace lathe::emulator

#endif
