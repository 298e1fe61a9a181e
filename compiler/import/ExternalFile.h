// The one place that opens files which a model names, and the rules for that. A model is untrusted: its external tensors must not make the compiler read
// anything but ordinary files beside the model.
#ifndef COMPILER_IMPORT_EXTERNALFILE_H
#define COMPILER_IMPORT_EXTERNALFILE_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <memory>
#include <string>

namespace lathe::importer {

/// A regular file, mapped read-only.
class MappedFile {
public:
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  ~MappedFile();

  llvm::StringRef bytes() const { return {data, size}; }

  /// A file that the user named: links are followed. On failure null and a reason without the path.
  static std::unique_ptr<MappedFile> open(const std::string &path, std::string &error);

  /// A file that a model names. `location` is relative to `directory`; without '..', not absolute; no component is a link, and the file has one name
  /// only (a hard link may lead anywhere). With `root`, links are followed if what they lead to is inside `root`. On failure null and a reason.
  static std::unique_ptr<MappedFile> openExternal(const std::string &directory, llvm::StringRef location, const std::string &root, std::string &error);

private:
  MappedFile(const char *data, size_t size) : data(data), size(size) {}
  /// Maps and closes `descriptor`, if it is a regular file.
  static std::unique_ptr<MappedFile> map(int descriptor, std::string &error);

  const char *data;
  size_t size;
};

/// The external files of one model; each is opened once and stays mapped.
class ExternalFiles {
public:
  ExternalFiles(std::string directory, std::string root) : directory(std::move(directory)), root(std::move(root)) {}

  /// `length` bytes from `offset` of the file at `location`. On failure a reason that names the location; empty if the file could not be opened and that
  /// has been said before, so that a missing file is one line and not one per tensor.
  mlir::FailureOr<llvm::StringRef> read(llvm::StringRef location, uint64_t offset, uint64_t length, std::string &error);

  /// Keeps a file mapped that was opened otherwise: the model's own.
  void keep(std::unique_ptr<MappedFile> file) { kept = std::move(file); }

private:
  std::string directory, root;
  llvm::StringMap<std::unique_ptr<MappedFile>> files;
  std::unique_ptr<MappedFile> kept;
};

} // namespace lathe::importer

#endif // COMPILER_IMPORT_EXTERNALFILE_H
