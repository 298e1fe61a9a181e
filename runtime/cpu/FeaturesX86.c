/* LLVM's names of x86 features, and where CPUID reports them. The compiler lists only features that the code needs; tuning flags are not features. */
#include "runtime/cpu/Machine.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <elf.h>
#include <stdint.h>
#include <string.h>

enum { EAX, EBX, ECX, EDX };
/* Register state that the operating system must save (XCR0 bits). */
enum { NO_STATE = 0, YMM = 0x6, ZMM = 0xe6 };

typedef struct feature {
  const char *name;
  uint32_t leaf, subleaf;
  uint8_t reg, bit;
  uint8_t state;
} feature;

static const feature features[] = {
    {"x87", 1, 0, EDX, 0, 0},
    {"cx8", 1, 0, EDX, 8, 0},
    {"cmov", 1, 0, EDX, 15, 0},
    {"mmx", 1, 0, EDX, 23, 0},
    {"fxsr", 1, 0, EDX, 24, 0},
    {"sse", 1, 0, EDX, 25, 0},
    {"sse2", 1, 0, EDX, 26, 0},
    {"sse3", 1, 0, ECX, 0, 0},
    {"pclmul", 1, 0, ECX, 1, 0},
    {"ssse3", 1, 0, ECX, 9, 0},
    {"fma", 1, 0, ECX, 12, YMM},
    {"cx16", 1, 0, ECX, 13, 0},
    {"sse4.1", 1, 0, ECX, 19, 0},
    {"sse4.2", 1, 0, ECX, 20, 0},
    {"crc32", 1, 0, ECX, 20, 0},
    {"movbe", 1, 0, ECX, 22, 0},
    {"popcnt", 1, 0, ECX, 23, 0},
    {"aes", 1, 0, ECX, 25, 0},
    {"xsave", 1, 0, ECX, 27, 0},
    {"avx", 1, 0, ECX, 28, YMM},
    {"f16c", 1, 0, ECX, 29, YMM},
    {"rdrnd", 1, 0, ECX, 30, 0},
    {"fsgsbase", 7, 0, EBX, 0, 0},
    {"bmi", 7, 0, EBX, 3, 0},
    {"avx2", 7, 0, EBX, 5, YMM},
    {"bmi2", 7, 0, EBX, 8, 0},
    {"invpcid", 7, 0, EBX, 10, 0},
    {"avx512f", 7, 0, EBX, 16, ZMM},
    {"avx512dq", 7, 0, EBX, 17, ZMM},
    {"rdseed", 7, 0, EBX, 18, 0},
    {"adx", 7, 0, EBX, 19, 0},
    {"avx512ifma", 7, 0, EBX, 21, ZMM},
    {"clflushopt", 7, 0, EBX, 23, 0},
    {"clwb", 7, 0, EBX, 24, 0},
    {"avx512cd", 7, 0, EBX, 28, ZMM},
    {"sha", 7, 0, EBX, 29, 0},
    {"avx512bw", 7, 0, EBX, 30, ZMM},
    {"avx512vl", 7, 0, EBX, 31, ZMM},
    {"avx512vbmi", 7, 0, ECX, 1, ZMM},
    {"waitpkg", 7, 0, ECX, 5, 0},
    {"avx512vbmi2", 7, 0, ECX, 6, ZMM},
    {"gfni", 7, 0, ECX, 8, 0},
    {"vaes", 7, 0, ECX, 9, YMM},
    {"vpclmulqdq", 7, 0, ECX, 10, YMM},
    {"avx512vnni", 7, 0, ECX, 11, ZMM},
    {"avx512bitalg", 7, 0, ECX, 12, ZMM},
    {"avx512vpopcntdq", 7, 0, ECX, 14, ZMM},
    {"rdpid", 7, 0, ECX, 22, 0},
    {"cldemote", 7, 0, ECX, 25, 0},
    {"movdiri", 7, 0, ECX, 27, 0},
    {"movdir64b", 7, 0, ECX, 28, 0},
    {"avx512vp2intersect", 7, 0, EDX, 8, ZMM},
    {"serialize", 7, 0, EDX, 14, 0},
    {"avx512fp16", 7, 0, EDX, 23, ZMM},
    {"sha512", 7, 1, EAX, 0, YMM},
    {"avxvnni", 7, 1, EAX, 4, YMM},
    {"avx512bf16", 7, 1, EAX, 5, ZMM},
    {"cmpccxadd", 7, 1, EAX, 7, 0},
    {"avxifma", 7, 1, EAX, 23, YMM},
    {"movrs", 7, 1, EAX, 31, 0},
    {"avxvnniint8", 7, 1, EDX, 4, YMM},
    {"avxneconvert", 7, 1, EDX, 5, YMM},
    {"avxvnniint16", 7, 1, EDX, 10, YMM},
    {"prefetchi", 7, 1, EDX, 14, 0},
    {"xsaveopt", 0xd, 1, EAX, 0, 0},
    {"xsavec", 0xd, 1, EAX, 1, 0},
    {"xsaves", 0xd, 1, EAX, 3, 0},
    {"sahf", 0x80000001, 0, ECX, 0, 0},
    {"lzcnt", 0x80000001, 0, ECX, 5, 0},
    {"sse4a", 0x80000001, 0, ECX, 6, 0},
    {"prfchw", 0x80000001, 0, ECX, 8, 0},
    {"xop", 0x80000001, 0, ECX, 11, YMM},
    {"fma4", 0x80000001, 0, ECX, 16, YMM},
    {"tbm", 0x80000001, 0, ECX, 21, 0},
    {"mwaitx", 0x80000001, 0, ECX, 29, 0},
    {"64bit", 0x80000001, 0, EDX, 29, 0},
    {"clzero", 0x80000008, 0, EBX, 0, 0},
    {"wbnoinvd", 0x80000008, 0, EBX, 9, 0},
};

static uint64_t saved_state(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27))) /* OSXSAVE */
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

lt_feature_state lt_machine_feature(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    const feature *f = &features[i];
    if (strlen(f->name) != length || memcmp(f->name, name, length) != 0)
      continue;
    unsigned regs[4] = {0, 0, 0, 0};
    if (!__get_cpuid_count(f->leaf, f->subleaf, &regs[EAX], &regs[EBX], &regs[ECX], &regs[EDX]) || !(regs[f->reg] >> f->bit & 1))
      return LT_FEATURE_MISSING;
    return (saved_state() & f->state) == f->state ? LT_FEATURE_PRESENT : LT_FEATURE_MISSING;
  }
  return LT_FEATURE_UNKNOWN;
}

/* The levels of the x86-64 psABI, from the highest down. */
const char *lt_machine_best_cpu(void) {
  static const struct {
    const char *cpu, *needs[6];
  } levels[] = {{"x86-64-v4", {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", 0}},
                {"x86-64-v3", {"avx2", "bmi", "bmi2", "f16c", "fma", 0}},
                {"x86-64-v2", {"sse4.2", "ssse3", "popcnt", "cx16", 0}}};
  for (size_t i = 0; i < sizeof levels / sizeof *levels; ++i) {
    bool all = true;
    for (const char *const *need = levels[i].needs; *need; ++need)
      all &= lt_machine_feature(*need, strlen(*need)) == LT_FEATURE_PRESENT;
    if (all)
      return levels[i].cpu;
  }
  return "x86-64";
}

const char *lt_machine_arch(void) { return "x86_64"; }
unsigned lt_machine_elf(void) { return EM_X86_64; }

#endif
