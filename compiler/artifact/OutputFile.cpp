#include "compiler/artifact/OutputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace lathe;

static LogicalResult fail(std::string &error, const Twine &message) {
  error = message.str();
  return failure();
}

LogicalResult OutputFile::create(StringRef path, std::string &error) {
  this->path = path.str();
  // Renaming would replace a device or a pipe by an ordinary file.
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(path, status) && status.type() != llvm::sys::fs::file_type::regular_file)
    return fail(error, "'" + path + "' cannot be written: it is not a regular file");
  SmallString<256> model(llvm::sys::path::parent_path(path)), made;
  llvm::sys::path::append(model, "." + llvm::sys::path::filename(path) + ".%%%%%%%%.tmp");
  if (std::error_code code = llvm::sys::fs::createUniqueFile(model, fd, made))
    return fail(error, "'" + path + "' cannot be written: " + code.message());
  temporaryPath = made.str().str();
  llvm::sys::RemoveFileOnSignal(temporaryPath);
  return success();
}

LogicalResult OutputFile::checkSpace(uint64_t bytes, std::string &error) {
  int code = bytes ? ::posix_fallocate(fd, 0, bytes) : 0;
  if (::ftruncate(fd, 0) != 0 && code == 0)
    code = errno;
  return code ? fail(error, "'" + path + "' cannot be written: no space for " + Twine(bytes) + " bytes: " + std::strerror(code)) : success();
}

LogicalResult OutputFile::commit(std::string &error) {
  if (fd >= 0)
    ::close(fd);
  fd = -1;
  if (std::error_code code = llvm::sys::fs::rename(temporaryPath, path))
    return fail(error, "'" + path + "' cannot be written: " + code.message());
  llvm::sys::DontRemoveFileOnSignal(temporaryPath);
  temporaryPath.clear();
  return success();
}

OutputFile::~OutputFile() {
  if (fd >= 0)
    ::close(fd);
  if (temporaryPath.empty())
    return;
  llvm::sys::fs::remove(temporaryPath);
  llvm::sys::DontRemoveFileOnSignal(temporaryPath);
}

LogicalResult FileMapping::map(int fd, uint64_t bytes, std::string &error) {
  if (bytes == 0)
    return success();
  int code = ::posix_fallocate(fd, 0, bytes);
  if (code != 0)
    return fail(error, Twine("no space for ") + Twine(bytes) + " bytes: " + std::strerror(code));
  void *mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED)
    return fail(error, Twine("no address space for ") + Twine(bytes) + " bytes: " + std::strerror(errno));
  data = static_cast<char *>(mapped);
  size = bytes;
  return success();
}

void FileMapping::unmap() {
  if (data)
    ::munmap(data, size);
  data = nullptr;
  size = 0;
}

FileMapping::~FileMapping() { unmap(); }

LogicalResult MemoryFile::create(std::string &error) {
  fd = ::memfd_create("lathe-object", MFD_CLOEXEC);
  return fd >= 0 ? success() : fail(error, Twine("no file in memory: ") + std::strerror(errno));
}

LogicalResult MemoryFile::write(ArrayRef<char> bytes, std::string &error) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return fail(error, Twine("no memory for an object of ") + Twine(bytes.size()) + " bytes: " + std::strerror(errno));
    bytes = bytes.drop_front(written);
  }
  return success();
}

MemoryFile::~MemoryFile() {
  if (fd >= 0)
    ::close(fd);
}
