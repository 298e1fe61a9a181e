// Operators on small integer tensors that are known without the batch size: evaluated here, whatever their own importers do with data.
#ifndef COMPILER_IMPORT_SHAPEFOLD_H
#define COMPILER_IMPORT_SHAPEFOLD_H

#include "compiler/import/NodeContext.h"

namespace lathe::importer {

/// Defines the node's output and returns true if its operator is one of those and all its inputs are such tensors (int64, int32, bool).
bool foldOnShapes(NodeContext &node);

} // namespace lathe::importer

#endif // COMPILER_IMPORT_SHAPEFOLD_H
