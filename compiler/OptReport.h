// --opt-report: the passes' remarks, gathered per ONNX node: what was fused, laid out, tiled, and why or why not.
#ifndef COMPILER_OPTREPORT_H
#define COMPILER_OPTREPORT_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace lathe {

class OptReport {
public:
  /// Sends every remark of the context to this object, which must outlive the context's use of them.
  mlir::LogicalResult attach(mlir::MLIRContext &context);

  /// One paragraph per ONNX node or group of fused nodes, in the network's order. Passes may run on threads; the report does not depend on them.
  void print(llvm::raw_ostream &os) const;

  /// Fixes the order of the report: the names of a module's nodes, first to last.
  void setOrder(std::vector<std::string> names);

  void add(const std::string &node, const std::string &category, const std::string &kind, const std::string &text);

private:
  struct Entry {
    std::string category, kind, text;
  };
  mutable std::mutex mutex;
  std::map<std::string, std::vector<Entry>> entries;
  std::vector<std::string> order;
};

} // namespace lathe

#endif // COMPILER_OPTREPORT_H
