// Files that appear whole or not at all.
#ifndef COMPILER_ARTIFACT_OUTPUTFILE_H
#define COMPILER_ARTIFACT_OUTPUTFILE_H

#include "mlir/Support/LLVM.h"
#include <string>

namespace lathe {

/// A temporary beside the file that it is to become; removed unless committed, also when a signal ends the process.
class OutputFile {
public:
  OutputFile() = default;
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile();

  /// Fails with one line in `error` if the folder is missing or not writable, or if `path` is something that renaming would destroy.
  mlir::LogicalResult create(llvm::StringRef path, std::string &error);
  /// Fails with one line in `error` if there is no room for so many bytes. The linker writes through a mapping, where a full disk is a signal.
  mlir::LogicalResult checkSpace(uint64_t bytes, std::string &error);
  /// Makes it the file; nothing may have it open for writing.
  mlir::LogicalResult commit(std::string &error);

  llvm::StringRef temporary() const { return temporaryPath; }
  int descriptor() const { return fd; }

private:
  std::string path, temporaryPath;
  int fd = -1;
};

/// A shared writable mapping of a file of `bytes` bytes whose space is allocated: a full disk is an error here, never a SIGBUS later.
class FileMapping {
public:
  FileMapping() = default;
  FileMapping(const FileMapping &) = delete;
  FileMapping &operator=(const FileMapping &) = delete;
  ~FileMapping();

  mlir::LogicalResult map(int fd, uint64_t bytes, std::string &error);
  llvm::MutableArrayRef<char> bytes() { return {data, size}; }
  void unmap();

private:
  char *data = nullptr;
  size_t size = 0;
};

/// A file without a name, in memory.
class MemoryFile {
public:
  MemoryFile() = default;
  MemoryFile(MemoryFile &&other) : fd(other.fd) { other.fd = -1; }
  MemoryFile &operator=(const MemoryFile &) = delete;
  ~MemoryFile();

  mlir::LogicalResult create(std::string &error);
  mlir::LogicalResult write(llvm::ArrayRef<char> bytes, std::string &error);
  int descriptor() const { return fd; }

private:
  int fd = -1;
};

} // namespace lathe

#endif // COMPILER_ARTIFACT_OUTPUTFILE_H
