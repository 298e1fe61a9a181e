// The graph of a file, its functions and its branches as flat lists of nodes: what the importer sees knows no functions, and each value has a name of its own.
#ifndef COMPILER_IMPORT_GRAPHREADER_H
#define COMPILER_IMPORT_GRAPHREADER_H

#include "compiler/import/Import.h"
#include "compiler/import/OnnxModel.h"
#include "compiler/import/TensorReader.h"
#include "compiler/import/WireScanner.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace onnx {
class AttributeProto;
class FunctionProto;
class GraphProto;
class ModelProto;
class NodeProto;
} // namespace onnx

namespace lathe::importer {

/// Reads `proto` into `model`, whose opset and files are known. A call of a function of the model becomes the function's nodes, with names of their own, the
/// attributes of the call in place of references to them, and the opset that the function asks for. Functions may be nested up to 32 deep and may not call
/// themselves; what all calls together become is limited (kMaxInlinedNodes, and bytes), so that a small file cannot stand for a huge network.
/// What is wrong is in `report`.
class GraphReader {
public:
  static constexpr int kMaxDepth = 32;
  static constexpr size_t kMaxInlinedNodes = 100000;

  GraphReader(llvm::StringRef file, OnnxModel &model, ImportReport &report) : file(file), model(model), report(report) {}
  void read(const onnx::ModelProto &proto);

private:
  /// What the names in a list of nodes mean: those of the graph are what they are, those of a function or branch are the inner side of others.
  struct Scope {
    const Scope *caller = nullptr;
    const onnx::FunctionProto *function = nullptr; // null: the graph, or a branch of an If
    std::string prefix;                            // of names made here; empty for the graph
    int64_t opset = 0;                             // 0: the model's
    int depth = 0;
    llvm::StringMap<std::string> names;
    struct Bound {
      const onnx::AttributeProto *proto;
      const WireTensor *where;
    };
    llvm::StringMap<Bound> attributes; // of the call
  };

  void readNode(const onnx::NodeProto &proto, Scope &scope, size_t index, size_t list, std::vector<OnnxNode> &nodes);
  void inlineCall(const onnx::NodeProto &proto, const OnnxNode &call, const onnx::FunctionProto &function, Scope &scope, size_t index, size_t list,
                  std::vector<OnnxNode> &nodes);
  void bindAttributes(const onnx::NodeProto &proto, const OnnxNode &call, const onnx::FunctionProto &function, const Scope &scope, size_t index, size_t list,
                      Scope &inner);
  void readAttributes(const onnx::NodeProto &proto, Scope &scope, size_t index, size_t list, OnnxNode &node);
  void readAttribute(const onnx::AttributeProto &proto, const WireTensor *where, Scope &scope, OnnxNode &node, OnnxAttribute &attribute);
  std::shared_ptr<OnnxGraph> readBranch(const onnx::GraphProto &proto, Scope &scope, const OnnxNode &node);
  void collectFunctions(const onnx::ModelProto &proto);
  std::optional<OnnxTensor> readOne(const onnx::TensorProto &proto, const WireTensor *where, llvm::StringRef nameless = "");
  const WireTensor *locationOf(size_t list, size_t node, size_t attribute) const;

  /// The name outside that this one stands for.
  std::string resolve(const Scope &scope, const std::string &name) const;
  /// A value that is defined here.
  std::string define(Scope &scope, const std::string &name);
  std::string unique(const std::string &wish);
  bool checkName(llvm::StringRef name, const char *what);
  /// Counts what inlining makes; false, after one report, when it is too much.
  bool afford(const onnx::NodeProto &proto, const Scope &scope);
  void refuse(int code, const OnnxNode &node, const llvm::Twine &reason);

  llvm::StringRef file;
  OnnxModel &model;
  ImportReport &report;
  WireTensors where;
  bool located = false;
  llvm::StringMap<const onnx::FunctionProto *> functions;
  llvm::DenseMap<const onnx::FunctionProto *, size_t> functionLists;
  llvm::StringSet<> taken;
  size_t inlinedNodes = 0, inlinedBytes = 0;
  bool overBudget = false, badName = false;
};

} // namespace lathe::importer

#endif // COMPILER_IMPORT_GRAPHREADER_H
