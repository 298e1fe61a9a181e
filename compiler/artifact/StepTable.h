// What each step of the plan writes, as JSON: for tools that look at values inside a network (lathe compare). No part of the artifact.
#ifndef COMPILER_ARTIFACT_STEPTABLE_H
#define COMPILER_ARTIFACT_STEPTABLE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace lathe {

/// One object: {"steps": [{"kernel", "nodes", "writes": [{"argument", "type", "dims", "strides"}]}]}, the steps in the order of the plan. `argument` is the
/// number of the kernel's argument that points at the buffer, `type` an element type as MLIR spells it ("f32", "i8"), null in `dims` is the batch,
/// `strides` count elements. A blocked buffer has one dimension more than the tensor that it holds: [N, ceil(C / V), spatial..., V].
void printStepTable(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace lathe

#endif // COMPILER_ARTIFACT_STEPTABLE_H
