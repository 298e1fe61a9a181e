// For operators that are given by a program: nn.map and nn.foreach with their bodies.
#ifndef COMPILER_IMPORT_PROGRAM_H
#define COMPILER_IMPORT_PROGRAM_H

#include "compiler/import/NodeContext.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lathe::importer {

/// `value` as FloatAttr or IntegerAttr.
mlir::TypedAttr numberAttr(mlir::Type element, double value);
mlir::TypedAttr numberAttr(mlir::Type element, int64_t value);
/// One value everywhere; any shape, also one without elements.
nn::WeightAttr splatWeight(mlir::RankedTensorType type, double value);

/// Builds the code of a body: numbers of index, integer and floating-point type.
class ProgramBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(*this, value); }
  mlir::Value number(mlir::Type type, double value) { return mlir::arith::ConstantOp::create(*this, numberAttr(type, value)); }
  mlir::Value integer(mlir::Type type, int64_t value) { return mlir::arith::ConstantOp::create(*this, numberAttr(type, value)); }

  // By the operands' type: floating point, or integers and index.
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  /// Of floats, or towards zero of signed integers, as `isUnsigned` says.
  mlir::Value div(mlir::Value a, mlir::Value b, bool isUnsigned = false);
  /// i1. Ordered for floats (false if one is NaN) but for `ne`, which is unordered. Predicates: those of signed integers.
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a, mlir::Value b, bool isUnsigned = false);
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) { return mlir::arith::SelectOp::create(*this, condition, a, b); }
  mlir::Value both(mlir::Value a, mlir::Value b) { return mlir::arith::AndIOp::create(*this, a, b); }
  mlir::Value either(mlir::Value a, mlir::Value b) { return mlir::arith::OrIOp::create(*this, a, b); }
  /// max(low, min(x, high)) of index values.
  mlir::Value clampIndex(mlir::Value x, mlir::Value low, mlir::Value high);

  mlir::Value load(mlir::Value memory, mlir::ValueRange at);
  void store(mlir::Value value, mlir::Value memory, mlir::ValueRange at);
  /// i8 of 0 and 1 to i1 and back.
  mlir::Value toI1(mlir::Value truth);
  mlir::Value toI8(mlir::Value condition);
  /// An integer (signed unless `isUnsigned`) as index.
  mlir::Value toIndex(mlir::Value integer, bool isUnsigned = false);

  /// for i in [begin, end) step 1.
  void forEach(mlir::Value begin, mlir::Value end, llvm::function_ref<void(mlir::Value)> body);
  /// The same with values that each iteration hands to the next one; returns the last ones.
  llvm::SmallVector<mlir::Value> fold(mlir::Value begin, mlir::Value end, mlir::ValueRange init,
                                      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> body);
  /// A value that is computed only if the condition holds.
  mlir::Value ifElse(mlir::Value condition, llvm::function_ref<mlir::Value()> then, llvm::function_ref<mlir::Value()> otherwise);
};

/// nn.map of tensors that broadcast to `shape`, with a result of `element`s.
mlir::Value map(NodeContext &node, mlir::ValueRange inputs, llvm::ArrayRef<int64_t> shape, mlir::Type element,
                llvm::function_ref<mlir::Value(ProgramBuilder &, mlir::ValueRange)> body);

/// nn.foreach: `body` gets the indices, the inputs and the outputs as memrefs. Results of the given types.
llvm::SmallVector<mlir::Value> foreach (NodeContext &node, llvm::StringRef kind, llvm::ArrayRef<int64_t> space, mlir::ValueRange inputs,
                                        mlir::TypeRange results,
                                        llvm::function_ref<void(ProgramBuilder &, mlir::ValueRange, mlir::ValueRange, mlir::ValueRange)> body);

/// The same with one result of type `result`, one element of which is computed at a time: `body` gets its indices and the inputs as memrefs.
mlir::Value generate(NodeContext &node, llvm::StringRef kind, mlir::RankedTensorType result, mlir::ValueRange inputs,
                     llvm::function_ref<mlir::Value(ProgramBuilder &, mlir::ValueRange, mlir::ValueRange)> body);

/// Between float16, float32 and float64.
mlir::Value convertFloat(NodeContext &node, mlir::Value value, mlir::Type element);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_PROGRAM_H
