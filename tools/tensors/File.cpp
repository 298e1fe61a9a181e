#include "tools/tensors/File.h"

#include "tools/support/Status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace lathe::tools {

std::string readFile(const std::string &path) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    throw Failure(InvalidInput, path + ": cannot be opened: " + std::strerror(errno));
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    throw Failure(InvalidInput, path + ": is not a regular file");
  }
  std::string content(size_t(info.st_size), '\0');
  size_t used = 0;
  while (used < content.size()) {
    ssize_t got = read(file, content.data() + used, content.size() - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    used += size_t(got);
  }
  close(file);
  if (used != content.size())
    throw Failure(InvalidInput, path + ": cannot be read: got " + std::to_string(used) + " bytes of " + std::to_string(content.size()));
  return content;
}

static bool writeAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    bytes.remove_prefix(size_t(written));
  }
  return true;
}

void writeFile(const std::string &path, std::string_view head, std::string_view body) {
  std::string temporary = path + ".XXXXXX";
  int file = mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0)
    throw Failure(OutputFailed, path + ": cannot be written: " + std::strerror(errno));
  mode_t mask = umask(0); // mkostemp makes it private; give it the mode that open() would
  umask(mask);
  bool written = writeAll(file, head) && writeAll(file, body) && fchmod(file, 0666 & ~mask) == 0;
  int error = errno;
  if (close(file) != 0 && written) {
    written = false;
    error = errno;
  }
  if (written && rename(temporary.c_str(), path.c_str()) != 0) {
    written = false;
    error = errno;
  }
  if (!written) {
    unlink(temporary.c_str());
    throw Failure(OutputFailed, path + ": cannot be written: " + std::strerror(error));
  }
}

void makeFolder(const std::string &path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path, error))
    throw Failure(OutputFailed, path + ": cannot be made a folder: " + (error ? error.message() : "a file of that name exists"));
}

} // namespace lathe::tools
