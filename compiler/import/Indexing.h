// What operators that compute where to read or write have in common: gathers, scatters, sampling, sorting.
#ifndef COMPILER_IMPORT_INDEXING_H
#define COMPILER_IMPORT_INDEXING_H

#include "compiler/import/Program.h"

namespace lathe::importer {

constexpr DataTypes kIndexTypes = setOf({kInt32, kInt64});

/// An axis counted from 0; reports one that is out of [-rank, rank).
mlir::FailureOr<int64_t> resolveAxis(NodeContext &node, llvm::StringRef name, int64_t axis, int64_t rank);
/// Reports a dimension that is the batch, or that has no elements: an index into it cannot be resolved.
mlir::LogicalResult checkIndexed(NodeContext &node, llvm::StringRef role, llvm::ArrayRef<int64_t> shape, int64_t axis);
/// "[N, 3, 8]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);
/// One of the words that a text attribute may be; nothing after an error.
template <typename T>
std::optional<T> choose(NodeContext &node, llvm::StringRef name, llvm::StringRef fallback, llvm::ArrayRef<std::pair<llvm::StringRef, T>> choices) {
  std::string text = node.text(name, fallback), known;
  for (auto [choice, value] : choices) {
    if (text == choice)
      return value;
    known += (known.empty() ? "" : ", ") + choice.str();
  }
  (void)node.invalid("expects attribute " + name + " to be one of " + known + " (got '" + printable(text) + "')");
  return std::nullopt;
}

/// Whether the type has no elements; such a result is defined as an empty constant.
inline bool isEmpty(mlir::RankedTensorType type) { return type.hasStaticShape() && type.getNumElements() == 0; }
mlir::LogicalResult defineEmpty(NodeContext &node, mlir::RankedTensorType type, size_t output, int32_t dataType);

/// Reports indices that are known at compile time and out of [-extent, extent). Those that are computed are clamped by `resolveIndex`.
mlir::LogicalResult checkConstantIndices(NodeContext &node, size_t input, llvm::StringRef role, int64_t extent);
/// A signed integer as an index below `extent` (at least 1): a negative one counts from the end. A kernel cannot fail: what is out of range then is clamped.
mlir::Value resolveIndex(ProgramBuilder &b, mlir::Value integer, int64_t extent);

/// The numbers of an input that is a small constant of any type; nothing after an error.
std::optional<llvm::SmallVector<double>> constantNumbers(NodeContext &node, size_t input, llvm::StringRef role);

/// A loop nest over [0, extents).
void forEachIn(ProgramBuilder &b, llvm::ArrayRef<int64_t> extents, llvm::function_ref<void(mlir::ValueRange)> body);
/// The same with values that each iteration hands to the next one; returns the last ones.
llvm::SmallVector<mlir::Value> foldIn(ProgramBuilder &b, llvm::ArrayRef<int64_t> extents, mlir::ValueRange init,
                                      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange, mlir::ValueRange)> body);
/// `state` is replaced by `body`'s results for as long as `condition` (an i1) holds; returns the last one.
llvm::SmallVector<mlir::Value> loopWhile(ProgramBuilder &b, mlir::ValueRange state, llvm::function_ref<mlir::Value(mlir::ValueRange)> condition,
                                         llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)> body);
/// `begin`, then `middle`, then `end`.
llvm::SmallVector<mlir::Value> joined(mlir::ValueRange begin, mlir::ValueRange middle, mlir::ValueRange end = {});

/// Lanes of the vectors in which rows are moved and summed. No machine's width: code generation splits them into those that there are.
constexpr int64_t kLanes = 16;
mlir::Value loadLanes(ProgramBuilder &b, mlir::Value memory, mlir::ValueRange at);
void storeLanes(ProgramBuilder &b, mlir::Value lanes, mlir::Value memory, mlir::ValueRange at);
/// One number in all lanes.
mlir::Value allLanes(ProgramBuilder &b, mlir::Value number);
/// Over [0, extent): `wide` at the first element of whole groups of kLanes, `single` at each of the rest.
void forEachLanes(ProgramBuilder &b, int64_t extent, llvm::function_ref<void(mlir::Value)> wide, llvm::function_ref<void(mlir::Value)> single);

/// A constant table of integers that the program of an nn.foreach reads.
mlir::Value integerTable(NodeContext &node, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int32_t> elements);

/// What is computed with for floats of this type: float32, or double for double; and the ways there and back.
mlir::Type realFor(mlir::Type element);
mlir::Value widened(ProgramBuilder &b, mlir::Value v, mlir::Type real);
mlir::Value narrowed(ProgramBuilder &b, mlir::Value v, mlir::Type element);
/// An index as a real number.
mlir::Value toReal(ProgramBuilder &b, mlir::Value index, mlir::Type real);
/// A real number, cut to whole ones, as an index in [low, high], which are less than 2^30; a NaN becomes `low`.
mlir::Value toIndexBetween(ProgramBuilder &b, mlir::Value x, int64_t low, int64_t high);

/// The larger or smaller of two numbers; a NaN if one of them is.
mlir::Value larger(ProgramBuilder &b, mlir::Value x, mlir::Value y, bool isUnsigned = false);
mlir::Value smaller(ProgramBuilder &b, mlir::Value x, mlir::Value y, bool isUnsigned = false);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_INDEXING_H
