#define _GNU_SOURCE
#include "runtime/cpu/Pool.h"

#include "runtime/cpu/Machine.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long a thread spins before it sleeps. A wake-up costs some 5 to 50 us, and steps that do not use the pool seldom take longer than this. */
#define SPIN_NS 200000
#define STACK_BYTES (1u << 20)

/* A worker's mailbox: a line of its own for what the caller writes and one for what the worker writes. */
typedef struct worker {
  _Alignas(64) _Atomic uint32_t posted; /* jobs given to this worker, a futex */
  _Atomic uint32_t asleep;
  _Alignas(64) _Atomic uint32_t done; /* jobs that it ended, a futex: equal to `posted`, or one less */
  pthread_t thread;
} worker;

static struct {
  pthread_mutex_t growing;
  _Atomic int count;       /* workers that run */
  _Atomic bool busy;       /* held by a run */
  _Atomic bool stop;       /* at unload */
  _Atomic int cpus;        /* usable ones, as of the last growth */
  _Atomic bool forkable;   /* the fork handler is installed */
  _Alignas(64) lt_job job; /* written by the holder, before it posts */
  int parts;
  _Atomic uint32_t caller_asleep;
  worker workers[LT_MAX_THREADS - 1];
} pool = {.growing = PTHREAD_MUTEX_INITIALIZER};

static void futex_wait(_Atomic uint32_t *word, uint32_t expected) { syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0); }
static void futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Spins until *word differs from `old`; false if that did not happen in time. With more threads than CPUs spinning only keeps others from running. */
static bool spin_until_changed(_Atomic uint32_t *word, uint32_t old) {
  if (atomic_load_explicit(&pool.cpus, memory_order_relaxed) <= atomic_load_explicit(&pool.count, memory_order_relaxed))
    return atomic_load_explicit(word, memory_order_acquire) != old;
  int64_t end = 0;
  for (;;) {
    for (int i = 0; i < 64; ++i) {
      if (atomic_load_explicit(word, memory_order_acquire) != old)
        return true;
      pause_briefly();
    }
    int64_t now = now_ns();
    if (end == 0)
      end = now + SPIN_NS;
    else if (now >= end)
      return false;
  }
}

/* Waits until *word differs from `old`. The flag tells who changes the word that a wake-up is needed. Both sides write one and then read the other, in
 * one total order (seq_cst), so at least one of them sees what the other wrote. */
static void wait_until_changed(_Atomic uint32_t *word, uint32_t old, _Atomic uint32_t *asleep) {
  if (spin_until_changed(word, old))
    return;
  atomic_store(asleep, 1);
  while (atomic_load(word) == old)
    futex_wait(word, old);
  atomic_store_explicit(asleep, 0, memory_order_relaxed);
}

static void change(_Atomic uint32_t *word, uint32_t value, _Atomic uint32_t *asleep) {
  atomic_store(word, value);
  if (atomic_load(asleep))
    futex_wake(word);
}

/* Larger parts come first. */
void lt_job_run_part(const lt_job *job, int index, int parts) {
  int64_t share = job->space / parts, larger = job->space % parts;
  int64_t begin = index * share + (index < larger ? index : larger);
  int64_t end = begin + share + (index < larger);
  if (begin < end)
    job->kernel(job->args, job->scratch + (size_t)index * job->stride, begin, end);
}

static void *work(void *argument) {
  int index = (int)(intptr_t)argument;
  worker *self = &pool.workers[index];
  lt_float_environment_enter();
  for (uint32_t ended = 0;; ++ended) {
    wait_until_changed(&self->posted, ended, &self->asleep);
    if (atomic_load(&pool.stop))
      return NULL;
    lt_job_run_part(&pool.job, index + 1, pool.parts);
    change(&self->done, ended + 1, &pool.caller_asleep);
  }
}

/* In the child there are no workers, whatever the parent's did at the time of the fork. */
static void after_fork_in_child(void) {
  pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
  pool.growing = fresh;
  atomic_store(&pool.count, 0);
  atomic_store(&pool.busy, false);
  atomic_store(&pool.caller_asleep, 0);
}

static int start_worker(int index) {
  worker *w = &pool.workers[index];
  atomic_store(&w->asleep, 0);
  atomic_store(&w->posted, 0);
  atomic_store(&w->done, 0);
  pthread_attr_t attributes;
  int failure = pthread_attr_init(&attributes);
  if (failure)
    return failure;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  /* The host's signals are handled on the host's threads. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  failure = pthread_create(&w->thread, &attributes, work, (void *)(intptr_t)index);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return failure;
}

int lt_pool_grow(int threads) {
  int failure = 0;
  pthread_mutex_lock(&pool.growing);
  if (!atomic_load(&pool.forkable)) {
    failure = pthread_atfork(NULL, NULL, after_fork_in_child);
    atomic_store(&pool.forkable, failure == 0);
  }
  atomic_store(&pool.cpus, lt_machine_cpus());
  while (!failure && atomic_load(&pool.count) < threads - 1) {
    failure = start_worker(atomic_load(&pool.count));
    if (!failure)
      atomic_fetch_add(&pool.count, 1);
  }
  pthread_mutex_unlock(&pool.growing);
  return failure;
}

bool lt_pool_acquire(int threads) {
  if (atomic_load_explicit(&pool.busy, memory_order_relaxed) || atomic_exchange(&pool.busy, true))
    return false;
  if (atomic_load_explicit(&pool.count, memory_order_relaxed) < threads - 1)
    lt_pool_grow(threads); /* only after a fork; if it fails the run has fewer threads, and the same result */
  return true;
}

void lt_pool_release(void) { atomic_store_explicit(&pool.busy, false, memory_order_release); }

int lt_pool_threads(void) { return atomic_load_explicit(&pool.count, memory_order_acquire) + 1; }

void lt_pool_run(const lt_job *job, int threads) {
  pool.job = *job;
  pool.parts = threads;
  for (int i = 0; i < threads - 1; ++i) {
    worker *w = &pool.workers[i];
    change(&w->posted, atomic_load_explicit(&w->posted, memory_order_relaxed) + 1, &w->asleep);
  }
  lt_job_run_part(&pool.job, 0, threads);
  for (int i = 0; i < threads - 1; ++i) {
    worker *w = &pool.workers[i];
    wait_until_changed(&w->done, atomic_load_explicit(&w->posted, memory_order_relaxed) - 1, &pool.caller_asleep);
  }
}

/* The code of the workers is about to be unmapped (dlclose, or the end of the process). */
__attribute__((destructor)) static void stop_workers(void) {
  pthread_mutex_lock(&pool.growing);
  int count = atomic_load(&pool.count);
  atomic_store(&pool.count, 0);
  atomic_store(&pool.stop, true);
  for (int i = 0; i < count; ++i) {
    worker *w = &pool.workers[i];
    atomic_fetch_add(&w->posted, 1);
    futex_wake(&w->posted);
  }
  for (int i = 0; i < count; ++i)
    pthread_join(pool.workers[i].thread, NULL);
  pthread_mutex_unlock(&pool.growing);
}

/* x86: round to nearest, subnormals kept, no traps; the low bits only record what happened. */
#define MXCSR_STANDARD 0x1f80u
#define MXCSR_FLAGS 0x3fu

unsigned lt_float_environment_enter(void) {
#if defined(__x86_64__)
  unsigned saved = __builtin_ia32_stmxcsr();
  if ((saved & ~MXCSR_FLAGS) != MXCSR_STANDARD)
    __builtin_ia32_ldmxcsr(MXCSR_STANDARD);
  return saved & ~MXCSR_FLAGS;
#elif defined(__aarch64__)
  uint64_t saved;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  if (saved != 0)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
  return (unsigned)saved;
#else
  return 0;
#endif
}

void lt_float_environment_leave(unsigned saved) {
#if defined(__x86_64__)
  if (saved != MXCSR_STANDARD)
    __builtin_ia32_ldmxcsr(saved);
#elif defined(__aarch64__)
  if (saved != 0)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)saved));
#else
  (void)saved;
#endif
}
