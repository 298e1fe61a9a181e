#include "compiler/import/ExternalFile.h"

#include "compiler/import/OnnxModel.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace lathe::importer;

namespace {

/// A file descriptor that is closed when it goes.
class Descriptor {
public:
  explicit Descriptor(int fd = -1) : fd(fd) {}
  Descriptor(Descriptor &&other) : fd(other.release()) {}
  Descriptor &operator=(Descriptor &&other) {
    std::swap(fd, other.fd);
    return *this;
  }
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  int get() const { return fd; }
  int release() { return std::exchange(fd, -1); }
  explicit operator bool() const { return fd >= 0; }

private:
  int fd;
};

enum class Refusal { none, link, other };

/// errno in words, as part of a line that starts elsewhere.
std::string systemError() {
  std::string text = std::strerror(errno);
  text[0] = toLower(text[0]);
  return "cannot be opened: " + text;
}

/// What is wrong with a file of this kind, or empty.
std::string wrongKind(const struct stat &status) {
  if (S_ISREG(status.st_mode))
    return "";
  return S_ISDIR(status.st_mode) ? "is a directory" : "is not a regular file";
}

/// Opens `components` below `start` without following a link anywhere. `refusal` tells links from all other reasons.
Descriptor openBelow(Descriptor start, ArrayRef<StringRef> components, bool hardLinks, Refusal &refusal, std::string &error) {
  refusal = Refusal::other;
  Descriptor current = std::move(start);
  for (auto [i, component] : enumerate(components)) {
    std::string name = component.str();
    struct stat status;
    if (fstatat(current.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW)) {
      error = systemError();
      return Descriptor();
    }
    if (S_ISLNK(status.st_mode)) {
      refusal = Refusal::link;
      error = "is reached through a symbolic link";
      return Descriptor();
    }
    bool last = i + 1 == components.size();
    if (last) {
      // Before it is opened: to open a device can have effects.
      error = wrongKind(status);
      if (!error.empty())
        return Descriptor();
      if (status.st_nlink > 1 && !hardLinks) {
        refusal = Refusal::link;
        error = "has several names (hard links)";
        return Descriptor();
      }
    }
    // O_NONBLOCK: should the file have become a fifo since, opening it must not hang.
    int flags = O_CLOEXEC | O_NOFOLLOW | (last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY);
    current = Descriptor(openat(current.get(), name.c_str(), flags));
    if (!current) {
      error = systemError();
      return Descriptor();
    }
  }
  refusal = Refusal::none;
  return current;
}

SmallVector<StringRef> componentsOf(StringRef path) {
  SmallVector<StringRef> parts, result;
  path.split(parts, '/', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts)
    if (part != ".")
      result.push_back(part);
  return result;
}

Descriptor openDirectory(const std::string &path) { return Descriptor(::open(path.empty() ? "." : path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)); }

/// The absolute path without links, or empty.
std::string realPath(const std::string &path) {
  char *resolved = ::realpath(path.c_str(), nullptr);
  std::string result = resolved ? resolved : "";
  std::free(resolved);
  return result;
}

} // namespace

MappedFile::~MappedFile() {
  if (size)
    ::munmap(const_cast<char *>(data), size);
}

std::unique_ptr<MappedFile> MappedFile::map(int fd, std::string &error) {
  Descriptor descriptor(fd);
  struct stat status;
  if (fstat(fd, &status)) {
    error = systemError();
    return nullptr;
  }
  error = wrongKind(status);
  if (!error.empty())
    return nullptr;
  size_t size = status.st_size;
  if (!size)
    return std::unique_ptr<MappedFile>(new MappedFile("", 0));
  void *data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    error = systemError();
    return nullptr;
  }
  return std::unique_ptr<MappedFile>(new MappedFile(static_cast<const char *>(data), size));
}

std::unique_ptr<MappedFile> MappedFile::open(const std::string &path, std::string &error) {
  struct stat status;
  if (::stat(path.c_str(), &status)) {
    error = systemError();
    return nullptr;
  }
  error = wrongKind(status);
  if (!error.empty())
    return nullptr;
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    error = systemError();
    return nullptr;
  }
  return map(fd, error);
}

std::unique_ptr<MappedFile> MappedFile::openExternal(const std::string &directory, StringRef location, const std::string &root, std::string &error) {
  SmallVector<StringRef> components = componentsOf(location);
  auto refuse = [&](const Twine &reason) {
    error = reason.str();
    return nullptr;
  };
  if (components.empty() || location.contains('\0'))
    return refuse("is not a file name");
  if (location.starts_with("/"))
    return refuse("is an absolute path; supported: paths relative to the model's directory");
  if (is_contained(components, ".."))
    return refuse("contains '..'; supported: paths inside the model's directory");

  Refusal refusal;
  Descriptor start = openDirectory(directory);
  if (!start)
    return refuse(systemError());
  if (Descriptor file = openBelow(std::move(start), components, /*hardLinks=*/false, refusal, error))
    return map(file.release(), error);
  if (refusal != Refusal::link)
    return nullptr;
  if (root.empty())
    return refuse(error + "; hint: --external-data-root=DIR permits links that stay inside DIR");

  // The link's end, found first and then opened as strictly as any other file: no link can be put in its way in between.
  std::string target = realPath(directory + "/" + location.str()), inside = realPath(root);
  if (inside.empty())
    return refuse("is reached through a link, and the external data root '" + printable(root) + "' " + systemError());
  StringRef relative = target;
  if (!relative.consume_front(inside) || (inside != "/" && !relative.starts_with("/")))
    return refuse(error + " that leads out of the external data root '" + printable(root) + "'");
  start = openDirectory(inside);
  if (!start)
    return refuse(systemError());
  if (Descriptor file = openBelow(std::move(start), componentsOf(relative), /*hardLinks=*/true, refusal, error))
    return map(file.release(), error);
  return nullptr;
}

mlir::FailureOr<StringRef> ExternalFiles::read(StringRef location, uint64_t offset, uint64_t length, std::string &error) {
  auto [entry, isNew] = files.try_emplace(location);
  std::unique_ptr<MappedFile> &file = entry->second;
  error.clear();
  if (isNew)
    file = MappedFile::openExternal(directory, location, root, error);
  if (!file) {
    if (isNew)
      error = "external file '" + printable(location) + "' " + error;
    return mlir::failure();
  }
  uint64_t size = file->bytes().size();
  if (offset > size || length > size - offset) {
    error = "external file '" + printable(location) + "' holds " + std::to_string(size) + " bytes, but " + std::to_string(length) + " bytes from offset " +
            std::to_string(offset) + " are asked for";
    return mlir::failure();
  }
  return file->bytes().substr(offset, length);
}
