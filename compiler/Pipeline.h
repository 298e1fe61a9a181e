// The whole order of the compiler, as one flat list with a reason per line.
#ifndef COMPILER_PIPELINE_H
#define COMPILER_PIPELINE_H

#include "compiler/Phase.h"
#include "compiler/inspect/PipelineStep.h"

#include <optional>
#include <vector>

namespace lathe {

/// The steps after phase `from` (from the start if absent) up to the end of phase `to`. `optLevel` 0 leaves out fusion and tiling.
std::vector<PipelineStep> buildPipeline(std::optional<Phase> from, Phase to, int optLevel);

} // namespace lathe

#endif // COMPILER_PIPELINE_H
