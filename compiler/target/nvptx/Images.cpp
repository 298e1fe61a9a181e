#include "compiler/target/nvptx/Images.h"

#include "compiler/Options.h"
#include "compiler/target/cpu/Description.h"
#include "compiler/target/nvptx/Codegen.h"
#include "compiler/target/nvptx/Ptxas.h"
#include "dialects/nn/NNDialect.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lathe;
using llvm::StringRef;
using llvm::Twine;

namespace {

constexpr unsigned kPortablePtx = 80;

/// Kernels are assembled some at a time: a process per kernel costs twice the time, one for all keeps one core busy. By size and not by the number of cores,
/// so that artifacts do not depend on the machine.
constexpr size_t kPartBytes = 192 << 10;

void insertOnce(std::vector<unsigned> &sorted, unsigned value) {
  auto at = llvm::lower_bound(sorted, value);
  if (at == sorted.end() || *at != value)
    sorted.insert(at, value);
}

/// The same text with another name for its entry.
std::string renamed(StringRef ptx, StringRef from, StringRef to) {
  std::string text;
  text.reserve(ptx.size());
  for (size_t at; (at = ptx.find(from)) != StringRef::npos; ptx = ptx.drop_front(at + from.size())) {
    bool whole = at + from.size() == ptx.size() || !llvm::isDigit(ptx[at + from.size()]); // lathe_k1 is not lathe_k12
    text += ptx.take_front(at);
    text += whole ? to : from;
  }
  return text += ptx;
}

std::string entryName(size_t number) { return "lathe_k" + std::to_string(number); }

/// Kernels whose code is the same under any name become one.
std::vector<GpuKernel> deduplicate(std::vector<GpuKernel> kernels, std::vector<GpuLaunch> &launches) {
  std::vector<GpuKernel> unique;
  llvm::StringMap<uint32_t> known;
  for (GpuKernel &kernel : kernels) {
    auto [entry, isNew] = known.try_emplace(renamed(kernel.ptx, kernel.entry, "lathe_k"), unique.size());
    launches.push_back({kernel.kernel, entry->second, uint32_t(kernel.lanes), uint32_t(kernel.block), uint32_t(kernel.sharedBytes)});
    if (!isNew)
      continue;
    kernel.ptx = renamed(kernel.ptx, kernel.entry, entryName(unique.size()));
    kernel.entry = entryName(unique.size());
    unique.push_back(std::move(kernel));
  }
  return unique;
}

/// ptxas aims at many resident blocks, and rather spills a little than give up one: registers of a multiprocessor, and how often it is asked for one block
/// less.
constexpr unsigned kRegisters = 65536, kTries = 4;

/// The kernel with a bound on the blocks that are to be resident, so that ptxas uses more registers.
std::string withResidentBlocks(const GpuKernel &kernel, unsigned blocks) {
  auto [head, rest] = StringRef(kernel.ptx).split("\n.maxntid ");
  auto [threads, body] = rest.split('\n');
  if (body.starts_with(".minnctapersm "))
    body = body.split('\n').second;
  return (head + "\n.maxntid " + threads + "\n.minnctapersm " + Twine(blocks) + "\n" + body).str();
}

/// The kernels' text behind the version, target and address size, which all of them begin with.
StringRef bodyOf(StringRef ptx) { return ptx.split(".address_size 64").second; }

/// One module. `blocks` has an entry for each kernel, 0 for those that are left to ptxas, or none.
std::string joined(ArrayRef<GpuKernel> kernels, ArrayRef<unsigned> blocks = {}) {
  std::string text;
  for (size_t i = 0; i < kernels.size(); ++i) {
    std::string bounded = i < blocks.size() && blocks[i] ? withResidentBlocks(kernels[i], blocks[i]) : "";
    StringRef ptx = bounded.empty() ? StringRef(kernels[i].ptx) : StringRef(bounded);
    text += i == 0 ? ptx : bodyOf(ptx);
  }
  return text;
}

/// 70 for ".version 7.0".
uint32_t isaOf(StringRef ptx) {
  auto [major, minor] = ptx.split(".version ").second.take_while([](char c) { return llvm::isDigit(c) || c == '.'; }).split('.');
  uint32_t a = 0, b = 0;
  major.getAsInteger(10, a);
  minor.getAsInteger(10, b);
  return 10 * a + b;
}

/// Where in the kernels each part begins, and the end.
SmallVector<size_t> cutIntoParts(ArrayRef<GpuKernel> kernels) {
  SmallVector<size_t> cuts{0};
  size_t bytes = 0;
  for (size_t i = 0; i < kernels.size(); ++i) {
    if (bytes && bytes + kernels[i].ptx.size() > kPartBytes) {
      cuts.push_back(i);
      bytes = 0;
    }
    bytes += kernels[i].ptx.size();
  }
  if (!kernels.empty())
    cuts.push_back(kernels.size());
  return cuts;
}

/// One remark for each kernel and one for each warning.
void report(ModuleOp module, ArrayRef<PtxasJob> jobs, ArrayRef<GpuLaunch> launches) {
  for (const GpuLaunch &launch : launches) {
    Location loc = module.lookupSymbol(launch.kernel)->getLoc();
    auto options = remark::RemarkOpts::name("assembled").category("codegen").function(launch.kernel);
    std::string text;
    bool spills = false;
    for (const PtxasJob &job : jobs)
      for (const PtxasReport &r : job.reports) {
        if (entryName(launch.entry) != r.entry)
          continue;
        text += (text.empty() ? "" : "; ") + llvm::formatv("{0} registers on sm_{1}, ", r.registers, job.arch).str() +
                (r.spillBytes ? llvm::formatv("{0} bytes of spills", r.spillBytes).str() : "no spill");
        spills |= r.spillBytes != 0;
        for (const std::string &warning : r.warnings)
          remark::missed(loc, options) << "sm_" << std::to_string(job.arch) << ": " << warning;
      }
    if (spills)
      remark::missed(loc, options) << text;
    else
      remark::passed(loc, options) << text;
  }
}

class ImageBuilder {
public:
  ImageBuilder(ModuleOp module, const GpuArchs &archs, unsigned threads, GpuCode &code, std::string &error, int &exitCode)
      : module(module), archs(archs), threads(threads), code(code), error(error), exitCode(exitCode) {}

  LogicalResult build() {
    Ptxas ptxas;
    if (!archs.cubins.empty()) { // asked for before the expensive part
      FailureOr<Ptxas> found = findPtxas(error);
      if (failed(found))
        return fail(kUsage);
      ptxas = *found;
      code.assembler = ptxas.version;
    }
    unsigned lowest = archs.lowest();
    std::vector<GpuKernel> kernels;
    if (failed(generate(lowest, kernels)))
      return failure();
    kernels = deduplicate(std::move(kernels), code.launches);
    if (kernels.empty())
      return success(); // a network that computes nothing needs no code
    if (failed(addCubins(ptxas, kernels)))
      return fail(kInternalError);
    for (unsigned arch : archs.ptx) {
      std::vector<GpuKernel> own = kernels;
      if (arch != lowest) {
        std::vector<GpuLaunch> same;
        if (failed(generate(arch, own)))
          return failure();
        own = deduplicate(std::move(own), same);
        if (!llvm::equal(same, code.launches, [](const GpuLaunch &a, const GpuLaunch &b) { return a.entry == b.entry; })) {
          error = "internal error: kernels differ in number for compute_" + std::to_string(lowest) + " and compute_" + std::to_string(arch);
          return fail(kInternalError);
        }
      }
      GpuImage image{/*isPtx=*/true, arch, /*exact=*/false, isaOf(own.front().ptx), 0, uint32_t(own.size()), joined(own)};
      image.bytes.push_back('\0');
      code.images.push_back(std::move(image));
    }
    return success();
  }

private:
  LogicalResult fail(int code) {
    exitCode = code;
    return failure();
  }

  LogicalResult generate(unsigned arch, std::vector<GpuKernel> &kernels) {
    return failed(generatePTX(module, arch, threads, kernels, error, exitCode)) ? failure() : success();
  }

  LogicalResult addCubins(const Ptxas &ptxas, ArrayRef<GpuKernel> kernels) {
    SmallVector<size_t> cuts = cutIntoParts(kernels);
    size_t parts = cuts.size() - 1;
    auto kernelsOf = [&](size_t job) { return kernels.slice(cuts[job % parts], cuts[job % parts + 1] - cuts[job % parts]); };
    std::vector<PtxasJob> jobs;
    for (unsigned arch : archs.cubins)
      for (size_t p = 0; p < parts; ++p)
        jobs.push_back({joined(kernelsOf(p)), arch, "", "", {}});
    if (failed(assemble(ptxas, jobs, threads, error)))
      return failure();
    // Once more, with fewer resident blocks, what spills.
    std::vector<std::vector<unsigned>> blocks(jobs.size());
    for (unsigned round = 0; round < kTries; ++round) {
      std::vector<PtxasJob> again;
      std::vector<size_t> places;
      for (size_t i = 0; i < jobs.size(); ++i)
        if (loosen(jobs[i].reports, kernelsOf(i), blocks[i])) {
          again.push_back({joined(kernelsOf(i), blocks[i]), jobs[i].arch, "", "", {}});
          places.push_back(i);
        }
      if (failed(assemble(ptxas, again, threads, error)))
        return failure();
      for (auto [place, job] : llvm::zip(places, again))
        jobs[place] = std::move(job);
    }
    report(module, jobs, code.launches);
    for (size_t i = 0; i < jobs.size(); ++i) {
      size_t p = i % parts;
      code.images.push_back({/*isPtx=*/false, jobs[i].arch, /*exact=*/false, 0, uint32_t(cuts[p]), uint32_t(cuts[p + 1] - cuts[p]), std::move(jobs[i].cubin)});
    }
    return success();
  }

  /// Lets kernels that spill have more registers: one resident block less than those that they had leave room for. False if there is nothing to change.
  static bool loosen(ArrayRef<PtxasReport> reports, ArrayRef<GpuKernel> kernels, std::vector<unsigned> &blocks) {
    bool changed = false;
    blocks.resize(kernels.size());
    for (const PtxasReport &r : reports) {
      const GpuKernel *kernel = llvm::find_if(kernels, [&](const GpuKernel &k) { return k.entry == r.entry; });
      if (!r.spillBytes || kernel == kernels.end())
        continue;
      unsigned &bound = blocks[kernel - kernels.begin()];
      unsigned now = bound ? bound : kRegisters / (std::max(r.registers, 1u) * unsigned(kernel->block));
      if (now <= 1)
        continue;
      bound = now - 1;
      changed = true;
    }
    return changed;
  }

  ModuleOp module;
  const GpuArchs &archs;
  unsigned threads;
  GpuCode &code;
  std::string &error;
  int &exitCode;
};

} // namespace

unsigned GpuArchs::lowest() const {
  unsigned result = ~0u;
  for (const std::vector<unsigned> *list : {&cubins, &ptx})
    if (!list->empty())
      result = std::min(result, list->front());
  return result;
}

FailureOr<GpuArchs> lathe::parseGpuArchs(StringRef list, bool noPtx, std::string &error) {
  std::vector<std::string> known;
  for (const TargetDescription &d : builtinDescriptions())
    if (d.arch == "nvptx64")
      known.insert(known.end(), d.cpus.begin(), d.cpus.end());
  GpuArchs archs;
  if (!noPtx)
    archs.ptx.push_back(kPortablePtx);
  SmallVector<StringRef> names;
  if (!list.empty())
    list.split(names, ',');
  for (StringRef name : names) {
    StringRef number = name;
    bool ptx = number.consume_front("compute_");
    unsigned value = 0;
    if ((!ptx && !number.consume_front("sm_")) || number.getAsInteger(10, value) || !llvm::is_contained(known, ("sm_" + number).str())) {
      error = ("--gpu-arch names '" + name + "', expected " + llvm::join(known, ", ") + ", or the same with compute_ for PTX").str();
      return failure();
    }
    insertOnce(ptx ? archs.ptx : archs.cubins, value);
  }
  if (archs.cubins.empty() && archs.ptx.empty()) {
    error = "--no-ptx leaves no code, expected an architecture such as --gpu-arch=sm_80";
    return failure();
  }
  return archs;
}

LogicalResult lathe::buildGpuCode(ModuleOp module, const GpuArchs &archs, unsigned threads, GpuCode &code, std::string &error, int &exitCode) {
  return ImageBuilder(module, archs, threads, code, error, exitCode).build();
}
