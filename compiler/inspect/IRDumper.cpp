// What --dump-ir writes.

#include "compiler/inspect/IRDumper.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
namespace fs = llvm::sys::fs;

namespace lathe {

static constexpr StringRef listName = ".lathe-dump";
static constexpr StringRef reportName = "index.html";

static std::string inside(StringRef directory, StringRef file) {
  SmallString<128> path(directory);
  llvm::sys::path::append(path, file);
  return path.str().str();
}

/// `07-nn-fuse-epilogue.mlir`, and nothing with a separator in it: only such names are ever removed.
static bool isOurName(StringRef name) {
  if (name == reportName)
    return true;
  StringRef rest = name.ltrim("0123456789");
  auto legal = [](char c) { return llvm::isAlnum(c) || StringRef("_.-").contains(c); };
  return name.size() - rest.size() >= 2 && rest.consume_front("-") && !rest.empty() && llvm::all_of(rest, legal);
}

static std::string legalName(StringRef name) {
  std::string legal = name.str();
  for (char &c : legal)
    if (!llvm::isAlnum(c) && !StringRef("_.-").contains(c))
      c = '_';
  return legal;
}

FailureOr<std::unique_ptr<IRDumper>> IRDumper::create(StringRef directory, StringRef title, ArrayRef<std::pair<StringRef, StringRef>> phases,
                                                      std::string &error) {
  if (directory.empty()) {
    error = "cannot dump into '': expects the name of a folder";
    return failure();
  }
  if (std::error_code code = fs::create_directories(directory, /*IgnoreExisting=*/true, fs::all_all)) {
    error = "cannot create the dump folder '" + directory.str() + "': " + code.message();
    return failure();
  }
  std::unique_ptr<IRDumper> dumper(new IRDumper(directory));
  if (failed(dumper->clear(error)))
    return failure();
  std::error_code code;
  std::string path = inside(directory, reportName);
  dumper->page.emplace(path, code);
  if (code) {
    error = "cannot write '" + path + "': " + code.message();
    return failure();
  }
  dumper->append(dumper->report.begin(title, phases));
  return dumper;
}

LogicalResult IRDumper::clear(std::string &error) {
  std::string list = inside(directory, listName);
  if (auto old = llvm::MemoryBuffer::getFile(list)) {
    SmallVector<StringRef> names;
    (*old)->getBuffer().split(names, '\n', -1, /*KeepEmpty=*/false);
    for (StringRef name : names)
      if (isOurName(name) && !fs::is_directory(inside(directory, name)))
        fs::remove(inside(directory, name));
  }
  // Also finds out now, rather than after a long compilation, that nothing can be written here.
  write(listName.str(), "");
  error = firstError;
  return success(firstError.empty());
}

void IRDumper::write(const std::string &file, StringRef contents) {
  if (!firstError.empty())
    return;
  std::string path = inside(directory, file);
  std::error_code code;
  {
    llvm::raw_fd_ostream os(path, code);
    if (!code) {
      os << contents;
      os.close();
      code = os.error();
      os.clear_error();
    }
  }
  if (code)
    firstError = "cannot write '" + path + "': " + code.message();
}

/// Each step is in the file before the next one runs, which may crash.
void IRDumper::append(StringRef html) {
  *page << html;
  page->flush();
  if (page->has_error() && firstError.empty())
    firstError = "cannot write '" + inside(directory, reportName) + "': " + page->error().message();
}

std::string IRDumper::nextFile(StringRef name, StringRef extension) {
  std::string file;
  llvm::raw_string_ostream(file) << llvm::format("%02zu-", files.size()) << legalName(name) << "." << extension;
  files.push_back(file);
  // The list goes first: a file that is not on it would never be cleared.
  std::string list = reportName.str() + "\n" + llvm::join(files, "\n") + "\n";
  write(listName.str(), list);
  return file;
}

void IRDumper::addModule(ReportStep step, StringRef name, std::string text, ModuleOp module) {
  current = std::move(text);
  step.file = nextFile(name, "mlir");
  write(step.file, current);
  ReadableIR readable = printReadable(module, report.names());
  symbolSets = readable.symbolSets;
  append(report.add(step, &readable));
}

void IRDumper::begin(ModuleOp module, StringRef name, double milliseconds) {
  if (!files.empty())
    return;
  ReportStep step;
  step.record.pass = name.str();
  step.record.milliseconds = milliseconds;
  step.record.opsBefore = step.record.opsAfter = countOps(module);
  addModule(std::move(step), name, printWithLocations(module), module);
}

void IRDumper::beginStep(const StepRecord &record) { append(report.running(record)); }

void IRDumper::addStep(const StepRecord &record, ModuleOp module) {
  ReportStep step;
  step.record = record;
  if (!record.failed) {
    std::string text = printWithLocations(module);
    if (text != current)
      return addModule(std::move(step), record.pass, std::move(text), module);
  }
  append(report.add(step, nullptr));
}

void IRDumper::addText(StringRef name, StringRef extension, StringRef text) {
  ReportStep step;
  step.record.pass = name.str();
  step.record.phase = "code";
  step.file = nextFile(name, extension);
  step.isModule = false;
  write(step.file, text);
  ReadableIR readable = readableText(text, symbolSets);
  append(report.add(step, &readable));
}

void IRDumper::addWork(const StepRecord &record) {
  ReportStep step;
  step.record = record;
  step.isModule = false;
  append(report.add(step, nullptr));
}

LogicalResult IRDumper::finish(std::string &error) {
  page->close();
  if (page->has_error() && firstError.empty())
    firstError = "cannot write '" + inside(directory, reportName) + "': " + page->error().message();
  page->clear_error();
  error = firstError;
  return success(firstError.empty());
}

IRDumper::~IRDumper() {
  // LLVM ends the process over an error that nobody looked at.
  if (page)
    page->clear_error();
}

} // namespace lathe
