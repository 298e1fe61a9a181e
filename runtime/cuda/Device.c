#define _GNU_SOURCE
#include "runtime/cuda/Device.h"

#include "runtime/core/Error.h"
#include "runtime/cuda/Gpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

lathe_status lt_gpu_fail(const lt_gpu_device *device, CUresult result, const char *what, lathe_error *error) {
  char text[192];
  snprintf(text, sizeof text, "device %d (%s): %s", device->ordinal, device->name, what);
  return lt_cuda_fail(device->cuda, result, device->path, text, error);
}

lathe_status lt_gpu_allocate(const lt_gpu_device *device, size_t bytes, const char *what, CUdeviceptr *address, lathe_error *error) {
  const lt_cuda *cuda = device->cuda;
  CUresult result = cuda->mem_alloc(address, bytes ? bytes : 1);
  if (result == CUDA_SUCCESS)
    return LATHE_OK;
  *address = 0;
  if (result != CUDA_ERROR_OUT_OF_MEMORY)
    return lt_gpu_fail(device, result, "memory cannot be allocated", error);
  size_t left = 0, total = 0;
  if (cuda->mem_get_info && cuda->mem_get_info(&left, &total) == CUDA_SUCCESS)
    return lt_fail(error, LATHE_REFUSED, "%s: device %d (%s) has no memory for %s: %zu bytes asked for, %zu of %zu free", device->path, device->ordinal,
                   device->name, what, bytes, left, total);
  cuda->device_total_mem(&total, device->device);
  return lt_fail(error, LATHE_REFUSED, "%s: device %d (%s) has no memory for %s: %zu bytes asked for, it has %zu in all", device->path, device->ordinal,
                 device->name, what, bytes, total);
}

/* ---- which images ---- */

/* PTX 7.x came with CUDA 11.x, 8.x with 12.x (8.6 with 12.7, and on from there), and so on; a driver reads those of its own version and before. */
static int driver_for_isa(uint32_t isa) { return (int)(isa / 10 + 4) * 1000 + (int)(isa % 10 + (isa >= 86 && isa < 90)) * 10; }

static const char *arch_name(const lathe_gpu_image *image, char *to, size_t size) {
  snprintf(to, size, "%s_%u%s", image->kind == LATHE_IMAGE_PTX ? "compute" : "sm", image->arch, image->flags & LATHE_IMAGE_EXACT ? "a" : "");
  return to;
}

/* How well the image suits the device, 0 if it does not: its own cubin, then the newest cubin of its family, then the newest PTX. */
static int suitability(const lathe_gpu_image *image, int arch) {
  int of = (int)image->arch;
  bool exact = image->flags & LATHE_IMAGE_EXACT;
  if (of == arch)
    return (image->kind == LATHE_IMAGE_CUBIN ? 40000 : 10000) + of + exact;
  if (exact || of > arch)
    return 0;
  if (image->kind == LATHE_IMAGE_CUBIN)
    return of / 10 == arch / 10 ? 20000 + of : 0;
  return of;
}

static bool same_group(const lathe_gpu_image *a, const lathe_gpu_image *b) { return a->kind == b->kind && a->arch == b->arch && a->flags == b->flags; }

/* What another image may be better than: the driver does not take this one. Every other failure concerns all images. */
static bool is_refusal(CUresult result) {
  return result == CUDA_ERROR_INVALID_IMAGE || result == CUDA_ERROR_NO_BINARY_FOR_GPU || result == CUDA_ERROR_INVALID_PTX ||
         result == CUDA_ERROR_JIT_COMPILER_NOT_FOUND || result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
}

static void unload(lt_gpu_device *device) {
  for (size_t i = 0; i < device->module_count; ++i)
    device->cuda->module_unload(device->modules[i]);
  device->module_count = 0;
}

static CUresult load_group(lt_gpu_device *device, const lathe_model *model, uint32_t first, char *log, size_t log_size) {
  const lt_manifest *m = &model->manifest;
  for (uint32_t i = first; i < m->gpu->images.count && same_group(&m->images[first], &m->images[i]); ++i) {
    int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, (void *)(uintptr_t)log_size};
    memset(log, 0, log_size);
    CUresult result = device->cuda->module_load(&device->modules[device->module_count], model->images + m->images[i].offset, 2, options, values);
    if (result != CUDA_SUCCESS) {
      log[log_size - 1] = 0;
      log[strcspn(log, "\n")] = 0;
      unload(device);
      return result;
    }
    ++device->module_count;
  }
  return CUDA_SUCCESS;
}

/* "sm_80, sm_90, compute_80" */
static void list_images(const lt_manifest *m, char *to, size_t size) {
  to[0] = 0;
  size_t used = 0;
  for (uint32_t i = 0; i < m->gpu->images.count && used < size; ++i) {
    char name[32];
    if (i == 0 || !same_group(&m->images[i], &m->images[i - 1]))
      used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "", arch_name(&m->images[i], name, sizeof name));
  }
}

static lathe_status load_code(lt_gpu_device *device, const lathe_model *model, uint32_t *first, lathe_error *error) {
  const lt_manifest *m = &model->manifest;
  char log[256] = "", refusal[300] = "", name[32];
  int too_old = 0, limit = 50000;
  for (;;) {
    /* The best of those that are worse than what was tried. */
    int best = 0;
    for (uint32_t i = 0; i < m->gpu->images.count; ++i) {
      int value = suitability(&m->images[i], device->arch);
      if (value > best && value < limit && m->images[i].first_entry == 0) {
        best = value;
        *first = i;
      }
    }
    if (!best)
      break;
    limit = best;
    const lathe_gpu_image *image = &m->images[*first];
    if (image->kind == LATHE_IMAGE_PTX && driver_for_isa(image->isa) > device->cuda->version) {
      too_old = driver_for_isa(image->isa);
      continue;
    }
    CUresult result = load_group(device, model, *first, log, sizeof log);
    if (result == CUDA_SUCCESS)
      return LATHE_OK;
    snprintf(refusal, sizeof refusal, "the driver refuses its code for %s%s%s", arch_name(image, name, sizeof name), log[0] ? ": " : "", log);
    if (!is_refusal(result))
      return lt_gpu_fail(device, result, "code cannot be loaded", error);
    lt_gpu_fail(device, result, refusal, error);
  }
  if (too_old)
    return lt_fail(error, LATHE_REFUSED, "%s: needs an NVIDIA driver for CUDA %d.%d or later for device %d (%s), the driver here is for CUDA %d.%d",
                   model->path, too_old / 1000, too_old % 1000 / 10, device->ordinal, device->name, device->cuda->version / 1000,
                   device->cuda->version % 1000 / 10);
  if (refusal[0])
    return LATHE_REFUSED; /* the last refusal has been told */
  char images[160];
  list_images(m, images, sizeof images);
  return lt_fail(error, LATHE_REFUSED, "%s: has code for %s only, and device %d (%s) is sm_%d", model->path, images, device->ordinal, device->name,
                 device->arch);
}

/* ---- a device ---- */

static lathe_status find_kernels(lt_gpu_device *device, const lathe_model *model, uint32_t first, lathe_error *error) {
  const lt_manifest *m = &model->manifest;
  int most_shared = 0;
  CUresult result = device->cuda->device_get_attribute(&most_shared, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, device->device);
  for (uint32_t i = 0; result == CUDA_SUCCESS && i < m->gpu->launches.count; ++i) {
    const lathe_gpu_launch *launch = &m->launches[i];
    char name[32];
    snprintf(name, sizeof name, "lathe_k%u", launch->entry);
    size_t module = 0;
    while (launch->entry >= m->images[first + module].first_entry + m->images[first + module].entry_count)
      ++module; /* the images hold every entry */
    if (launch->shared_bytes > (uint32_t)most_shared)
      return lt_fail(error, LATHE_REFUSED, "%s: kernel '%s' needs %u bytes of shared memory, a block on device %d (%s) has at most %d", model->path,
                     model->kernel_names[i], launch->shared_bytes, device->ordinal, device->name, most_shared);
    result = device->cuda->module_get_function(&device->functions[i], device->modules[module], name);
    if (result == CUDA_SUCCESS && launch->shared_bytes)
      result = device->cuda->func_set_attribute(device->functions[i], CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, (int)launch->shared_bytes);
    if (result != CUDA_SUCCESS) {
      char text[128];
      snprintf(text, sizeof text, "kernel '%.64s' cannot be used", model->kernel_names[i]);
      return lt_gpu_fail(device, result, text, error);
    }
  }
  return result == CUDA_SUCCESS ? LATHE_OK : lt_gpu_fail(device, result, "its shared memory is not known", error);
}

static lathe_status upload_weights(lt_gpu_device *device, const lathe_model *model, lathe_error *error) {
  uint64_t bytes = model->manifest.header->weights_bytes;
  if (!bytes)
    return LATHE_OK;
  lathe_status status = lt_gpu_allocate(device, bytes, "the weights", &device->weights, error);
  if (status != LATHE_OK)
    return status;
  CUresult result = device->cuda->memcpy_htod(device->weights, model->weights, bytes);
  return result == CUDA_SUCCESS ? LATHE_OK : lt_gpu_fail(device, result, "weights cannot be copied to it", error);
}

static lathe_status describe(lt_gpu_device *device, lathe_error *error) {
  const lt_cuda *cuda = device->cuda;
  int major = 0, minor = 0;
  CUresult result = cuda->device_get(&device->device, device->ordinal);
  if (result == CUDA_SUCCESS)
    result = cuda->device_get_name(device->name, (int)sizeof device->name - 1, device->device);
  if (result == CUDA_SUCCESS)
    result = cuda->device_get_attribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device->device);
  if (result == CUDA_SUCCESS)
    result = cuda->device_get_attribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device->device);
  device->arch = 10 * major + minor;
  return result == CUDA_SUCCESS ? LATHE_OK : lt_gpu_fail(device, result, "it cannot be asked what it is", error);
}

static void close_device(lt_gpu_device *device) {
  CUcontext ignored;
  if (device->context && device->cuda->ctx_push(device->context) == CUDA_SUCCESS) {
    unload(device);
    if (device->weights)
      device->cuda->mem_free(device->weights);
    device->cuda->ctx_pop(&ignored);
  }
  if (device->context)
    device->cuda->primary_ctx_release(device->device);
  free(device->modules);
  free(device->functions);
  free(device);
}

static lathe_status open_device(const lathe_model *model, int ordinal, lt_gpu_device **result, lathe_error *error) {
  const lt_manifest *m = &model->manifest;
  lt_gpu_device *device = calloc(1, sizeof *device);
  if (!device)
    return lt_fail(error, LATHE_INTERNAL, "%s: no memory to load it", model->path);
  device->cuda = model->gpu->cuda;
  device->path = model->path;
  device->ordinal = ordinal;
  device->modules = calloc((size_t)m->gpu->images.count + 1, sizeof(CUmodule));
  device->functions = calloc((size_t)m->header->kernels.count + 1, sizeof(CUfunction));
  lathe_status status =
      device->modules && device->functions ? describe(device, error) : lt_fail(error, LATHE_INTERNAL, "%s: no memory to load it", model->path);
  CUresult failure;
  if (status == LATHE_OK && (failure = device->cuda->primary_ctx_retain(&device->context, device->device)) != CUDA_SUCCESS) {
    device->context = NULL;
    status = lt_gpu_fail(device, failure, "it cannot be used", error);
  }
  if (status == LATHE_OK && (failure = device->cuda->ctx_push(device->context)) != CUDA_SUCCESS)
    status = lt_gpu_fail(device, failure, "it cannot be used", error);
  else if (status == LATHE_OK) {
    uint32_t first = 0;
    if (m->gpu->images.count)
      status = load_code(device, model, &first, error);
    if (status == LATHE_OK)
      status = find_kernels(device, model, first, error);
    if (status == LATHE_OK)
      status = upload_weights(device, model, error);
    CUcontext ignored;
    device->cuda->ctx_pop(&ignored);
  }
  if (status == LATHE_OK)
    *result = device;
  else
    close_device(device);
  return status;
}

static lathe_status choose_ordinal(const lathe_model *model, const char *chosen, int *ordinal, lathe_error *error) {
  const char *source = "device";
  if (!chosen || !*chosen) {
    source = "LATHE_DEVICE";
    chosen = getenv(source);
  }
  if (!chosen || !*chosen)
    chosen = "0";
  char *end;
  errno = 0;
  long value = strtol(chosen, &end, 10);
  if (*end || errno || chosen[0] < '0' || chosen[0] > '9')
    return lt_fail(error, LATHE_USAGE, "%s is '%s', expected the number of a GPU", source, chosen);
  if (value >= model->gpu->cuda->device_count)
    return lt_fail(error, LATHE_REFUSED, "%s: %s is %ld, but the NVIDIA driver has %d device%s", model->path, source, value, model->gpu->cuda->device_count,
                   model->gpu->cuda->device_count == 1 ? "" : "s");
  *ordinal = (int)value;
  return LATHE_OK;
}

lathe_status lt_gpu_device_find(const lathe_model *model, const char *chosen, lt_gpu_device **result, lathe_error *error) {
  int ordinal = 0;
  lathe_status status = choose_ordinal(model, chosen, &ordinal, error);
  if (status != LATHE_OK)
    return status;
  struct lt_gpu_model *gpu = model->gpu;
  pthread_mutex_lock(&gpu->lock);
  lt_gpu_device *device = gpu->devices;
  while (device && device->ordinal != ordinal)
    device = device->next;
  if (!device) {
    status = open_device(model, ordinal, &device, error);
    if (status == LATHE_OK) {
      device->next = gpu->devices;
      gpu->devices = device;
    }
  }
  pthread_mutex_unlock(&gpu->lock);
  *result = device;
  return status;
}

/* ---- a model ---- */

lathe_status lt_gpu_model_open(lathe_model *model, lathe_error *error) {
  const lt_manifest *m = &model->manifest;
  for (uint32_t i = 0; i < m->gpu->images.count; ++i)
    if (m->images[i].kind == LATHE_IMAGE_PTX && model->images[m->images[i].offset + m->images[i].bytes - 1] != 0)
      return lt_fail(error, LATHE_REFUSED, "%s: is damaged: the text of image %u does not end", model->path, i);
  const lt_cuda *cuda;
  lathe_status status = lt_cuda_open(model->path, &cuda, error);
  if (status != LATHE_OK)
    return status;
  model->gpu = calloc(1, sizeof *model->gpu);
  if (!model->gpu)
    return lt_fail(error, LATHE_INTERNAL, "%s: no memory to load it", model->path);
  model->gpu->cuda = cuda;
  model->gpu->users = 1;
  pthread_mutex_init(&model->gpu->lock, NULL);
  return LATHE_OK;
}

void lt_gpu_model_keep(struct lt_gpu_model *gpu) {
  pthread_mutex_lock(&gpu->lock);
  ++gpu->users;
  pthread_mutex_unlock(&gpu->lock);
}

void lt_gpu_model_release(struct lt_gpu_model *gpu) {
  pthread_mutex_lock(&gpu->lock);
  bool last = --gpu->users == 0;
  pthread_mutex_unlock(&gpu->lock);
  if (!last)
    return;
  while (gpu->devices) {
    lt_gpu_device *next = gpu->devices->next;
    close_device(gpu->devices);
    gpu->devices = next;
  }
  pthread_mutex_destroy(&gpu->lock);
  free(gpu);
}

void lt_gpu_model_close(lathe_model *model) {
  if (model->gpu)
    lt_gpu_model_release(model->gpu);
  model->gpu = NULL;
}
