/* A context on a GPU: one block of memory for the arena and for copies of inputs and outputs, and for each batch size one graph that runs the plan. The graph
 * never changes, since all that it knows are addresses in that block. */
#define _GNU_SOURCE
#include "runtime/core/Error.h"
#include "runtime/cuda/Device.h"
#include "runtime/cuda/Gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ALIGNMENT = 256 };

/* What a batch size needs of its own. */
typedef struct batch_plan {
  int64_t batch;
  CUdeviceptr args;  /* the tables of all calls */
  CUgraphExec graph; /* null if no kernel has anything to do */
} batch_plan;

typedef struct lt_gpu_context {
  struct lt_gpu_model *owner;
  lt_gpu_device *device;
  CUstream stream;
  CUevent start, stop; /* around the plan, for times */
  CUevent done;        /* the end of the last run on a caller's stream */
  bool waits;          /* `done` has been recorded and nobody has waited for it since */
  bool measures, measured;
  CUdeviceptr memory;   /* arena, then a place for each input and output */
  CUdeviceptr *tensors; /* [inputs + outputs] */
  batch_plan *plans;
  size_t plan_count, plan_capacity;
} lt_gpu_context;

static bool add_aligned(uint64_t *total, int64_t bytes) {
  return !__builtin_add_overflow(*total, (uint64_t)bytes + ALIGNMENT - 1, total) && (*total -= *total % ALIGNMENT, true);
}

/* Places behind the arena; `places` may be null. */
static bool lay_out(const lt_manifest *m, int64_t batch, CUdeviceptr *places, uint64_t *total) {
  const lathe_manifest_header *h = m->header;
  int64_t bytes;
  *total = 0;
  if (!lt_affine_at(h->arena_bytes, batch, &bytes) || !add_aligned(total, bytes))
    return false;
  for (uint32_t i = 0; i < h->inputs.count + h->outputs.count; ++i) {
    const lathe_tensor_info *tensor = i < h->inputs.count ? &m->inputs[i] : &m->outputs[i - h->inputs.count];
    if (places)
      places[i] = *total;
    if (!lt_tensor_bytes(m, tensor, batch, &bytes) || !add_aligned(total, bytes))
      return false;
  }
  return *total <= INT64_MAX;
}

bool lt_gpu_memory_required(const lt_manifest *manifest, int64_t max_batch, uint64_t *bytes) { return lay_out(manifest, max_batch, NULL, bytes); }

static lathe_status enter(const lt_gpu_context *gpu, lathe_error *error) {
  CUresult result = gpu->device->cuda->ctx_push(gpu->device->context);
  return result == CUDA_SUCCESS ? LATHE_OK : lt_gpu_fail(gpu->device, result, "it cannot be used", error);
}

static void leave(const lt_gpu_context *gpu) {
  CUcontext ignored;
  gpu->device->cuda->ctx_pop(&ignored);
}

/* ---- the plan of a batch size ---- */

/* Fills the context's argument tables, which hold addresses on the device. Every value was checked at both ends of the range of batches. */
static void fill_args(lathe_context *context, int64_t batch) {
  const lt_manifest *m = &context->model->manifest;
  const lt_gpu_context *gpu = context->gpu;
  for (uint32_t i = 0; i < m->header->calls.count; ++i)
    lt_affine_at(m->calls[i].space, batch, &context->spaces[i]);
  for (uint32_t i = 0; i < m->header->args.count; ++i) {
    const lathe_arg *arg = &m->args[i];
    CUdeviceptr base = 0;
    int64_t offset = 0;
    lt_affine_at(arg->offset, batch, &offset);
    switch (arg->kind) {
    case LATHE_ARG_INPUT:
      base = gpu->tensors[arg->index];
      break;
    case LATHE_ARG_OUTPUT:
      base = gpu->tensors[m->header->inputs.count + arg->index];
      break;
    case LATHE_ARG_WEIGHTS:
      base = gpu->device->weights;
      break;
    case LATHE_ARG_ARENA:
      base = gpu->memory;
      break;
    default: /* the batch size itself */
      offset = batch;
    }
    context->args[i] = (void *)(uintptr_t)(base + (uint64_t)offset);
  }
  context->bound_batch = batch;
}

static CUresult launch(const lathe_context *context, const batch_plan *plan, uint32_t index, CUstream stream) {
  const lt_manifest *m = &context->model->manifest;
  const lt_gpu_device *device = context->gpu->device;
  const lathe_call *call = &m->calls[index];
  const lathe_gpu_launch *how = &m->launches[call->kernel];
  int64_t space = 0;
  lt_affine_at(call->space, plan->batch, &space);
  if (space == 0)
    return CUDA_SUCCESS;
  uint64_t args = plan->args + (uint64_t)call->first_arg * sizeof(uint64_t), iterations = (uint64_t)space;
  void *parameters[] = {&args, &iterations};
  unsigned grid = (unsigned)((iterations * how->threads + how->block - 1) / how->block); /* at most 2^31 - 1: the manifest's values were checked */
  return device->cuda->launch_kernel(device->functions[call->kernel], grid, 1, 1, how->block, 1, 1, how->shared_bytes, stream, parameters, NULL);
}

static bool has_work(const lt_manifest *m, int64_t batch) {
  int64_t space = 0;
  for (uint32_t i = 0; i < m->header->calls.count; ++i)
    if (lt_affine_at(m->calls[i].space, batch, &space) && space > 0)
      return true;
  return false;
}

static lathe_status capture(const lathe_context *context, batch_plan *plan, lathe_error *error) {
  const lt_gpu_context *gpu = context->gpu;
  const lt_cuda *cuda = gpu->device->cuda;
  const lt_manifest *m = &context->model->manifest;
  CUgraph graph = NULL;
  if (!has_work(m, plan->batch))
    return LATHE_OK;
  CUresult result = cuda->stream_begin_capture(gpu->stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  if (result != CUDA_SUCCESS)
    return lt_gpu_fail(gpu->device, result, "its work cannot be recorded", error);
  uint32_t step = 0;
  while (step < m->header->calls.count && (result = launch(context, plan, step, gpu->stream)) == CUDA_SUCCESS)
    ++step;
  CUresult end = cuda->stream_end_capture(gpu->stream, &graph);
  lathe_status status = LATHE_OK;
  if (result != CUDA_SUCCESS) {
    char text[160];
    snprintf(text, sizeof text, "step %u, kernel '%.64s', cannot be recorded", step, context->model->kernel_names[m->calls[step].kernel]);
    status = lt_gpu_fail(gpu->device, result, text, error);
  } else if (end != CUDA_SUCCESS || (end = cuda->graph_instantiate(&plan->graph, graph, 0)) != CUDA_SUCCESS) {
    plan->graph = NULL;
    status = lt_gpu_fail(gpu->device, end, "no graph can be made of its work", error);
  }
  if (graph)
    cuda->graph_destroy(graph);
  return status;
}

static void destroy_plan(const lt_gpu_context *gpu, batch_plan *plan) {
  if (plan->graph)
    gpu->device->cuda->graph_exec_destroy(plan->graph);
  if (plan->args)
    gpu->device->cuda->mem_free(plan->args);
}

static lathe_status make_plan(lathe_context *context, int64_t batch, lathe_error *error) {
  lt_gpu_context *gpu = context->gpu;
  const lt_manifest *m = &context->model->manifest;
  if (gpu->plan_count == gpu->plan_capacity) {
    size_t capacity = 2 * gpu->plan_capacity + 4;
    batch_plan *plans = realloc(gpu->plans, capacity * sizeof *plans);
    if (!plans)
      return lt_fail(error, LATHE_INTERNAL, "%s: no memory for batch %lld", context->model->path, (long long)batch);
    gpu->plans = plans;
    gpu->plan_capacity = capacity;
  }
  batch_plan *plan = &gpu->plans[gpu->plan_count];
  memset(plan, 0, sizeof *plan);
  plan->batch = batch;
  size_t bytes = (size_t)m->header->args.count * sizeof(uint64_t);
  lathe_status status = lt_gpu_allocate(gpu->device, bytes, "the arguments of kernels", &plan->args, error);
  if (status != LATHE_OK)
    return status;
  fill_args(context, batch);
  _Static_assert(sizeof(void *) == sizeof(uint64_t), "host and device have addresses of 64 bits");
  CUresult result = bytes ? gpu->device->cuda->memcpy_htod(plan->args, context->args, bytes) : CUDA_SUCCESS;
  status = result == CUDA_SUCCESS ? capture(context, plan, error) : lt_gpu_fail(gpu->device, result, "arguments cannot be copied to it", error);
  if (status == LATHE_OK)
    ++gpu->plan_count;
  else
    destroy_plan(gpu, plan);
  return status;
}

static lathe_status find_plan(lathe_context *context, int64_t batch, const batch_plan **plan, lathe_error *error) {
  lt_gpu_context *gpu = context->gpu;
  lathe_status status = LATHE_OK;
  size_t i = 0;
  while (i < gpu->plan_count && gpu->plans[i].batch != batch)
    ++i;
  if (i == gpu->plan_count)
    status = make_plan(context, batch, error);
  if (status == LATHE_OK)
    *plan = &gpu->plans[i];
  return status;
}

lathe_status lt_gpu_reserve(lathe_context *context, int64_t batch, lathe_error *error) {
  const batch_plan *plan;
  lathe_status status = enter(context->gpu, error);
  if (status != LATHE_OK)
    return status;
  status = find_plan(context, batch, &plan, error);
  leave(context->gpu);
  return status;
}

/* ---- a context ---- */

static lathe_status allocate(lathe_context *context, lathe_error *error) {
  lt_gpu_context *gpu = context->gpu;
  const lt_cuda *cuda = gpu->device->cuda;
  const lt_manifest *m = &context->model->manifest;
  uint64_t bytes;
  if (!lay_out(m, context->max_batch, gpu->tensors, &bytes))
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: batch %lld is too large: the size of the context overflows", context->model->path,
                   (long long)context->max_batch);
  char what[64];
  snprintf(what, sizeof what, "a context for batch %lld", (long long)context->max_batch);
  lathe_status status = lt_gpu_allocate(gpu->device, bytes, what, &gpu->memory, error);
  if (status != LATHE_OK)
    return status;
  for (uint32_t i = 0; i < m->header->inputs.count + m->header->outputs.count; ++i)
    gpu->tensors[i] += gpu->memory;
  CUresult result = cuda->stream_create(&gpu->stream, CU_STREAM_NON_BLOCKING);
  if (result == CUDA_SUCCESS)
    result = cuda->event_create(&gpu->start, CU_EVENT_DEFAULT);
  if (result == CUDA_SUCCESS)
    result = cuda->event_create(&gpu->stop, CU_EVENT_DEFAULT);
  if (result == CUDA_SUCCESS)
    result = cuda->event_create(&gpu->done, CU_EVENT_DISABLE_TIMING);
  /* As on CPUs, the arena is zero before the first run. */
  if (result == CUDA_SUCCESS && bytes)
    result = cuda->memset_async(gpu->memory, 0, bytes, gpu->stream);
  if (result == CUDA_SUCCESS)
    result = cuda->stream_synchronize(gpu->stream);
  return result == CUDA_SUCCESS ? LATHE_OK : lt_gpu_fail(gpu->device, result, "a context cannot be made", error);
}

lathe_status lt_gpu_context_create(lathe_context *context, const char *device, lathe_error *error) {
  const lathe_manifest_header *h = context->model->manifest.header;
  lt_gpu_context *gpu = calloc(1, sizeof *gpu);
  CUdeviceptr *tensors = calloc((size_t)h->inputs.count + h->outputs.count + 1, sizeof *tensors);
  if (!gpu || !tensors) {
    free(gpu);
    free(tensors);
    return lt_fail(error, LATHE_INTERNAL, "%s: no memory for a context", context->model->path);
  }
  gpu->tensors = tensors;
  gpu->owner = context->model->gpu;
  lt_gpu_model_keep(gpu->owner);
  context->gpu = gpu;
  lathe_status status = lt_gpu_device_find(context->model, device, &gpu->device, error);
  if (status == LATHE_OK)
    status = enter(gpu, error);
  if (status != LATHE_OK)
    return status;
  const batch_plan *plan;
  status = allocate(context, error);
  if (status == LATHE_OK)
    status = find_plan(context, context->max_batch, &plan, error);
  leave(gpu);
  return status;
}

void lt_gpu_context_destroy(lathe_context *context) {
  lt_gpu_context *gpu = context->gpu;
  if (!gpu)
    return;
  if (gpu->device && enter(gpu, NULL) == LATHE_OK) {
    const lt_cuda *cuda = gpu->device->cuda;
    if (gpu->waits)
      cuda->event_synchronize(gpu->done);
    for (size_t i = 0; i < gpu->plan_count; ++i)
      destroy_plan(gpu, &gpu->plans[i]);
    CUevent events[] = {gpu->start, gpu->stop, gpu->done};
    for (size_t i = 0; i < sizeof events / sizeof *events; ++i)
      if (events[i])
        cuda->event_destroy(events[i]);
    if (gpu->stream)
      cuda->stream_destroy(gpu->stream);
    if (gpu->memory)
      cuda->mem_free(gpu->memory);
    leave(gpu);
  }
  lt_gpu_model_release(gpu->owner);
  free(gpu->plans);
  free(gpu->tensors);
  free(gpu);
  context->gpu = NULL;
}

/* ---- running ---- */

/* Where the driver says that a pointer is. What it does not know is ordinary memory of the host. */
static lathe_status locate(const lathe_context *context, const char *kind, const char *name, const void *data, bool *on_device, lathe_error *error) {
  const lt_gpu_device *device = context->gpu->device;
  unsigned type = 0;
  int ordinal = device->ordinal;
  CUdeviceptr address = (CUdeviceptr)(uintptr_t)data;
  *on_device = device->cuda->pointer_get_attribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address) == CUDA_SUCCESS && type == CU_MEMORYTYPE_DEVICE;
  if (*on_device && device->cuda->pointer_get_attribute(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, address) == CUDA_SUCCESS && ordinal != device->ordinal)
    return lt_fail(error, LATHE_INVALID_INPUT, "%s '%s': is in the memory of device %d, expected device %d", kind, name, ordinal, device->ordinal);
  return LATHE_OK;
}

/* Copies all inputs to their places, or all outputs from them. */
static lathe_status copy_tensors(const lathe_context *context, bool outputs, const lathe_tensor *tensors, int64_t batch, CUstream stream, bool *any_host,
                                 lathe_error *error) {
  const lt_manifest *m = &context->model->manifest;
  const lt_gpu_context *gpu = context->gpu;
  const lt_cuda *cuda = gpu->device->cuda;
  uint32_t count = outputs ? m->header->outputs.count : m->header->inputs.count;
  for (uint32_t i = 0; i < count; ++i) {
    const char *kind = outputs ? "output" : "input", *name = outputs ? context->model->output_names[i] : context->model->input_names[i];
    CUdeviceptr place = gpu->tensors[outputs ? m->header->inputs.count + i : i], address = (CUdeviceptr)(uintptr_t)tensors[i].data;
    int64_t bytes = 0;
    bool on_device = false;
    lt_tensor_bytes(m, outputs ? &m->outputs[i] : &m->inputs[i], batch, &bytes);
    if (bytes == 0)
      continue;
    lathe_status status = locate(context, kind, name, tensors[i].data, &on_device, error);
    if (status != LATHE_OK)
      return status;
    *any_host |= !on_device;
    CUresult result = on_device ? cuda->memcpy_dtod_async(outputs ? address : place, outputs ? place : address, (size_t)bytes, stream)
                      : outputs ? cuda->memcpy_dtoh_async(tensors[i].data, place, (size_t)bytes, stream)
                                : cuda->memcpy_htod_async(place, tensors[i].data, (size_t)bytes, stream);
    if (result != CUDA_SUCCESS) {
      char text[160];
      snprintf(text, sizeof text, "%s '%.96s' cannot be copied", kind, name);
      return lt_gpu_fail(gpu->device, result, text, error);
    }
  }
  return LATHE_OK;
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* With a callback: one kernel after the other, each measured by events on the device. */
static lathe_status run_steps(lathe_context *context, const batch_plan *plan, CUstream stream, lathe_error *error) {
  const lt_manifest *m = &context->model->manifest;
  const lt_gpu_context *gpu = context->gpu;
  const lt_cuda *cuda = gpu->device->cuda;
  if (context->bound_batch != plan->batch)
    fill_args(context, plan->batch);
  /* What comes before must not be taken for the first step's time. */
  CUresult result = cuda->stream_synchronize(stream);
  for (uint32_t i = 0; i < m->header->calls.count; ++i) {
    float milliseconds = 0;
    uint64_t begin = now_ns();
    if (result == CUDA_SUCCESS)
      result = cuda->event_record(gpu->start, stream);
    if (result == CUDA_SUCCESS)
      result = launch(context, plan, i, stream);
    if (result == CUDA_SUCCESS)
      result = cuda->event_record(gpu->stop, stream);
    if (result == CUDA_SUCCESS)
      result = cuda->event_synchronize(gpu->stop);
    if (result == CUDA_SUCCESS)
      result = cuda->event_elapsed_time(&milliseconds, gpu->start, gpu->stop);
    if (result != CUDA_SUCCESS) {
      char text[160];
      snprintf(text, sizeof text, "step %u, kernel '%.64s', failed", i, context->model->kernel_names[m->calls[i].kernel]);
      return lt_gpu_fail(gpu->device, result, text, error);
    }
    lt_report_step(context, i, begin, begin + (uint64_t)((double)milliseconds * 1e6));
  }
  return LATHE_OK;
}

static lathe_status run_plan(lathe_context *context, const batch_plan *plan, CUstream stream, lathe_error *error) {
  lt_gpu_context *gpu = context->gpu;
  const lt_cuda *cuda = gpu->device->cuda;
  gpu->measured = false;
  if (context->callback)
    return run_steps(context, plan, stream, error);
  CUresult result = gpu->measures ? cuda->event_record(gpu->start, stream) : CUDA_SUCCESS;
  if (result == CUDA_SUCCESS && plan->graph)
    result = cuda->graph_launch(plan->graph, stream);
  if (result == CUDA_SUCCESS && gpu->measures)
    result = cuda->event_record(gpu->stop, stream);
  gpu->measured = gpu->measures && result == CUDA_SUCCESS;
  return result == CUDA_SUCCESS ? LATHE_OK : lt_gpu_fail(gpu->device, result, "the network cannot be started", error);
}

static lathe_status run_entered(lathe_context *context, bool on_stream, CUstream stream, const lathe_tensor *inputs, const lathe_tensor *outputs, int64_t batch,
                                lathe_error *error) {
  lt_gpu_context *gpu = context->gpu;
  const lt_cuda *cuda = gpu->device->cuda;
  const batch_plan *plan = NULL;
  lathe_status status = find_plan(context, batch, &plan, error);
  if (status != LATHE_OK)
    return status;
  /* What an earlier call left running on another stream uses the same memory. */
  CUresult result = gpu->waits ? cuda->stream_wait_event(stream, gpu->done, 0) : CUDA_SUCCESS;
  if (result != CUDA_SUCCESS)
    return lt_gpu_fail(gpu->device, result, "a run cannot wait for the one before it", error);
  bool any_host = false;
  status = copy_tensors(context, false, inputs, batch, stream, &any_host, error);
  if (status == LATHE_OK)
    status = run_plan(context, plan, stream, error);
  if (status == LATHE_OK)
    status = copy_tensors(context, true, outputs, batch, stream, &any_host, error);
  bool waits = !on_stream || any_host || status != LATHE_OK;
  /* After a failure too: nothing may write to the caller's memory later. */
  result = waits ? cuda->stream_synchronize(stream) : cuda->event_record(gpu->done, stream);
  gpu->waits = !waits;
  if (status == LATHE_OK && result != CUDA_SUCCESS)
    status = lt_gpu_fail(gpu->device, result, waits ? "the network failed" : "the end of a run cannot be marked", error);
  return status;
}

lathe_status lt_gpu_run(lathe_context *context, bool on_stream, void *stream, const lathe_tensor *inputs, const lathe_tensor *outputs, int64_t batch,
                        lathe_error *error) {
  lathe_status status = enter(context->gpu, error);
  if (status != LATHE_OK)
    return status;
  status = run_entered(context, on_stream, on_stream ? stream : context->gpu->stream, inputs, outputs, batch, error);
  leave(context->gpu);
  return status;
}

lathe_status lt_gpu_read_arena(const lathe_context *context, int64_t offset, void *to, size_t bytes, lathe_error *error) {
  lt_gpu_context *gpu = context->gpu;
  const lt_cuda *cuda = gpu->device->cuda;
  lathe_status status = enter(gpu, error);
  if (status != LATHE_OK)
    return status;
  CUresult result = gpu->waits ? cuda->event_synchronize(gpu->done) : CUDA_SUCCESS;
  if (result == CUDA_SUCCESS)
    result = cuda->memcpy_dtoh(to, gpu->memory + (uint64_t)offset, bytes);
  if (result != CUDA_SUCCESS)
    status = lt_gpu_fail(gpu->device, result, "the dims of an output cannot be read", error);
  leave(gpu);
  return status;
}

void lt_gpu_measure(lathe_context *context, bool on) { context->gpu->measures = on; }

lathe_status lt_gpu_milliseconds(const lathe_context *context, double *milliseconds, lathe_error *error) {
  const lt_gpu_context *gpu = context->gpu;
  const lt_cuda *cuda = gpu->device->cuda;
  if (!gpu->measured)
    return lt_fail(error, LATHE_USAGE, "%s: no run of the whole graph has been measured: call lathe_context_measure_device first", context->model->path);
  lathe_status status = enter(gpu, error);
  if (status != LATHE_OK)
    return status;
  float value = 0;
  CUresult result = cuda->event_synchronize(gpu->stop);
  if (result == CUDA_SUCCESS)
    result = cuda->event_elapsed_time(&value, gpu->start, gpu->stop);
  *milliseconds = value;
  if (result != CUDA_SUCCESS)
    status = lt_gpu_fail(gpu->device, result, "the time of a run cannot be read", error);
  leave(gpu);
  return status;
}
