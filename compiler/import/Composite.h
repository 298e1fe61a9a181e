// Operators whose definition is a graph of other operators: their importers write that graph down.
#ifndef COMPILER_IMPORT_COMPOSITE_H
#define COMPILER_IMPORT_COMPOSITE_H

#include "compiler/import/NodeContext.h"
#include <variant>

namespace lathe::importer {

/// Builds the parts of a composite operator through their own importers, as of opset 21. What a part refuses is reported with the composite's node in front.
/// After the first failure nothing more is built, and `define` fails.
///
///     Composite c(node);
///     Name gate = c.op("Sigmoid", {c.op("Mul", {c.input(0), c.number(alpha, type)})});
///     return c.define(c.op("Mul", {c.input(0), gate}));
class Composite {
public:
  /// A value of the graph; empty: none.
  using Name = std::string;
  struct Attribute {
    llvm::StringRef name;
    std::variant<int64_t, double, std::vector<int64_t>, std::string> value;
  };

  explicit Composite(NodeContext &node) : node(node) {}

  /// The node's input; empty if it is left out.
  Name input(size_t i) const { return node.hasInput(i) ? node.getNode().inputs[i] : Name(); }
  /// The first output of an operator.
  Name op(llvm::StringRef type, llvm::ArrayRef<Name> inputs, llvm::ArrayRef<Attribute> attributes = {});
  /// All outputs.
  std::vector<Name> ops(llvm::StringRef type, llvm::ArrayRef<Name> inputs, size_t outputs, llvm::ArrayRef<Attribute> attributes = {});
  /// A name for a value.
  Name value(const GraphValue &value);
  /// What a name stands for; null after a failure.
  const GraphValue *find(const Name &name);
  /// A scalar, or a vector of int64.
  Name number(double value, int32_t dataType = kFloat);
  Name integers(llvm::ArrayRef<int64_t> values);
  Name constant(nn::WeightAttr weight, int32_t dataType = kFloat);

  // Spelled often enough.
  Name reshape(Name x, llvm::ArrayRef<int64_t> shape) { return op("Reshape", {std::move(x), integers(shape)}); }
  Name transpose(Name x, std::vector<int64_t> perm) { return op("Transpose", {std::move(x)}, {{"perm", std::move(perm)}}); }
  Name slice(Name x, int64_t axis, int64_t begin, int64_t end, int64_t step = 1) {
    return op("Slice", {std::move(x), integers(begin), integers(end), integers(axis), integers(step)});
  }
  Name cast(Name x, int32_t dataType) { return typeOf(x) == dataType ? x : op("Cast", {std::move(x)}, {{"to", int64_t(dataType)}}); }

  /// Of a value: extents (the batch is ShapedType::kDynamic) and data type. Empty and undefined after a failure.
  llvm::SmallVector<int64_t> shapeOf(const Name &name);
  int32_t typeOf(const Name &name);

  bool failed() const { return hasFailed; }
  /// After a report of the caller's.
  void fail() { hasFailed = true; }
  mlir::LogicalResult define(const Name &value, size_t output = 0);

private:
  Name fresh();

  NodeContext &node;
  bool hasFailed = false;
};

} // namespace lathe::importer

#endif // COMPILER_IMPORT_COMPOSITE_H
