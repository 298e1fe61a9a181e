// The table of --time-passes.

#include "compiler/inspect/Runner.h"

#include "llvm/Support/Format.h"

using namespace mlir;

namespace lathe {

static unsigned total(const OpCounts &counts) {
  unsigned sum = 0;
  for (auto &[name, count] : counts)
    sum += count;
  return sum;
}

void printTimes(ArrayRef<StepRecord> records, llvm::raw_ostream &os) {
  double all = 0, verifying = 0;
  size_t width = 4;
  for (const StepRecord &record : records) {
    all += record.milliseconds + record.verifyMilliseconds;
    verifying += record.verifyMilliseconds;
    width = std::max(width, record.pass.size() + 2);
  }
  auto line = [&](StringRef name, double milliseconds) -> llvm::raw_ostream & {
    return os << llvm::left_justify(name, width) << llvm::format("%11.2f %6.1f%%", milliseconds, all > 0 ? 100 * milliseconds / all : 0.0);
  };

  os << llvm::left_justify("pass", width) << "         ms   share          ops\n";
  for (size_t i = 0; i < records.size();) {
    // A phase is a heading with the sum of its passes.
    size_t end = i;
    double sum = 0;
    for (; end < records.size() && records[end].phase == records[i].phase; ++end)
      sum += records[end].milliseconds;
    if (!records[i].phase.empty())
      line(records[i].phase, sum) << "\n";
    for (; i < end; ++i) {
      unsigned before = total(records[i].opsBefore), after = total(records[i].opsAfter);
      line("  " + records[i].pass, records[i].milliseconds);
      // What is not a pass (import, code generation, the artifact) counts no operations.
      if (before || after)
        os << llvm::format(" %12u", before);
      if (before != after)
        os << llvm::format(" -> %u", after);
      else if (records[i].opsBefore != records[i].opsAfter)
        os << " (other kinds)";
      os << (records[i].failed ? " failed\n" : "\n");
    }
  }
  line("verifier", verifying) << "\n";
  line("total", all) << "\n";
}

} // namespace lathe
