#include "compiler/artifact/SourceFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace mlir;
using namespace lathe;

SourceFiles::~SourceFiles() {
  for (auto &entry : files)
    if (entry.second->descriptor >= 0)
      ::close(entry.second->descriptor);
}

const SourceFiles::File &SourceFiles::open(StringRef path) {
  std::lock_guard<std::mutex> guard(lock);
  std::unique_ptr<File> &slot = files[path];
  if (slot)
    return *slot;
  slot = std::make_unique<File>();
  SmallString<256> full;
  if (!llvm::sys::path::is_absolute(path))
    full = directory;
  llvm::sys::path::append(full, path);
  slot->path = full.str().str();
  struct stat info;
  // O_NONBLOCK: a FIFO must not make us wait.
  slot->descriptor = ::open(slot->path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (slot->descriptor < 0 || ::fstat(slot->descriptor, &info) != 0)
    slot->error = "weights file '" + slot->path + "' cannot be opened: " + std::strerror(errno);
  else if (!S_ISREG(info.st_mode))
    slot->error = "weights file '" + slot->path + "' is not a regular file";
  else
    slot->size = info.st_size;
  return *slot;
}

LogicalResult SourceFiles::read(nn::FileAttr attribute, MutableArrayRef<char> to, std::string &error) {
  const File &file = open(attribute.getPath());
  uint64_t offset = attribute.getOffset(), length = attribute.getLength();
  error = file.error;
  if (!error.empty())
    return failure();
  auto where = [&] { return "weights file '" + file.path + "'"; };
  if (length > file.size || offset > file.size - length) {
    error = where() + " has " + std::to_string(file.size) + " bytes (expects " + std::to_string(length) + " at offset " + std::to_string(offset) + ")";
    return failure();
  }
  for (uint64_t done = 0; done < length;) {
    ssize_t got = ::pread(file.descriptor, to.data() + done, length - done, offset + done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      error = where() + " cannot be read: " + (got < 0 ? std::strerror(errno) : "it was cut off");
      return failure();
    }
    done += got;
  }
  std::string hash = llvm::toHex(llvm::BLAKE3::hash<32>({reinterpret_cast<const uint8_t *>(to.data()), to.size()}), /*LowerCase=*/true);
  if (!attribute.getHash().equals_insensitive(hash)) {
    error = where() + " is not the one that was imported: " + std::to_string(length) + " bytes at offset " + std::to_string(offset) + " have the BLAKE3 hash " +
            hash + " (expects " + attribute.getHash().str() + ")";
    return failure();
  }
  return success();
}
