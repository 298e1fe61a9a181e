// A module as text, with the ONNX nodes of each line.
#ifndef COMPILER_INSPECT_IRTEXT_H
#define COMPILER_INSPECT_IRTEXT_H

#include "compiler/inspect/PipelineStep.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/StringMap.h"

#include <string>
#include <vector>

namespace lathe {

/// Prints the module so that it can be parsed again and compiled on: locations included, nothing elided.
std::string printWithLocations(mlir::ModuleOp module);

OpCounts countOps(mlir::ModuleOp module);

/// Interns node names and sets of them: many lines of a compiled network carry the same few sets.
class NodeNames {
public:
  /// Set 0 is the empty one.
  NodeNames() : setList(1) { setIds[{}] = 0; }

  unsigned nameId(mlir::StringRef name);
  unsigned setId(std::vector<unsigned> ids);
  const std::vector<std::string> &names() const { return nameList; }
  const std::vector<std::vector<unsigned>> &sets() const { return setList; }

private:
  llvm::StringMap<unsigned> nameIds;
  std::vector<std::string> nameList;
  std::map<std::vector<unsigned>, unsigned> setIds;
  std::vector<std::vector<unsigned>> setList;
};

/// Text to be read: without locations, large constants shortened; and what the locations say, by line.
struct ReadableIR {
  std::string text;
  /// Index into NodeNames::sets of every line.
  std::vector<unsigned> lineSets;
  /// The names of everything inside a function, by its symbol: links assembly, which has no locations, to nodes.
  llvm::StringMap<unsigned> symbolSets;
};

ReadableIR printReadable(mlir::ModuleOp module, NodeNames &names);

/// The same for LLVM IR or assembly: what follows the definition of a known symbol belongs to the nodes of that symbol.
ReadableIR readableText(mlir::StringRef text, const llvm::StringMap<unsigned> &symbolSets);

} // namespace lathe

#endif // COMPILER_INSPECT_IRTEXT_H
