// The instructions of PTX as C++: what a translated kernel is compiled with, after Abi.h. Registers are unsigned integers of their width, whatever is in them.
// Frequent instructions are macros, because a call that is inlined costs the compiler more than it costs to read.
#ifndef TEST_EMULATOR_DEVICE_H
#define TEST_EMULATOR_DEVICE_H

using namespace lathe::emulator;

#define INLINE static inline __attribute__((always_inline))

// What a register holds before something is written to it: NaN as a number, and no address.
#define POISON16 ((u16)0x7fed)
#define POISON32 0x7fedcafeu
#define POISON64 0x7ffedcba7fedcafeull
#define POISON128 (((u128)POISON64 << 64) | POISON64)

#define F32(x) __builtin_bit_cast(float, (u32)(x))
#define F64(x) __builtin_bit_cast(double, (u64)(x))
#define U32(x) __builtin_bit_cast(u32, (float)(x))
#define U64(x) __builtin_bit_cast(u64, (double)(x))

//===- memory
//------------------------------------------------------------------------------------------------------------------------------------------------===//

#define FAULT(kind, address, size, site) t->services->fault(t, &sites[site], Fault::kind, address, size)

// Places from `low` on: the first and the last byte in one allocation, so all between them as well.
[[maybe_unused]] static __attribute__((noinline)) void checkGeneric(Thread *t, u64 low, const Range *range, const Place *places,
                                                                    const Site *sites) KEEPS_REGISTERS;
[[maybe_unused]] static void checkGeneric(Thread *t, u64 low, const Range *range, const Place *places, const Site *sites) {
  u64 first = low - t->base, last = first + range->bytes - 1;
  if (__builtin_expect(first < regionBytes && last < regionBytes && t->owners[first >> granuleBits] == t->owners[last >> granuleBits] &&
                           t->shadow[last >> granuleBits] > (last & (granule - 1)) && !((low + range->alignedAt) & range->alignMask),
                       1))
    return;
  t->services->checkPlaces(t, low, range, places, sites, Space::generic);
}
// Addresses of shared and of local memory count from the beginning of what there is.
template <Space space>
[[maybe_unused]] static __attribute__((noinline)) void checkWindow(Thread *t, u64 low, const Range *range, const Place *places,
                                                                   const Site *sites) KEEPS_REGISTERS;
template <Space space> [[maybe_unused]] static void checkWindow(Thread *t, u64 low, const Range *range, const Place *places, const Site *sites) {
  u64 start = space == Space::shared ? sharedStart : 0, bytes = space == Space::shared ? t->sharedBytes : t->localBytes;
  if (__builtin_expect(low - start < bytes && bytes - (low - start) >= range->bytes && !((low + range->alignedAt) & range->alignMask), 1))
    return;
  t->services->checkPlaces(t, low, range, places, sites, space);
}

#ifdef BOUNDS
#define CHECK_GENERIC(low, i) checkGeneric(t, low, &ranges[i], places, sites)
#else
#define CHECK_GENERIC(low, i)
#endif
#define CHECK_SHARED(low, i) checkWindow<Space::shared>(t, low, &ranges[i], places, sites)
#define CHECK_LOCAL(low, i) checkWindow<Space::local>(t, low, &ranges[i], places, sites)

#ifdef RACES
#define ACCESS(address, size, site, kind) t->services->access(t, &sites[site], address, size, Access::kind)
#else
#define ACCESS(address, size, site, kind)
#endif

template <class T> struct [[gnu::packed, gnu::may_alias]] Cell {
  T value;
};
#define LOAD(T, address) (((const Cell<T> *)(address))->value)
#define STORE(T, address, v) (((Cell<T> *)(address))->value = (v))

//===- integers
//----------------------------------------------------------------------------------------------------------------------------------------------===//

template <class T> constexpr u32 bitsOf = sizeof(T) * 8;
template <class T> struct UnsignedOf;
template <> struct UnsignedOf<u16> {
  using type = u16;
};
template <> struct UnsignedOf<u32> {
  using type = u32;
};
template <> struct UnsignedOf<u64> {
  using type = u64;
};
template <> struct UnsignedOf<s16> {
  using type = u16;
};
template <> struct UnsignedOf<s32> {
  using type = u32;
};
template <> struct UnsignedOf<s64> {
  using type = u64;
};
template <class T> constexpr bool isSigned = (T)-1 < 0;
template <class T> constexpr T lowest = isSigned<T> ? (T)((u64)1 << (bitsOf<T> - 1)) : (T)0;
template <class T> constexpr T highest = isSigned<T> ? (T)(((u64)1 << (bitsOf<T> - 1)) - 1) : (T) ~(u64)0;

// Shift counts beyond the width shift everything out.
template <class T> INLINE T shl(T a, u32 b) { return b >= bitsOf<T> ? T(0) : T(a << b); }
template <class T> INLINE T shr(T a, u32 b) { return b >= bitsOf<T> ? T(isSigned<T> && a < 0 ? -1 : 0) : T(a >> b); }
INLINE u32 funnelLeft(u32 low, u32 high, u32 n) { return n == 0 ? high : n >= 32 ? low : high << n | low >> (32 - n); }
INLINE u32 funnelRight(u32 low, u32 high, u32 n) { return n == 0 ? low : n >= 32 ? high : high << (32 - n) | low >> n; }

INLINE u16 mulHi(u16 a, u16 b) { return u16((u32(a) * b) >> 16); }
INLINE s16 mulHi(s16 a, s16 b) { return s16((s32(a) * b) >> 16); }
INLINE u32 mulHi(u32 a, u32 b) { return u32((u64(a) * b) >> 32); }
INLINE s32 mulHi(s32 a, s32 b) { return s32((s64(a) * b) >> 32); }
INLINE u64 mulHi(u64 a, u64 b) { return u64((u128(a) * b) >> 64); }
INLINE s64 mulHi(s64 a, s64 b) { return s64(((__int128)a * b) >> 64); }

// Division by zero is undefined; the hardware gives all ones.
template <class T> INLINE T divide(T a, T b) {
  if (b == 0)
    return T(~T(0));
  if (isSigned<T> && b == T(-1))
    return T(-(u64)a);
  return T(a / b);
}
template <class T> INLINE T remainder(T a, T b) { return b == 0 ? a : isSigned<T> && b == T(-1) ? T(0) : T(a % b); }

template <class T> INLINE T extract(T a, u32 position, u32 length) {
  position &= 255, length &= 255;
  using U = typename UnsignedOf<T>::type;
  if (length == 0)
    return 0;
  u32 last = position + length - 1;
  bool sign = isSigned<T> && (U(a) >> (last < bitsOf<T> ? last : bitsOf<T> - 1) & 1);
  U field = position < bitsOf<T> ? U(a) >> position : 0;
  u32 kept = position >= bitsOf<T> ? 0 : length < bitsOf<T> - position ? length : bitsOf<T> - position;
  U mask = kept >= bitsOf<T> ? U(-1) : (U(1) << kept) - 1;
  return T((field & mask) | (sign ? U(~mask) : U(0)));
}
template <class T> INLINE T insert(T a, T b, u32 position, u32 length) {
  position &= 255, length &= 255;
  if (position >= bitsOf<T> || length == 0)
    return b;
  u32 kept = length < bitsOf<T> - position ? length : bitsOf<T> - position;
  T mask = (kept >= bitsOf<T> ? T(-1) : T((T(1) << kept) - 1)) << position;
  return (b & ~mask) | ((a << position) & mask);
}
INLINE u32 permute(u32 a, u32 b, u32 selector) {
  u64 bytes = (u64)b << 32 | a;
  u32 result = 0;
  for (u32 i = 0; i != 4; ++i) {
    u32 s = selector >> (4 * i) & 15, byte = bytes >> (8 * (s & 7)) & 255;
    result |= (s & 8 ? (byte & 128 ? 255u : 0u) : byte) << (8 * i);
  }
  return result;
}
template <class T> INLINE u32 findHighest(T a, bool amount) {
  using U = typename UnsignedOf<T>::type;
  U v = isSigned<T> && a < 0 ? U(~a) : U(a);
  if (v == 0)
    return ~0u;
  u32 bit = 63 - (u32)__builtin_clzll(v);
  return amount ? bitsOf<T> - 1 - bit : bit;
}
template <class T> INLINE u32 leadingZeros(T a) { return a ? (u32)__builtin_clzll(a) - (64 - bitsOf<T>) : bitsOf<T>; }
template <class T> INLINE T least(T a, T b) { return b < a ? b : a; }
template <class T> INLINE T greatest(T a, T b) { return a < b ? b : a; }
// The sum of products of bytes.
template <class A, class B> INLINE u32 dot4(u32 a, u32 b, u32 c) {
  for (u32 i = 0; i != 32; i += 8)
    c += u32(s32(A(a >> i)) * s32(B(b >> i)));
  return c;
}
template <class T> INLINE T saturatedSum(s64 sum) { return sum<(s64)lowest<T> ? lowest<T> : sum>(s64) highest<T> ? highest<T> : T(sum); }

//===- f16 and bf16
//-----------------------------------------------------------------------------------------------------------------------------------------===//

// To a format of `M` bits of mantissa and 16 in all, rounded once, from a double.
template <u32 M, int Bias> INLINE u16 narrow(double value, Rounding rounding) {
  u64 bits = U64(value);
  u16 sign = u16(bits >> 63 << 15);
  constexpr u16 infinity = u16(((1u << (15 - M)) - 1) << M);
  int exponent = int(bits >> 52 & 2047) - 1023;
  u64 mantissa = bits & ((1ull << 52) - 1);
  if (exponent == 1024)
    return mantissa ? 0x7fff : sign | infinity;
  if (exponent == -1023 && mantissa == 0)
    return sign;
  mantissa |= 1ull << 52; // a subnormal double is far below every result but a rounding upwards
  int drop = 52 - int(M), e = exponent + Bias;
  if (e <= 0)
    drop += 1 - e, e = 0;
  u64 kept, rest, half;
  if (drop > 62)
    kept = 0, rest = 1, half = 2;
  else
    kept = mantissa >> drop, rest = mantissa & ((1ull << drop) - 1), half = 1ull << (drop - 1);
  bool up = rounding == Rounding::nearest ? rest > half || (rest == half && (kept & 1))
            : rounding == Rounding::zero  ? false
                                          : rest && (rounding == Rounding::up) == !sign;
  if (e > 0)
    kept -= 1ull << M; // its place is the exponent's lowest bit
  u64 result = ((u64)e << M) + kept + up;
  if (result >= infinity)
    result = rounding == Rounding::nearest || (rounding != Rounding::zero && (rounding == Rounding::up) == !sign) ? infinity : infinity - 1;
  return sign | u16(result);
}

struct Half {
  static constexpr u16 nan = 0x7fff, one = 0x3c00;
  INLINE float get(u16 bits) {
    u32 sign = u32(bits & 0x8000) << 16, rest = bits & 0x7fff;
    if (rest >= 0x7c00)
      return F32(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    if (rest < 0x400)
      return sign ? -(float(rest) * 0x1p-24f) : float(rest) * 0x1p-24f;
    return F32(sign | ((rest << 13) + 0x38000000));
  }
  INLINE u16 put(double value, Rounding rounding = Rounding::nearest) { return narrow<10, 15>(value, rounding); }
};
struct Brain {
  static constexpr u16 nan = 0x7fff, one = 0x3f80;
  INLINE float get(u16 bits) { return F32((u32)bits << 16); }
  INLINE u16 put(double value, Rounding rounding = Rounding::nearest) { return narrow<7, 127>(value, rounding); }
};

// a * b + c rounded to odd, which a narrower format can then round again without an error: the product of two narrow numbers is exact in a double.
INLINE double fmaToOdd(double a, double b, double c) {
  double product = a * b, sum = product + c, rest = sum - product;
  double error = (product - (sum - rest)) + (c - rest);
  u64 bits = U64(sum);
  if (error != 0 && !(bits & 1) && (bits << 1) < 0xffe0000000000000ull)
    bits += (error > 0) == (sum > 0) ? 1 : -1ull;
  return F64(bits);
}

template <class F> INLINE u16 addHalf(u16 a, u16 b) { return F::put(double(F::get(a)) + F::get(b)); }
template <class F> INLINE u16 subHalf(u16 a, u16 b) { return F::put(double(F::get(a)) - F::get(b)); }
template <class F> INLINE u16 mulHalf(u16 a, u16 b) { return F::put(double(F::get(a)) * F::get(b)); }
template <class F> INLINE u16 fmaHalf(u16 a, u16 b, u16 c) { return F::put(fmaToOdd(F::get(a), F::get(b), F::get(c))); }
template <class F> INLINE u16 absHalf(u16 a) { return a & 0x7fff; }
template <class F> INLINE u16 negHalf(u16 a) { return a ^ 0x8000; }
template <class F> INLINE u16 saturatedHalf(u16 a) {
  float v = F::get(a);
  return v >= 1 ? F::one : v > 0 ? a : u16(0);
}
template <class F> INLINE u16 reluHalf(u16 a) { return F::get(a) != F::get(a) ? F::nan : a & 0x8000 ? u16(0) : a; }
template <class F> INLINE u16 flushedHalf(u16 a) { return F::get(a) != 0 && (a & (F::one == 0x3c00 ? 0x7c00 : 0x7f80)) == 0 ? a & 0x8000 : a; }
template <class F> INLINE u16 minHalf(u16 a, u16 b, bool nan) {
  float x = F::get(a), y = F::get(b);
  if (x != x || y != y)
    return nan || (x != x && y != y) ? F::nan : x != x ? b : a;
  return x < y || (x == y && a & 0x8000) ? a : b;
}
template <class F> INLINE u16 maxHalf(u16 a, u16 b, bool nan) {
  float x = F::get(a), y = F::get(b);
  if (x != x || y != y)
    return nan || (x != x && y != y) ? F::nan : x != x ? b : a;
  return x > y || (x == y && !(a & 0x8000)) ? a : b;
}
#define PAIR1(f, a) (u32(f(u16(a))) | u32(f(u16((a) >> 16))) << 16)
#define PAIR2(f, a, b, ...) (u32(f(u16(a), u16(b) __VA_OPT__(, ) __VA_ARGS__)) | u32(f(u16((a) >> 16), u16((b) >> 16) __VA_OPT__(, ) __VA_ARGS__)) << 16)
#define PAIR3(f, a, b, c) (u32(f(u16(a), u16(b), u16(c))) | u32(f(u16((a) >> 16), u16((b) >> 16), u16((c) >> 16))) << 16)

//===- f32 and f64
//-------------------------------------------------------------------------------------------------------------------------------------------===//

INLINE float flush(float x) { return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0, x) : x; }
template <class T> INLINE T saturated(T x) { return x >= 1 ? T(1) : x > 0 ? x : T(0); }
// The NaN that the hardware makes.
INLINE float quiet(float) { return F32(0x7fffffff); }
INLINE double quiet(double) { return F64(0x7fffffffffffffffull); }
template <class T> INLINE bool negative(T x) { return __builtin_signbit(x); }
template <class T> INLINE T minimum(T a, T b, bool nan) {
  if (a != a || b != b)
    return nan || (a != a && b != b) ? quiet(a) : a != a ? b : a;
  return a < b || (a == b && negative(a)) ? a : b;
}
template <class T> INLINE T maximum(T a, T b, bool nan) {
  if (a != a || b != b)
    return nan || (a != a && b != b) ? quiet(a) : a != a ? b : a;
  return a > b || (a == b && !negative(a)) ? a : b;
}
#define UNORDERED(a, b) ((a) != (a) || (b) != (b))

template <class T> INLINE T roundInteger(T x, Rounding mode) {
  return mode == Rounding::nearest ? (T)__builtin_rint(x)
         : mode == Rounding::zero  ? (T)__builtin_trunc(x)
         : mode == Rounding::down  ? (T)__builtin_floor(x)
                                   : (T)__builtin_ceil(x);
}
// Saturates; NaN is 0 between types of 32 bits, the lowest number otherwise.
template <class D, class S> INLINE D toInteger(S x, Rounding mode) {
  if (x != x)
    return sizeof(S) < 8 && sizeof(D) < 8 ? D(0) : D((u64)1 << (bitsOf<D> - 1));
  double rounded = roundInteger<double>(x, mode);
  if (rounded >= (isSigned<D> ? 1.0 : 2.0) * ((u64)1 << (bitsOf<D> - 1)))
    return highest<D>;
  if (rounded <= (double)lowest<D>)
    return lowest<D>;
  return D(rounded);
}
template <class D, class S> INLINE D saturatedInteger(S x) {
  __int128 v = x;
  return v<(__int128)lowest<D> ? lowest<D> : v>(__int128) highest<D> ? highest<D> : D(x);
}
// Rounded to the 10 bits of tf32's mantissa, away from zero in a tie (rna) or to even (rn).
INLINE u32 toTf32(float x, bool away) {
  u32 bits = U32(x);
  if (x != x)
    return 0x7fffffff;
  if ((bits & 0x7f800000) == 0x7f800000)
    return bits;
  return (bits + (away ? 0x1000 : 0xfff + (bits >> 13 & 1))) & ~0x1fffu;
}

#endif
