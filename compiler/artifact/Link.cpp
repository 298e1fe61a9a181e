#include "compiler/artifact/Link.h"

#include "lathe/artifact.h"
#include "lld/Common/Driver.h"
#include <mutex>
#include <vector>

LLD_HAS_DRIVER(elf)

using namespace mlir;

LogicalResult lathe::linkObjects(ArrayRef<int> files, LinkKind kind, StringRef output, std::string &error) {
  static std::mutex lock;
  static bool usable = true;
  std::lock_guard<std::mutex> guard(lock);
  if (!usable) {
    error = "internal error: an earlier link crashed";
    return failure();
  }
  // --threads=1: artifacts are small or dominated by one copy of the weights. The entry is what garbage collection starts from. Undefined symbols are allowed
  // because memcpy, memset and memmove are; what else might be undefined has been refused before.
  std::vector<std::string> words{"ld.lld", "--threads=1", "--color-diagnostics=never", "-o", output.str()};
  if (kind == LinkKind::relocatable)
    words.push_back("-r");
  else
    words.insert(words.end(), {"-shared", "--no-dynamic-linker", "-z", "noexecstack", "-z", "relro", "-z", "now", "--build-id=none", "--hash-style=gnu",
                               "--gc-sections", "-u", LATHE_ENTRY_SYMBOL});
  for (int file : files)
    words.push_back("/proc/self/fd/" + std::to_string(file)); // lld takes paths only
  std::vector<const char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(word.c_str());
  std::string ignored, complaints;
  llvm::raw_string_ostream out(ignored), err(complaints);
  lld::Result result = lld::lldMain(arguments, out, err, {{lld::Gnu, &lld::elf::link}});
  usable = result.canRunAgain;
  if (result.retCode == 0)
    return success();
  StringRef first = StringRef(complaints).split('\n').first;
  first.consume_front("ld.lld: ");
  first.consume_front("error: ");
  error = first.empty() ? "the linker failed without a message" : first.str();
  return failure();
}
