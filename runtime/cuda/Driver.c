#define _GNU_SOURCE
#include "runtime/cuda/Driver.h"

#include "runtime/core/Error.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static const char library_name[] = "libcuda.so.1";

/* CUDA 11.4: cuGraphInstantiateWithFlags, and the driver is newer than the first PTX that the compiler writes. */
enum { OLDEST_DRIVER = 11040 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static lt_cuda driver;
static bool is_open;

static lathe_status find_functions(void *library, const char *path, lathe_error *error) {
  /* Before all others: a driver that lacks some of them is best described by its version. */
  *(void **)&driver.driver_get_version = dlsym(library, "cuDriverGetVersion");
  if (driver.driver_get_version && driver.driver_get_version(&driver.version) == CUDA_SUCCESS && driver.version < OLDEST_DRIVER)
    return lt_fail(error, LATHE_REFUSED, "%s: needs an NVIDIA driver for CUDA %d.%d or later, the driver here is for CUDA %d.%d", path, OLDEST_DRIVER / 1000,
                   OLDEST_DRIVER % 1000 / 10, driver.version / 1000, driver.version % 1000 / 10);
#define FIND(member, symbol, parameters)                                                                                                                       \
  if (!(*(void **)&driver.member = dlsym(library, #symbol)))                                                                                                   \
    return lt_fail(error, LATHE_REFUSED, "%s: %s has no " #symbol "; install a newer NVIDIA driver", path, library_name);
  LT_CUDA_FUNCTIONS(FIND)
#undef FIND
  *(void **)&driver.mem_get_info = dlsym(library, "cuMemGetInfo_v2");
  return LATHE_OK;
}

static lathe_status start(const char *path, lathe_error *error) {
  CUresult result = driver.init(0);
  if (result == CUDA_SUCCESS)
    result = driver.device_get_count(&driver.device_count);
  if (result == CUDA_ERROR_NO_DEVICE || (result == CUDA_SUCCESS && driver.device_count < 1))
    return lt_fail(error, LATHE_REFUSED, "%s: needs an NVIDIA GPU, and the driver finds none", path);
  if (result == CUDA_SUCCESS)
    result = driver.driver_get_version(&driver.version);
  return result == CUDA_SUCCESS ? LATHE_OK : lt_cuda_fail(&driver, result, path, "the NVIDIA driver cannot be started", error);
}

static lathe_status open_locked(const char *path, lathe_error *error) {
  void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return lt_fail(error, LATHE_REFUSED, "%s: needs an NVIDIA driver: %s", path, dlerror());
  lathe_status status = find_functions(library, path, error);
  if (status == LATHE_OK)
    status = start(path, error);
  is_open = status == LATHE_OK;
  /* A driver that has been started is never closed: it has threads of its own. */
  return status;
}

lathe_status lt_cuda_open(const char *path, const lt_cuda **cuda, lathe_error *error) {
  pthread_mutex_lock(&lock);
  lathe_status status = is_open ? LATHE_OK : open_locked(path, error);
  pthread_mutex_unlock(&lock);
  *cuda = status == LATHE_OK ? &driver : NULL;
  return status;
}

lathe_status lt_cuda_fail(const lt_cuda *cuda, CUresult result, const char *path, const char *what, lathe_error *error) {
  const char *name = NULL, *text = NULL;
  if (cuda->get_error_name(result, &name) != CUDA_SUCCESS || !name)
    name = "an unknown error";
  if (cuda->get_error_string(result, &text) != CUDA_SUCCESS || !text)
    text = "the driver has no text for it";
  return lt_fail(error, LATHE_REFUSED, "%s: %s: %s (%d): %s", path, what, name, result, text);
}
