/* What runtime/core asks of a model for GPUs. Everything else of runtime/cuda is its own affair. */
#ifndef RUNTIME_CUDA_GPU_H
#define RUNTIME_CUDA_GPU_H

#include "runtime/core/Context.h"

/* Opens the driver. `model` has its manifest and its images. */
lathe_status lt_gpu_model_open(lathe_model *model, lathe_error *error);
void lt_gpu_model_close(lathe_model *model);

/* Bytes on the device of a context for this batch. False if that overflows. */
bool lt_gpu_memory_required(const lt_manifest *manifest, int64_t max_batch, uint64_t *bytes);

/* Fills context->gpu. `device` as in lathe_context_options. On failure the context is destroyed by the caller. */
lathe_status lt_gpu_context_create(lathe_context *context, const char *device, lathe_error *error);
void lt_gpu_context_destroy(lathe_context *context);
lathe_status lt_gpu_reserve(lathe_context *context, int64_t batch, lathe_error *error);

/* Tensors have been checked. `stream` is the caller's if `on_stream`; else the call ends when the results are there. */
lathe_status lt_gpu_run(lathe_context *context, bool on_stream, void *stream, const lathe_tensor *inputs, const lathe_tensor *outputs, int64_t batch,
                        lathe_error *error);
/* Waits for the last run and reads from the arena. */
lathe_status lt_gpu_read_arena(const lathe_context *context, int64_t offset, void *to, size_t bytes, lathe_error *error);
void lt_gpu_measure(lathe_context *context, bool on);
lathe_status lt_gpu_milliseconds(const lathe_context *context, double *milliseconds, lathe_error *error);

#endif
