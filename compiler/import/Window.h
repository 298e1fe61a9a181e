// The window attributes that Conv and the pools share.
#ifndef COMPILER_IMPORT_WINDOW_H
#define COMPILER_IMPORT_WINDOW_H

#include "compiler/import/NodeContext.h"

namespace lathe::importer {

struct Window {
  llvm::SmallVector<int64_t> shape, strides, dilations;
  llvm::SmallVector<int64_t> pads; // all begins, then all ends
  enum class AutoPad { notSet, valid, sameUpper, sameLower } autoPad = AutoPad::notSet;
  bool ceil = false;
};

/// Reads kernel_shape, strides, dilations, pads and auto_pad. What is absent stays empty: the inputs say how many there must be.
mlir::FailureOr<Window> readWindow(NodeContext &node);

/// Fills in the defaults for this many spatial dimensions and checks every value; kernel_shape must be known by now.
mlir::LogicalResult completeWindow(NodeContext &node, Window &window, size_t spatial);

/// Extents of the output; resolves auto_pad into `window.pads`.
mlir::FailureOr<llvm::SmallVector<int64_t>> outputExtents(NodeContext &node, Window &window, llvm::ArrayRef<int64_t> input);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_WINDOW_H
