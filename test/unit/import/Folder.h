// A folder of its own for each test, gone at its end.
#ifndef TEST_UNIT_IMPORT_FOLDER_H
#define TEST_UNIT_IMPORT_FOLDER_H

#include "llvm/ADT/StringRef.h"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace lathe::test {

class Folder {
public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "importer-test-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string operator/(const std::string &name) const { return path + "/" + name; }
  std::string write(const std::string &name, llvm::StringRef bytes) const {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
    std::ofstream(*this / name, std::ios::binary).write(bytes.data(), bytes.size());
    return *this / name;
  }

  std::string path;
};

} // namespace lathe::test

#endif // TEST_UNIT_IMPORT_FOLDER_H
