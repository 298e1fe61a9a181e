// The part of an artifact that is not code, as an ELF relocatable that is written directly: packed weights, entry, kernel table, images for GPUs, manifest.
#ifndef COMPILER_ARTIFACT_DATAOBJECT_H
#define COMPILER_ARTIFACT_DATAOBJECT_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace lathe {

struct DataObjectInput {
  bool isX86 = true;                   // else AArch64
  llvm::ArrayRef<std::string> kernels; // symbols, in the order of the table
  uint64_t weightsBytes = 0;           // 0: none, or in a file of their own
  uint64_t manifestBytes = 0;
  uint64_t imagesBytes = 0; // code for GPUs, which there are no kernels beside
};

/// Where things lie in the object. Bytes are written straight into it, so that weights are never copied.
class DataObject {
public:
  explicit DataObject(const DataObjectInput &input);

  uint64_t size() const { return total; }
  /// Fills everything but weights and manifest. `to` has size() bytes and is zero.
  void write(llvm::MutableArrayRef<char> to) const;
  llvm::MutableArrayRef<char> weights(llvm::MutableArrayRef<char> object) const;
  llvm::MutableArrayRef<char> images(llvm::MutableArrayRef<char> object) const;
  llvm::MutableArrayRef<char> manifest(llvm::MutableArrayRef<char> object) const;

private:
  struct Section {
    uint64_t offset = 0, bytes = 0;
  };

  DataObjectInput input;
  std::string symbolNames;
  llvm::SmallVector<uint32_t> kernelNames; // in symbolNames
  Section weightsSection, imagesSection, entrySection, manifestSection, relocations, symbols, symbolStrings, sectionStrings;
  uint64_t sectionHeaders = 0, total = 0;
};

} // namespace lathe

#endif // COMPILER_ARTIFACT_DATAOBJECT_H
