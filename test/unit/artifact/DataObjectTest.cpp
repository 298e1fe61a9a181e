#include "compiler/artifact/DataObject.h"

#include "lathe/artifact.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "gtest/gtest.h"

using namespace lathe;
using llvm::StringRef;

namespace {

/// LLVM's reader finds the sections, symbols and relocations that were meant.
class DataObjects : public testing::TestWithParam<bool> {};

TEST_P(DataObjects, IsAValidRelocatable) {
  std::vector<std::string> kernels{"k0.conv", "k1.add+relu"};
  DataObjectInput input{/*isX86=*/GetParam(), kernels, /*weightsBytes=*/128, /*manifestBytes=*/40, /*imagesBytes=*/0};
  DataObject object(input);
  std::vector<char> bytes(object.size());
  object.write(bytes);
  std::fill(object.weights(bytes).begin(), object.weights(bytes).end(), 'w');
  std::fill(object.manifest(bytes).begin(), object.manifest(bytes).end(), 'm');

  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(StringRef(bytes.data(), bytes.size()), "data"));
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  auto *elf = llvm::cast<llvm::object::ELF64LEObjectFile>(file->get());
  EXPECT_EQ((*file)->getArch(), GetParam() ? llvm::Triple::x86_64 : llvm::Triple::aarch64);
  std::map<std::string, std::string> contents;
  std::vector<std::pair<uint64_t, std::string>> relocations;
  for (const llvm::object::SectionRef &section : elf->sections()) {
    contents[llvm::cantFail(section.getName()).str()] = llvm::cantFail(section.getContents()).str();
    for (const llvm::object::RelocationRef &r : section.relocations()) {
      auto symbol = *r.getSymbol();
      relocations.push_back({r.getOffset(), llvm::cantFail(symbol.getName()).str()});
    }
  }
  EXPECT_EQ(contents[".lathe.weights"], std::string(128, 'w'));
  EXPECT_EQ(contents[LATHE_MANIFEST_SECTION], std::string(40, 'm'));
  auto *entry = reinterpret_cast<const lathe_artifact_entry *>(contents[".rodata.lathe"].data());
  EXPECT_EQ(entry->kernel_count, 2u);
  EXPECT_EQ(contents[".rodata.lathe"].size(), sizeof *entry + 8);
  EXPECT_EQ(reinterpret_cast<const char *>(&entry->kernels_offset) + entry->kernels_offset, reinterpret_cast<const char *>(entry + 1));
  ASSERT_EQ(relocations.size(), 3u);
  EXPECT_EQ(relocations[0].first, offsetof(lathe_artifact_entry, weights_offset));
  EXPECT_EQ(relocations[1], (std::pair<uint64_t, std::string>(32, "k0.conv")));
  EXPECT_EQ(relocations[2], (std::pair<uint64_t, std::string>(36, "k1.add+relu")));
  for (const llvm::object::ELFSymbolRef symbol : elf->symbols()) {
    StringRef name = llvm::cantFail(symbol.getName());
    if (name == LATHE_ENTRY_SYMBOL)
      EXPECT_EQ(symbol.getOther(), llvm::ELF::STV_DEFAULT);
    else if (name.starts_with("k"))
      EXPECT_EQ(symbol.getOther(), llvm::ELF::STV_HIDDEN);
  }
}

/// Of a network for GPUs: the entry leads to the images in place of a table of kernels.
TEST_P(DataObjects, HoldsImages) {
  DataObjectInput input{/*isX86=*/GetParam(), {}, /*weightsBytes=*/128, /*manifestBytes=*/40, /*imagesBytes=*/100};
  DataObject object(input);
  std::vector<char> bytes(object.size());
  object.write(bytes);
  ASSERT_EQ(object.images(bytes).size(), 100u);
  std::fill(object.images(bytes).begin(), object.images(bytes).end(), 'i');

  auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(StringRef(bytes.data(), bytes.size()), "data"));
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  auto *elf = llvm::cast<llvm::object::ELF64LEObjectFile>(file->get());
  std::map<uint64_t, std::string> targets;
  for (const llvm::object::ELFSectionRef section : elf->sections()) {
    if (llvm::cantFail(section.getName()) == ".lathe.images") {
      EXPECT_EQ(llvm::cantFail(section.getContents()), std::string(100, 'i'));
      EXPECT_EQ(section.getAlignment().value(), uint64_t(LATHE_ALIGNMENT));
    }
    for (const llvm::object::RelocationRef &r : section.relocations())
      targets[r.getOffset()] = llvm::cantFail(llvm::cantFail(r.getSymbol()->getSection())->getName()).str();
  }
  EXPECT_EQ(targets, (std::map<uint64_t, std::string>{{offsetof(lathe_artifact_entry, kernels_offset), ".lathe.images"},
                                                      {offsetof(lathe_artifact_entry, weights_offset), ".lathe.weights"}}));
}

INSTANTIATE_TEST_SUITE_P(Architectures, DataObjects, testing::Values(true, false));

} // namespace
