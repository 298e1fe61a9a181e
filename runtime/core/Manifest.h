/* The manifest of artifact.h, checked. After lt_manifest_open succeeded, every table, range and index may be followed without further checks. */
#ifndef RUNTIME_CORE_MANIFEST_H
#define RUNTIME_CORE_MANIFEST_H

#include "lathe/artifact.h"
#include "lathe/lathe.h"

#include <stdbool.h>
#include <stddef.h>

enum { LT_MAX_RANK = 64 };

typedef struct lt_manifest {
  const lathe_manifest_header *header;
  const char *strings;
  const lathe_tensor_info *inputs, *outputs;
  const lathe_affine *dims;
  const lathe_kernel_info *kernels;
  const lathe_call *calls;
  const lathe_arg *args;
  const lathe_range *nodes, *features;
  const lathe_gpu_info *gpu; /* null if it is for CPUs */
  const lathe_gpu_image *images;
  const lathe_gpu_launch *launches; /* [kernels] */
} lt_manifest;

/* Checks the structure, and every value at the smallest batch size. `bytes` must be 8-aligned and outlive the manifest. `path` is for messages. */
lathe_status lt_manifest_open(const void *bytes, size_t size, const char *path, lt_manifest *manifest, lathe_error *error);

/* Checks that at this batch size nothing overflows and every argument lies inside its tensor, the weights or the arena. All such values are affine in
 * the batch size, so two sizes that pass vouch for those between them. */
lathe_status lt_manifest_check_batch(const lt_manifest *manifest, int64_t batch, const char *path, lathe_status failure, lathe_error *error);

/* c0 + c1 * batch; false if that overflows or is negative. */
bool lt_affine_at(lathe_affine value, int64_t batch, int64_t *result);
/* Bytes of a tensor, at its bounds if it has some; false if that overflows. */
bool lt_tensor_bytes(const lt_manifest *manifest, const lathe_tensor_info *tensor, int64_t batch, int64_t *result);

/* Where in the arena a run leaves the true dims of an output that is LATHE_TENSOR_BOUNDED. */
lathe_affine lt_extents(const lt_manifest *manifest, const lathe_tensor_info *output);

/* The text of lathe_model_manifest_json; malloc'ed, null without memory. */
char *lt_manifest_json(const lt_manifest *manifest);

#endif
