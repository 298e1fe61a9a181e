/* LLVM's names of AArch64 features, and the kernel's capability bits that report them. */
#include "runtime/cpu/Machine.h"

#if defined(__aarch64__)
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

/* Bits as in the kernel's <asm/hwcap.h>, spelled out because older headers lack the newer ones. `word` is AT_HWCAP or AT_HWCAP2. */
static const struct {
  const char *name;
  unsigned long word;
  unsigned bit;
} features[] = {
    {"fp-armv8", AT_HWCAP, 0}, {"neon", AT_HWCAP, 1},      {"aes", AT_HWCAP, 3},      {"sha2", AT_HWCAP, 6},    {"crc", AT_HWCAP, 7},
    {"lse", AT_HWCAP, 8},      {"fullfp16", AT_HWCAP, 10}, {"rdm", AT_HWCAP, 12},     {"jsconv", AT_HWCAP, 13}, {"complxnum", AT_HWCAP, 14},
    {"rcpc", AT_HWCAP, 15},    {"ccpp", AT_HWCAP, 16},     {"sha3", AT_HWCAP, 17},    {"sm4", AT_HWCAP, 19},    {"dotprod", AT_HWCAP, 20},
    {"sve", AT_HWCAP, 22},     {"fp16fml", AT_HWCAP, 23},  {"dit", AT_HWCAP, 24},     {"lse2", AT_HWCAP, 25},   {"rcpc-immo", AT_HWCAP, 26},
    {"flagm", AT_HWCAP, 27},   {"ssbs", AT_HWCAP, 28},     {"sb", AT_HWCAP, 29},      {"pauth", AT_HWCAP, 30},  {"ccdp", AT_HWCAP2, 0},
    {"sve2", AT_HWCAP2, 1},    {"altnzcv", AT_HWCAP2, 7},  {"fptoint", AT_HWCAP2, 8}, {"f64mm", AT_HWCAP2, 11}, {"f32mm", AT_HWCAP2, 10},
    {"i8mm", AT_HWCAP2, 13},   {"bf16", AT_HWCAP2, 14},    {"bti", AT_HWCAP2, 17},
};

lt_feature_state lt_machine_feature(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i)
    if (strlen(features[i].name) == length && memcmp(features[i].name, name, length) == 0)
      return getauxval(features[i].word) >> features[i].bit & 1 ? LT_FEATURE_PRESENT : LT_FEATURE_MISSING;
  return LT_FEATURE_UNKNOWN;
}

const char *lt_machine_best_cpu(void) { return "generic"; }
const char *lt_machine_arch(void) { return "aarch64"; }
unsigned lt_machine_elf(void) { return EM_AARCH64; }

#endif
