#include "compiler/OptReport.h"

#include "dialects/nn/NNDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lathe;

namespace {

/// What a reader calls the subject of a pass; a decision not to do it may have a name of its own. In the order of the report.
struct Topic {
  StringRef category, done, missed;
};
constexpr Topic kTopics[] = {
    {"nn-fold-batch-norm", "fused", "not fused"},
    {"nn-fuse-epilogue", "fused", "not fused"},
    {"lathe-fuse-elementwise", "fused", "not fused"},
    {"nn-gather-channels", "gathered", "moved"},
    {"nn-propagate-layout", "layout", "layout"},
    {"nn-select-tiling", "tile", "tile"},
    {"spill-check", "tile", "tile"},
    {"lathe-results-to-arguments", "in place", "copied"},
    {"lathe-copies-to-nn", "in place", "copied"},
    {"lathe-fuse-prologue", "fused", "not fused"},
    {"lathe-group", "fused", "not fused"},
    {"lathe-fuse-statistics", "fused", "not fused"},
    {"lathe-plan-arena", "memory", "memory"},
    {"lathe-outline-kernels", "kernels", "kernels"},
    {"codegen", "kernel", "kernel"},
};

size_t topicOf(StringRef category) {
  return llvm::find_if(kTopics, [&](const Topic &t) { return t.category == category; }) - std::begin(kTopics);
}

/// ONNX node names of a location, each once.
std::vector<std::string> nodesOf(Location loc) {
  std::vector<std::string> names;
  loc->walk([&](Location part) {
    auto name = dyn_cast<NameLoc>(part);
    if (!name)
      return WalkResult::advance();
    if (!llvm::is_contained(names, name.getName().getValue()))
      names.push_back(name.getName().str());
    return WalkResult::skip();
  });
  return names;
}

/// "k3" of "k3.conv1+relu": the rest repeats the nodes.
StringRef shortName(StringRef kernel) { return kernel.split('.').first; }

void line(llvm::raw_ostream &os, StringRef topic, const Twine &text) { os << "  " << llvm::left_justify(topic, 10) << ' ' << text << '\n'; }

class Streamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Streamer(OptReport &report) : report(report) {}
  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    OptReport::Entry entry{nodesOf(remark.getLocation()), remark.getCategoryName().str(), remark.getFunction().str(), "",
                           remark.getRemarkType() == llvm::remarks::Type::Missed};
    for (const remark::detail::Remark::Arg &arg : remark.getArgs())
      entry.text += arg.val;
    report.add(std::move(entry));
  }

private:
  OptReport &report;
};

} // namespace

LogicalResult OptReport::attach(MLIRContext &context) {
  remark::RemarkCategories all{std::nullopt, ".*", ".*", ".*", ".*"};
  return remark::enableOptimizationRemarks(context, std::make_unique<Streamer>(*this), std::make_unique<remark::RemarkEmittingPolicyAll>(), all);
}

void OptReport::add(Entry entry) {
  std::lock_guard<std::mutex> lock(mutex);
  entries.push_back(std::move(entry));
}

/// ONNX nodes of a step of the network, in phases that have steps.
static ArrayAttr nodesOfStep(Operation *op) {
  if (auto launch = dyn_cast<nn::LaunchOp>(op))
    return launch.getNodes();
  if (auto call = dyn_cast<nn::CallOp>(op))
    return call.getNodes();
  return {};
}

static std::vector<std::string> strings(ArrayAttr list) {
  std::vector<std::string> texts;
  for (StringRef text : list.getAsValueRange<StringAttr>())
    texts.push_back(text.str());
  return texts;
}

void OptReport::setOrder(ModuleOp module) {
  // Steps first: what stands before them, views of the arena, is in no order.
  module.walk([&](Operation *op) {
    if (ArrayAttr nodes = nodesOfStep(op))
      llvm::append_range(order, strings(nodes));
  });
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!isa<ModuleOp, FunctionOpInterface>(op)) // their names are the model's
      llvm::append_range(order, nodesOf(op->getLoc()));
  });
}

void OptReport::setGroups(ModuleOp module) {
  auto text = [&](StringRef name) {
    auto attribute = module->getAttrOfType<StringAttr>(name);
    return attribute ? attribute.str() : std::string();
  };
  facts.push_back({"model", text(nn::NNDialect::kModelNameAttr) + " " + text(nn::NNDialect::kFlagsAttr)});
  if (auto target = module->getAttrOfType<nn::TargetAttr>(nn::NNDialect::kTargetAttr))
    facts.push_back({"target", llvm::formatv("{0}, described as {1}: vectors of {2} bits, {3} registers", target.getCpu(), target.getFamily(),
                                             target.getVectorBits(), target.getRegisters())});
  module.walk([&](Operation *op) {
    if (ArrayAttr nodes = nodesOfStep(op)) {
      kernels.push_back({cast<FlatSymbolRefAttr>(op->getAttr("kernel")).getValue().str(), groups.size()});
      groups.push_back(strings(nodes));
    } else if (isa<nn::WindowedOpInterface>(op)) {
      groups.push_back(nodesOf(op->getLoc()));
    }
  });
}

void OptReport::print(llvm::raw_ostream &os) const {
  std::lock_guard<std::mutex> lock(mutex);
  // Nodes that any kernel computes together make one paragraph.
  llvm::StringMap<size_t> position;
  std::vector<std::string> names;
  llvm::EquivalenceClasses<size_t> together;
  auto number = [&](const std::string &name) {
    auto [it, fresh] = position.insert({name, names.size()});
    if (fresh) {
      names.push_back(name);
      together.insert(it->second);
    }
    return it->second;
  };
  for (const std::string &name : order)
    number(name);
  for (const std::vector<std::string> &group : groups)
    for (const std::string &name : group)
      together.unionSets(number(group.front()), number(name));

  struct Paragraph {
    std::vector<const Entry *> entries;
    std::vector<std::string> kernels;
  };
  constexpr size_t kNetwork = ~size_t(0);
  auto leader = [&](ArrayRef<std::string> nodes) { return nodes.empty() ? kNetwork : together.getLeaderValue(number(nodes.front())); };
  std::map<size_t, Paragraph> paragraphs;
  paragraphs[kNetwork] = {};
  for (const Entry &entry : entries)
    paragraphs[leader(entry.nodes)].entries.push_back(&entry);
  llvm::StringMap<size_t> firstUser; // of a kernel: the paragraph that describes it
  for (const Kernel &kernel : kernels) {
    size_t at = leader(groups[kernel.group]);
    if (!llvm::is_contained(paragraphs[at].kernels, kernel.name))
      paragraphs[at].kernels.push_back(kernel.name);
    firstUser.insert({kernel.name, at});
  }

  auto members = [&](size_t at) {
    std::vector<size_t> list(together.findLeader(at), together.member_end());
    llvm::sort(list);
    return list;
  };
  auto title = [&](size_t at) {
    return at == kNetwork ? "the whole network" : llvm::join(llvm::map_range(members(at), [&](size_t i) { return names[i]; }), " + ");
  };
  std::vector<std::pair<size_t, size_t>> sorted; // by the first node; the whole network comes first
  for (const auto &[at, paragraph] : paragraphs)
    sorted.push_back({at == kNetwork ? 0 : members(at).front() + 1, at});
  llvm::sort(sorted);

  StringRef separator = "";
  for (auto [rank, at] : sorted) {
    Paragraph &p = paragraphs[at];
    os << separator << title(at) << '\n';
    separator = "\n";
    if (at == kNetwork)
      for (const auto &[topic, text] : facts)
        line(os, topic, text);
    llvm::stable_sort(p.entries, [](const Entry *a, const Entry *b) { return topicOf(a->category) < topicOf(b->category); });
    size_t nodes = at == kNetwork ? 0 : members(at).size();
    for (const Entry *e : p.entries) {
      if (e->category == "codegen")
        continue; // with its kernel, below
      size_t topic = topicOf(e->category);
      StringRef word = topic == std::size(kTopics) ? StringRef(e->category) : e->missed ? kTopics[topic].missed : kTopics[topic].done;
      bool named = !e->nodes.empty() && e->nodes.size() < nodes;
      line(os, word, (named ? llvm::join(e->nodes, " + ") + ": " : "") + e->text);
    }
    for (const std::string &kernel : p.kernels) {
      std::string facts;
      for (const Entry &e : entries)
        if (e.category == "codegen" && e.function == kernel)
          facts += ": " + e.text;
      size_t user = firstUser.lookup(kernel);
      line(os, "kernel", shortName(kernel) + (user == at ? facts : ", as for " + title(user)));
    }
  }
}
