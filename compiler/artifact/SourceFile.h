// Reads the bytes that #nn.file names and checks their hash.
#ifndef COMPILER_ARTIFACT_SOURCEFILE_H
#define COMPILER_ARTIFACT_SOURCEFILE_H

#include "dialects/nn/NNDialect.h"
#include <mutex>
#include <string>

namespace lathe {

/// The files of one model, opened once each; may be used by several threads.
///
/// Bytes are read, not mapped: what was hashed is then what is used even if the file changes meanwhile, and a file that shrinks is an error instead of
/// a SIGBUS.
class SourceFiles {
public:
  explicit SourceFiles(llvm::StringRef directory) : directory(directory) {}
  SourceFiles(const SourceFiles &) = delete;
  ~SourceFiles();

  /// Fills `to`, of the file attribute's length. On failure `error` is one line.
  mlir::LogicalResult read(nn::FileAttr file, llvm::MutableArrayRef<char> to, std::string &error);

private:
  struct File {
    std::string path;
    int descriptor = -1;
    uint64_t size = 0;
    std::string error; // why it could not be opened
  };
  const File &open(llvm::StringRef path);

  std::string directory;
  std::mutex lock;
  llvm::StringMap<std::unique_ptr<File>> files;
};

} // namespace lathe

#endif // COMPILER_ARTIFACT_SOURCEFILE_H
