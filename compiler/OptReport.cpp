#include "compiler/OptReport.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace lathe;

/// "conv1+relu" of a location that holds ONNX node names; "" if it holds none.
static std::string nodesOf(Location loc) {
  std::string text;
  loc->walk([&](Location part) {
    if (auto name = dyn_cast<NameLoc>(part)) {
      text += (text.empty() ? "" : " + ") + name.getName().str();
      return WalkResult::skip();
    }
    return WalkResult::advance();
  });
  return text;
}

static StringRef kindName(llvm::remarks::Type type) {
  switch (type) {
  case llvm::remarks::Type::Passed:
    return "done";
  case llvm::remarks::Type::Missed:
    return "not done";
  case llvm::remarks::Type::Failure:
    return "failed";
  default:
    return "note";
  }
}

namespace {
class Streamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Streamer(OptReport &report) : report(report) {}
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::string text;
    for (const remark::detail::Remark::Arg &arg : remark.getArgs())
      text += arg.val;
    report.add(nodesOf(remark.getLocation()), remark.getCategoryName().str(), kindName(remark.getRemarkType()).str(), text);
  }

private:
  OptReport &report;
};
} // namespace

LogicalResult OptReport::attach(MLIRContext &context) {
  remark::RemarkCategories all{std::nullopt, ".*", ".*", ".*", ".*"};
  return remark::enableOptimizationRemarks(context, std::make_unique<Streamer>(*this), std::make_unique<remark::RemarkEmittingPolicyAll>(), all);
}

void OptReport::add(const std::string &node, const std::string &category, const std::string &kind, const std::string &text) {
  std::lock_guard<std::mutex> lock(mutex);
  entries[node].push_back({category, kind, text});
}

void OptReport::setOrder(std::vector<std::string> names) { order = std::move(names); }

void OptReport::print(llvm::raw_ostream &os) const {
  std::lock_guard<std::mutex> lock(mutex);
  // A group of fused nodes stands where its first node stood.
  std::map<std::string, size_t> position;
  for (auto [i, name] : llvm::enumerate(order))
    position.insert({name, i});
  std::vector<std::pair<size_t, std::string>> nodes;
  for (const auto &[node, list] : entries) {
    auto it = position.find(StringRef(node).split(" + ").first.str());
    nodes.push_back({it == position.end() ? order.size() : it->second, node});
  }
  llvm::sort(nodes);
  for (const auto &[index, node] : nodes) {
    os << (node.empty() ? "(the whole network)" : node) << '\n';
    for (const Entry &e : entries.at(node))
      os << "  " << e.category << ": " << e.kind << ": " << e.text << '\n';
  }
}
