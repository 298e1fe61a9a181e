/* Reads what the runtime needs of an ELF file, before anything of it is mapped or run. */
#ifndef RUNTIME_CORE_ELF_H
#define RUNTIME_CORE_ELF_H

#include "lathe/lathe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LT_MAX_SEGMENTS = 16 };

typedef struct lt_segment {
  uint64_t address, bytes; /* relative to the load address */
  bool executable;
} lt_segment;

typedef struct lt_elf {
  unsigned char *manifest; /* the section's content; malloc'ed, the caller frees it */
  size_t manifest_bytes;
  unsigned machine; /* EM_… */
  lt_segment segments[LT_MAX_SEGMENTS];
  size_t segment_count;
} lt_elf;

/* Fills `elf` from the open file. On failure `elf` owns nothing. `path` is for messages. */
lathe_status lt_elf_read(int file, const char *path, lt_elf *elf, lathe_error *error);

/* True if [address, address + bytes) lies in one loaded segment, an executable one if so asked. */
bool lt_elf_contains(const lt_elf *elf, uint64_t address, uint64_t bytes, bool executable);

#endif
