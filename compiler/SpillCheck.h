// A kernel whose registers do not suffice gets a smaller tile. How many values LLVM keeps alive at once is not known before it has generated code, so the
// cost model leaves room by experience (docs/rationale/CostModel.md), and what spills all the same is found, and emitted again, here.
#ifndef COMPILER_SPILLCHECK_H
#define COMPILER_SPILLCHECK_H

#include "compiler/Pipeline.h"
#include "compiler/target/cpu/Codegen.h"

namespace lathe {

/// Whether spilled vectors cost this kernel's arithmetic enough for another tile to be tried.
bool isSlowedBySpills(const Object &kernel);

/// Gives kernels whose arithmetic is slowed by spilled vectors the tile, of at most a few smaller ones, whose code is quickest by count of its instructions,
/// and says so by a remark. `module` is at the end of phase memref. `objects` holds the kernels' code, or is empty: then it is generated here. On return
/// it holds the code of the kernels that changed, only. What is chosen depends on the module alone.
mlir::LogicalResult avoidSpills(mlir::ModuleOp module, const PassSelection &passes, const CodegenOptions &codegen, std::vector<Object> &objects,
                                std::string &error);

} // namespace lathe

#endif // COMPILER_SPILLCHECK_H
