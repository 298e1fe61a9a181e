// --opt-report: the passes' remarks, gathered per ONNX node or group of fused nodes: what was fused, laid out, tiled, and why or why not.
#ifndef COMPILER_OPTREPORT_H
#define COMPILER_OPTREPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>
#include <string>
#include <vector>

namespace lathe {

class OptReport {
public:
  /// Sends every remark of the context to this object, which must outlive the context's use of them.
  mlir::LogicalResult attach(mlir::MLIRContext &context);

  /// Fixes the order of the report by the nodes of an imported or resumed module, first to last.
  void setOrder(mlir::ModuleOp module);

  /// Reads from the module, in whatever phase it is at the end, which nodes are computed together and by which kernels.
  void setGroups(mlir::ModuleOp module);

  /// Facts of the whole network, then one paragraph per group, in the network's order. Passes may run on threads; the report does not depend on them.
  void print(llvm::raw_ostream &os) const;

  struct Entry {
    std::vector<std::string> nodes; // of the remark's location
    std::string category, function, text;
    bool missed = false;
  };
  void add(Entry entry);

private:
  struct Kernel {
    std::string name;
    size_t group; // index into `groups`
  };

  mutable std::mutex mutex;
  std::vector<Entry> entries;
  std::vector<std::string> order;
  std::vector<std::vector<std::string>> groups;
  std::vector<Kernel> kernels;                            // one per launch
  std::vector<std::pair<std::string, std::string>> facts; // of the whole network: topic, text
};

} // namespace lathe

#endif // COMPILER_OPTREPORT_H
