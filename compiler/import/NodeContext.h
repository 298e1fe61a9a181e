// What the importer of one operator sees of its node: attributes, inputs and outputs, with one way to say what is wrong.
#ifndef COMPILER_IMPORT_NODECONTEXT_H
#define COMPILER_IMPORT_NODECONTEXT_H

#include "compiler/import/ConstantBudget.h"
#include "compiler/import/Import.h"
#include "compiler/import/OnnxModel.h"
#include "compiler/import/ShapeArithmetic.h"
#include "dialects/nn/NNDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallBitVector.h"
#include <functional>

namespace lathe::importer {

/// What a name of the graph stands for.
struct GraphValue {
  enum class Kind {
    broken,      // its producer has failed, and has said why
    unavailable, // legal until someone uses it: `why` says what is not supported
    data,        // a tensor computed at run time
    weight,      // a constant tensor
    shape,       // a small tensor of whole numbers, known up to the batch size
    sequence,    // a list of values; its length and what is taken from it are known at compile time
  };
  Kind kind = Kind::broken;
  mlir::Value data;
  nn::WeightAttr weight;
  ShapeValue shape;
  std::string why;
  std::shared_ptr<const std::vector<GraphValue>> elements; // of a sequence
  /// Of data and weights: a DataType. A shape value has its own.
  int32_t dataType = kFloat;
  /// Of data whose size only the run finds: the true extents, an i64[rank]. The type has their upper bounds; the elements lie dense at the start of it.
  mlir::Value extents;
  /// Of a broken value: it would have been computed at run time. Whoever needs a constant can say so without knowing more.
  bool atRunTime = false;

  int32_t type() const { return kind == Kind::shape ? shape.dataType : dataType; }
};

/// What a tensor of the file stands for.
GraphValue valueOf(mlir::MLIRContext *context, const OnnxTensor &tensor);

/// Sets of element types, one bit per DataType.
using DataTypes = uint32_t;
constexpr DataTypes setOf(std::initializer_list<int32_t> types) {
  DataTypes set = 0;
  for (int32_t type : types)
    set |= 1u << type;
  return set;
}
constexpr DataTypes kFloats = setOf({kFloat, kFloat16, kDouble}), kSignedIntegers = setOf({kInt8, kInt16, kInt32, kInt64}),
                    kUnsignedIntegers = setOf({kUInt8, kUInt16, kUInt32, kUInt64}), kIntegers = kSignedIntegers | kUnsignedIntegers,
                    kNumbers = kFloats | kIntegers, kBools = setOf({kBool}), kAllTypes = kNumbers | kBools;
inline bool isIn(int32_t type, DataTypes set) { return type >= 0 && type < 32 && (set >> type & 1); }
/// "float32, int64", for messages.
std::string namesOf(DataTypes set);

/// The element type that stands for a DataType of kAllTypes: integers are signless, truth values are i8 of 0 and 1.
mlir::Type elementType(mlir::MLIRContext *context, int32_t dataType);

/// An input as data to compute with; false after an error.
struct Operand {
  mlir::Value value;
  int32_t dataType = kUndefined;
  explicit operator bool() const { return static_cast<bool>(value); }
  mlir::RankedTensorType type() const { return mlir::cast<mlir::RankedTensorType>(value.getType()); }
  llvm::ArrayRef<int64_t> shape() const { return type().getShape(); }
  int64_t rank() const { return type().getRank(); }
  mlir::Type element() const { return type().getElementType(); }
};

/// State that all nodes of a graph share.
struct GraphState {
  const OnnxModel &model;
  ImportReport &report;
  mlir::OpBuilder builder;
  llvm::StringMap<GraphValue> values;
  /// Imports a node of a branch as one of the graph.
  std::function<void(const OnnxNode &)> importNode;
  /// The --shapes that would make the batch static, for hints.
  std::string staticShapes;
  ConstantBudget budget;
};

/// The importer of an operator first reads all attributes, so that an unsupported one is reported even where the inputs are not known because a node before
/// has failed; then its inputs; then it builds. It returns failure after something has been reported, or because an input is broken.
class NodeContext {
public:
  /// `opset` is the model's unless a composite reads its parts as of another one.
  NodeContext(GraphState &state, const OnnxNode &node, int64_t opset = 0);

  mlir::OpBuilder &builder() { return state.builder; }
  mlir::Location loc() const { return location; }
  int64_t opset() const { return version; }
  const OnnxNode &getNode() const { return node; }

  // One line each, with the node in front.
  mlir::LogicalResult unsupported(const llvm::Twine &reason);
  mlir::LogicalResult invalid(const llvm::Twine &reason);
  /// What is asked for works only if the batch size is fixed: says how to fix it.
  mlir::LogicalResult needsStaticBatch(const llvm::Twine &reason);

  // Attributes. A wrong type is reported and makes `hasErrors()` true.
  bool hasAttribute(llvm::StringRef name) const;
  int64_t integer(llvm::StringRef name, int64_t fallback);
  double real(llvm::StringRef name, double fallback);
  std::string text(llvm::StringRef name, llvm::StringRef fallback);
  llvm::SmallVector<int64_t> integers(llvm::StringRef name);
  std::vector<float> reals(llvm::StringRef name);
  const OnnxTensor *tensor(llvm::StringRef name);
  const OnnxGraph *graph(llvm::StringRef name);
  /// Attributes without a meaning for us, such as the momentum of a batch norm.
  void ignore(llvm::ArrayRef<llvm::StringRef> names);
  bool hasErrors() const { return hasFailed; }
  /// Reports attributes that nobody has asked for: to ignore them could change the result.
  mlir::LogicalResult checkAllAttributesRead();

  // Inputs. `role` is the operator's name for the input, used in messages.
  size_t inputCount() const { return node.inputs.size(); }
  bool hasInput(size_t i) const { return i < node.inputs.size() && !node.inputs[i].empty(); }
  /// Null after an error.
  const GraphValue *input(size_t i, llvm::StringRef role);
  /// Null after an error.
  const std::vector<GraphValue> *sequence(size_t i, llvm::StringRef role);
  /// What input `i` stands for, if that is known; reports nothing.
  const GraphValue *peek(size_t i) const {
    auto found = hasInput(i) ? state.values.find(node.inputs[i]) : state.values.end();
    return found == state.values.end() ? nullptr : &found->second;
  }
  /// For operators of one input that compute element by element: also an input whose size only the run finds; the outputs then have the same extents.
  void allowRunTimeSize() { allowsRunTimeSize = true; }
  /// As float32. What is stored as float16 is converted, and then float32 outputs are converted back: such operators compute in float32.
  mlir::Value data(size_t i, llvm::StringRef role);
  /// As it is, of one of the given types.
  Operand operand(size_t i, llvm::StringRef role, DataTypes supported = kAllTypes);
  /// A constant float32 tensor (float16 is converted). Null after an error; `rank` < 0 allows any.
  nn::WeightAttr weight(size_t i, llvm::StringRef role, int64_t rank = -1);
  const ShapeValue *shape(size_t i, llvm::StringRef role);
  /// A shape value without the batch size in it.
  std::optional<llvm::SmallVector<int64_t>> constants(size_t i, llvm::StringRef role);
  /// "input 1 (W) 'conv1.weight'".
  std::string describeInput(size_t i, llvm::StringRef role) const;

  // Outputs. All return success.
  mlir::LogicalResult define(mlir::Value data, size_t i = 0, int32_t dataType = kFloat);
  mlir::LogicalResult define(nn::WeightAttr weight, size_t i = 0, int32_t dataType = kFloat);
  mlir::LogicalResult define(ShapeValue shape, size_t i = 0);
  mlir::LogicalResult define(const GraphValue &value, size_t i = 0);
  /// Data whose true extents the run finds: see GraphValue.
  mlir::LogicalResult defineBounded(mlir::Value data, mlir::Value extents, size_t i, int32_t dataType);
  /// The nodes of a branch, whose outputs become those of this node.
  mlir::LogicalResult inlineGraph(const OnnxGraph &graph);
  /// An output that we do not compute: an error for whoever uses it.
  void defineUnavailable(size_t i, llvm::StringRef role);

  /// After a failure: the outputs are broken, and computed at run time if an input is.
  void defineBroken();

  /// The value as data: builds an nn.weight for a constant. Null for shape values that depend on the batch.
  mlir::Value materialize(const GraphValue &value);
  mlir::Value materialize(nn::WeightAttr weight);
  /// Whether this may be the type of a tensor: not too large, dynamic only in the leading dimension. Reports what is wrong.
  mlir::LogicalResult checkShape(llvm::ArrayRef<int64_t> shape);
  /// A tensor type after `checkShape`, or null.
  mlir::RankedTensorType type(llvm::ArrayRef<int64_t> shape, int32_t dataType = kFloat);
  /// A splat weight.
  mlir::Value splat(llvm::ArrayRef<int64_t> shape, int32_t dataType, double value);

private:
  friend class Composite;
  mlir::LogicalResult report(int code, const llvm::Twine &reason);
  /// Whether input `i` is broken and known to be computed at run time.
  bool isBrokenData(size_t i) const;
  const OnnxAttribute *find(llvm::StringRef name, OnnxAttribute::Kind kind, llvm::StringRef kindName);
  GraphValue *output(size_t i);

  GraphState &state;
  const OnnxNode &node;
  int64_t version;
  mlir::Location location;
  llvm::SmallBitVector read; // per attribute
  bool hasFailed = false;
  bool isHalf = false; // `data` has converted a float16 input
  bool allowsRunTimeSize = false;
  mlir::Value extents; // of an input, if its size is found at run time
};

/// Dimensions of data as shape arithmetic sees them: a dynamic one is N.
llvm::SmallVector<Affine> dimsOf(mlir::Value data);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_NODECONTEXT_H
