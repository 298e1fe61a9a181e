// Code for GPUs as an artifact carries it: images that the driver loads, and how each kernel in them is launched.
#ifndef COMPILER_ARTIFACT_GPUCODE_H
#define COMPILER_ARTIFACT_GPUCODE_H

#include <cstdint>
#include <string>
#include <vector>

namespace lathe {

struct GpuImage {
  bool isPtx = false; // else a cubin
  uint32_t arch = 0;  // 80 for sm_80 or compute_80
  bool exact = false; // for this architecture only, such as what uses the features of sm_90a
  uint32_t isa = 0;   // of PTX: 70 for version 7.0
  uint32_t firstEntry = 0, entryCount = 0;
  std::string bytes; // of PTX with a terminating zero
};

struct GpuLaunch {
  std::string kernel; // the function's symbol
  uint32_t entry = 0; // lathe_k<entry> in the images
  uint32_t threads = 1, block = 1, sharedBytes = 0;
};

struct GpuCode {
  std::vector<GpuImage> images; // sorted as the artifact wants them: by kind, architecture, first entry
  std::vector<GpuLaunch> launches;
  std::string assembler; // version of ptxas; empty if there is no cubin
};

} // namespace lathe

#endif // COMPILER_ARTIFACT_GPUCODE_H
