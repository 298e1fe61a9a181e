// The window attributes that convolutions and pools share.
#ifndef COMPILER_IMPORT_WINDOW_H
#define COMPILER_IMPORT_WINDOW_H

#include "compiler/import/Program.h"

namespace lathe::importer {

struct Window {
  llvm::SmallVector<int64_t> shape, strides, dilations;
  llvm::SmallVector<int64_t> pads; // all begins, then all ends
  enum class AutoPad { notSet, valid, sameUpper, sameLower } autoPad = AutoPad::notSet;
  bool ceil = false;

  bool isSame() const { return autoPad == AutoPad::sameUpper || autoPad == AutoPad::sameLower; }
};

/// Reads kernel_shape, strides, dilations, pads and auto_pad. What is absent stays empty: the inputs say how many there must be.
mlir::FailureOr<Window> readWindow(NodeContext &node);

/// Fills in the defaults for this many spatial dimensions and checks every value; kernel_shape must be known by now.
mlir::LogicalResult completeWindow(NodeContext &node, Window &window, size_t spatial);

/// The same for a convolution whose weights, input `role`, have the spatial shape `kernel`: kernel_shape, if given, must be that.
mlir::LogicalResult completeConvWindow(NodeContext &node, Window &window, llvm::ArrayRef<int64_t> kernel, llvm::StringRef role);

/// `values` of attribute `name` has `count` entries (none: all are `fallback`), each at least `low` and small enough that products of two cannot wrap.
mlir::LogicalResult completeValues(NodeContext &node, llvm::StringRef name, llvm::SmallVector<int64_t> &values, size_t count, int64_t low,
                                   std::optional<int64_t> fallback);

/// Extents of the output; resolves auto_pad into `window.pads`.
mlir::FailureOr<llvm::SmallVector<int64_t>> outputExtents(NodeContext &node, Window &window, llvm::ArrayRef<int64_t> input);

/// In a program: folds over the elements of one window that are inside an input of the spatial extents `input`, the last dimension innermost. `at` is the
/// output pixel; the body gets the element's place in the input, its place in the window, and the values so far.
llvm::SmallVector<mlir::Value> foldWindow(ProgramBuilder &b, const Window &window, llvm::ArrayRef<int64_t> input, mlir::ValueRange at, mlir::ValueRange init,
                                          llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange, mlir::ValueRange, mlir::ValueRange)> body);

/// The operands of a convolution of either kind: of float32 (float16 is converted) or, if anything is, of double.
struct ConvOperands {
  mlir::Value input;
  nn::WeightAttr constantWeights, constantBias; // float32 weights that are known
  mlir::Value weights, bias;                    // else; no bias: null
  int32_t dataType = kFloat;                    // of the result
  llvm::SmallVector<int64_t> weightShape;
  bool hasBias() const { return constantBias || bias; }
};

/// Reads X, W and B and checks ranks; failure after an error.
mlir::FailureOr<ConvOperands> readConvOperands(NodeContext &node);

/// Checks that B has `filters` values.
mlir::LogicalResult checkBias(NodeContext &node, const ConvOperands &operands, int64_t filters);

/// The bias that a convolution could not take with its constant weights, added to its result [N, K, spatial...].
mlir::Value addComputedBias(NodeContext &node, const ConvOperands &operands, mlir::Value result);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_WINDOW_H
