// A module as text, with the ONNX nodes of each line.

#include "compiler/inspect/IRText.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Location.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace lathe {

std::string printWithLocations(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os, OpPrintingFlags().enableDebugInfo(/*enable=*/true, /*prettyForm=*/false));
  // The empty line that mlir-opt and lathe-opt end with too: a dump is byte for byte what they print from it.
  os << "\n";
  return text;
}

OpCounts countOps(ModuleOp module) {
  // Counted by the interned name first: a string per op would cost more than the walk.
  llvm::DenseMap<OperationName, unsigned> byName;
  module.walk([&](Operation *op) { ++byName[op->getName()]; });
  OpCounts counts;
  for (auto &[name, count] : byName)
    counts[name.getStringRef().str()] = count;
  return counts;
}

unsigned NodeNames::nameId(StringRef name) {
  auto [it, isNew] = nameIds.try_emplace(name, nameList.size());
  if (isNew)
    nameList.push_back(name.str());
  return it->second;
}

unsigned NodeNames::setId(std::vector<unsigned> ids) {
  llvm::sort(ids);
  ids.erase(llvm::unique(ids), ids.end());
  auto [it, isNew] = setIds.try_emplace(ids, setList.size());
  if (isNew)
    setList.push_back(std::move(ids));
  return it->second;
}

namespace {
/// Finds the node names in locations; fused locations share most of their parts, so every location is looked at once.
class LocationNames {
public:
  explicit LocationNames(NodeNames &names) : names(names) {}

  unsigned setOf(Location location) {
    auto [it, isNew] = cache.try_emplace(location.getAsOpaquePointer(), 0);
    if (!isNew)
      return it->second;
    std::vector<unsigned> ids;
    collect(location, ids);
    return cache[location.getAsOpaquePointer()] = names.setId(std::move(ids));
  }

private:
  void collect(Location root, std::vector<unsigned> &ids) {
    llvm::SetVector<Attribute> todo;
    todo.insert(LocationAttr(root));
    for (size_t i = 0; i < todo.size(); ++i) {
      Attribute location = todo[i];
      if (auto name = dyn_cast<NameLoc>(location)) {
        ids.push_back(names.nameId(name.getName()));
        todo.insert(name.getChildLoc());
      } else if (auto fused = dyn_cast<FusedLoc>(location)) {
        todo.insert(fused.getLocations().begin(), fused.getLocations().end());
      } else if (auto call = dyn_cast<CallSiteLoc>(location)) {
        todo.insert(call.getCallee());
        todo.insert(call.getCaller());
      }
    }
  }

  NodeNames &names;
  llvm::DenseMap<const void *, unsigned> cache;
};
} // namespace

/// The sets of a region's ops together.
static unsigned unite(const llvm::SetVector<unsigned> &sets, NodeNames &names) {
  std::vector<unsigned> ids;
  for (unsigned set : sets)
    llvm::append_range(ids, names.sets()[set]);
  return names.setId(std::move(ids));
}

ReadableIR printReadable(ModuleOp module, NodeNames &names) {
  ReadableIR ir;
  AsmState::LocationMap lines;
  OpPrintingFlags flags;
  flags.enableDebugInfo(false).elideLargeElementsAttrs(8).elideLargeResourceString(64);
  {
    AsmState state(module, flags, &lines);
    llvm::raw_string_ostream os(ir.text);
    module->print(os, state);
  }
  ir.lineSets.assign(StringRef(ir.text).count('\n') + 1, 0);

  LocationNames locations(names);
  module.walk([&](Operation *op) {
    auto line = lines.find(op);
    if (op == module || line == lines.end() || line->second.first > ir.lineSets.size())
      return;
    if (auto function = dyn_cast<FunctionOpInterface>(op)) {
      llvm::SetVector<unsigned> inside;
      inside.insert(locations.setOf(op->getLoc()));
      for (Region &region : op->getRegions()) {
        for (BlockArgument argument : region.getArguments())
          inside.insert(locations.setOf(argument.getLoc()));
        region.walk([&](Operation *nested) { inside.insert(locations.setOf(nested->getLoc())); });
      }
      ir.symbolSets[function.getName()] = unite(inside, names);
    }
    // Several ops may print on one line; the one that begins it owns the line, the others are its parts.
    unsigned &set = ir.lineSets[line->second.first - 1];
    if (!set)
      set = locations.setOf(op->getLoc());
  });
  return ir;
}

/// The symbol that the line defines in LLVM IR (`define void @k(…)`) or assembly (`k:`, at the line's start), or nothing.
static StringRef definedSymbol(StringRef line) {
  if (line.starts_with("define ")) {
    StringRef symbol = line.split('@').second;
    return symbol.take_until([](char c) { return c == '('; }).trim('"');
  }
  StringRef label = line.split('#').first.split(';').first.rtrim();
  if (label.empty() || line.front() == ' ' || line.front() == '\t' || !label.consume_back(":"))
    return {};
  return label.trim('"');
}

ReadableIR readableText(StringRef text, const llvm::StringMap<unsigned> &symbolSets) {
  ReadableIR ir;
  ir.text = text.str();
  unsigned current = 0;
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (StringRef line : lines) {
    StringRef symbol = line.empty() ? StringRef() : definedSymbol(line);
    auto known = symbolSets.find(symbol);
    if (known != symbolSets.end())
      current = known->second;
    else if (line.starts_with("define ") || line.starts_with("}") || line.starts_with(".Lfunc_end"))
      current = 0;
    ir.lineSets.push_back(current);
  }
  return ir;
}

} // namespace lathe
