// Whatever the bytes of a model are, the importer answers with a module or with lines that say why not, and never blames itself.
#include "compiler/import/Import.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

using namespace lathe;

/// A folder with a model to overwrite, and with a file for its external data.
static std::string makeFolder() {
  const char *parent = std::getenv("TMPDIR");
  std::string path = std::string(parent ? parent : "/tmp") + "/fuzz-import-XXXXXX";
  if (!mkdtemp(path.data()))
    std::abort();
  std::ofstream(path + "/w.bin", std::ios::binary) << std::string(768, '\x01');
  return path;
}

static void require(bool condition, const char *what) {
  if (condition)
    return;
  std::fprintf(stderr, "fuzz-import: %s\n", what);
  std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string path = makeFolder() + "/m.onnx";
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char *>(data), size);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  ImportReport report;
  mlir::OwningOpRef<mlir::ModuleOp> module = importOnnx(context, path, {}, report);
  require(bool(module) == (report.exitCode == ImportReport::ok), "the module and the exit code contradict each other");
  require(report.messages.empty() == bool(module), "a refusal has no message, or a module has one");
  require(report.messages.size() == report.findings.size(), "messages and findings differ in number");
  for (const std::string &message : report.messages)
    require(message.find('\n') == std::string::npos, "a message is longer than a line");
  if (report.exitCode == ImportReport::internalError)
    std::fprintf(stderr, "%s\n", report.messages.back().c_str());
  require(report.exitCode != ImportReport::internalError, "an internal error");
  return 0;
}
