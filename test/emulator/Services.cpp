// What kernels call: shuffles and votes, matrices, copies, and arithmetic that is rounded otherwise than the host does.
#include "test/emulator/Machine.h"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstring>

namespace lathe::emulator {

static Lane &laneOf(Thread *thread) { return *static_cast<Lane *>(thread); }

template <class Data, class Operation> static void together(Thread *thread, const Site *site, u32 mask, bool aligned, Data &data, Operation) {
  // A lambda without captures, so that lanes can keep its address.
  machine().meet(laneOf(thread), site, mask, aligned, &data, [](Lane *const *lanes, u32 present) {
    Data *all[32];
    for (u32 i = 0; i != 32; ++i)
      all[i] = lanes[i] ? static_cast<Data *>(lanes[i]->data) : nullptr;
    Operation()(all, present);
  });
}

__attribute__((noreturn)) static void fault(Thread *thread, const Site *site, Fault kind, u64 address, u32 size) {
  char number[32];
  std::snprintf(number, sizeof number, "0x%llx", address);
  std::string bytes = std::to_string(size) + " bytes at " + number;
  const char *what[] = {" outside of all allocations", ", which is misaligned", " of shared memory, outside of what the block has",
                        " of local memory, outside of what the thread has", ""};
  machine().fail(laneOf(thread), site, kind == Fault::trap ? "a trap" : "an access to " + bytes + what[u32(kind)],
                 kind == Fault::trap         ? Machine::launchFailed
                 : kind == Fault::misaligned ? Machine::misalignedAddress
                                             : Machine::illegalAddress);
}

KEEPS_REGISTERS static void checkPlaces(Thread *thread, u64 low, const Range *range, const Place *places, const Site *sites, Space space) {
  for (const Place *place = places + range->first; place != places + range->first + range->count; ++place) {
    u64 address = low + place->offset, offset = address;
    bool inside;
    if (space == Space::generic) {
      offset -= thread->base;
      inside = offset < regionBytes && thread->shadow[offset >> granuleBits] >= (offset & (granule - 1)) + place->bytes;
    } else {
      u64 bytes = space == Space::shared ? thread->sharedBytes : thread->localBytes;
      offset -= space == Space::shared ? sharedStart : 0;
      inside = offset < bytes && bytes - offset >= place->bytes;
    }
    Fault outside = space == Space::generic ? Fault::outside : space == Space::shared ? Fault::sharedOutside : Fault::localOutside;
    if (address % place->bytes || !inside)
      fault(thread, &sites[place->site], address % place->bytes ? Fault::misaligned : outside, address, place->bytes);
  }
}

static u32 poison = 0x7fedcafe; // of a lane that is not there

static u32 shfl(Thread *thread, const Site *site, Shuffle mode, u32 value, u32 lane, u32 clamp, u32 mask, bool *inRange) {
  struct Data {
    Shuffle mode;
    u32 value, lane, clamp, result;
    bool inRange;
  } data{mode, value, lane, clamp, 0, false};
  together(thread, site, mask, false, data, [](Data *const *all, u32 present) {
    for (u32 i = 0; i != 32; ++i) {
      if (!all[i])
        continue;
      Data &mine = *all[i];
      u32 segments = mine.clamp >> 8 & 31, last = mine.clamp & 31, distance = mine.lane & 31;
      u32 most = (i & segments) | (last & ~segments), least = i & segments;
      u32 from = i;
      switch (mine.mode) {
      case Shuffle::up:
        mine.inRange = int(i - distance) >= int(most), from = i - distance;
        break;
      case Shuffle::down:
        mine.inRange = i + distance <= most, from = i + distance;
        break;
      case Shuffle::bfly:
        mine.inRange = (i ^ distance) <= most, from = i ^ distance;
        break;
      case Shuffle::idx:
        from = least | (distance & ~segments), mine.inRange = from <= most;
        break;
      }
      if (!mine.inRange)
        from = i;
      mine.result = present >> from & 1 ? all[from]->value : poison;
    }
  });
  *inRange = data.inRange;
  return data.result;
}

static u32 vote(Thread *thread, const Site *site, Vote mode, bool value, u32 mask) {
  struct Data {
    Vote mode;
    bool value;
    u32 result;
  } data{mode, value, 0};
  together(thread, site, mask, false, data, [](Data *const *all, u32 present) {
    u32 ballot = 0;
    for (u32 i = 0; i != 32; ++i)
      ballot |= all[i] ? u32(all[i]->value) << i : 0;
    for (u32 i = 0; i != 32; ++i)
      if (all[i]) {
        Vote mode = all[i]->mode;
        all[i]->result = mode == Vote::ballot ? ballot
                         : mode == Vote::all  ? ballot == present
                         : mode == Vote::any  ? ballot != 0
                                              : ballot == present || ballot == 0;
      }
  });
  return data.result;
}

static u32 reduced(Reduction operation, u32 a, u32 b) {
  switch (operation) {
  case Reduction::add:
    return a + b;
  case Reduction::min:
    return std::min(a, b);
  case Reduction::max:
    return std::max(a, b);
  case Reduction::minSigned:
    return u32(std::min(s32(a), s32(b)));
  case Reduction::maxSigned:
    return u32(std::max(s32(a), s32(b)));
  case Reduction::bitAnd:
    return a & b;
  case Reduction::bitOr:
    return a | b;
  default:
    return a ^ b;
  }
}

static u32 redux(Thread *thread, const Site *site, Reduction operation, u32 value, u32 mask) {
  struct Data {
    Reduction operation;
    u32 value, result;
  } data{operation, value, 0};
  together(thread, site, mask, false, data, [](Data *const *all, u32 present) {
    u32 first = u32(__builtin_ctz(present)), result = all[first]->value;
    for (u32 i = first + 1; i != 32; ++i)
      result = all[i] ? reduced(all[i]->operation, result, all[i]->value) : result;
    for (u32 i = 0; i != 32; ++i)
      if (all[i])
        all[i]->result = result;
  });
  return data.result;
}

static u32 activeMask(Thread *thread) { return machine().activeMask(laneOf(thread)); }

static void warpBarrier(Thread *thread, const Site *site, u32 mask) {
  struct Data {
    Lane *lane;
  } data{&laneOf(thread)};
  together(thread, site, mask, false, data, [](Data *const *all, u32 present) {
    if (Races *races = machine().races())
      races->warpBarrier(all[__builtin_ctz(present)]->lane->warpid);
  });
}

static void barrier(Thread *thread, const Site *site, u32 id, u32 threads, bool wait, bool aligned) {
  machine().waitAtBarrier(laneOf(thread), site, id, threads, wait, aligned);
}

// All 32 lanes, which matrices need.
static void expectWholeWarp(Lane &lane, const Site *site) {
  if (machine().warpMask(lane.warpid) != ~0u)
    machine().fail(lane, site, "only a part of the warp is");
}

static void ldmatrix(Thread *thread, const Site *site, u64 address, u32 count, bool transposed, u32 *result) {
  Lane &lane = laneOf(thread);
  expectWholeWarp(lane, site);
  struct Data {
    const u8 *row;
    u32 count;
    bool transposed;
    u32 *result;
  } data{nullptr, count, transposed, result};
  // Lanes 0 to 7 point to the rows of the first matrix, 8 to 15 to those of the second, and so on.
  if (lane.laneid < count * 8)
    data.row = reinterpret_cast<const u8 *>(machine().checkShared(lane, site, address, 16, Access::read));
  together(thread, site, ~0u, true, data, [](Data *const *all, u32) {
    for (u32 m = 0; m != all[0]->count; ++m) {
      u16 matrix[8][8];
      for (u32 row = 0; row != 8; ++row)
        std::memcpy(matrix[row], all[m * 8 + row]->row, 16);
      for (u32 i = 0; i != 32; ++i) {
        u32 row = i / 4, column = i % 4 * 2;
        u16 low = all[i]->transposed ? matrix[column][row] : matrix[row][column];
        u16 high = all[i]->transposed ? matrix[column + 1][row] : matrix[row][column + 1];
        all[i]->result[m] = u32(high) << 16 | low;
      }
    }
  });
}

//===- matrix products
//---------------------------------------------------------------------------------------------------------------------------------------===//

// Without a call of the compiler's library.
static inline float fromHalf(u16 bits) {
  u32 sign = u32(bits & 0x8000) << 16, rest = bits & 0x7fff;
  float subnormal = float(rest) * 0x1p-24f;
  u32 magnitude = rest < 0x400 ? __builtin_bit_cast(u32, subnormal) : (rest << 13) + (rest < 0x7c00 ? 0x38000000 : 0x70000000);
  return __builtin_bit_cast(float, sign | magnitude);
}

template <class Number> static inline __attribute__((always_inline)) Number element(Element type, u32 word, u32 index) {
  switch (type) {
  case Element::f16:
    return Number(fromHalf(u16(word >> (16 * index))));
  case Element::bf16:
    return Number(__builtin_bit_cast(float, u32(u16(word >> (16 * index))) << 16));
  // The hardware reads 19 of the 32 bits.
  case Element::tf32:
    return Number(__builtin_bit_cast(float, word & 0xffffe000u));
  case Element::s8:
    return Number(s8(word >> (8 * index)));
  default:
    return Number(u8(word >> (8 * index)));
  }
}

struct Product {
  const Mma *shape;
  const u32 *a, *b, *c;
  u32 *d;
};

// Products and sums in double or s64, rounded once. The hardware's order and its roundings are not published; a sum of doubles is closer to the exact one.
template <class Number> static inline __attribute__((always_inline)) void multiply(Product *const *all) {
  const Mma &shape = *all[0]->shape;
  u32 k = shape.k, perWord = shape.a == Element::tf32 ? 1 : shape.a == Element::f16 || shape.a == Element::bf16 ? 2 : 4;
  // A word holds neighbours along k. A thread has rows g and g + 8 of A at columns q * perWord and, if k is that large, half of k further.
  u32 columnWords = k / perWord / 4; // words of a thread along k: 1 or 2
  Number a[16][32], b[32][8], d[16][8];
  for (u32 lane = 0; lane != 32; ++lane) {
    u32 g = lane / 4, q = lane % 4;
    for (u32 w = 0; w != 2 * columnWords; ++w)
      for (u32 e = 0; e != perWord; ++e)
        a[g + 8 * (w & 1)][q * perWord + e + (w >> 1) * 4 * perWord] = element<Number>(shape.a, all[lane]->a[w], e);
    for (u32 w = 0; w != columnWords; ++w)
      for (u32 e = 0; e != perWord; ++e)
        b[q * perWord + e + w * 4 * perWord][g] = element<Number>(shape.b, all[lane]->b[w], e);
    for (u32 i = 0; i != 4; ++i) {
      Number value;
      if (shape.f16Accumulator)
        value = Number(fromHalf(u16(all[lane]->c[i / 2] >> (16 * (i % 2)))));
      else if constexpr (std::is_same_v<Number, double>)
        value = __builtin_bit_cast(float, all[lane]->c[i]);
      else
        value = s32(all[lane]->c[i]);
      d[g + 8 * (i >> 1)][q * 2 + (i & 1)] = value;
    }
  }
  for (u32 row = 0; row != 16; ++row) {
    Number sum[8] = {};
    for (u32 i = 0; i != k; ++i)
      for (u32 column = 0; column != 8; ++column)
        sum[column] += a[row][i] * b[i][column];
    for (u32 column = 0; column != 8; ++column)
      d[row][column] += sum[column];
  }
  for (u32 lane = 0; lane != 32; ++lane) {
    u32 g = lane / 4, q = lane % 4;
    for (u32 i = 0; i != 4; ++i) {
      Number value = d[g + 8 * (i >> 1)][q * 2 + (i & 1)];
      if constexpr (std::is_same_v<Number, double>) {
        if (shape.f16Accumulator) {
          u32 bits = __builtin_bit_cast(u16, _Float16(value));
          all[lane]->d[i / 2] = i % 2 ? (all[lane]->d[i / 2] & 0xffff) | bits << 16 : bits;
        } else {
          all[lane]->d[i] = __builtin_bit_cast(u32, float(value));
        }
      } else {
        if (shape.saturate)
          value = std::clamp<s64>(value, -2147483648ll, 2147483647ll);
        all[lane]->d[i] = u32(value);
      }
    }
  }
}

#if defined(__x86_64__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
FOR_EACH_PROCESSOR static void multiplyFloats(Product *const *all) { multiply<double>(all); }
FOR_EACH_PROCESSOR static void multiplyIntegers(Product *const *all) { multiply<s64>(all); }

static void mma(Thread *thread, const Site *site, const Mma *shape, const u32 *a, const u32 *b, const u32 *c, u32 *d) {
  expectWholeWarp(laneOf(thread), site);
  Product product{shape, a, b, c, d};
  together(thread, site, ~0u, true, product, [](Product *const *all, u32) {
    Element type = all[0]->shape->a;
    if (type == Element::s8 || type == Element::u8)
      multiplyIntegers(all);
    else
      multiplyFloats(all);
  });
}

//===- copies to shared memory
//-------------------------------------------------------------------------------------------------------------------------------===//

static void cpAsync(Thread *thread, const Site *site, u64 target, u64 source, u32 bytes, u32 sourceBytes) {
  Lane &lane = laneOf(thread);
  u64 address = machine().checkShared(lane, site, target, bytes, Access::write);
  sourceBytes = std::min(sourceBytes, bytes);
  // The source is aligned like the copy, even where less of it is read.
  if (sourceBytes) {
    u64 offset = source - lane.base;
    if (offset % bytes)
      fault(thread, site, Fault::misaligned, source, bytes);
    if (offset >= regionBytes || lane.shadow[offset >> granuleBits] < (offset & (granule - 1)) + sourceBytes)
      fault(thread, site, Fault::outside, source, sourceBytes);
  }
  machine().copyLater(lane, {address, source, bytes, sourceBytes, target - sharedStart, site});
}

static void cpCommit(Thread *thread) { machine().commit(laneOf(thread)); }
static void cpWait(Thread *thread, const Site *, u32 groups) { machine().waitForCopies(laneOf(thread), groups); }

static void accessed(Thread *thread, const Site *site, u64 address, u32 size, Access access) {
  Lane &lane = laneOf(thread);
  if (address - lane.shared >= lane.sharedBytes)
    return;
  if (std::string wrong = machine().races()->access(lane.index, site, address - lane.shared, size, access); !wrong.empty())
    machine().fail(lane, site, wrong);
}

//===- arithmetic
//--------------------------------------------------------------------------------------------------------------------------------------------===//

// Not inlined, and through volatile variables, so that nothing moves out from between the changes of the rounding mode.
__attribute__((noinline)) static double rounded(Binary operation, bool single, Rounding mode, double one, double two, double three) {
  volatile double first = one, second = two, third = three;
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  int before = std::fegetround();
  std::fesetround(modes[u32(mode)]);
  double result;
  auto compute = [&](auto number) {
    using T = decltype(number);
    volatile T a = T(first), b = T(second), c = T(third), r;
    switch (operation) {
    case Binary::add:
      r = a + b;
      break;
    case Binary::mul:
      r = a * b;
      break;
    case Binary::div:
      r = a / b;
      break;
    case Binary::fma:
      r = std::fma(T(a), T(b), T(c));
      break;
    default:
      r = std::sqrt(T(a));
      break;
    }
    result = r;
  };
  if (single)
    compute(0.0f);
  else
    compute(0.0);
  std::fesetround(before);
  return result;
}

static float exp2Of(float x) { return float(std::exp2(double(x))); }
static float log2Of(float x) { return float(std::log2(double(x))); }
static float sinOf(float x) { return float(std::sin(double(x))); }
static float cosOf(float x) { return float(std::cos(double(x))); }
static float tanhOf(float x) { return float(std::tanh(double(x))); }

const Services services = {fault,   checkPlaces, shfl,   vote,     redux,   activeMask, warpBarrier, barrier, ldmatrix, mma,
                           cpAsync, cpCommit,    cpWait, accessed, rounded, exp2Of,     log2Of,      sinOf,   cosOf,    tanhOf};

} // namespace lathe::emulator
