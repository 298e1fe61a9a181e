// The driver's API: memory and copies.
#include "test/emulator/Driver.h"
#include "test/emulator/Memory.h"
#include "test/emulator/Settings.h"

#include <cstring>

using namespace lathe::emulator;

static CUresult allocate(u64 *address, size_t bytes, Owner owner) {
  if (!address || !bytes)
    return CUDA_ERROR_INVALID_VALUE;
  if (CUresult error = refuseWhileCapturing())
    return error;
  *address = memory().allocate(bytes, owner, static_cast<Context *>(currentContext())->device);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

static CUresult release(u64 address, Owner owner) {
  if (!address)
    return CUDA_SUCCESS;
  if (CUresult error = refuseWhileCapturing())
    return error;
  if (CUresult error = drainAll()) // freeing waits for the device
    return error;
  if (memory().free(address, owner))
    return CUDA_SUCCESS;
  say("freed memory that was not allocated so, or freed before");
  return CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  BEGIN("cuMemAlloc_v2", context);
  return allocate(address, bytes, Owner::device);
}
EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  BEGIN("cuMemFree_v2", context);
  return release(address, Owner::device);
}
EXPORT CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  BEGIN("cuMemGetInfo_v2", context);
  if (!free || !total)
    return CUDA_ERROR_INVALID_VALUE;
  *total = settings().memory;
  *free = settings().memory - memory().used(static_cast<Context *>(currentContext())->device);
  return CUDA_SUCCESS;
}
EXPORT CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  BEGIN("cuMemHostAlloc", context);
  return allocate(reinterpret_cast<u64 *>(address), bytes, Owner::pinned);
}
EXPORT CUresult cuMemFreeHost(void *address) {
  BEGIN("cuMemFreeHost", context);
  return release(u64(address), Owner::pinned);
}

static bool onDevice(u64 address, size_t bytes, const char *name) {
  const Allocation *allocation = memory().find(address);
  if (allocation && allocation->owner == Owner::device && memory().holds(address, bytes))
    return true;
  say(std::string(name) + ": " + std::to_string(bytes) + " bytes that are not in one allocation of device memory");
  return false;
}

// A host pointer: pinned memory that is long enough, or anything that is none of ours.
static bool onHost(const void *pointer, size_t bytes, bool &pinned, const char *name) {
  const Allocation *allocation = memory().find(u64(pointer));
  pinned = allocation && allocation->owner == Owner::pinned;
  if (pointer && (!allocation || (pinned && memory().holds(u64(pointer), bytes))))
    return true;
  say(std::string(name) + ": " + std::to_string(bytes) + " bytes that are not in memory of the host");
  return false;
}

static CUresult copy(const char *name, void *stream, u64 target, u64 source, size_t bytes, bool toDevice, bool fromDevice, bool wait) {
  if (!bytes)
    return CUDA_SUCCESS;
  bool pinned = true;
  if ((toDevice && !onDevice(target, bytes, name)) || (fromDevice && !onDevice(source, bytes, name)))
    return CUDA_ERROR_INVALID_VALUE;
  if ((!toDevice && !onHost(reinterpret_cast<void *>(target), bytes, pinned, name)) ||
      (!fromDevice && !onHost(reinterpret_cast<void *>(source), bytes, pinned, name)))
    return CUDA_ERROR_INVALID_VALUE;
  Stream *queue;
  if (!streamOf(stream, queue))
    return CUDA_ERROR_INVALID_HANDLE;
  if (wait)
    if (CUresult error = refuseWhileCapturing())
      return error;
  if (queue->capture && !pinned) {
    say(std::string(name) + ": pageable memory of the host in a stream that is being captured");
    queue->capture->invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  Operation operation;
  operation.kind = Operation::Kind::copy;
  operation.target = target, operation.source = source, operation.bytes = bytes;
  if (!pinned && !fromDevice) {
    operation.staged.resize(bytes);
    std::memcpy(operation.staged.data(), reinterpret_cast<const void *>(source), bytes);
  }
  CUresult error = enqueue(*queue, std::move(operation));
  // To pageable memory the driver copies before it returns.
  return error || !(wait || (!pinned && !toDevice)) ? error : wait ? drainBlocking() : drain(*queue);
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void *source, size_t bytes, void *stream) {
  BEGIN("cuMemcpyHtoDAsync_v2", context);
  return copy("cuMemcpyHtoDAsync_v2", stream, target, u64(source), bytes, true, false, false);
}
EXPORT CUresult cuMemcpyDtoHAsync_v2(void *target, CUdeviceptr source, size_t bytes, void *stream) {
  BEGIN("cuMemcpyDtoHAsync_v2", context);
  return copy("cuMemcpyDtoHAsync_v2", stream, u64(target), source, bytes, false, true, false);
}
EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes, void *stream) {
  BEGIN("cuMemcpyDtoDAsync_v2", context);
  return copy("cuMemcpyDtoDAsync_v2", stream, target, source, bytes, true, true, false);
}
EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr target, const void *source, size_t bytes) {
  BEGIN("cuMemcpyHtoD_v2", context);
  return copy("cuMemcpyHtoD_v2", nullptr, target, u64(source), bytes, true, false, true);
}
EXPORT CUresult cuMemcpyDtoH_v2(void *target, CUdeviceptr source, size_t bytes) {
  BEGIN("cuMemcpyDtoH_v2", context);
  return copy("cuMemcpyDtoH_v2", nullptr, u64(target), source, bytes, false, true, true);
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t bytes, void *stream) {
  BEGIN("cuMemsetD8Async", context);
  if (!bytes)
    return CUDA_SUCCESS;
  if (!onDevice(target, bytes, "cuMemsetD8Async"))
    return CUDA_ERROR_INVALID_VALUE;
  Stream *queue;
  if (!streamOf(stream, queue))
    return CUDA_ERROR_INVALID_HANDLE;
  Operation operation;
  operation.kind = Operation::Kind::set;
  operation.target = target, operation.bytes = bytes, operation.value = value;
  return enqueue(*queue, std::move(operation));
}

EXPORT CUresult cuPointerGetAttribute(void *data, int attribute, CUdeviceptr pointer) {
  BEGIN("cuPointerGetAttribute", initialised);
  u64 begin;
  const Allocation *allocation = memory().find(pointer, &begin);
  if (!data || !allocation || allocation->owner == Owner::emulator)
    return CUDA_ERROR_INVALID_VALUE;
  bool device = allocation->owner == Owner::device;
  switch (attribute) {
  case 1:
    *static_cast<void **>(data) = &driver().contexts[size_t(allocation->device)];
    break; // CONTEXT
  case 2:
    *static_cast<unsigned *>(data) = device ? 2 : 1;
    break; // MEMORY_TYPE: host 1, device 2
  case 3:
    *static_cast<u64 *>(data) = pointer;
    break; // DEVICE_POINTER
  case 4:  // HOST_POINTER
    if (device)
      return CUDA_ERROR_INVALID_VALUE;
    *static_cast<u64 *>(data) = pointer;
    break;
  case 7:
    *static_cast<u64 *>(data) = begin;
    break; // BUFFER_ID
  case 8:
    *static_cast<unsigned *>(data) = 0;
    break; // IS_MANAGED
  case 9:
    *static_cast<int *>(data) = allocation->device;
    break; // DEVICE_ORDINAL
  case 11:
    *static_cast<u64 *>(data) = begin;
    break; // RANGE_START_ADDR
  case 12:
    *static_cast<size_t *>(data) = allocation->bytes;
    break; // RANGE_SIZE
  default:
    say("cuPointerGetAttribute: attribute " + std::to_string(attribute) + " is not modelled");
    return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}
