// What may be opened because a model names it. test/compiler/import/errors_external.test has the messages.
#include "compiler/import/ExternalFile.h"
#include "test/unit/import/Folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lathe::importer;
using lathe::test::Folder;

namespace {

struct ExternalFileTest : testing::Test {
  /// The file's content, or the reason why it is refused.
  std::string open(const std::string &location, const std::string &root = "") {
    std::string error;
    std::unique_ptr<MappedFile> file = MappedFile::openExternal(model.path, location, root, error);
    EXPECT_NE(file == nullptr, error.empty()) << error;
    return file ? file->bytes().str() : error;
  }
  bool refused(const std::string &location, const std::string &root = "") { return open(location, root) != "good" && open(location, root) != "secret"; }

  Folder model, outside;
};

TEST_F(ExternalFileTest, OrdinaryFiles) {
  model.write("a.bin", "good");
  model.write("sub/b.bin", "good");
  model.write("...", "good");
  model.write("empty", "");
  EXPECT_EQ(open("a.bin"), "good");
  EXPECT_EQ(open("sub/b.bin"), "good");
  EXPECT_EQ(open("./sub/./b.bin"), "good");
  EXPECT_EQ(open("..."), "good"); // a name like any other
  EXPECT_EQ(open("empty"), "");
}

TEST_F(ExternalFileTest, PathsThatLeaveTheFolder) {
  outside.write("s", "secret");
  EXPECT_TRUE(refused(outside / "s"));
  EXPECT_TRUE(refused("../" + std::filesystem::path(outside.path).filename().string() + "/s"));
  EXPECT_TRUE(refused("sub/../../s"));
  for (const char *nothing : {"", ".", "./", "/", ".."})
    EXPECT_TRUE(refused(nothing)) << nothing;
  model.write("a", "good");
  EXPECT_TRUE(refused(std::string("a\0b", 3)));
  EXPECT_TRUE(refused("a/b"));
}

TEST_F(ExternalFileTest, ThingsThatAreNoFiles) {
  ASSERT_EQ(mkfifo((model / "fifo").c_str(), 0600), 0);
  EXPECT_TRUE(refused("fifo")); // and does not hang
  EXPECT_TRUE(refused("."));
  std::filesystem::create_directory(model / "folder");
  EXPECT_TRUE(refused("folder"));
}

TEST_F(ExternalFileTest, LinksNeedARoot) {
  std::string secret = outside.write("s", "secret");
  std::filesystem::create_symlink(secret, model / "link");
  std::filesystem::create_directory_symlink(outside.path, model / "folder");
  std::filesystem::create_symlink("loop", model / "loop");
  std::filesystem::create_symlink("nowhere", model / "dangling");
  for (const char *location : {"link", "folder/s", "loop", "dangling"})
    EXPECT_TRUE(refused(location)) << location;
  EXPECT_EQ(open("link", outside.path), "secret");
  EXPECT_EQ(open("folder/s", outside.path), "secret");
  EXPECT_TRUE(refused("loop", "/"));
  EXPECT_TRUE(refused("dangling", "/"));
  EXPECT_TRUE(refused("link", model.path));
  EXPECT_TRUE(refused("link", outside.path.substr(0, outside.path.size() - 1))); // a prefix of the path is no folder above it
  EXPECT_TRUE(refused("link", outside / "none"));
}

TEST_F(ExternalFileTest, HardLinksNeedARoot) {
  std::string secret = outside.write("s", "secret");
  std::filesystem::create_hard_link(secret, model / "s");
  EXPECT_TRUE(refused("s"));
  EXPECT_EQ(open("s", model.path), "secret");
}

TEST_F(ExternalFileTest, RangesOfAFile) {
  model.write("a", "0123456789");
  ExternalFiles files(model.path, "");
  std::string error;
  auto read = [&](uint64_t offset, uint64_t length) {
    mlir::FailureOr<llvm::StringRef> bytes = files.read("a", offset, length, error);
    return succeeded(bytes) ? bytes->str() : "refused";
  };
  EXPECT_EQ(read(0, 10), "0123456789");
  EXPECT_EQ(read(3, 4), "3456");
  EXPECT_EQ(read(10, 0), "");
  EXPECT_EQ(read(10, 1), "refused");
  EXPECT_EQ(read(11, 0), "refused");
  EXPECT_EQ(read(1, UINT64_MAX), "refused"); // the sum wraps
  EXPECT_EQ(read(UINT64_MAX, 2), "refused");
}

TEST_F(ExternalFileTest, AFileThatCannotBeOpenedIsOneMessage) {
  ExternalFiles files(model.path, "");
  std::string error;
  EXPECT_TRUE(failed(files.read("none", 0, 1, error)));
  EXPECT_NE(error.find("'none'"), std::string::npos);
  EXPECT_TRUE(failed(files.read("none", 0, 1, error)));
  EXPECT_EQ(error, "");
}

} // namespace
