#include "compiler/artifact/DataObject.h"

#include "lathe/artifact.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/MathExtras.h"
#include <cstddef>
#include <cstring>

using namespace lathe;
using namespace llvm::ELF;
using llvm::MutableArrayRef;

namespace {

// Weights come first: lld keeps the order of sections of one kind, so the kernel table stays within 2 GB of the code however large the weights are.
enum SectionIndex : uint16_t { kNull, kWeights, kImages, kEntry, kManifest, kRelocations, kSymbols, kSymbolStrings, kSectionStrings, kSectionCount };
enum SymbolIndex : uint32_t { kNullSymbol, kWeightsSymbol, kImagesSymbol, kEntrySymbol, kFirstKernelSymbol };

// The names, and where each begins.
constexpr char sectionNames[] = "\0.lathe.weights\0.lathe.images\0.rodata.lathe\0" LATHE_MANIFEST_SECTION "\0.rela.rodata.lathe\0.symtab\0.strtab\0.shstrtab";

uint32_t sectionName(const char *name) {
  for (uint32_t at = 0; at < sizeof sectionNames; at += std::strlen(sectionNames + at) + 1)
    if (std::strcmp(sectionNames + at, name) == 0)
      return at;
  return 0;
}

template <typename T> void put(MutableArrayRef<char> to, uint64_t offset, const T &value) { std::memcpy(to.data() + offset, &value, sizeof value); }

} // namespace

DataObject::DataObject(const DataObjectInput &input) : input(input) {
  symbolNames.push_back('\0');
  symbolNames.append(LATHE_ENTRY_SYMBOL).push_back('\0');
  for (const std::string &kernel : input.kernels) {
    kernelNames.push_back(symbolNames.size());
    symbolNames.append(kernel).push_back('\0');
  }
  total = sizeof(Elf64_Ehdr);
  auto place = [&](Section &section, uint64_t bytes, uint64_t alignment) {
    section.offset = total = llvm::alignTo(total, alignment);
    section.bytes = bytes;
    total += bytes;
  };
  place(weightsSection, input.weightsBytes, LATHE_ALIGNMENT);
  place(imagesSection, input.imagesBytes, LATHE_ALIGNMENT);
  place(entrySection, sizeof(lathe_artifact_entry) + input.kernels.size() * sizeof(int32_t), 8);
  place(manifestSection, input.manifestBytes, 8);
  place(relocations, (input.kernels.size() + (input.weightsBytes ? 1 : 0) + (input.imagesBytes ? 1 : 0)) * sizeof(Elf64_Rela), 8);
  place(symbols, (kFirstKernelSymbol + input.kernels.size()) * sizeof(Elf64_Sym), 8);
  place(symbolStrings, symbolNames.size(), 1);
  place(sectionStrings, sizeof sectionNames, 1);
  sectionHeaders = llvm::alignTo(total, 8);
  total = sectionHeaders + kSectionCount * sizeof(Elf64_Shdr);
}

MutableArrayRef<char> DataObject::weights(MutableArrayRef<char> object) const { return object.slice(weightsSection.offset, weightsSection.bytes); }
MutableArrayRef<char> DataObject::images(MutableArrayRef<char> object) const { return object.slice(imagesSection.offset, imagesSection.bytes); }
MutableArrayRef<char> DataObject::manifest(MutableArrayRef<char> object) const { return object.slice(manifestSection.offset, manifestSection.bytes); }

void DataObject::write(MutableArrayRef<char> to) const {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = input.isX86 ? EM_X86_64 : EM_AARCH64;
  header.e_version = EV_CURRENT;
  header.e_shoff = sectionHeaders;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kSectionCount;
  header.e_shstrndx = kSectionStrings;
  put(to, 0, header);

  // The entry and, right behind it, the kernel table. What is relative to another section is left to relocations.
  lathe_artifact_entry entry = {};
  std::memcpy(entry.magic, LATHE_MANIFEST_MAGIC, sizeof entry.magic);
  entry.format_major = LATHE_FORMAT_MAJOR;
  entry.kernel_count = input.kernels.size();
  entry.kernels_offset = sizeof entry - offsetof(lathe_artifact_entry, kernels_offset);
  put(to, entrySection.offset, entry);

  const uint32_t relative64 = input.isX86 ? uint32_t(R_X86_64_PC64) : uint32_t(R_AARCH64_PREL64);
  const uint32_t relative32 = input.isX86 ? uint32_t(R_X86_64_PC32) : uint32_t(R_AARCH64_PREL32);
  uint64_t nextRelocation = relocations.offset;
  auto relocate = [&](uint64_t offset, uint32_t symbol, uint32_t type) {
    Elf64_Rela relocation = {};
    relocation.r_offset = offset;
    relocation.setSymbolAndType(symbol, type);
    put(to, nextRelocation, relocation);
    nextRelocation += sizeof relocation;
  };
  if (input.weightsBytes)
    relocate(offsetof(lathe_artifact_entry, weights_offset), kWeightsSymbol, relative64);
  if (input.imagesBytes)
    relocate(offsetof(lathe_artifact_entry, kernels_offset), kImagesSymbol, relative64);
  for (size_t i = 0; i < input.kernels.size(); ++i)
    relocate(sizeof entry + i * sizeof(int32_t), kFirstKernelSymbol + i, relative32);

  auto symbol = [&](uint32_t index, uint32_t name, unsigned binding, unsigned type, unsigned visibility, uint16_t section, uint64_t size) {
    Elf64_Sym s = {};
    s.st_name = name;
    s.setBindingAndType(binding, type);
    s.st_other = visibility;
    s.st_shndx = section;
    s.st_size = size;
    put(to, symbols.offset + index * sizeof s, s);
  };
  symbol(kWeightsSymbol, 0, STB_LOCAL, STT_SECTION, STV_DEFAULT, kWeights, 0);
  symbol(kImagesSymbol, 0, STB_LOCAL, STT_SECTION, STV_DEFAULT, kImages, 0);
  symbol(kEntrySymbol, 1, STB_GLOBAL, STT_OBJECT, STV_DEFAULT, kEntry, sizeof entry);
  for (size_t i = 0; i < input.kernels.size(); ++i)
    symbol(kFirstKernelSymbol + i, kernelNames[i], STB_GLOBAL, STT_NOTYPE, STV_HIDDEN, SHN_UNDEF, 0);
  std::memcpy(to.data() + symbolStrings.offset, symbolNames.data(), symbolNames.size());
  std::memcpy(to.data() + sectionStrings.offset, sectionNames, sizeof sectionNames);

  auto section = [&](uint16_t index, const char *name, uint32_t type, uint64_t flags, const Section &place, uint64_t alignment, uint32_t link = 0,
                     uint32_t info = 0, uint64_t entrySize = 0) {
    Elf64_Shdr s = {};
    s.sh_name = sectionName(name);
    s.sh_type = type;
    s.sh_flags = flags;
    s.sh_offset = place.offset;
    s.sh_size = place.bytes;
    s.sh_link = link;
    s.sh_info = info;
    s.sh_addralign = alignment;
    s.sh_entsize = entrySize;
    put(to, sectionHeaders + index * sizeof s, s);
  };
  section(kWeights, ".lathe.weights", SHT_PROGBITS, SHF_ALLOC, weightsSection, LATHE_ALIGNMENT);
  section(kImages, ".lathe.images", SHT_PROGBITS, SHF_ALLOC, imagesSection, LATHE_ALIGNMENT);
  section(kEntry, ".rodata.lathe", SHT_PROGBITS, SHF_ALLOC, entrySection, 8);
  section(kManifest, LATHE_MANIFEST_SECTION, SHT_PROGBITS, 0, manifestSection, 8);
  section(kRelocations, ".rela.rodata.lathe", SHT_RELA, SHF_INFO_LINK, relocations, 8, kSymbols, kEntry, sizeof(Elf64_Rela));
  section(kSymbols, ".symtab", SHT_SYMTAB, 0, symbols, 8, kSymbolStrings, kEntrySymbol, sizeof(Elf64_Sym));
  section(kSymbolStrings, ".strtab", SHT_STRTAB, 0, symbolStrings, 1);
  section(kSectionStrings, ".shstrtab", SHT_STRTAB, 0, sectionStrings, 1);
}
