#define _GNU_SOURCE
#include "runtime/core/Context.h"

#include "runtime/core/Error.h"
#include "runtime/cpu/Machine.h"
#include "runtime/cpu/Pool.h"
#include "runtime/cuda/Gpu.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Scratches of two threads must not share what the hardware fetches together (pairs of cache lines). */
enum { SCRATCH_ALIGNMENT = 128, HUGE_PAGE = 2 << 20 };

static uint64_t round_up(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

static uint64_t scratch_stride(const lathe_model *model) { return round_up(model->manifest.header->scratch_bytes, SCRATCH_ALIGNMENT); }

static lathe_status check_batch(const lathe_model *model, int64_t max_batch, lathe_error *error) {
  const lathe_manifest_header *h = model->manifest.header;
  if (max_batch < h->min_batch || max_batch > h->max_batch) {
    if (h->max_batch == INT64_MAX)
      return lt_fail(error, LATHE_INVALID_INPUT, "%s: max_batch is %lld, expected at least %lld", model->path, (long long)max_batch, (long long)h->min_batch);
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: max_batch is %lld, expected %lld to %lld", model->path, (long long)max_batch, (long long)h->min_batch,
                   (long long)h->max_batch);
  }
  return lt_manifest_check_batch(&model->manifest, max_batch, model->path, LATHE_INVALID_INPUT, error);
}

static lathe_status memory_required(const lathe_model *model, int64_t max_batch, int threads, uint64_t *arena, uint64_t *bytes, lathe_error *error) {
  lathe_status status = check_batch(model, max_batch, error);
  if (status != LATHE_OK)
    return status;
  int64_t arena_bytes;
  uint64_t scratch;
  if (!lt_affine_at(model->manifest.header->arena_bytes, max_batch, &arena_bytes) ||
      __builtin_mul_overflow(scratch_stride(model), (uint64_t)threads, &scratch) ||
      __builtin_add_overflow(*arena = round_up((uint64_t)arena_bytes, SCRATCH_ALIGNMENT), scratch, bytes) || *bytes > INT64_MAX)
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: batch %lld is too large: the size of arena and scratch overflows", model->path, (long long)max_batch);
  return LATHE_OK;
}

lathe_status lathe_model_memory_required(const lathe_model *model, int64_t max_batch, int threads, uint64_t *bytes, lathe_error *error) {
  uint64_t arena;
  if (!model || !bytes)
    return lt_fail(error, LATHE_USAGE, "lathe_model_memory_required: %s is null", model ? "bytes" : "model");
  if (threads < 1 || threads > LT_MAX_THREADS)
    return lt_fail(error, LATHE_USAGE, "threads is %d, expected 1 to %d", threads, LT_MAX_THREADS);
  if (model->gpu) {
    lathe_status status = check_batch(model, max_batch, error);
    if (status == LATHE_OK && !lt_gpu_memory_required(&model->manifest, max_batch, bytes))
      status = lt_fail(error, LATHE_INVALID_INPUT, "%s: batch %lld is too large: the size of a context overflows", model->path, (long long)max_batch);
    return status;
  }
  return memory_required(model, max_batch, threads, &arena, bytes, error);
}

static lathe_status choose_threads(int asked, int *threads, lathe_error *error) {
  *threads = asked;
  if (asked == 0) {
    const char *text = getenv("LATHE_NUM_THREADS");
    if (text && *text) {
      char *end;
      errno = 0;
      long value = strtol(text, &end, 10);
      if (*end || errno || value < 1 || value > LT_MAX_THREADS)
        return lt_fail(error, LATHE_USAGE, "LATHE_NUM_THREADS is '%s', expected a number from 1 to %d", text, LT_MAX_THREADS);
      *threads = (int)value;
    } else {
      int cpus = lt_machine_cpus();
      *threads = cpus < LT_MAX_THREADS ? cpus : LT_MAX_THREADS;
    }
  }
  if (*threads < 1 || *threads > LT_MAX_THREADS)
    return lt_fail(error, LATHE_USAGE, "threads is %d, expected 1 to %d, or 0 for as many as there are CPUs", *threads, LT_MAX_THREADS);
  return LATHE_OK;
}

/* Zeroed by the system, and pages that are not touched cost nothing. */
static lathe_status map_memory(lathe_context *context, lathe_error *error) {
  uint64_t arena, bytes;
  lathe_status status = memory_required(context->model, context->max_batch, context->threads, &arena, &bytes, error);
  if (status != LATHE_OK)
    return status;
  /* Whole pages, as the system gives them: ThreadSanitizer forgets only those when they are unmapped, and would see the next user race with us. */
  context->memory_bytes = round_up(bytes ? bytes : 1, (uint64_t)sysconf(_SC_PAGESIZE));
  void *memory = mmap(NULL, context->memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return lt_fail(error, LATHE_INTERNAL, "%s: no memory for a context of %llu bytes (batch %lld, %d threads)", context->model->path, (unsigned long long)bytes,
                   (long long)context->max_batch, context->threads);
#ifdef MADV_HUGEPAGE
  if (bytes >= 2 * HUGE_PAGE)
    madvise(memory, context->memory_bytes, MADV_HUGEPAGE); /* only a hint: fewer TLB misses */
#endif
  context->memory = memory;
  context->scratch = context->memory + arena;
  context->scratch_stride = scratch_stride(context->model);
  return LATHE_OK;
}

/* Callers that were compiled against an older header have a shorter struct. */
static lathe_status read_options(const lathe_context_options *given, lathe_context_options *options, lathe_error *error) {
  const size_t oldest = offsetof(lathe_context_options, parallel_for);
  if (!given)
    return LATHE_OK;
  if (given->struct_size < oldest || given->struct_size > sizeof *options)
    return lt_fail(error, LATHE_USAGE, "lathe_context_create: struct_size of the options is %zu, expected %zu", given->struct_size, sizeof *options);
  memcpy(options, given, given->struct_size);
  return LATHE_OK;
}

/* The block of memory, and threads. */
static lathe_status create_on_cpu(lathe_context *context, int threads, lathe_error *error) {
  lathe_status status = choose_threads(threads, &context->threads, error);
  if (status == LATHE_OK)
    status = map_memory(context, error);
  int failure;
  if (status == LATHE_OK && context->threads > 1 && !context->parallel_for && (failure = lt_pool_grow(context->threads)) != 0)
    status = lt_fail(error, LATHE_INTERNAL, "%s: cannot start %d threads: %s", context->model->path, context->threads, strerror(failure));
  return status;
}

static lathe_status create_on_gpu(lathe_context *context, const char *device, lathe_error *error) {
  context->threads = 1; /* the caller's own, which starts what the device runs */
  lathe_status status = check_batch(context->model, context->max_batch, error);
  return status == LATHE_OK ? lt_gpu_context_create(context, device, error) : status;
}

lathe_status lathe_context_create(const lathe_model *model, const lathe_context_options *given, lathe_context **result, lathe_error *error) {
  if (!model || !result)
    return lt_fail(error, LATHE_USAGE, "lathe_context_create: %s is null", model ? "context" : "model");
  *result = NULL;
  lathe_context_options options = {0};
  lathe_status status = read_options(given, &options, error);
  if (status != LATHE_OK)
    return status;
  const lathe_manifest_header *h = model->manifest.header;
  lathe_context *context = calloc(1, sizeof *context);
  if (!context)
    return lt_fail(error, LATHE_INTERNAL, "%s: no memory for a context", model->path);
  context->model = model;
  context->max_batch = options.max_batch ? options.max_batch : h->min_batch;
  context->parallel_for = options.parallel_for;
  context->parallel_user = options.parallel_user;
  context->bound_data = calloc((size_t)h->inputs.count + h->outputs.count + 1, sizeof *context->bound_data);
  context->args = calloc((size_t)h->args.count + 1, sizeof *context->args);
  context->spaces = calloc((size_t)h->calls.count + 1, sizeof *context->spaces);
  if (!context->bound_data || !context->args || !context->spaces)
    status = lt_fail(error, LATHE_INTERNAL, "%s: no memory for a context", model->path);
  else
    status = model->gpu ? create_on_gpu(context, options.device, error) : create_on_cpu(context, options.threads, error);
  if (status == LATHE_OK)
    *result = context;
  else
    lathe_context_destroy(context);
  return status;
}

void lathe_context_destroy(lathe_context *context) {
  if (!context)
    return;
  lt_gpu_context_destroy(context);
  if (context->memory)
    munmap(context->memory, context->memory_bytes);
  free(context->bound_data);
  free(context->args);
  free(context->spaces);
  free(context);
}

lathe_status lathe_context_reserve(lathe_context *context, int64_t batch, lathe_error *error) {
  if (!context)
    return lt_fail(error, LATHE_USAGE, "lathe_context_reserve: context is null");
  if (batch > context->max_batch)
    return lt_fail(error, LATHE_INVALID_INPUT, "%s: batch is %lld, but the context was made for at most %lld", context->model->path, (long long)batch,
                   (long long)context->max_batch);
  lathe_status status = check_batch(context->model, batch, error);
  return status == LATHE_OK && context->gpu ? lt_gpu_reserve(context, batch, error) : status;
}

int lathe_context_threads(const lathe_context *context) { return context ? context->threads : 0; }

lathe_status lathe_context_measure_device(lathe_context *context, int on, lathe_error *error) {
  if (!context)
    return lt_fail(error, LATHE_USAGE, "lathe_context_measure_device: context is null");
  if (!context->gpu)
    return lt_fail(error, LATHE_USAGE, "%s: is for CPUs: there is no device to measure", context->model->path);
  lt_gpu_measure(context, on != 0);
  return LATHE_OK;
}

lathe_status lathe_context_device_milliseconds(const lathe_context *context, double *milliseconds, lathe_error *error) {
  if (!context || !milliseconds)
    return lt_fail(error, LATHE_USAGE, "lathe_context_device_milliseconds: %s is null", context ? "milliseconds" : "context");
  if (!context->gpu)
    return lt_fail(error, LATHE_USAGE, "%s: is for CPUs: there is no device to measure", context->model->path);
  return lt_gpu_milliseconds(context, milliseconds, error);
}

void lathe_context_set_step_callback(lathe_context *context, lathe_step_fn callback, void *user) {
  if (!context)
    return;
  context->callback = callback;
  context->callback_user = user;
}

/* ---- running ---- */

static bool is_bound(const lathe_context *context, const lathe_tensor *inputs, size_t input_count, const lathe_tensor *outputs, size_t output_count,
                     int64_t batch) {
  bool same = context->bound_batch == batch;
  for (size_t i = 0; i < input_count; ++i)
    same &= context->bound_data[i] == inputs[i].data;
  for (size_t i = 0; i < output_count; ++i)
    same &= context->bound_data[input_count + i] == outputs[i].data;
  return same;
}

/* Fills the argument tables. Every value was checked at min_batch and max_batch, so none of the sums can overflow in between. */
static void bind(lathe_context *context, const lathe_tensor *inputs, size_t input_count, const lathe_tensor *outputs, size_t output_count, int64_t batch) {
  const lt_manifest *m = &context->model->manifest;
  for (size_t i = 0; i < input_count; ++i)
    context->bound_data[i] = inputs[i].data;
  for (size_t i = 0; i < output_count; ++i)
    context->bound_data[input_count + i] = outputs[i].data;
  context->bound_batch = batch;
  for (uint32_t i = 0; i < m->header->calls.count; ++i)
    lt_affine_at(m->calls[i].space, batch, &context->spaces[i]);
  for (uint32_t i = 0; i < m->header->args.count; ++i) {
    const lathe_arg *arg = &m->args[i];
    unsigned char *base = NULL;
    int64_t offset = 0;
    lt_affine_at(arg->offset, batch, &offset);
    switch (arg->kind) {
    case LATHE_ARG_INPUT:
      base = inputs[arg->index].data;
      break;
    case LATHE_ARG_OUTPUT:
      base = outputs[arg->index].data;
      break;
    case LATHE_ARG_WEIGHTS:
      base = (unsigned char *)(uintptr_t)context->model->weights;
      break;
    case LATHE_ARG_ARENA:
      base = context->memory;
      break;
    default: /* the batch size itself */
      offset = batch;
    }
    context->args[i] = (void *)((uintptr_t)base + (uintptr_t)offset);
  }
}

/* Threads that are worth it: no part smaller than the call's grain. */
static int useful_threads(int64_t space, uint32_t grain, int threads) {
  int64_t parts = space / grain;
  return parts < 1 ? 1 : parts < threads ? (int)parts : threads;
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void lt_report_step(const lathe_context *context, uint32_t index, uint64_t start, uint64_t end) {
  const lt_manifest *m = &context->model->manifest;
  const lathe_call *call = &m->calls[index];
  lathe_step step = {index,
                     m->header->calls.count,
                     context->model->kernel_names[call->kernel],
                     context->model->node_names + call->first_node,
                     call->node_count,
                     start,
                     end,
                     0,
                     0,
                     context->args + call->first_arg,
                     call->arg_count};
  lt_affine_at(call->flops, context->bound_batch, &step.flops);
  lt_affine_at(call->bytes, context->bound_batch, &step.bytes);
  context->callback(context->callback_user, &step);
}

/* A step that the caller's parallel_for runs. Kernels must run once per part: a hook that drops a task or repeats one must not pass for a result. */
typedef struct task_set {
  const lt_job *job;
  int parts;
  _Atomic bool repeated;
  _Atomic bool ran[LT_MAX_THREADS];
} task_set;

static void run_task(void *argument, size_t index) {
  task_set *set = argument;
  if (index >= (size_t)set->parts || atomic_exchange(&set->ran[index], true)) {
    atomic_store(&set->repeated, true);
    return;
  }
  unsigned environment = lt_float_environment_enter(); /* this may be any thread of the caller's */
  lt_job_run_part(set->job, (int)index, set->parts);
  lt_float_environment_leave(environment);
}

static lathe_status run_tasks(const lathe_context *context, const lt_job *job, int parts, uint32_t step, lathe_error *error) {
  task_set set = {.job = job, .parts = parts};
  context->parallel_for(context->parallel_user, (size_t)parts, run_task, &set);
  int ran = 0;
  for (int i = 0; i < parts; ++i)
    ran += atomic_load(&set.ran[i]);
  if (ran == parts && !atomic_load(&set.repeated))
    return LATHE_OK;
  return lt_fail(error, LATHE_INTERNAL, "the caller's parallel_for ran %d of the %d tasks of step %u%s, expected each of them once", ran, parts, step,
                 atomic_load(&set.repeated) ? " and others again" : "");
}

static lathe_status run_plan(lathe_context *context, int threads, lathe_error *error) {
  const lt_manifest *m = &context->model->manifest;
  for (uint32_t i = 0; i < m->header->calls.count; ++i) {
    const lathe_call *call = &m->calls[i];
    lt_job job = {context->model->kernels[call->kernel], context->args + call->first_arg, context->scratch, context->scratch_stride, context->spaces[i]};
    uint64_t start = context->callback ? now_ns() : 0;
    int parts = useful_threads(job.space, call->grain, threads);
    if (parts > 1 && context->parallel_for) {
      lathe_status status = run_tasks(context, &job, parts, i, error);
      if (status != LATHE_OK)
        return status;
    } else if (parts > 1)
      lt_pool_run(&job, parts);
    else if (job.space > 0)
      job.kernel(job.args, job.scratch, 0, job.space);
    if (context->callback)
      lt_report_step(context, i, start, now_ns());
  }
  return LATHE_OK;
}

static lathe_status run_on_gpu(lathe_context *context, bool on_stream, void *stream, const lathe_tensor *inputs, const lathe_tensor *outputs, int64_t batch,
                               lathe_error *error) {
  context->finished_batch = 0;
  lathe_status status = lt_gpu_run(context, on_stream, stream, inputs, outputs, batch, error);
  if (status == LATHE_OK)
    context->finished_batch = batch;
  return status;
}

lathe_status lathe_run_on_stream(lathe_context *context, void *stream, const lathe_tensor *inputs, size_t input_count, const lathe_tensor *outputs,
                                 size_t output_count, lathe_error *error) {
  if (!context)
    return lt_fail(error, LATHE_USAGE, "lathe_run_on_stream: context is null");
  if (!context->gpu)
    return lt_fail(error, LATHE_USAGE, "%s: is for CPUs, which have no streams; use lathe_run", context->model->path);
  int64_t batch;
  lathe_status status = lt_check_tensors(context, inputs, input_count, outputs, output_count, &batch, error);
  return status == LATHE_OK ? run_on_gpu(context, true, stream, inputs, outputs, batch, error) : status;
}

lathe_status lathe_run(lathe_context *context, const lathe_tensor *inputs, size_t input_count, const lathe_tensor *outputs, size_t output_count,
                       lathe_error *error) {
  if (!context)
    return lt_fail(error, LATHE_USAGE, "lathe_run: context is null");
  int64_t batch;
  lathe_status status = lt_check_tensors(context, inputs, input_count, outputs, output_count, &batch, error);
  if (status != LATHE_OK)
    return status;
  if (context->gpu)
    return run_on_gpu(context, false, NULL, inputs, outputs, batch, error);
  if (!is_bound(context, inputs, input_count, outputs, output_count, batch))
    bind(context, inputs, input_count, outputs, output_count, batch);
  unsigned environment = lt_float_environment_enter();
  bool pooled = context->threads > 1 && !context->parallel_for && lt_pool_acquire(context->threads);
  int threads = pooled ? lt_pool_threads() : context->parallel_for ? context->threads : 1;
  context->finished_batch = 0;
  status = run_plan(context, threads < context->threads ? threads : context->threads, error);
  if (pooled)
    lt_pool_release();
  lt_float_environment_leave(environment);
  if (status == LATHE_OK)
    context->finished_batch = batch;
  return status;
}

lathe_status lathe_context_output_dims(const lathe_context *context, size_t index, int64_t *dims, size_t rank, lathe_error *error) {
  if (!context)
    return lt_fail(error, LATHE_USAGE, "lathe_context_output_dims: context is null");
  const lt_manifest *m = &context->model->manifest;
  if (index >= m->header->outputs.count)
    return lt_fail(error, LATHE_USAGE, "lathe_context_output_dims: index is %zu, expected less than %u", index, m->header->outputs.count);
  const lathe_tensor_info *output = &m->outputs[index];
  const char *name = context->model->output_names[index];
  if (rank != output->rank || (rank && !dims))
    return lt_fail(error, LATHE_USAGE, "output '%s': place for %zu dims, expected %u", name, dims ? rank : 0, output->rank);
  if (context->finished_batch == 0)
    return lt_fail(error, LATHE_USAGE, "output '%s' has no dims yet: the context has not run", name);
  const int64_t *found = NULL;
  int64_t on_gpu[LT_MAX_RANK];
  if (output->flags & LATHE_TENSOR_BOUNDED) {
    int64_t offset = 0;
    lt_affine_at(lt_extents(m, output), context->finished_batch, &offset);
    if (context->gpu) {
      lathe_status status = lt_gpu_read_arena(context, offset, on_gpu, rank * sizeof *on_gpu, error);
      if (status != LATHE_OK)
        return status;
    }
    found = context->gpu ? on_gpu : (const int64_t *)(const void *)(context->memory + offset);
  }
  for (uint32_t i = 0; i < output->rank; ++i) {
    lt_affine_at(m->dims[output->first_dim + i], context->finished_batch, &dims[i]);
    if (!found)
      continue;
    if (found[i] < 0 || found[i] > dims[i])
      return lt_fail(error, LATHE_INTERNAL, "output '%s': the run found %lld for dim %u, expected 0 to %lld", name, (long long)found[i], i, (long long)dims[i]);
    dims[i] = found[i];
  }
  return LATHE_OK;
}
