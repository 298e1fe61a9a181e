// ONNX file -> module in phase nn. This header is all that the rest of the compiler sees of ONNX.
#ifndef COMPILER_IMPORT_IMPORT_H
#define COMPILER_IMPORT_IMPORT_H

#include "compiler/import/ConstantInput.h"
#include "compiler/import/InputFormat.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <string>
#include <vector>

namespace lathe {

/// A dimension of --shapes: fixed if min == max.
struct DimRange {
  int64_t min = 1, max = 1;
};

struct ImportOptions {
  /// --external-data-root: external tensors may be reached through links as long as these stay inside this folder.
  std::string externalDataRoot;
  /// --shapes: by input name, one range per dimension.
  llvm::StringMap<std::vector<DimRange>> shapes;
  /// --constant: inputs of the graph, by name, that the compilation knows. They are no inputs of the artifact.
  llvm::StringMap<ConstantInput> constants;
  /// --input-format: inputs of the graph, by name, that the artifact takes as raw data.
  std::map<std::string, InputFormat> inputFormats;
};

/// What an import found. The messages are complete lines, in the order of the graph; the caller prints them.
struct ImportReport {
  enum : int { ok = 0, usage = 1, unsupportedModel = 2, invalidModel = 3, internalError = 4 };

  /// One cause. `node`, `op` and `opset` are empty where it is not a node that is at fault.
  struct Finding {
    std::string node, op;
    int64_t opset = 0;
    std::string reason;
    int code = ok;
    std::string attribute; // the one of the node's attributes that the reason names
  };

  int exitCode = ok;
  std::vector<std::string> messages;
  std::vector<Finding> findings; // one for each message, for `lathe check`
  int64_t opset = 0;
  std::map<std::string, int64_t> operators; // operator type -> number of nodes

  /// Adds a message; the gravest code wins.
  void add(int code, const llvm::Twine &message) {
    exitCode = std::max(exitCode, code);
    messages.push_back(message.str());
    findings.push_back({"", "", 0, messages.back(), code});
  }
  /// The same about a node. `op` is with its domain and fit to print.
  void addNode(int code, const llvm::Twine &node, const llvm::Twine &op, int64_t opset, const llvm::Twine &reason);
};

/// Imports the model at `path`: one function @main of nn operations in logical form, weights as recipes (never bytes, but for splats and tensors of at
/// most 1 KB), and the module attributes that NNDialect names (but nn.target, which is the caller's). Null if the report holds an error. Needs no
/// dialect loaded.
mlir::OwningOpRef<mlir::ModuleOp> importOnnx(mlir::MLIRContext &context, llvm::StringRef path, const ImportOptions &options, ImportReport &report);

/// The same without the module, for `lathe check`.
ImportReport checkOnnx(llvm::StringRef path, const ImportOptions &options);

} // namespace lathe

#endif // COMPILER_IMPORT_IMPORT_H
