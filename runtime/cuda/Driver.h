/* NVIDIA's driver API, found at run time: the library links against no part of CUDA and needs none of its headers. Types and numbers are those of the public
 * documentation of the CUDA driver API. */
#ifndef RUNTIME_CUDA_DRIVER_H
#define RUNTIME_CUDA_DRIVER_H

#include "lathe/lathe.h"

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_JIT_COMPILER_NOT_FOUND = 221,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8,
  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,
  CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2,
  CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9,
  CU_MEMORYTYPE_DEVICE = 2,
  CU_STREAM_NON_BLOCKING = 1,
  CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1,
  CU_EVENT_DEFAULT = 0,
  CU_EVENT_DISABLE_TIMING = 2,
};

/* X(member, symbol, parameters). A name without its suffix is an older binary interface. */
#define LT_CUDA_FUNCTIONS(X)                                                                                                                                   \
  X(init, cuInit, (unsigned flags))                                                                                                                            \
  X(driver_get_version, cuDriverGetVersion, (int *version))                                                                                                    \
  X(device_get_count, cuDeviceGetCount, (int *count))                                                                                                          \
  X(device_get, cuDeviceGet, (CUdevice * device, int ordinal))                                                                                                 \
  X(device_get_name, cuDeviceGetName, (char *name, int size, CUdevice device))                                                                                 \
  X(device_get_attribute, cuDeviceGetAttribute, (int *value, int attribute, CUdevice device))                                                                  \
  X(device_total_mem, cuDeviceTotalMem_v2, (size_t *bytes, CUdevice device))                                                                                   \
  X(primary_ctx_retain, cuDevicePrimaryCtxRetain, (CUcontext * context, CUdevice device))                                                                      \
  X(primary_ctx_release, cuDevicePrimaryCtxRelease_v2, (CUdevice device))                                                                                      \
  X(ctx_push, cuCtxPushCurrent_v2, (CUcontext context))                                                                                                        \
  X(ctx_pop, cuCtxPopCurrent_v2, (CUcontext * context))                                                                                                        \
  X(module_load, cuModuleLoadDataEx, (CUmodule * module, const void *image, unsigned count, int *options, void **values))                                      \
  X(module_unload, cuModuleUnload, (CUmodule module))                                                                                                          \
  X(module_get_function, cuModuleGetFunction, (CUfunction * function, CUmodule module, const char *name))                                                      \
  X(func_set_attribute, cuFuncSetAttribute, (CUfunction function, int attribute, int value))                                                                   \
  X(mem_alloc, cuMemAlloc_v2, (CUdeviceptr * address, size_t bytes))                                                                                           \
  X(mem_free, cuMemFree_v2, (CUdeviceptr address))                                                                                                             \
  X(memcpy_htod, cuMemcpyHtoD_v2, (CUdeviceptr to, const void *from, size_t bytes))                                                                            \
  X(memcpy_dtoh, cuMemcpyDtoH_v2, (void *to, CUdeviceptr from, size_t bytes))                                                                                  \
  X(memcpy_htod_async, cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))                                                \
  X(memcpy_dtoh_async, cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream stream))                                                      \
  X(memcpy_dtod_async, cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))                                                \
  X(memset_async, cuMemsetD8Async, (CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream))                                                       \
  X(pointer_get_attribute, cuPointerGetAttribute, (void *value, int attribute, CUdeviceptr address))                                                           \
  X(stream_create, cuStreamCreate, (CUstream * stream, unsigned flags))                                                                                        \
  X(stream_destroy, cuStreamDestroy_v2, (CUstream stream))                                                                                                     \
  X(stream_synchronize, cuStreamSynchronize, (CUstream stream))                                                                                                \
  X(stream_wait_event, cuStreamWaitEvent, (CUstream stream, CUevent event, unsigned flags))                                                                    \
  X(stream_begin_capture, cuStreamBeginCapture_v2, (CUstream stream, int mode))                                                                                \
  X(stream_end_capture, cuStreamEndCapture, (CUstream stream, CUgraph * graph))                                                                                \
  X(graph_instantiate, cuGraphInstantiateWithFlags, (CUgraphExec * exec, CUgraph graph, unsigned long long flags))                                             \
  X(graph_launch, cuGraphLaunch, (CUgraphExec exec, CUstream stream))                                                                                          \
  X(graph_exec_destroy, cuGraphExecDestroy, (CUgraphExec exec))                                                                                                \
  X(graph_destroy, cuGraphDestroy, (CUgraph graph))                                                                                                            \
  X(launch_kernel, cuLaunchKernel,                                                                                                                             \
    (CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,      \
     CUstream stream, void **parameters, void **extra))                                                                                                        \
  X(event_create, cuEventCreate, (CUevent * event, unsigned flags))                                                                                            \
  X(event_record, cuEventRecord, (CUevent event, CUstream stream))                                                                                             \
  X(event_synchronize, cuEventSynchronize, (CUevent event))                                                                                                    \
  X(event_elapsed_time, cuEventElapsedTime, (float *milliseconds, CUevent start, CUevent end))                                                                 \
  X(event_destroy, cuEventDestroy_v2, (CUevent event))                                                                                                         \
  X(get_error_name, cuGetErrorName, (CUresult result, const char **text))                                                                                      \
  X(get_error_string, cuGetErrorString, (CUresult result, const char **text))

typedef struct lt_cuda {
#define LT_MEMBER(member, symbol, parameters) CUresult(*member) parameters;
  LT_CUDA_FUNCTIONS(LT_MEMBER)
#undef LT_MEMBER
  CUresult (*mem_get_info)(size_t *free, size_t *total); /* null if the driver has none */
  int version;                                           /* CUDA's, 1000 * major + 10 * minor */
  int device_count;                                      /* at least 1 */
} lt_cuda;

/* The process's driver, opened by the first call and never closed. Refuses, in one line that begins with `path`, if there is none, it is too old, or it has no
 * device. */
lathe_status lt_cuda_open(const char *path, const lt_cuda **cuda, lathe_error *error);

/* "path: what: CUDA_ERROR_… (number): the driver's text", LATHE_REFUSED. */
lathe_status lt_cuda_fail(const lt_cuda *cuda, CUresult result, const char *path, const char *what, lathe_error *error);

#endif
