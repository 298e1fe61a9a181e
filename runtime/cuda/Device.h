/* A model on a device: its code and weights, loaded once and shared by all contexts there. */
#ifndef RUNTIME_CUDA_DEVICE_H
#define RUNTIME_CUDA_DEVICE_H

#include "runtime/core/Model.h"
#include "runtime/cuda/Driver.h"

#include <pthread.h>

typedef struct lt_gpu_device {
  struct lt_gpu_device *next;
  const lt_cuda *cuda;
  const char *path; /* the model's */
  int ordinal;
  int arch; /* 10 * major + minor of its compute capability */
  char name[96];
  CUdevice device;
  CUcontext context; /* the device's primary one */
  CUmodule *modules;
  size_t module_count;
  CUfunction *functions; /* [kernels] */
  CUdeviceptr weights;
} lt_gpu_device;

struct lt_gpu_model {
  const lt_cuda *cuda;
  pthread_mutex_t lock;
  lt_gpu_device *devices; /* those that a context was made for */
  size_t users;           /* the model and its contexts: a host's garbage collector may let the model go first */
};

/* One more user, or one less: the last one lets code and weights go. */
void lt_gpu_model_keep(struct lt_gpu_model *gpu);
void lt_gpu_model_release(struct lt_gpu_model *gpu);

/* `chosen` is the ordinal as text, or null for the environment's LATHE_DEVICE, or 0. */
lathe_status lt_gpu_device_find(const lathe_model *model, const char *chosen, lt_gpu_device **device, lathe_error *error);

/* Memory of the device, whose context is current. `what` is for the message: "a context for batch 8". */
lathe_status lt_gpu_allocate(const lt_gpu_device *device, size_t bytes, const char *what, CUdeviceptr *address, lathe_error *error);

/* lt_cuda_fail, with the device's number and name. */
lathe_status lt_gpu_fail(const lt_gpu_device *device, CUresult result, const char *what, lathe_error *error);

#endif
