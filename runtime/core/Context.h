/* All that one thread needs to run a model: arena, scratch, argument tables. */
#ifndef RUNTIME_CORE_CONTEXT_H
#define RUNTIME_CORE_CONTEXT_H

#include "runtime/core/Model.h"

struct lathe_context {
  const lathe_model *model;
  int threads;
  int64_t max_batch;
  lathe_parallel_for_fn parallel_for; /* null: the pool's threads are used */
  void *parallel_user;

  unsigned char *memory; /* arena, then one scratch per thread */
  size_t memory_bytes;
  unsigned char *scratch;
  size_t scratch_stride;
  struct lt_gpu_context *gpu; /* null on CPUs; on a GPU, there is no memory, and args hold addresses of the device */

  /* Rebuilt only when the batch or a pointer changes. */
  int64_t bound_batch;     /* 0: nothing is bound */
  int64_t finished_batch;  /* of the last run that succeeded; 0: none, or the arena no longer holds what it left */
  const void **bound_data; /* [inputs + outputs] */
  void **args;             /* [manifest args]: the tables of all calls */
  int64_t *spaces;         /* [calls] */

  lathe_step_fn callback;
  void *callback_user;
};

/* Checks what the caller passed to lathe_run and reads the batch size off the inputs. */
lathe_status lt_check_tensors(const lathe_context *context, const lathe_tensor *inputs, size_t input_count, const lathe_tensor *outputs, size_t output_count,
                              int64_t *batch, lathe_error *error);

/* Tells the callback that a step has ended. */
void lt_report_step(const lathe_context *context, uint32_t index, uint64_t start, uint64_t end);

#endif
