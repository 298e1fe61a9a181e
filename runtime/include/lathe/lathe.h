/* The C API of the Lathe runtime: load an artifact, make a context, run it.
 *
 * Ownership: every lathe_*_create / load is paired with a lathe_*_destroy. Pointers returned by queries live as long as the object that was asked.
 * Threads: a lathe_model is immutable and may be shared; a lathe_context is used by one thread at a time.
 * Errors: functions return a lathe_status and, if `error` is not null, write one line there (always terminated, cut to `size`). Nothing aborts.
 * Memory: after lathe_context_create nothing is allocated; on GPUs, the first run of a batch size that was not reserved allocates.
 * GPUs: an artifact compiled with --target=cuda runs on an NVIDIA GPU through the driver (libcuda.so.1, opened when such a model is loaded), and nowhere else.
 * What the driver refuses or fails at is LATHE_REFUSED, with the driver's text. */
#ifndef LATHE_LATHE_H
#define LATHE_LATHE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LATHE_API __attribute__((visibility("default")))
#else
#define LATHE_API
#endif

/* Also the exit codes of the tools. */
typedef enum lathe_status {
  LATHE_OK = 0,
  LATHE_USAGE = 1,         /* a null or contradictory argument of the API */
  LATHE_INVALID_INPUT = 3, /* a tensor does not fit the model; a file cannot be read */
  LATHE_INTERNAL = 4,
  LATHE_REFUSED = 5, /* the artifact is not one, is damaged, or does not run on this machine; its GPU failed */
} lathe_status;

typedef struct lathe_error {
  char text[512];
} lathe_error;

typedef struct lathe_model lathe_model;
typedef struct lathe_context lathe_context;

/* A dense, row-major tensor in the caller's memory. Structs with a struct_size may grow at their end in later versions: set it to the size of the type as
 * you compiled it; fields that came later count as 0 where an older caller's struct ends before them. */
typedef struct lathe_tensor {
  size_t struct_size; /* sizeof(lathe_tensor) */
  /* Aligned to the element type; not written to if the tensor is an input; may be null if the tensor has no elements. For a model on a GPU: memory of the
   * host, or of that GPU (the driver tells which it is). */
  void *data;
  size_t byte_size;    /* of the memory at data: at least the tensor's size */
  uint32_t dtype;      /* LATHE_FLOAT32 … of artifact.h */
  uint32_t rank;       /* 0: a scalar, of one element */
  const int64_t *dims; /* [rank]; null if rank is 0 */
} lathe_tensor;

/* What the model says of an input or output. dims[i] = dims_c0[i] + dims_c1[i] * batch. */
typedef struct lathe_tensor_desc {
  size_t struct_size; /* sizeof(lathe_tensor_desc), set by the caller; the rest is filled in */
  const char *name;
  uint32_t dtype;
  uint32_t rank;
  const int64_t *dims_c0, *dims_c1; /* [rank] each */
  /* 1 for outputs whose size is found by the run, such as that of NonZero: the dims are upper bounds. Give memory and dims for those; the elements
   * lie dense at its start, and lathe_context_output_dims tells how many. 0 for all others. */
  uint32_t bounded;
} lathe_tensor_desc;

/* Reads and checks the manifest, then loads the code. `path` is an artifact written by `lathe compile`. An artifact is code: load only what you trust.
 * To replace an artifact that is in use, write the new one under another name and rename it (as `lathe compile` does): models that are loaded keep the
 * old one. A file overwritten in place changes under them; loading it again is refused until they are destroyed. */
LATHE_API lathe_status lathe_model_load(const char *path, lathe_model **model, lathe_error *error);
/* The same for an artifact that lies in memory: the bytes of the file. They are copied into memory of the system's (a memfd), so the caller's may go when the
 * function has returned. Weights in a file of their own are refused, since there is no folder to look in. `name` stands in messages for the path; null: "the
 * artifact in memory". Needs /proc, and a system that lets memory be executed. */
LATHE_API lathe_status lathe_model_load_memory(const void *bytes, size_t byte_size, const char *name, lathe_model **model, lathe_error *error);
LATHE_API void lathe_model_destroy(lathe_model *model);

LATHE_API size_t lathe_model_input_count(const lathe_model *model);
LATHE_API size_t lathe_model_output_count(const lathe_model *model);
/* Returns LATHE_USAGE if the index is out of range. */
LATHE_API lathe_status lathe_model_input(const lathe_model *model, size_t index, lathe_tensor_desc *desc, lathe_error *error);
LATHE_API lathe_status lathe_model_output(const lathe_model *model, size_t index, lathe_tensor_desc *desc, lathe_error *error);
/* Both inclusive. */
LATHE_API void lathe_model_batch_range(const lathe_model *model, int64_t *min, int64_t *max);
/* Bytes that a context for this batch size and thread count holds (arena and scratch; on GPUs, whatever the threads: arena, inputs and outputs). */
LATHE_API lathe_status lathe_model_memory_required(const lathe_model *model, int64_t max_batch, int threads, uint64_t *bytes, lathe_error *error);

/* One of the tasks that a step is divided into. */
typedef void (*lathe_task_fn)(void *argument, size_t index);
/* Must call task(argument, i) exactly once for each i from 0 to task_count - 1, on whatever threads and in whatever order (one after the other on the calling
 * thread is right too), and return when all have returned. Tasks do not wait for each other. Must not raise exceptions through lathe_run. */
typedef void (*lathe_parallel_for_fn)(void *user, size_t task_count, lathe_task_fn task, void *argument);

typedef struct lathe_context_options {
  size_t struct_size; /* sizeof(lathe_context_options) */
  int64_t max_batch;  /* largest batch that will be run; 0: the smallest that the model allows */
  int threads;        /* at most 256; 0: as many as the process may use (affinity, cgroup quota), or the environment's LATHE_NUM_THREADS; on GPUs always 1 */
  /* If not null, steps are divided into at most `threads` tasks which this runs, and the context never uses or starts threads of the runtime's. */
  lathe_parallel_for_fn parallel_for;
  void *parallel_user; /* passed to it */
  const char *device;  /* of models for GPUs: which one, by the driver's count: "0" …; null or "": the environment's LATHE_DEVICE, or the first */
} lathe_context_options;

/* Allocates all that inference needs. `options` may be null. The context keeps the model alive only as long as the caller does. On GPUs, the first context on
 * a device loads the model's code and weights there, which all others share, and each is made with lathe_context_reserve(max_batch). */
LATHE_API lathe_status lathe_context_create(const lathe_model *model, const lathe_context_options *options, lathe_context **context, lathe_error *error);
LATHE_API void lathe_context_destroy(lathe_context *context);
LATHE_API int lathe_context_threads(const lathe_context *context);
/* Makes what running this batch size needs. On GPUs, that is a graph of all kernels' launches, which takes some milliseconds; a run makes it itself if there is
 * none yet. On CPUs, only the size is checked. */
LATHE_API lathe_status lathe_context_reserve(lathe_context *context, int64_t batch, lathe_error *error);

/* Runs one batch on the calling thread and, if no other context is using them, the process's worker threads; results do not depend on which. inputs[i] and
 * outputs[i] are in the model's order; the batch size is read off the inputs, and every tensor's rank, dims, dtype, pointer and byte size are checked. Outputs
 * may not overlap inputs or each other. LATHE_INTERNAL if the caller's parallel_for did not run each task once; the outputs are then worth nothing. */
LATHE_API lathe_status lathe_run(lathe_context *context, const lathe_tensor *inputs, size_t input_count, const lathe_tensor *outputs, size_t output_count,
                                 lathe_error *error);

/* On GPUs: the same as work of `stream` (a CUstream or cudaStream_t of the device; null is the default stream), in order with what else is put there. Returns
 * without waiting if all tensors are in the device's memory; they must stay as they are until the stream has come so far. Else it returns when the results are
 * there. The next run of the context waits for this one on the device, whatever its stream. LATHE_USAGE if the model is for CPUs. */
LATHE_API lathe_status lathe_run_on_stream(lathe_context *context, void *stream, const lathe_tensor *inputs, size_t input_count, const lathe_tensor *outputs,
                                           size_t output_count, lathe_error *error);

/* On GPUs: whether runs are measured by the device's own clock, off at first; and how long the kernels of the last run took together, without copies of inputs
 * and outputs (waits for that run; of runs without a step callback). LATHE_USAGE if the model is for CPUs, or nothing was measured. */
LATHE_API lathe_status lathe_context_measure_device(lathe_context *context, int on, lathe_error *error);
LATHE_API lathe_status lathe_context_device_milliseconds(const lathe_context *context, double *milliseconds, lathe_error *error);

/* The dims that output `index` has after the context's last run which succeeded: those that were given, or the true ones if it is bounded. `rank` is the length
 * of `dims` and must be the output's. LATHE_USAGE if nothing has been run. */
LATHE_API lathe_status lathe_context_output_dims(const lathe_context *context, size_t index, int64_t *dims, size_t rank, lathe_error *error);

/* Called after every step of the plan when set: for profiles and for finding a wrong number. `nodes` are ONNX node names. On GPUs, steps are then launched one
 * by one and not as a graph, end_ns - start_ns is the device's own time, and the arguments are addresses of the device. */
typedef struct lathe_step {
  size_t index, step_count;
  const char *kernel;
  const char *const *nodes;
  size_t node_count;
  uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
  int64_t flops, bytes;
  /* The kernel's arguments, valid during the callback. Which of them it wrote, and in what layout, is not in the artifact: `lathe compile --step-table`
   * tells it. */
  void *const *args;
  size_t arg_count;
} lathe_step;
typedef void (*lathe_step_fn)(void *user, const lathe_step *step);
LATHE_API void lathe_context_set_step_callback(lathe_context *context, lathe_step_fn callback, void *user);

/* The version of this library: "0.1.0". */
LATHE_API const char *lathe_version(void);
/* "float32" …; "unknown" if it is none. */
LATHE_API const char *lathe_dtype_name(uint32_t dtype);
/* Bytes of one element; 0 if unknown. */
LATHE_API size_t lathe_dtype_size(uint32_t dtype);

/* Reads and checks the manifest of an artifact without loading it: also of one that does not run on this machine. Pair with lathe_json_destroy. */
LATHE_API lathe_status lathe_artifact_json(const char *path, char **json, lathe_error *error);
LATHE_API void lathe_json_destroy(char *json);
/* The whole manifest as JSON text (docs/ArtifactFormat.md lists the keys). The model owns it; null if there is no memory for it. */
LATHE_API const char *lathe_model_manifest_json(const lathe_model *model);
/* The packed weights, in memory of the host, for checking them against the manifest's hash. */
LATHE_API const void *lathe_model_weights(const lathe_model *model, uint64_t *bytes);
/* Likewise the code of a model for GPUs, in which the manifest says where each image lies; null on CPUs. */
LATHE_API const void *lathe_model_images(const lathe_model *model, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
