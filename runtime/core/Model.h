/* A loaded artifact. Immutable after lathe_model_load, but for the JSON text, which is made on demand and published atomically. */
#ifndef RUNTIME_CORE_MODEL_H
#define RUNTIME_CORE_MODEL_H

#include "runtime/core/Elf.h"
#include "runtime/core/Library.h"
#include "runtime/core/Manifest.h"

#include <stdatomic.h>

struct lathe_model {
  char *path; /* for messages; of an artifact from memory its name */
  lt_elf elf; /* owns the manifest's bytes */
  lt_manifest manifest;
  lt_library *library;
  const lathe_kernel_fn *kernels; /* [manifest.header->kernels.count] */
  const unsigned char *weights;
  const unsigned char *images; /* for GPUs: the code, of manifest.gpu->images_bytes */
  struct lt_gpu_model *gpu;    /* null if it is for CPUs; what it points at is shared by the contexts, under a lock */
  void *mapped_weights;        /* if they come from a file of their own */

  /* Terminated copies of the manifest's names, and what the queries hand out. */
  char *names;
  const char **input_names, **output_names, **kernel_names, **node_names;
  int64_t *dims_c0, *dims_c1; /* [manifest.header->dims.count] */

  _Atomic(char *) json;
};

#endif
