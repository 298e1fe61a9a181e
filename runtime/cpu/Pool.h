/* The process's one pool of worker threads: fork-join over contiguous ranges, no queue.
 *
 * A run acquires the pool; who does not get it runs on its own thread, which is what a process wants that serves several requests at once. Between the
 * steps of a run the workers spin, because steps follow each other within microseconds; after a while without work they sleep. */
#ifndef RUNTIME_CPU_POOL_H
#define RUNTIME_CPU_POOL_H

#include "lathe/artifact.h"

#include <stdbool.h>
#include <stddef.h>

enum { LT_MAX_THREADS = 256 };

typedef struct lt_job {
  lathe_kernel_fn kernel;
  void *const *args;
  unsigned char *scratch; /* thread t's begins at scratch + t * stride */
  size_t stride;
  int64_t space;
} lt_job;

/* Runs part `index` of `parts`, which are as equal as they can be, with scratch number `index`. */
void lt_job_run_part(const lt_job *job, int index, int parts);

/* Starts workers until a job can run on `threads` threads, the caller's included. Returns 0 or an errno. */
int lt_pool_grow(int threads);

/* False if another thread holds the pool. After fork() the child's pool is empty; it is grown to `threads` again here (as far as the system allows). */
bool lt_pool_acquire(int threads);
void lt_pool_release(void);
/* Threads that a job can use at most, for the holder of the pool. */
int lt_pool_threads(void);

/* Runs the job on `threads` threads (<= lt_pool_threads()), thread t on the t-th of as many equal parts; returns when all have ended. */
void lt_pool_run(const lt_job *job, int threads);

/* Kernels run in the default floating-point environment, so that results depend neither on the caller's settings nor on the thread. */
unsigned lt_float_environment_enter(void);
void lt_float_environment_leave(unsigned saved);

#endif
