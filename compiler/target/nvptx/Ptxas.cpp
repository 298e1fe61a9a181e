#include "compiler/target/nvptx/Ptxas.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>
#include <thread>

using namespace mlir;
using namespace lathe;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// A folder that goes with this object.
struct Folder {
  llvm::SmallString<128> path;
  bool exists = false;
  Folder() { exists = !llvm::sys::fs::createUniqueDirectory("lathe-ptxas", path); }
  ~Folder() {
    if (exists)
      llvm::sys::fs::remove_directories(path);
  }
  std::string operator/(const Twine &name) const { return (path + "/" + name).str(); }
};

std::string readText(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// 0, or the exit status; output and messages go to `log`.
int run(const std::string &program, llvm::ArrayRef<StringRef> arguments, StringRef log, std::string &problem) {
  std::vector<StringRef> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(), log, log};
  return llvm::sys::ExecuteAndWait(program, words, std::nullopt, redirects, /*SecondsToWait=*/0, /*MemoryLimit=*/0, &problem);
}

void assembleOne(const Ptxas &ptxas, const Folder &folder, size_t number, PtxasJob &job) {
  std::string ptx = folder / (Twine(number) + ".ptx"), cubin = folder / (Twine(number) + ".cubin"), log = folder / (Twine(number) + ".log");
  std::error_code code;
  {
    llvm::raw_fd_ostream os(ptx, code);
    if (!code) {
      os << job.ptx;
      os.close();
      code = os.error();
      os.clear_error();
    }
  }
  if (code) {
    job.error = "'" + ptx + "' cannot be written: " + code.message();
    return;
  }
  std::string problem, arch = "-arch=sm_" + std::to_string(job.arch);
  int status = run(ptxas.path, {"-v", arch, ptx, "-o", cubin}, log, problem);
  std::string text = readText(log);
  if (status != 0) {
    // The first line that is a complaint, or else the first.
    llvm::SmallVector<StringRef> lines;
    StringRef(text).split(lines, '\n', -1, /*KeepEmpty=*/false);
    auto bad = llvm::find_if(lines, [](StringRef line) { return line.contains("error") || line.contains("fatal"); });
    StringRef line = bad != lines.end() ? *bad : lines.empty() ? StringRef(problem) : lines.front();
    job.error = (ptxas.path + " failed for sm_" + Twine(job.arch) + " with status " + Twine(status) + ": " + line).str();
    return;
  }
  job.cubin = readText(cubin);
  if (job.cubin.empty())
    job.error = ptxas.path + " wrote no cubin for sm_" + std::to_string(job.arch);
  job.reports = parsePtxasLog(text);
}

} // namespace

FailureOr<Ptxas> lathe::findPtxas(std::string &error) {
  auto found = llvm::sys::findProgramByName("ptxas");
  for (std::string home : {llvm::sys::Process::GetEnv("CUDA_HOME").value_or(""), std::string("/usr/local/cuda")})
    if (!found && !home.empty())
      found = llvm::sys::findProgramByName("ptxas", {home + "/bin"});
  if (!found) {
    error = "a cubin needs NVIDIA's ptxas, which is neither in PATH nor in $CUDA_HOME/bin nor in /usr/local/cuda/bin; without it, PTX can be embedded "
            "(--gpu-arch=compute_80)";
    return failure();
  }
  Folder folder;
  std::string problem, log = folder / "version";
  int status = folder.exists ? run(*found, {"--version"}, log, problem) : -1;
  // "Cuda compilation tools, release 13.0, V13.0.88"
  std::string text = readText(log);
  StringRef version = StringRef(text).split(", V").second.take_while([](char c) { return llvm::isDigit(c) || c == '.'; });
  if (status != 0 || version.empty()) {
    error = "'" + *found + "' does not tell its version" + (problem.empty() ? "" : ": " + problem);
    return failure();
  }
  return Ptxas{*found, version.str()};
}

LogicalResult lathe::assemble(const Ptxas &ptxas, MutableArrayRef<PtxasJob> jobs, unsigned threads, std::string &error) {
  Folder folder;
  if (!folder.exists) {
    error = "a temporary folder cannot be made";
    return failure();
  }
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < jobs.size();)
      assembleOne(ptxas, folder, i, jobs[i]);
  };
  std::vector<std::thread> pool;
  for (size_t t = 1; t < std::min<size_t>(threads, jobs.size()); ++t)
    pool.emplace_back(work);
  work();
  for (std::thread &t : pool)
    t.join();
  for (const PtxasJob &job : jobs)
    if (!job.error.empty()) {
      error = job.error;
      return failure();
    }
  return success();
}

std::vector<PtxasReport> lathe::parsePtxasLog(StringRef log) {
  std::vector<PtxasReport> reports;
  auto of = [&](StringRef entry) {
    for (size_t i = 0; i < reports.size(); ++i)
      if (reports[i].entry == entry)
        return i;
    reports.emplace_back().entry = entry.str();
    return reports.size() - 1;
  };
  std::optional<size_t> current; // the list grows
  llvm::SmallVector<StringRef> lines;
  log.split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    auto numberBefore = [&](StringRef text) {
      unsigned value = 0;
      line.split(text).first.rtrim().rsplit(' ').second.getAsInteger(10, value);
      return value;
    };
    if (line.contains("Compiling entry function '"))
      current = of(line.split('\'').second.split('\'').first);
    else if (line.contains("Function properties for "))
      current = of(line.split("Function properties for ").second.trim());
    else if (current && line.contains(" bytes spill stores"))
      reports[*current].spillBytes += numberBefore(" bytes spill stores") + numberBefore(" bytes spill loads");
    else if (current && line.contains("Used ") && line.contains(" registers"))
      reports[*current].registers = numberBefore(" registers");
    else if (line.contains("warning") || line.contains("(C75")) {
      // They name their function, which may come later, or belong to the one at hand.
      StringRef named = line.contains("lathe_k") ? line.split("'").second.split('\'').first : "";
      size_t about = !named.empty() ? of(named) : current ? *current : of("");
      reports[about].warnings.push_back(line.trim().str());
    }
  }
  return reports;
}
