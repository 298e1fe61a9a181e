// Whole files: read into memory, and written so that a reader never sees a half-written one.
#ifndef TOOLS_TENSORS_FILE_H
#define TOOLS_TENSORS_FILE_H

#include <cstddef>
#include <string>
#include <string_view>

namespace lathe::tools {

// Throws Failure (exit 3) if it cannot be read.
std::string readFile(const std::string &path);
// Writes to a temporary beside `path` and renames it. Throws Failure (exit 6).
void writeFile(const std::string &path, std::string_view head, std::string_view body = {});
// Creates the folder and its parents. Throws Failure (exit 6).
void makeFolder(const std::string &path);

} // namespace lathe::tools

#endif
