// Views of buffers.
#ifndef PASSES_MEMREF_VIEWS_H
#define PASSES_MEMREF_VIEWS_H

#include "mlir/Interfaces/ViewLikeInterface.h"

namespace lathe::passes {

/// The buffer that `v` is a view of, or `v` itself.
inline mlir::Value rootOf(mlir::Value v) {
  while (auto view = v.getDefiningOp<mlir::ViewLikeOpInterface>())
    v = view.getViewSource();
  return v;
}

} // namespace lathe::passes

#endif // PASSES_MEMREF_VIEWS_H
