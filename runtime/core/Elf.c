#include "runtime/core/Elf.h"

#include "lathe/artifact.h"
#include "runtime/core/Error.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Far above any real manifest (a network of 10,000 nodes needs some MB); bounds what a damaged file can make us allocate. */
#define MAX_MANIFEST_BYTES (1u << 28)

/* Reads exactly [offset, offset + bytes) of a file of `size` bytes. */
static bool read_exactly(int file, uint64_t size, uint64_t offset, uint64_t bytes, void *to) {
  if (offset > size || bytes > size - offset)
    return false;
  unsigned char *next = to;
  while (bytes > 0) {
    ssize_t got = pread(file, next, bytes, (off_t)offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    next += got;
    offset += (uint64_t)got;
    bytes -= (uint64_t)got;
  }
  return true;
}

static lathe_status not_an_artifact(lathe_error *error, const char *path, const char *why) {
  return lt_fail(error, LATHE_REFUSED, "%s: is not a Lathe artifact (%s)", path, why);
}

static lathe_status damaged(lathe_error *error, const char *path, const char *what) { return lt_fail(error, LATHE_REFUSED, "%s: is damaged: %s", path, what); }

static lathe_status check_header(const Elf64_Ehdr *header, const char *path, lathe_error *error) {
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
    return not_an_artifact(error, path, "not an ELF file");
  if (header->e_ident[EI_CLASS] != ELFCLASS64)
    return not_an_artifact(error, path, "not a 64-bit ELF file");
  if (header->e_ident[EI_DATA] != ELFDATA2LSB)
    return not_an_artifact(error, path, "not a little-endian ELF file");
  if (header->e_type != ET_DYN)
    return not_an_artifact(error, path, "not a shared object");
  if (header->e_phentsize != sizeof(Elf64_Phdr) || (header->e_shnum && header->e_shentsize != sizeof(Elf64_Shdr)))
    return damaged(error, path, "wrong size of ELF headers");
  return LATHE_OK;
}

/* Every loaded segment must lie inside the file: the dynamic linker would map the rest all the same, and touching it raises SIGBUS. */
static lathe_status read_segments(int file, uint64_t size, const Elf64_Ehdr *header, const char *path, lt_elf *elf, lathe_error *error) {
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    Elf64_Phdr segment;
    uint64_t offset;
    if (__builtin_add_overflow(header->e_phoff, (uint64_t)i * sizeof segment, &offset) || !read_exactly(file, size, offset, sizeof segment, &segment))
      return damaged(error, path, "program headers lie outside the file");
    if (segment.p_type != PT_LOAD)
      continue;
    uint64_t end;
    if (segment.p_filesz > segment.p_memsz || segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
      return damaged(error, path, "a segment lies outside the file");
    if (__builtin_add_overflow(segment.p_vaddr, segment.p_memsz, &end) || end > (uint64_t)INT64_MAX)
      return damaged(error, path, "a segment's address overflows");
    if (elf->segment_count == LT_MAX_SEGMENTS)
      return damaged(error, path, "too many segments");
    elf->segments[elf->segment_count++] = (lt_segment){segment.p_vaddr, segment.p_memsz, (segment.p_flags & PF_X) != 0};
  }
  return LATHE_OK;
}

static lathe_status read_section(int file, uint64_t size, const Elf64_Ehdr *header, unsigned index, Elf64_Shdr *section, const char *path, lathe_error *error) {
  uint64_t offset;
  if (__builtin_add_overflow(header->e_shoff, (uint64_t)index * sizeof *section, &offset) || !read_exactly(file, size, offset, sizeof *section, section))
    return damaged(error, path, "section headers lie outside the file (is it cut off?)");
  return LATHE_OK;
}

static lathe_status read_manifest(int file, uint64_t size, const Elf64_Ehdr *header, const char *path, lt_elf *elf, lathe_error *error) {
  if (header->e_shnum == 0)
    return not_an_artifact(error, path, "no section " LATHE_MANIFEST_SECTION);
  if (header->e_shstrndx >= header->e_shnum)
    return damaged(error, path, "section names are missing");
  Elf64_Shdr names, section;
  lathe_status status = read_section(file, size, header, header->e_shstrndx, &names, path, error);
  for (unsigned i = 0; status == LATHE_OK && i < header->e_shnum; ++i) {
    status = read_section(file, size, header, i, &section, path, error);
    if (status != LATHE_OK)
      break;
    char name[sizeof LATHE_MANIFEST_SECTION];
    uint64_t offset;
    /* A name that does not fit the string table, or the table the file, is not ours: other sections are not our business. */
    if (section.sh_name > names.sh_size || names.sh_size - section.sh_name < sizeof name ||
        __builtin_add_overflow(names.sh_offset, (uint64_t)section.sh_name, &offset) || !read_exactly(file, size, offset, sizeof name, name) ||
        memcmp(name, LATHE_MANIFEST_SECTION, sizeof name) != 0)
      continue;
    if (section.sh_type == SHT_NOBITS || section.sh_size > MAX_MANIFEST_BYTES)
      return damaged(error, path, "the manifest's size is not plausible");
    elf->manifest = malloc(section.sh_size ? section.sh_size : 1);
    if (!elf->manifest)
      return lt_fail(error, LATHE_INTERNAL, "%s: no memory for a manifest of %llu bytes", path, (unsigned long long)section.sh_size);
    elf->manifest_bytes = section.sh_size;
    if (!read_exactly(file, size, section.sh_offset, section.sh_size, elf->manifest))
      return damaged(error, path, "the manifest lies outside the file");
    return LATHE_OK;
  }
  return status == LATHE_OK ? not_an_artifact(error, path, "no section " LATHE_MANIFEST_SECTION) : status;
}

lathe_status lt_elf_read(int file, const char *path, lt_elf *elf, lathe_error *error) {
  memset(elf, 0, sizeof *elf);
  struct stat info;
  if (fstat(file, &info) != 0)
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: cannot be read: %s", path, strerror(errno));
  if (!S_ISREG(info.st_mode))
    return not_an_artifact(error, path, "not a regular file");
  uint64_t size = (uint64_t)info.st_size;
  Elf64_Ehdr header;
  if (!read_exactly(file, size, 0, sizeof header, &header))
    return not_an_artifact(error, path, "not an ELF file");
  lathe_status status = check_header(&header, path, error);
  if (status == LATHE_OK)
    status = read_segments(file, size, &header, path, elf, error);
  if (status == LATHE_OK)
    status = read_manifest(file, size, &header, path, elf, error);
  if (status != LATHE_OK) {
    free(elf->manifest);
    elf->manifest = NULL;
  }
  elf->machine = header.e_machine;
  return status;
}

bool lt_elf_contains(const lt_elf *elf, uint64_t address, uint64_t bytes, bool executable) {
  for (size_t i = 0; i < elf->segment_count; ++i) {
    const lt_segment *segment = &elf->segments[i];
    if (address >= segment->address && address - segment->address <= segment->bytes && bytes <= segment->bytes - (address - segment->address) &&
        (segment->executable || !executable))
      return true;
  }
  return false;
}
